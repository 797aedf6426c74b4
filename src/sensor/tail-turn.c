/* SPDX-License-Identifier: Apache-2.0 */

/*
 * From a growing file that was rotated to the one that came after it. While no byte of the next one was read, another
 * may take its place.
 */

#include <errno.h>
#include <unistd.h>

#include "sensor/tail-file-core.h"

/* The oldest that came after this file, was written to, and is not the one that has the name; NULL: there is none. */
static const Rotated *next_rotated(const TailFile *t, uint64_t file, uint64_t mtime, const Rotated *siblings, size_t n)
{
        struct stat path;
        bool has_path = stat(t->path, &path) == 0;

        for (size_t i = rotated_after(siblings, n, file, mtime); i < n; i++)
                if (siblings[i].size > 0 && !(has_path && siblings[i].inode == path.st_ino))
                        return &siblings[i];
        return NULL;
}

bool tail_turn_to_later(TailFile *t, uint64_t file, uint64_t mtime, const Rotated *siblings, size_t n)
{
        const Rotated *next = next_rotated(t, file, mtime, siblings, n);
        struct stat st;
        int fd = next ? tail_open_file(next->path, &st) : -1;

        if (fd < 0 || st.st_ino != next->inode) {
                safe_close(fd);
                return false;
        }
        tail_take_file(t, fd, &st, false);
        t->offset = 0;
        return true;
}

void tail_turn_leave(TailFile *t)
{
        t->turning = true;
        t->last_inode = t->inode;
        t->last_mtime = t->mtime;
        t->offset = 0;
}

int tail_turn_next(TailFile *t)
{
        for (int i = 0; i < TAIL_TRIES_MAX; i++) {
                struct stat before, st;
                Rotated *siblings;
                size_t n;
                bool later, missed;
                int fd, r = stat(t->path, &before) < 0 ? -errno : 0;

                if (r == 0)
                        r = rotated_list(t->path, &siblings, &n);
                if (r < 0)
                        return r;
                later = tail_turn_to_later(t, t->last_inode, t->last_mtime, siblings, n);
                missed = !later && next_rotated(t, t->last_inode, t->last_mtime, siblings, n);
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
        SourcePosition at = {
                .file = t->inode,
                .offset = t->offset,
                .mtime = t->mtime,
                .check = tail_check(t->start, t->before, t->offset),
        };
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
        size_t n;
        bool next;

        if (rotated_list(t->path, &siblings, &n) < 0)
                return true;
        first = next_rotated(t, t->last_inode, t->last_mtime, siblings, n);
        next = first ? first->inode == t->inode : stat(t->path, &st) == 0 && st.st_ino == t->inode;
        rotated_free(siblings, n);
        return next;
}

/* Something was written to a file that came after this one, and was itself rotated since. */
static bool has_later(const TailFile *t)
{
        Rotated *siblings;
        bool later;
        size_t n;

        if (rotated_list(t->path, &siblings, &n) < 0)
                return false;
        later = next_rotated(t, t->inode, t->mtime, siblings, n);
        rotated_free(siblings, n);
        return later;
}

bool tail_turn_is_due(const TailFile *t)
{
        struct stat st;

        return stat(t->path, &st) == 0 && st.st_ino != t->inode && (st.st_size > 0 || has_later(t));
}
