/* SPDX-License-Identifier: Apache-2.0 */
#include "base/disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

/* ---- whatever stands behind the seam ---- */

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

int disk_list(Disk *disk, const char *path, void (*entry)(void *userdata, const char *name), void *userdata)
{
        return disk->ops->list(disk, path, entry, userdata);
}

int disk_lock(Disk *disk, int fd)
{
        return disk->ops->lock(disk, fd);
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

/* ---- the real one: files ---- */

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

/* ---- the real one: the worker ---- */

enum {
        JOB_WAITING,
        JOB_RUNNING,
        JOB_ABANDONED, /* while it ran */
        JOB_ENDED,
};

typedef struct Jobs {
        DiskJob *first, **tail;
} Jobs;

/* Freed by its worker, which leaves last: it may hang in the kernel long after its maker has gone. */
typedef struct RealDisk {
        Disk disk;
        pthread_mutex_t lock;
        pthread_cond_t wake;
        Jobs waiting, ended;
        DiskJob *running;
        bool stop;
        int event_fd;
        pthread_t thread;
} RealDisk;

static void jobs_push(Jobs *jobs, DiskJob *job)
{
        job->next = NULL;
        *jobs->tail = job;
        jobs->tail = &job->next;
}

static DiskJob *jobs_pop(Jobs *jobs)
{
        DiskJob *job = jobs->first;

        if (!job)
                return NULL;
        jobs->first = job->next;
        if (!jobs->first)
                jobs->tail = &jobs->first;
        return job;
}

static bool jobs_remove(Jobs *jobs, DiskJob *job)
{
        for (DiskJob **p = &jobs->first; *p; p = &(*p)->next)
                if (*p == job) {
                        *p = job->next;
                        if (!*p)
                                jobs->tail = p;
                        return true;
                }
        return false;
}

static void real_destroy(RealDisk *real)
{
        safe_close(real->event_fd);
        (void)pthread_cond_destroy(&real->wake);
        (void)pthread_mutex_destroy(&real->lock);
        free(real);
}

static void *worker(void *userdata)
{
        RealDisk *real = userdata;

        pthread_mutex_lock(&real->lock);
        for (;;) {
                DiskJob *job;

                while (!(job = jobs_pop(&real->waiting)) && !real->stop)
                        pthread_cond_wait(&real->wake, &real->lock);
                if (!job)
                        break;
                real->running = job;
                job->state = JOB_RUNNING;
                pthread_mutex_unlock(&real->lock);

                job->work(job, &real->disk);

                pthread_mutex_lock(&real->lock);
                real->running = NULL;
                if (job->state == JOB_ABANDONED) {
                        pthread_mutex_unlock(&real->lock);
                        job->dropped(job);
                        pthread_mutex_lock(&real->lock);
                        continue;
                }
                job->state = JOB_ENDED;
                jobs_push(&real->ended, job);
                (void)eventfd_write(real->event_fd, 1);
        }
        pthread_mutex_unlock(&real->lock);
        real_destroy(real);
        return NULL;
}

static void real_submit(Disk *disk, DiskJob *job)
{
        RealDisk *real = container_of(disk, RealDisk, disk);

        pthread_mutex_lock(&real->lock);
        job->state = JOB_WAITING;
        jobs_push(&real->waiting, job);
        pthread_cond_signal(&real->wake);
        pthread_mutex_unlock(&real->lock);
}

static void real_abandon(Disk *disk, DiskJob *job)
{
        RealDisk *real = container_of(disk, RealDisk, disk);
        bool running;

        pthread_mutex_lock(&real->lock);
        running = real->running == job;
        if (running)
                job->state = JOB_ABANDONED;
        else if (!jobs_remove(&real->waiting, job))
                (void)jobs_remove(&real->ended, job);
        pthread_mutex_unlock(&real->lock);
        if (!running)
                job->dropped(job);
}

static bool real_wait(Disk *disk, usec_t timeout_usec)
{
        struct pollfd p = {disk_fd(disk), POLLIN, 0};

        return poll(&p, 1, (int)MIN((timeout_usec + USEC_PER_MSEC - 1) / USEC_PER_MSEC, (usec_t)INT32_MAX)) > 0;
}

static void real_dispatch(Disk *disk)
{
        RealDisk *real = container_of(disk, RealDisk, disk);
        eventfd_t n;

        (void)eventfd_read(real->event_fd, &n);
        for (;;) {
                DiskJob *job;

                pthread_mutex_lock(&real->lock);
                job = jobs_pop(&real->ended);
                pthread_mutex_unlock(&real->lock);
                if (!job)
                        return;
                job->done(job);
        }
}

static int real_fd(const Disk *disk)
{
        return container_of(disk, RealDisk, disk)->event_fd;
}

static Disk *real_free(Disk *disk)
{
        RealDisk *real = container_of(disk, RealDisk, disk);
        pthread_t thread = real->thread;
        bool hangs;

        pthread_mutex_lock(&real->lock);
        real->stop = true;
        hangs = real->running;
        pthread_cond_signal(&real->wake);
        pthread_mutex_unlock(&real->lock);
        if (hangs)
                (void)pthread_detach(thread);
        else
                (void)pthread_join(thread, NULL);
        return NULL;
}

static const DiskOps real_ops = {
        .open = real_open,
        .close = real_close,
        .mkdir = real_mkdir,
        .unlink = real_unlink,
        .rename = real_rename,
        .list = real_list,
        .lock = real_lock,
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
        .dispatch = real_dispatch,
        .fd = real_fd,
        .free = real_free,
};

int disk_new(Disk **ret)
{
        RealDisk *real = calloc(1, sizeof(*real));
        sigset_t all, old;
        int r;

        if (!real)
                return -ENOMEM;
        real->disk.ops = &real_ops;
        real->waiting.tail = &real->waiting.first;
        real->ended.tail = &real->ended.first;
        (void)pthread_mutex_init(&real->lock, NULL);
        (void)pthread_cond_init(&real->wake, NULL);
        real->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (real->event_fd < 0) {
                r = -errno;
                real_destroy(real);
                return r;
        }
        /* signals belong to the loop */
        (void)sigfillset(&all);
        (void)pthread_sigmask(SIG_SETMASK, &all, &old);
        r = -pthread_create(&real->thread, NULL, worker, real);
        (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
        if (r < 0) {
                real_destroy(real);
                return r;
        }
        *ret = &real->disk;
        return 0;
}
