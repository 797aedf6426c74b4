/* SPDX-License-Identifier: Apache-2.0 */

/*
 * From a growing file that was rotated to the one that came after it. While no byte of the next one was read, another
 * may take its place.
 *
 * Not all that is beside it came after it. Logs of their own and copies that somebody made were there before it was
 * rotated, if anybody looked (sensor/neighbours.h); a copy that was made since then is known by what it holds.
 */

#include <errno.h>
#include <unistd.h>

#include "sensor/tail-cut.h"
#include "sensor/tail-file-core.h"

static SourcePosition position_of(const TailFile *t)
{
        return (SourcePosition){
                .file = t->inode,
                .offset = t->offset,
                .mtime = t->mtime,
                .check = tail_check(t->start, t->before, t->offset),
        };
}

/* Somebody's copy of the file that was left: so much of it was read. 0: it is none, or it may as well be another one
 * whose lines are the same; then it is read as a whole, for twice is better than not at all. */
static uint64_t read_before(const Rotated *file, const SourcePosition *left)
{
        char start[TAIL_MARK], before[TAIL_MARK];
        struct stat st;
        int fd = left->offset > 0 ? tail_open_known(file->path, left, &st, start, before) : -1;
        bool known = fd >= 0 && tail_cut_is_unmistakable(fd, left->offset);

        safe_close(fd);
        return known ? left->offset : 0;
}

/* The oldest that came after the one that was left, has something that was not read, and is not the one that has the
 * name; NULL: there is none. */
static const Rotated *next_rotated(const TailFile *t, const SourcePosition *left, const Rotated *siblings, size_t n,
                                   uint64_t *ret_offset)
{
        struct stat path;
        bool has_path = stat(t->path, &path) == 0;

        for (size_t i = rotated_after(siblings, n, left->file, left->mtime); i < n; i++) {
                const Rotated *s = &siblings[i];

                if (s->size == 0 || (has_path && s->inode == path.st_ino) || neighbours_have(&t->neighbours, s))
                        continue;
                *ret_offset = read_before(s, left);
                if (s->size > *ret_offset)
                        return s;
        }
        return NULL;
}

bool tail_turn_to_later(TailFile *t, const SourcePosition *left, const Rotated *siblings, size_t n)
{
        uint64_t offset = 0;
        const Rotated *next = next_rotated(t, left, siblings, n, &offset);
        struct stat st;
        int fd = next ? tail_open_file(next->path, &st) : -1;

        if (fd < 0 || st.st_ino != next->inode || !tail_read_marks(fd, offset, t->start, t->before)) {
                safe_close(fd);
                return false;
        }
        tail_take_file(t, fd, &st, false);
        t->offset = offset;
        return true;
}

bool tail_turn_look_beside(const TailFile *t, Neighbours *ret)
{
        struct stat st;

        /* It has its name after they were listed: so none of them had it since. */
        return t->is_path && neighbours_list(&t->neighbours, t->path, ret) > 0 && stat(t->path, &st) == 0 &&
               st.st_ino == t->inode;
}

void tail_turn_leave(TailFile *t)
{
        t->turning = true;
        t->left = position_of(t);
        t->offset = 0;
}

int tail_turn_next(TailFile *t)
{
        for (int i = 0; i < TAIL_TRIES_MAX; i++) {
                struct stat before, st;
                Rotated *siblings;
                uint64_t offset;
                size_t n;
                bool later, missed;
                int fd, r = stat(t->path, &before) < 0 ? -errno : 0;

                if (r == 0)
                        r = rotated_list(t->path, &siblings, &n);
                if (r < 0)
                        return r;
                later = tail_turn_to_later(t, &t->left, siblings, n);
                missed = !later && next_rotated(t, &t->left, siblings, n, &offset);
                rotated_free(siblings, n);
                if (later)
                        return 0;
                if (missed)
                        continue;
                fd = tail_open_file(t->path, &st);
                if (fd >= 0 && st.st_ino == before.st_ino) {
                        tail_take_file(t, fd, &st, true);
                        t->offset = 0;
                        return 0;
                }
                safe_close(fd);
        }
        return -EAGAIN;
}

int tail_turn_cut(TailFile *t, bool *ret_copy)
{
        SourcePosition at = position_of(t);
        Rotated *siblings;
        size_t n;
        int r = rotated_list(t->path, &siblings, &n);

        if (r < 0)
                return r;
        *ret_copy = tail_resume_in_copy(t, &at, siblings, n);
        rotated_free(siblings, n);
        if (!*ret_copy)
                tail_turn_leave(t);
        return 0;
}

bool tail_turn_is_still_next(const TailFile *t)
{
        Rotated *siblings;
        struct stat st;
        const Rotated *first;
        uint64_t offset;
        size_t n;
        bool next;

        if (rotated_list(t->path, &siblings, &n) < 0)
                return true;
        first = next_rotated(t, &t->left, siblings, n, &offset);
        next = first ? first->inode == t->inode : stat(t->path, &st) == 0 && st.st_ino == t->inode;
        rotated_free(siblings, n);
        return next;
}

/* Something was written to a file that came after this one, and was itself rotated since. */
static bool has_later(const TailFile *t)
{
        SourcePosition at = position_of(t);
        Rotated *siblings;
        uint64_t offset;
        bool later;
        size_t n;

        if (rotated_list(t->path, &siblings, &n) < 0)
                return false;
        later = next_rotated(t, &at, siblings, n, &offset);
        rotated_free(siblings, n);
        return later;
}

bool tail_turn_is_due(const TailFile *t)
{
        struct stat st;

        return stat(t->path, &st) == 0 && st.st_ino != t->inode && (st.st_size > 0 || has_later(t));
}
