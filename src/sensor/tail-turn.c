/* SPDX-License-Identifier: Apache-2.0 */

/*
 * From a growing file that was rotated to the one that came after it. While no byte of the next one was read, another
 * may take its place.
 *
 * Not all that is beside it came after it. Logs of their own and copies that somebody made were there before it was
 * rotated, if anybody looked (sensor/neighbours.h); a copy that was made since then is known by what it holds: what was
 * read, or what another one holds too that is still to be read. That one may be PATH itself: nobody looked beside it
 * while it was behind others.
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

/* The end of a file, where it can be known again. */
static bool know_end(const Rotated *file, SourcePosition *ret)
{
        char start[TAIL_MARK], before[TAIL_MARK];
        struct stat st;
        int fd = tail_open_file(file->path, &st);
        bool known = fd >= 0 && tail_read_marks(fd, file->size, start, before) &&
                     tail_cut_is_unmistakable(fd, file->size);

        if (known)
                *ret = (SourcePosition){.offset = file->size, .check = tail_check(start, before, file->size)};
        safe_close(fd);
        return known;
}

static bool holds(const Rotated *file, const SourcePosition *end)
{
        char start[TAIL_MARK], before[TAIL_MARK];
        struct stat st;
        int fd = file->size >= end->offset ? tail_open_known(file->path, end, &st, start, before) : -1;

        safe_close(fd);
        return fd >= 0;
}

/* What was written before PATH was made is no copy of PATH, however alike. */
static bool is_in_path(const Rotated *file, const Rotated *path, const SourcePosition *end)
{
        return file->mtime >= path->birth && holds(path, end);
}

/* What somebody copied grew on after that, or is as long and was written to last. */
static bool is_later(const Rotated *file, const Rotated *than)
{
        return file->mtime > than->mtime ? file->size >= than->size
                                         : file->mtime == than->mtime && file->size > than->size;
}

static bool is_in_later(const TailFile *t, const Rotated *file, const Rotated *siblings, size_t n,
                        const SourcePosition *end)
{
        for (const Rotated *s = siblings; s < siblings + n; s++)
                if (s->inode != file->inode && is_later(s, file) && !neighbours_have(&t->neighbours, s) &&
                    holds(s, end))
                        return true;
        return false;
}

/* All of it is in another one, which is read, or was: so it is somebody's copy. Where its lines do not tell, it is
 * read, for twice is better than not at all. path: NULL where there is none. */
static bool is_held_elsewhere(const TailFile *t, const Rotated *file, const Rotated *path, const Rotated *siblings,
                              size_t n)
{
        SourcePosition end;

        return know_end(file, &end) &&
               ((path && is_in_path(file, path, &end)) || is_in_later(t, file, siblings, n, &end));
}

/* The oldest that came after the one that was left, has something that was not read, and is not the one that has the
 * name, nor a copy; NULL: there is none. */
static const Rotated *next_rotated(const TailFile *t, const SourcePosition *left, const Rotated *siblings, size_t n,
                                   uint64_t *ret_offset)
{
        Rotated path;
        bool has_path = rotated_look(t->path, &path) == 0;

        for (size_t i = rotated_after(siblings, n, left->file, left->mtime); i < n; i++) {
                const Rotated *s = &siblings[i];

                if (s->size == 0 || (has_path && s->inode == path.inode) || neighbours_have(&t->neighbours, s))
                        continue;
                *ret_offset = read_before(s, left);
                if (s->size > *ret_offset && !is_held_elsewhere(t, s, has_path ? &path : NULL, siblings, n))
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
