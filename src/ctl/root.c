/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/root.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>

#include "base/macro.h"

int root_open(const char *root, const char *path, int flags, mode_t mode)
{
        struct open_how how = {.flags = (unsigned)flags | O_CLOEXEC,
                               .mode = mode,
                               .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
        _cleanup_close_ int top = -1;
        int fd;

        if (!*root) {
                fd = open(path, flags | O_CLOEXEC, mode);
                return fd < 0 ? -errno : fd;
        }
        top = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (top < 0)
                return -errno;
        fd = (int)syscall(SYS_openat2, top, path, &how, sizeof(how)); /* glibc has no name for it */
        return fd < 0 ? -errno : fd;
}
