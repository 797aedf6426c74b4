/* SPDX-License-Identifier: Apache-2.0 */
#include "base/disk.h"

#include <errno.h>

Disk *disk_free(Disk *disk)
{
        return disk ? disk->ops->free(disk) : NULL;
}

int disk_fd(const Disk *disk)
{
        return disk->ops->fd(disk);
}

void disk_dispatch(Disk *disk)
{
        disk->ops->dispatch(disk);
}

void disk_submit(Disk *disk, DiskJob *job)
{
        disk->ops->submit(disk, job);
}

void disk_abandon(Disk *disk, DiskJob *job)
{
        disk->ops->abandon(disk, job);
}

bool disk_wait(Disk *disk, usec_t timeout_usec)
{
        return disk->ops->wait(disk, timeout_usec);
}

usec_t disk_busy_since(const Disk *disk, ThreadIds *ret)
{
        *ret = (ThreadIds){};
        return disk->ops->busy_since ? disk->ops->busy_since(disk, ret) : USEC_INFINITY;
}

int disk_open(Disk *disk, const char *path, int flags)
{
        return disk->ops->open(disk, path, flags);
}

int disk_close(Disk *disk, int fd)
{
        if (fd >= 0)
                disk->ops->close(disk, fd);
        return -1;
}

int disk_mkdir(Disk *disk, const char *path)
{
        return disk->ops->mkdir(disk, path);
}

int disk_unlink(Disk *disk, const char *path)
{
        return disk->ops->unlink(disk, path);
}

int disk_rename(Disk *disk, const char *from, const char *to)
{
        return disk->ops->rename(disk, from, to);
}

int disk_replace(Disk *disk, const char *from, const char *to)
{
        return disk->ops->replace(disk, from, to);
}

int disk_list(Disk *disk, const char *path, void (*entry)(void *userdata, const char *name), void *userdata)
{
        return disk->ops->list(disk, path, entry, userdata);
}

int disk_lock(Disk *disk, int fd)
{
        return disk->ops->lock(disk, fd);
}

pid_t disk_lock_holder(Disk *disk, int fd)
{
        return disk->ops->lock_holder ? disk->ops->lock_holder(disk, fd) : 0;
}

int64_t disk_size(Disk *disk, int fd)
{
        return disk->ops->size(disk, fd);
}

int disk_allocate(Disk *disk, int fd, uint64_t size)
{
        return disk->ops->allocate(disk, fd, size);
}

int disk_sync(Disk *disk, int fd)
{
        return disk->ops->sync(disk, fd, false);
}

int disk_sync_metadata(Disk *disk, int fd)
{
        return disk->ops->sync(disk, fd, true);
}

void disk_forget(Disk *disk, int fd)
{
        disk->ops->forget(disk, fd);
}

int disk_space(Disk *disk, const char *path, DiskSpace *ret)
{
        return disk->ops->space(disk, path, ret);
}

int disk_boot_id(Disk *disk, uint8_t id[16])
{
        return disk->ops->boot_id(disk, id);
}

static ssize_t read_whole(Disk *disk, int fd, void *data, size_t size, uint64_t offset, bool wait)
{
        size_t done = 0;

        while (done < size) {
                ssize_t n = disk->ops->read(disk, fd, (uint8_t *)data + done, size - done, offset + done, wait);

                if (n == -EINTR)
                        continue;
                if (n < 0)
                        return n;
                if (n == 0)
                        break;
                done += (size_t)n;
        }
        return (ssize_t)done;
}

ssize_t disk_read(Disk *disk, int fd, void *data, size_t size, uint64_t offset)
{
        return read_whole(disk, fd, data, size, offset, true);
}

ssize_t disk_read_now(Disk *disk, int fd, void *data, size_t size, uint64_t offset)
{
        return read_whole(disk, fd, data, size, offset, false);
}

int disk_write(Disk *disk, int fd, struct iovec *iov, int n_iov, uint64_t offset)
{
        while (n_iov > 0) {
                ssize_t n = disk->ops->write(disk, fd, iov, n_iov, offset);

                if (n == -EINTR)
                        continue;
                if (n < 0)
                        return (int)n;
                if (n == 0)
                        return -EIO;
                offset += (uint64_t)n;
                for (; n_iov > 0 && (size_t)n >= iov->iov_len; iov++, n_iov--)
                        n -= (ssize_t)iov->iov_len;
                if (n_iov > 0) {
                        iov->iov_base = (uint8_t *)iov->iov_base + n;
                        iov->iov_len -= (size_t)n;
                }
        }
        return 0;
}
