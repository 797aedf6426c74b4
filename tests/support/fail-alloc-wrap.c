/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What the linker puts in the place of the allocators (-Wl,--wrap=...). Those that the C library calls by itself,
 * as in strdup() and asprintf(), do not come along here: so these are wrapped, too.
 */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "fail-alloc.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__real_reallocarray(void *p, size_t n, size_t size);
char *__real_strdup(const char *s);
char *__real_strndup(const char *s, size_t n);

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);
void *__wrap_reallocarray(void *p, size_t n, size_t size);
char *__wrap_strdup(const char *s);
char *__wrap_strndup(const char *s, size_t n);
int __wrap_asprintf(char **ret, const char *fmt, ...);
int __wrap_vasprintf(char **ret, const char *fmt, va_list ap);
int __wrap___asprintf_chk(char **ret, int flag, const char *fmt, ...);

static bool strikes(void)
{
        if (!fail_alloc_strikes())
                return false;
        errno = ENOMEM;
        return true;
}

void *__wrap_malloc(size_t size)
{
        return strikes() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
        return strikes() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t size)
{
        return strikes() ? NULL : __real_realloc(p, size);
}

void *__wrap_reallocarray(void *p, size_t n, size_t size)
{
        return strikes() ? NULL : __real_reallocarray(p, n, size);
}

char *__wrap_strdup(const char *s)
{
        return strikes() ? NULL : __real_strdup(s);
}

char *__wrap_strndup(const char *s, size_t n)
{
        return strikes() ? NULL : __real_strndup(s, n);
}

/* The text is undefined then. */
int __wrap_vasprintf(char **ret, const char *fmt, va_list ap)
{
        char *text = NULL;
        size_t size = 0;
        FILE *f;

        if (strikes())
                return -1;
        f = open_memstream(&text, &size);
        if (!f)
                return -1;
        (void)vfprintf(f, fmt, ap);
        if (fclose(f) != 0)
                return -1;
        *ret = text;
        return (int)size;
}

int __wrap_asprintf(char **ret, const char *fmt, ...)
{
        va_list ap;
        int r;

        va_start(ap, fmt);
        r = __wrap_vasprintf(ret, fmt, ap);
        va_end(ap);
        return r;
}

int __wrap___asprintf_chk(char **ret, int flag, const char *fmt, ...)
{
        va_list ap;
        int r;

        va_start(ap, fmt);
        r = __wrap_vasprintf(ret, fmt, ap);
        va_end(ap);
        return r;
}
