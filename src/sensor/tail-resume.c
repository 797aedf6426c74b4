/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Where a growing file is begun, or gone on: as it was left under its name or a rotated one, or in the copy that was
 * made of it before it was cut. A file is known by its number and by what it holds before the place that was reached.
 */

#include <errno.h>
#include <string.h>

#include "sensor/tail-cut.h"
#include "sensor/tail-file-core.h"

/* Behind its last whole line, or behind all of it where that is too far. */
static int skip_to_end(TailFile *t)
{
        char chunk[4096];
        struct stat st;
        uint64_t end, at;

        if (fstat(t->fd, &st) < 0)
                return -errno;
        end = at = (uint64_t)st.st_size;
        while (at > 0 && end - at < TAIL_CHUNK) {
                size_t n = (size_t)MIN(at, (uint64_t)sizeof(chunk));
                const char *newline;

                if (!tail_read_exactly(t->fd, chunk, n, at - n))
                        return -EIO;
                newline = memrchr(chunk, '\n', n);
                if (newline) {
                        t->offset = at - n + (size_t)(newline - chunk) + 1;
                        return tail_read_marks(t->fd, t->offset, t->start, t->before) ? 0 : -EIO;
                }
                at -= n;
        }
        t->offset = at == 0 ? 0 : end;
        return tail_read_marks(t->fd, t->offset, t->start, t->before) ? 0 : -EIO;
}

int tail_open_known(const char *path, const SourcePosition *at, struct stat *st, char *start, char *before)
{
        int fd = tail_open_file(path, st);

        if (fd < 0)
                return -1;
        if ((uint64_t)st->st_size >= at->offset && tail_read_marks(fd, at->offset, start, before) &&
            tail_check(start, before, at->offset) == at->check)
                return fd;
        safe_close(fd);
        return -1;
}

static bool take_if_known(TailFile *t, const char *path, const SourcePosition *at, bool is_path, bool same_file)
{
        char start[TAIL_MARK], before[TAIL_MARK];
        struct stat st;
        int fd = tail_open_known(path, at, &st, start, before);

        if (fd < 0)
                return false;
        if (same_file ? st.st_ino != at->file : st.st_ino == at->file || rotated_mtime(&st) < at->mtime) {
                safe_close(fd);
                return false;
        }
        tail_take_file(t, fd, &st, is_path);
        t->offset = at->offset;
        memcpy(t->start, start, sizeof(start));
        memcpy(t->before, before, sizeof(before));
        return true;
}

/* It was there before, and so little that both begin with is a head line perhaps. */
static bool is_another_log(const TailFile *t, const Rotated *file, const SourcePosition *at)
{
        return at->offset < TAIL_MARK && neighbours_have(&t->neighbours, file);
}

bool tail_resume_in_copy(TailFile *t, const SourcePosition *at, const Rotated *siblings, size_t n)
{
        bool found = false;

        for (size_t i = 0; i < n && !found && at->offset > 0; i++)
                found = !is_another_log(t, &siblings[i], at) && take_if_known(t, siblings[i].path, at, false, false);
        return found;
}

/* The file that was taken seems to be as it was left. Was it copied since, and cut? Then the copy is taken. */
static void look_for_cut(TailFile *t, TailLook *look, const SourcePosition *at, const Rotated *siblings, size_t n)
{
        char start[TAIL_MARK], before[TAIL_MARK];
        TailCut cut = TAIL_CUT_NOT;
        struct stat st;

        for (size_t i = 0; i < n && cut == TAIL_CUT_NOT && at->offset > 0; i++) {
                int fd = siblings[i].mtime > at->mtime && siblings[i].inode != at->file
                                 ? tail_open_known(siblings[i].path, at, &st, start, before)
                                 : -1;

                if (fd < 0)
                        continue;
                cut = tail_cut_judge(t->fd, fd, at->offset);
                if (cut == TAIL_CUT_NOT)
                        safe_close(fd);
                else
                        tail_take_file(t, fd, &st, false);
        }
        look->perhaps_cut = cut == TAIL_CUT_PERHAPS;
}

static int resume(TailFile *t, TailLook *look)
{
        const SourcePosition at = t->resume;
        Rotated *siblings;
        size_t n;
        int r = rotated_list(t->path, &siblings, &n);
        bool found;

        if (r < 0)
                return r;
        found = take_if_known(t, t->path, &at, true, true);
        if (found)
                look_for_cut(t, look, &at, siblings, n);
        for (size_t i = 0; i < n && !found; i++)
                found = take_if_known(t, siblings[i].path, &at, false, true);
        found = found || tail_resume_in_copy(t, &at, siblings, n);
        if (!found) {
                look->gap = at.offset > 0;
                r = tail_turn_to_later(t, &at, siblings, n) ? 0 : tail_open_path(t);
        }
        rotated_free(siblings, n);
        return r;
}

int tail_resume_begin(TailFile *t, TailLook *look)
{
        int r;

        if (t->resume.serial > 0)
                r = resume(t, look);
        else if ((r = tail_open_path(t)) == 0 && t->from_end)
                r = skip_to_end(t);
        else if (r == -ENOENT)
                t->from_end = false; /* what is made from now on is new */
        if (r < 0) {
                t->fd = safe_close(t->fd);
                return r;
        }
        t->resume.serial = 0;
        return 0;
}
