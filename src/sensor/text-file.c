/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/text-file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sensor/sandbox.h"

static bool is_unseen(int error)
{
        return error == ENOENT || error == EACCES || error == EPERM;
}

int text_file_fail(const char *path, int error, Sample *sample)
{
        const char *remedy = sandbox_remedy(NULL, path, error), *setting;

        if (remedy)
                return sample_fail(sample, REFUSAL_UNREADABLE, "%s is not open to this service: hublinkctl setup "
                                                               "--enable %s",
                                   path, remedy);
        setting = is_unseen(error) ? sandbox_hides_path(NULL, path) : NULL;
        if (setting)
                return sample_fail(sample, REFUSAL_UNREADABLE,
                                   "%s is hidden from this service by its unit (%s): have it written elsewhere, below "
                                   "/run or /var/lib",
                                   path, setting);
        switch (error) {
        case ENOENT:
                return sample_fail(sample, REFUSAL_UNREADABLE, "%s does not exist: check `path`, or whether the device "
                                   "is plugged in and its kernel module loaded", path);
        case EACCES:
        case EPERM:
                return sample_fail(sample, REFUSAL_UNREADABLE,
                                   "%s may not be read by this service: check the rights of "
                                   "the file and of the folders above it", path);
        case EISDIR:
                return sample_fail(sample, REFUSAL_UNREADABLE, "%s is a folder: name the file in it", path);
        case EAGAIN:
                return sample_fail(sample, REFUSAL_UNREADABLE, "%s has nothing to read at the moment", path);
        case EIO:
        case ENXIO:
        case ENODEV:
        case ENODATA:
        case EREMOTEIO:
        case ETIMEDOUT:
                return sample_fail(sample, REFUSAL_UNREADABLE, "the device behind %s does not answer (%s)", path,
                                   strerrordesc_np(error));
        default:
                return sample_fail(sample, REFUSAL_UNREADABLE, "cannot read %s: %s", path, strerrordesc_np(error));
        }
}

/* O_NONBLOCK, so that a pipe without a writer is an error and not a hang. */
int text_file_load(const char *path, Buffer *b, Sample *sample)
{
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        struct stat st;

        if (fd < 0)
                return text_file_fail(path, errno, sample);
        if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
                return text_file_fail(path, EISDIR, sample);
        buffer_clear(b);
        for (;;) {
                size_t before = b->size;
                char *room = buffer_extend(b, MIN(MAX(before, (size_t)4096), TEXT_FILE_MAX + 1 - before));
                ssize_t n;

                if (!room)
                        return -ENOMEM;
                n = read(fd, room, b->size - before);
                if (n < 0) {
                        if (errno != EINTR)
                                return text_file_fail(path, errno, sample);
                        n = 0;
                        buffer_truncate(b, before);
                        continue;
                }
                buffer_truncate(b, before + (size_t)n);
                if (n == 0)
                        return 0;
                if (b->size > TEXT_FILE_MAX)
                        return sample_fail(sample, REFUSAL_TOO_LONG, "%s is longer than %d KiB", path,
                                           TEXT_FILE_MAX / 1024);
        }
}
