/* SPDX-License-Identifier: Apache-2.0 */
#include "base/disk-rehearsal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

typedef struct Rehearsal {
        Disk disk;
        Disk *behind;
        char **moved; /* paths that were moved away */
        size_t n_moved;
        char *denied;
} Rehearsal;

#define EMPTY_FD INT_MAX /* stands for whatever would have been made */

static Disk *behind(Disk *disk)
{
        return container_of(disk, Rehearsal, disk)->behind;
}

/* Is it, or a directory above it, not there any more, as far as the rehearsal goes? */
static bool is_moved(Disk *disk, const char *path)
{
        const Rehearsal *r = container_of(disk, Rehearsal, disk);

        for (size_t i = 0; i < r->n_moved; i++) {
                size_t n = strlen(r->moved[i]);

                if (strncmp(path, r->moved[i], n) == 0 && (path[n] == 0 || path[n] == '/'))
                        return true;
        }
        return false;
}

static void note_denied(Disk *disk, const char *path)
{
        Rehearsal *r = container_of(disk, Rehearsal, disk);

        if (!r->denied)
                r->denied = strdup(path);
}

/* ---- looking ---- */

/* A look shall not show in the times of the files either. Only their owner may ask for that. A pipe that somebody
 * left there shall not hold us up. */
static int rehearse_open(Disk *disk, const char *path, int flags)
{
        int look = O_RDONLY | O_NONBLOCK | (flags & (O_DIRECTORY | O_NOFOLLOW));
        int fd = is_moved(disk, path) ? -ENOENT : disk_open(behind(disk), path, look | O_NOATIME);

        if (fd == -EPERM)
                fd = disk_open(behind(disk), path, look);
        if (fd == -EACCES || fd == -EPERM)
                note_denied(disk, path);
        if (fd == -ENOENT && (flags & (O_CREAT | O_DIRECTORY)))
                return EMPTY_FD;
        if (fd >= 0 && (flags & O_CREAT) && (flags & O_EXCL)) {
                disk_close(behind(disk), fd);
                return -EEXIST;
        }
        return fd;
}

static void rehearse_close(Disk *disk, int fd)
{
        if (fd != EMPTY_FD)
                disk_close(behind(disk), fd);
}

static int rehearse_list(Disk *disk, const char *path, void (*entry)(void *userdata, const char *name), void *userdata)
{
        int r = is_moved(disk, path) ? -ENOENT : disk_list(behind(disk), path, entry, userdata);

        return r == -ENOENT ? 0 : r;
}

/* Some file systems know no locks, or want to write for one: there nobody is kept out, as always. */
static int rehearse_lock(Disk *disk, int fd)
{
        int r = fd == EMPTY_FD ? 0 : disk_lock(behind(disk), fd);

        return r == -EWOULDBLOCK ? r : 0;
}

static pid_t rehearse_lock_holder(Disk *disk, int fd)
{
        return fd == EMPTY_FD ? 0 : disk_lock_holder(behind(disk), fd);
}

static int64_t rehearse_size(Disk *disk, int fd)
{
        return fd == EMPTY_FD ? 0 : disk_size(behind(disk), fd);
}

static ssize_t rehearse_read(Disk *disk, int fd, void *data, size_t size, uint64_t offset, bool wait)
{
        if (fd == EMPTY_FD)
                return 0;
        return wait ? disk_read(behind(disk), fd, data, size, offset) :
                      disk_read_now(behind(disk), fd, data, size, offset);
}

/* What others remember is theirs. */
static void rehearse_forget(Disk *disk, int fd)
{
}

/* As much as anybody likes: nothing of it is used. */
static int rehearse_space(Disk *disk, const char *path, DiskSpace *ret)
{
        *ret = (DiskSpace){.free_bytes = UINT64_MAX, .free_inodes = UINT64_MAX};
        return 0;
}

static int rehearse_boot_id(Disk *disk, uint8_t id[16])
{
        return disk_boot_id(behind(disk), id);
}

/* ---- what is not done ---- */

static int rehearse_path(Disk *disk, const char *path)
{
        return 0;
}

static int rehearse_rename(Disk *disk, const char *from, const char *to)
{
        Rehearsal *r = container_of(disk, Rehearsal, disk);
        char **more = reallocarray(r->moved, r->n_moved + 1, sizeof(*more));

        if (!more)
                return -ENOMEM;
        r->moved = more;
        r->moved[r->n_moved] = strdup(from);
        if (!r->moved[r->n_moved])
                return -ENOMEM;
        r->n_moved++;
        return 0;
}

static ssize_t rehearse_write(Disk *disk, int fd, const struct iovec *iov, int n_iov, uint64_t offset)
{
        ssize_t n = 0;

        for (int i = 0; i < n_iov; i++)
                n += (ssize_t)iov[i].iov_len;
        return n;
}

static int rehearse_allocate(Disk *disk, int fd, uint64_t size)
{
        return 0;
}

static int rehearse_sync(Disk *disk, int fd, bool metadata)
{
        return 0;
}

/* ---- no jobs ---- */

static void rehearse_submit(Disk *disk, DiskJob *job)
{
        job->dropped(job);
}

static void rehearse_abandon(Disk *disk, DiskJob *job)
{
}

static bool rehearse_wait(Disk *disk, usec_t timeout_usec)
{
        return false;
}

static usec_t rehearse_busy_since(const Disk *disk, ThreadIds *ret)
{
        *ret = (ThreadIds){};
        return USEC_INFINITY;
}

static void rehearse_dispatch(Disk *disk)
{
}

static int rehearse_fd(const Disk *disk)
{
        return -1;
}

static Disk *rehearse_free(Disk *disk)
{
        Rehearsal *r = container_of(disk, Rehearsal, disk);

        for (size_t i = 0; i < r->n_moved; i++)
                free(r->moved[i]);
        free(r->moved);
        free(r->denied);
        free(r);
        return NULL;
}

static const DiskOps rehearsal_ops = {
        .open = rehearse_open,
        .close = rehearse_close,
        .mkdir = rehearse_path,
        .unlink = rehearse_path,
        .rename = rehearse_rename,
        .replace = rehearse_rename,
        .list = rehearse_list,
        .lock = rehearse_lock,
        .lock_holder = rehearse_lock_holder,
        .size = rehearse_size,
        .read = rehearse_read,
        .write = rehearse_write,
        .allocate = rehearse_allocate,
        .sync = rehearse_sync,
        .forget = rehearse_forget,
        .space = rehearse_space,
        .boot_id = rehearse_boot_id,
        .submit = rehearse_submit,
        .abandon = rehearse_abandon,
        .wait = rehearse_wait,
        .busy_since = rehearse_busy_since,
        .dispatch = rehearse_dispatch,
        .fd = rehearse_fd,
        .free = rehearse_free,
};

const char *disk_rehearsal_denied(const Disk *disk)
{
        return container_of(disk, Rehearsal, disk)->denied;
}

int disk_rehearsal_new(Disk **ret, Disk *behind)
{
        Rehearsal *r = calloc(1, sizeof(*r));

        if (!r)
                return -ENOMEM;
        r->disk.ops = &rehearsal_ops;
        r->behind = behind;
        *ret = &r->disk;
        return 0;
}
