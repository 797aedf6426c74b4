/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hang - for a daemon whose parts are to get stuck (LD_PRELOAD)
 *
 * While the folder HANG_DIRECTORY has a file "disk", no fdatasync() returns; "link": no getaddrinfo(); "users": no
 * getpwuid_r(); "sensor": no opening of a file whose name ends with "-hangs". The thread can be killed: it does not wait in the kernel for a device.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void hang_as(const char *part)
{
        const char *directory = getenv("HANG_DIRECTORY");
        char path[4096];

        if (!directory)
                return;
        (void)snprintf(path, sizeof(path), "%s/%s", directory, part);
        while (access(path, F_OK) == 0)
                (void)usleep(50000);
}

static void hang_if_named(const char *name)
{
        size_t n = strlen(name);

        if (n > 6 && strcmp(name + n - 6, "-hangs") == 0)
                hang_as("sensor");
}

int fdatasync(int fd)
{
        static int (*real)(int);

        hang_as("disk");
        if (!real)
                real = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
        return real(fd);
}

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **ret)
{
        static int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);

        hang_as("link");
        if (!real)
                real = (int (*)(const char *, const char *, const struct addrinfo *, struct addrinfo **))dlsym(RTLD_NEXT,
                                                                                                                "getaddrinfo");
        return real(node, service, hints, ret);
}

int getpwuid_r(uid_t uid, struct passwd *entry, char *space, size_t size, struct passwd **ret)
{
        static int (*real)(uid_t, struct passwd *, char *, size_t, struct passwd **);

        hang_as("users");
        if (!real)
                real = (int (*)(uid_t, struct passwd *, char *, size_t, struct passwd **))dlsym(RTLD_NEXT, "getpwuid_r");
        return real(uid, entry, space, size, ret);
}

/* With large files, as everything here is built, this is open64(). */
int open(const char *path, int flags, ...)
{
        static int (*real)(const char *, int, ...);
        va_list args;
        mode_t mode;

        va_start(args, flags);
        mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(args, mode_t) : 0;
        va_end(args);
        hang_if_named(path);
        if (!real)
                real = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open64");
        return real(path, flags, mode);
}
