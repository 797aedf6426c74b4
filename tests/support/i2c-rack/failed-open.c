/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Failed open - frees what umockdev keeps of a device that could not be opened (LD_PRELOAD, before umockdev's)
 *
 * It notes each open() in /dev together with the descriptor, also when that is -1, and ends the program at the fiftieth. A
 * close() of -1 takes the note back.
 */

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <unistd.h>

/* What open() is under in programs for files of any size. */
int open64(const char *path, int flags, ...)
{
        int (*next)(const char *, int, ...) = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open64");
        mode_t mode = 0;
        va_list ap;
        int fd;

        va_start(ap, flags);
        if (flags & (O_CREAT | O_TMPFILE))
                mode = va_arg(ap, mode_t);
        va_end(ap);
        fd = next(path, flags, mode);
        if (fd < 0) {
                int e = errno;

                (void)close(fd);
                errno = e;
        }
        return fd;
}
