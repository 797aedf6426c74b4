/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Macros - the handful of idioms that every file uses
 *
 * Cleanup attributes mirror the destructors: DEFINE_CLEANUP(Queue *, queue_close) lets a local be written
 * as `_cleanup_(queue_closep) Queue *queue = NULL`. TAKE_PTR and TAKE_FD mark the instant ownership moves.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(f)       __attribute__((cleanup(f)))
#define _printf_(fmt, arg) __attribute__((format(printf, fmt, arg)))
#define _unused_           __attribute__((unused))

#define DEFINE_CLEANUP(type, func)                                                                                   \
        static inline void func##p(type *p)                                                                          \
        {                                                                                                            \
                if (*p)                                                                                              \
                        func(*p);                                                                                    \
        }                                                                                                            \
        struct func##_cleanup_semicolon

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

/* Names are made unique so that one may stand within another. */
#define COMPARE_(a, b, op, x, y)                                                                                     \
        ({                                                                                                           \
                __typeof__(a) x = (a);                                                                               \
                __typeof__(b) y = (b);                                                                               \
                x op y ? x : y;                                                                                      \
        })
#define PASTE_(a, b)        a##b
#define COMPARE(a, b, op, n) COMPARE_N(a, b, op, n)
#define COMPARE_N(a, b, op, n) COMPARE_(a, b, op, PASTE_(_x, n), PASTE_(_y, n))
#define MIN(a, b)           COMPARE(a, b, <, __COUNTER__)
#define MAX(a, b)           COMPARE(a, b, >, __COUNTER__)
#define CLAMP(x, low, high) MIN(MAX(x, low), high)

#define TAKE_PTR(p)                                                                                                  \
        ({                                                                                                           \
                __typeof__(p) _p = (p);                                                                              \
                (p) = NULL;                                                                                          \
                _p;                                                                                                  \
        })

#define TAKE_FD(fd)                                                                                                  \
        ({                                                                                                           \
                int _fd = (fd);                                                                                      \
                (fd) = -1;                                                                                           \
                _fd;                                                                                                 \
        })

static inline void freep(void *p)
{
        free(*(void **)p);
}

static inline int safe_close(int fd)
{
        if (fd >= 0)
                (void)close(fd);
        return -1;
}

static inline void closep(int *fd)
{
        safe_close(*fd);
}

#define _cleanup_free_  _cleanup_(freep)
#define _cleanup_close_ _cleanup_(closep)
