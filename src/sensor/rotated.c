/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/rotated.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

uint64_t rotated_mtime(const struct stat *st)
{
        return (uint64_t)st->st_mtim.tv_sec * 1000000000u + (uint64_t)st->st_mtim.tv_nsec;
}

/* A date or a number, as rotation makes them; nothing that was packed. */
static bool is_stamp(const char *p, size_t n)
{
        bool digit = false;

        if (n < 2 || !strchr(".-_", p[0]))
                return false;
        for (size_t i = 0; i < n; i++) {
                digit = digit || (p[i] >= '0' && p[i] <= '9');
                if (!strchr("0123456789.-_:TZ+", p[i]))
                        return false;
        }
        return digit;
}

/* "x.log" becomes "x.log.1", "x.log-20261121" or "x-20261121.log". */
bool rotated_is_name(const char *name, const char *of)
{
        size_t n = strlen(name), n_of = strlen(of), stem, extension;
        const char *dot = strrchr(of, '.');

        if (n > n_of && strncmp(name, of, n_of) == 0 && is_stamp(name + n_of, n - n_of))
                return true;
        if (!dot || dot == of)
                return false;
        stem = (size_t)(dot - of);
        extension = n_of - stem;
        return n > n_of && strncmp(name, of, stem) == 0 && strcmp(name + n - extension, dot) == 0 &&
               is_stamp(name + stem, n - n_of);
}

void rotated_free(Rotated *rotated, size_t n)
{
        for (size_t i = 0; i < n; i++)
                free(rotated[i].path);
        free(rotated);
}

static int add(const char *folder, const char *name, Rotated **rotated, size_t *n)
{
        Rotated *more;
        struct stat st;
        char *path;

        if (asprintf(&path, "%s/%s", folder, name) < 0)
                return -ENOMEM;
        if (stat(path, &st) < 0 || !S_ISREG(st.st_mode)) {
                free(path);
                return 0;
        }
        more = realloc(*rotated, (*n + 1) * sizeof(*more));
        if (!more) {
                free(path);
                return -ENOMEM;
        }
        *rotated = more;
        more[(*n)++] = (Rotated){path, st.st_ino, (uint64_t)st.st_size, rotated_mtime(&st)};
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
