/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/rotated.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Of a date. Within a name there are serial numbers too, and the tenth of several machines: there it has to tell the
 * day. */
#define MONTH_DIGITS 6
#define DAY_DIGITS   8

uint64_t rotated_mtime(const struct stat *st)
{
        return (uint64_t)st->st_mtim.tv_sec * 1000000000u + (uint64_t)st->st_mtim.tv_nsec;
}

/* Digits of a stamp as rotation makes them, behind its separator; 0: it is none, or of something that was packed. */
static size_t stamp_digits(const char *p, size_t n)
{
        size_t digits = 0;

        if (n < 2 || !strchr(".-_", p[0]))
                return 0;
        for (size_t i = 0; i < n; i++) {
                digits += p[i] >= '0' && p[i] <= '9';
                if (!strchr("0123456789.-_:TZ+", p[i]))
                        return 0;
        }
        return digits;
}

bool rotated_is_name(const char *name, const char *of)
{
        size_t n = strlen(name), n_of = strlen(of), stem, extension, digits;
        const char *dot = strrchr(of, '.');

        if (n > n_of && strncmp(name, of, n_of) == 0) {
                digits = stamp_digits(name + n_of, n - n_of);
                if (digits >= (name[n_of] == '.' ? 1 : MONTH_DIGITS))
                        return true;
        }
        if (!dot || dot == of)
                return false;
        stem = (size_t)(dot - of);
        extension = n_of - stem;
        return n > n_of && strncmp(name, of, stem) == 0 && strcmp(name + n - extension, dot) == 0 &&
               stamp_digits(name + stem, n - n_of) >= DAY_DIGITS;
}

void rotated_free(Rotated *rotated, size_t n)
{
        for (size_t i = 0; i < n; i++)
                free(rotated[i].path);
        free(rotated);
}

static uint64_t nanoseconds(const struct statx_timestamp *t)
{
        return (uint64_t)t->tv_sec * 1000000000u + t->tv_nsec;
}

int rotated_look(char *path, Rotated *ret)
{
        struct statx st;

        if (statx(AT_FDCWD, path, 0, STATX_BASIC_STATS | STATX_BTIME, &st) < 0)
                return -errno;
        if (!S_ISREG(st.stx_mode))
                return -ESPIPE;
        *ret = (Rotated){
                .path = path,
                .inode = st.stx_ino,
                .size = st.stx_size,
                .mtime = nanoseconds(&st.stx_mtime),
                .birth = st.stx_mask & STATX_BTIME ? nanoseconds(&st.stx_btime) : 0,
        };
        return 0;
}

static int add(const char *folder, const char *name, Rotated **rotated, size_t *n)
{
        Rotated *more, file;
        char *path;

        if (asprintf(&path, "%s/%s", folder, name) < 0)
                return -ENOMEM;
        if (rotated_look(path, &file) < 0) {
                free(path);
                return 0;
        }
        more = realloc(*rotated, (*n + 1) * sizeof(*more));
        if (!more) {
                free(path);
                return -ENOMEM;
        }
        *rotated = more;
        more[(*n)++] = file;
        return 0;
}

/* N of "x.log.N"; 0: it has a date, or another stamp. */
static unsigned number_of(const char *path)
{
        const char *dot = strrchr(path, '.');
        size_t n = dot ? strspn(dot + 1, "0123456789") : 0;

        return n > 0 && n <= 3 && dot[n + 1] == 0 ? (unsigned)atoi(dot + 1) : 0;
}

/* Times of files move in steps of milliseconds. Of two within one, the greater number is the older one, or the earlier
 * date. */
static int by_age(const void *a, const void *b)
{
        const Rotated *x = a, *y = b;
        unsigned n = number_of(x->path), m = number_of(y->path);

        if (x->mtime != y->mtime)
                return x->mtime < y->mtime ? -1 : 1;
        return n > 0 && m > 0 ? (n > m ? -1 : n < m) : strcmp(x->path, y->path);
}

int rotated_list(const char *path, Rotated **ret, size_t *ret_n)
{
        const char *slash = strrchr(path, '/'), *of = slash ? slash + 1 : path;
        _cleanup_free_ char *folder = slash ? strndup(path, MAX((size_t)(slash - path), (size_t)1)) : strdup(".");
        DIR *dir = folder ? opendir(folder) : NULL;
        Rotated *rotated = NULL;
        size_t n = 0;
        int r = 0;

        *ret = NULL;
        *ret_n = 0;
        if (!dir)
                return folder ? -errno : -ENOMEM;
        for (struct dirent *e; r == 0 && (e = readdir(dir));)
                if (rotated_is_name(e->d_name, of))
                        r = add(folder, e->d_name, &rotated, &n);
        closedir(dir);
        if (r < 0) {
                rotated_free(rotated, n);
                return r;
        }
        if (n > 0)
                qsort(rotated, n, sizeof(*rotated), by_age);
        *ret = rotated;
        *ret_n = n;
        return 0;
}

size_t rotated_after(const Rotated *rotated, size_t n, uint64_t file, uint64_t mtime)
{
        size_t later = n;

        for (size_t i = n; i > 0; i--) {
                if (rotated[i - 1].inode == file)
                        return i;
                if (rotated[i - 1].mtime > mtime)
                        later = i - 1;
        }
        return later;
}
