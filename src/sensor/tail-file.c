/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/tail-file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "sensor/tail-file-core.h"
#include "sensor/text-file.h"

static size_t mark_size(uint64_t offset)
{
        return (size_t)MIN(offset, (uint64_t)TAIL_MARK);
}

uint32_t tail_check(const char *start, const char *before, uint64_t offset)
{
        size_t n = mark_size(offset);

        return crc32c(crc32c(0, start, n), before, n);
}

static int fail(TailLook *look, const char *path, int error)
{
        Sample sample;

        (void)text_file_fail(path, error, &sample);
        (void)snprintf(look->error, sizeof(look->error), "%s", sample.error);
        return TAIL_FAILED;
}

/* ---- opening ---- */

int tail_open_file(const char *path, struct stat *st)
{
        int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK), r;

        if (fd < 0)
                return -errno;
        r = fstat(fd, st) < 0 ? -errno : S_ISDIR(st->st_mode) ? -EISDIR : S_ISREG(st->st_mode) ? 0 : -ESPIPE;
        if (r < 0) {
                safe_close(fd);
                return r;
        }
        return fd;
}

bool tail_read_exactly(int fd, char *data, size_t n, uint64_t offset)
{
        return pread(fd, data, n, (off_t)offset) == (ssize_t)n;
}

void tail_take_file(TailFile *t, int fd, const struct stat *st, bool is_path)
{
        safe_close(t->fd);
        t->fd = fd;
        t->is_path = is_path;
        t->inode = st->st_ino;
        t->mtime = rotated_mtime(st);
}

bool tail_read_marks(int fd, uint64_t offset, char *start, char *before)
{
        size_t n = mark_size(offset);

        return tail_read_exactly(fd, start, n, 0) && tail_read_exactly(fd, before, n, offset - n);
}

int tail_open_path(TailFile *t)
{
        struct stat st;
        int fd = tail_open_file(t->path, &st);

        if (fd < 0)
                return fd;
        tail_take_file(t, fd, &st, true);
        t->offset = 0;
        return 0;
}

/* ---- looking ---- */

static void advance(TailFile *t, const TailLook *look)
{
        size_t all = look->before + look->size, keep;

        if (t->offset < TAIL_MARK)
                memcpy(t->start + t->offset, look->data + look->before,
                       MIN(look->size, TAIL_MARK - (size_t)t->offset));
        t->offset += look->size;
        keep = mark_size(t->offset);
        memcpy(t->before, look->data + all - keep, keep);
}

/* Bytes behind those that are known. -ESTALE: those are others now. */
static ssize_t read_on(TailFile *t, TailLook *look)
{
        size_t known = mark_size(t->offset);
        struct stat st;
        ssize_t n;

        do
                n = pread(t->fd, look->data, known + TAIL_CHUNK, (off_t)(t->offset - known));
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return -errno;
        if ((size_t)n < known || memcmp(look->data, t->before, known) != 0)
                return -ESTALE;
        /* Afterwards: no byte that was read is younger than this. */
        if (fstat(t->fd, &st) == 0)
                t->mtime = rotated_mtime(&st);
        look->before = known;
        look->size = (size_t)n - known;
        return (ssize_t)look->size;
}

/* The first bytes of the next file. */
static int look_next(TailFile *t, TailLook *look)
{
        for (int i = 0; i < TAIL_TRIES_MAX; i++) {
                int r = tail_turn_next(t);
                ssize_t n = r < 0 ? r : read_on(t, look);

                if (n < 0)
                        return fail(look, t->path, (int)-n);
                if (n == 0)
                        return TAIL_END;
                if (tail_turn_is_still_next(t)) {
                        t->turning = false;
                        return TAIL_BYTES;
                }
        }
        look->size = 0;
        return TAIL_END;
}

static int look_once(TailFile *t, TailLook *look)
{
        Neighbours beside = {};
        bool looked = tail_turn_look_beside(t, &beside), copy;
        bool superseded = tail_turn_is_due(t); /* before it is read, so that its end is its end */
        ssize_t n = read_on(t, look);
        int r;

        if (looked && n >= 0) /* and it was not cut either: a copy made before a cut does come after it */
                neighbours_renew(&t->neighbours, &beside);
        neighbours_done(&beside);
        if (n == -ESTALE) {
                r = tail_turn_cut(t, &copy);
                if (r < 0)
                        return fail(look, t->path, -r);
                look->gap = !copy;
                return copy ? TAIL_BYTES : TAIL_TURNED;
        }
        if (n < 0)
                return fail(look, t->path, (int)-n);
        if (n > 0)
                return TAIL_BYTES;
        if (!superseded)
                return t->is_path && access(t->path, F_OK) < 0 ? fail(look, t->path, errno) : TAIL_END;
        tail_turn_leave(t);
        return TAIL_TURNED;
}

int tail_file_look(TailFile *t, TailLook *look)
{
        int r = 0;

        look->before = look->size = 0;
        look->gap = look->perhaps_cut = false;
        if (t->fd < 0 && (r = tail_resume_begin(t, look)) < 0)
                return fail(look, t->path, -r);
        for (int i = 0; i < TAIL_TRIES_MAX; i++) {
                r = t->turning ? look_next(t, look) : look_once(t, look);
                if (r != TAIL_BYTES || look->size > 0)
                        break;
        }
        if (r == TAIL_BYTES && look->size == 0)
                r = TAIL_END;
        if (r == TAIL_BYTES)
                advance(t, look);
        look->file = t->inode;
        look->offset = t->offset;
        look->mtime = t->mtime;
        look->n_start = mark_size(t->offset);
        memcpy(look->start, t->start, look->n_start);
        return r;
}

/* ---- life ---- */

int tail_file_new(TailFile **ret, const char *path, const SourcePosition *at, bool from_end)
{
        _cleanup_(tail_file_freep) TailFile *t = calloc(1, sizeof(*t));

        if (!t)
                return -ENOMEM;
        t->fd = -1;
        t->path = strdup(path);
        if (!t->path)
                return -ENOMEM;
        if (at)
                t->resume = *at;
        t->from_end = from_end;
        *ret = TAKE_PTR(t);
        return 0;
}

TailFile *tail_file_free(TailFile *t)
{
        if (!t)
                return NULL;
        safe_close(t->fd);
        neighbours_done(&t->neighbours);
        free(t->path);
        free(t);
        return NULL;
}
