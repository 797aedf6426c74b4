/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The real disk: the files of this machine, and a worker for what may take its time.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>

#include "base/disk-worker.h"

typedef struct RealDisk {
        Disk disk;
        DiskWorker *worker;
} RealDisk;

/* ---- files ---- */

static int real_open(Disk *disk, const char *path, int flags)
{
        int fd = open(path, flags | O_CLOEXEC, 0600);

        return fd < 0 ? -errno : fd;
}

static void real_close(Disk *disk, int fd)
{
        (void)close(fd);
}

static int real_mkdir(Disk *disk, const char *path)
{
        return mkdir(path, 0700) < 0 ? -errno : 0;
}

static int real_unlink(Disk *disk, const char *path)
{
        return unlink(path) < 0 ? -errno : 0;
}

static int real_rename(Disk *disk, const char *from, const char *to)
{
        return renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) < 0 ? -errno : 0;
}

static int real_replace(Disk *disk, const char *from, const char *to)
{
        return rename(from, to) < 0 ? -errno : 0;
}

static int real_list(Disk *disk, const char *path, void (*entry)(void *userdata, const char *name), void *userdata)
{
        int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOATIME); /* a look is no reason to write */
        struct dirent *e;
        DIR *dir;
        int r;

        if (fd < 0 && errno == EPERM) /* only its owner may ask for that */
                fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        dir = fdopendir(fd);
        if (!dir) {
                r = -errno;
                (void)close(fd);
                return r;
        }
        while (errno = 0, (e = readdir(dir)))
                entry(userdata, e->d_name);
        r = -errno;
        (void)closedir(dir);
        return r;
}

static int real_lock(Disk *disk, int fd)
{
        return flock(fd, LOCK_EX | LOCK_NB) < 0 ? -errno : 0;
}

/* The kernel's list names files by device and inode; some file systems have another device there than in stat(). */
static pid_t real_lock_holder(Disk *disk, int fd)
{
        FILE *locks = fopen("/proc/locks", "re");
        char line[256];
        pid_t holder = 0;
        struct stat st;

        if (!locks)
                return 0;
        while (fstat(fd, &st) == 0 && holder == 0 && fgets(line, sizeof(line), locks)) {
                unsigned major, minor;
                unsigned long long inode;
                int pid;

                if (sscanf(line, "%*s FLOCK %*s %*s %d %x:%x:%llu", &pid, &major, &minor, &inode) == 4 && pid > 0 &&
                    inode == st.st_ino && makedev(major, minor) == st.st_dev)
                        holder = pid;
        }
        (void)fclose(locks);
        return holder;
}

static int64_t real_size(Disk *disk, int fd)
{
        struct stat st;

        if (fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return S_ISDIR(st.st_mode) ? -EISDIR : -ENXIO;
        return st.st_size;
}

static ssize_t real_read(Disk *disk, int fd, void *data, size_t size, uint64_t offset, bool wait)
{
        struct iovec iov = {data, size};
        ssize_t n = preadv2(fd, &iov, 1, (off_t)offset, wait ? 0 : RWF_NOWAIT);

        if (n >= 0)
                return n;
        /* a file system that cannot promise is one that might wait */
        return !wait && errno == EOPNOTSUPP ? -EAGAIN : -errno;
}

static ssize_t real_write(Disk *disk, int fd, const struct iovec *iov, int n_iov, uint64_t offset)
{
        ssize_t n = pwritev(fd, iov, n_iov, (off_t)offset);

        return n < 0 ? -errno : n;
}

static int real_allocate(Disk *disk, int fd, uint64_t size)
{
        return -posix_fallocate(fd, 0, (off_t)size);
}

static int real_sync(Disk *disk, int fd, bool metadata)
{
        return (metadata ? fsync(fd) : fdatasync(fd)) < 0 ? -errno : 0;
}

static void real_forget(Disk *disk, int fd)
{
        (void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
}

static int real_space(Disk *disk, const char *path, DiskSpace *ret)
{
        struct statvfs st;

        if (statvfs(path, &st) < 0)
                return -errno;
        *ret = (DiskSpace){
                .free_bytes = (uint64_t)st.f_bavail * st.f_frsize,
                .free_inodes = st.f_files > 0 ? st.f_favail : UINT64_MAX,
        };
        return 0;
}

static int real_boot_id(Disk *disk, uint8_t id[16])
{
        FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");
        int n = 0;

        if (!f)
                return -errno;
        for (int c; n < 32 && (c = fgetc(f)) != EOF;) {
                int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;

                if (digit < 0)
                        continue;
                id[n / 2] = (uint8_t)(id[n / 2] << 4 | digit);
                n++;
        }
        (void)fclose(f);
        return n == 32 ? 0 : -EBADMSG;
}

/* ---- jobs ---- */

static DiskWorker *worker_of(const Disk *disk)
{
        return container_of(disk, RealDisk, disk)->worker;
}

static void real_submit(Disk *disk, DiskJob *job)
{
        disk_worker_submit(worker_of(disk), job);
}

static void real_abandon(Disk *disk, DiskJob *job)
{
        disk_worker_abandon(worker_of(disk), job);
}

static bool real_wait(Disk *disk, usec_t timeout_usec)
{
        return disk_worker_wait(worker_of(disk), timeout_usec);
}

static usec_t real_busy_since(const Disk *disk, ThreadIds *ret)
{
        return disk_worker_busy_since(worker_of(disk), ret);
}

static void real_dispatch(Disk *disk)
{
        disk_worker_dispatch(worker_of(disk));
}

static int real_fd(const Disk *disk)
{
        return disk_worker_fd(worker_of(disk));
}

/* ---- life ---- */

/* The last job may outlive us, and works with the disk. */
static void real_left(Disk *disk)
{
        free(container_of(disk, RealDisk, disk));
}

static Disk *real_free(Disk *disk)
{
        disk_worker_end(worker_of(disk));
        return NULL;
}

static const DiskOps real_ops = {
        .open = real_open,
        .close = real_close,
        .mkdir = real_mkdir,
        .unlink = real_unlink,
        .rename = real_rename,
        .replace = real_replace,
        .list = real_list,
        .lock = real_lock,
        .lock_holder = real_lock_holder,
        .size = real_size,
        .read = real_read,
        .write = real_write,
        .allocate = real_allocate,
        .sync = real_sync,
        .forget = real_forget,
        .space = real_space,
        .boot_id = real_boot_id,
        .submit = real_submit,
        .abandon = real_abandon,
        .wait = real_wait,
        .busy_since = real_busy_since,
        .dispatch = real_dispatch,
        .fd = real_fd,
        .free = real_free,
};

int disk_new(Disk **ret)
{
        RealDisk *real = calloc(1, sizeof(*real));
        int r;

        if (!real)
                return -ENOMEM;
        real->disk.ops = &real_ops;
        r = disk_worker_new(&real->worker, &real->disk, real_left);
        if (r < 0) {
                free(real);
                return r;
        }
        *ret = &real->disk;
        return 0;
}
