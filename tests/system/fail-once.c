/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fail once - a disk that does not give one file at the first asking (LD_PRELOAD)
 *
 * The first opening of FAIL_ONCE, a path, ends with EIO; all others go on as ever.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* With large files, as everything here is built, this is open64(). */
int open(const char *path, int flags, ...)
{
        static int (*real)(const char *, int, ...);
        static atomic_flag failed = ATOMIC_FLAG_INIT;
        const char *sick = getenv("FAIL_ONCE");
        va_list args;
        mode_t mode;

        va_start(args, flags);
        mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(args, mode_t) : 0;
        va_end(args);
        if (sick && strcmp(path, sick) == 0 && !atomic_flag_test_and_set(&failed)) {
                errno = EIO;
                return -1;
        }
        if (!real)
                real = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open64");
        return real(path, flags, mode);
}
