/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Disk - the seam to the file system
 *
 * One of the four seams, given at birth. A job is submitted and completes later: its work runs elsewhere and may
 * block as long as the disk likes, its end is told on the loop. Within work a job calls the file operations
 * below; on the loop they are for opening only, save for a read that promises not to wait. Tests decide when a
 * job runs, and how each call ends.
 *
 * Owns:   a worker; the files belong to those who opened them.
 * Knows:  nothing of what is stored.
 *
 * Operations return 0, a descriptor or a count, or a negative errno, and say nothing themselves.
 */

#include <sys/types.h>
#include <sys/uio.h>

#include "base/clock.h"
#include "base/thread-ids.h"

typedef struct Disk Disk;
typedef struct DiskJob DiskJob;

/* Embedded in what the job works on, which stays where it is until done or dropped was called. Jobs run one
 * after another, in the order of their submission. */
struct DiskJob {
        void (*work)(DiskJob *job, Disk *disk); /* on the worker */
        void (*done)(DiskJob *job);             /* on the loop, in disk_dispatch() */
        void (*dropped)(DiskJob *job);          /* in place of done after disk_abandon(), on either thread */

        DiskJob *next; /* the disk's own, while it has the job */
        int state;
};

/* What the file system has left for us. */
typedef struct DiskSpace {
        uint64_t free_bytes;
        uint64_t free_inodes; /* UINT64_MAX: it has no such limit */
} DiskSpace;

typedef struct DiskOps {
        int (*open)(Disk *disk, const char *path, int flags); /* what is made is readable by its owner only */
        void (*close)(Disk *disk, int fd);
        int (*mkdir)(Disk *disk, const char *path);
        int (*unlink)(Disk *disk, const char *path);
        int (*rename)(Disk *disk, const char *from, const char *to);
        int (*replace)(Disk *disk, const char *from, const char *to);
        int (*list)(Disk *disk, const char *path, void (*entry)(void *userdata, const char *name), void *userdata);
        int (*lock)(Disk *disk, int fd); /* -EWOULDBLOCK: somebody else has it */
        pid_t (*lock_holder)(Disk *disk, int fd); /* NULL: it cannot tell */
        int64_t (*size)(Disk *disk, int fd); /* -EISDIR, -ENXIO: it is no file */
        ssize_t (*read)(Disk *disk, int fd, void *data, size_t size, uint64_t offset, bool wait);
        ssize_t (*write)(Disk *disk, int fd, const struct iovec *iov, int n_iov, uint64_t offset);
        int (*allocate)(Disk *disk, int fd, uint64_t size);
        int (*sync)(Disk *disk, int fd, bool metadata);
        void (*forget)(Disk *disk, int fd);
        int (*space)(Disk *disk, const char *path, DiskSpace *ret);
        int (*boot_id)(Disk *disk, uint8_t id[16]); /* which start of the machine this is */

        usec_t (*busy_since)(const Disk *disk, ThreadIds *ret); /* NULL: it cannot tell */

        void (*submit)(Disk *disk, DiskJob *job);
        void (*abandon)(Disk *disk, DiskJob *job);
        bool (*wait)(Disk *disk, usec_t timeout_usec);
        void (*dispatch)(Disk *disk);
        int (*fd)(const Disk *disk);
        Disk *(*free)(Disk *disk);
} DiskOps;

struct Disk {
        const DiskOps *ops;
};

/* life */

/* The real one: a worker thread, which reports through a descriptor. */
int disk_new(Disk **ret);
/* A worker that hangs in the kernel is left behind. */
Disk *disk_free(Disk *disk);
int disk_fd(const Disk *disk);  /* readable when completions wait */
void disk_dispatch(Disk *disk); /* calls them, on the caller's thread */
DEFINE_CLEANUP(Disk *, disk_free);

/* jobs */

void disk_submit(Disk *disk, DiskJob *job);
/* Nobody waits for this one any more. Its work may still be under way: dropped is called when it has ended. */
void disk_abandon(Disk *disk, DiskJob *job);
/* Blocks until completions wait; false when the time is up. For the end of the day only. */
bool disk_wait(Disk *disk, usec_t timeout_usec);
/* On the boot clock: since when the job that is under way is, an abandoned one too, and on which thread; USEC_INFINITY:
 * none is. */
usec_t disk_busy_since(const Disk *disk, ThreadIds *ret);

/* files */

int disk_open(Disk *disk, const char *path, int flags);
int disk_close(Disk *disk, int fd); /* takes -1, returns -1 */
int disk_mkdir(Disk *disk, const char *path);
int disk_unlink(Disk *disk, const char *path);
int disk_rename(Disk *disk, const char *from, const char *to);  /* -EEXIST: there is one of that name */
int disk_replace(Disk *disk, const char *from, const char *to); /* takes its place in one step */
int disk_list(Disk *disk, const char *path, void (*entry)(void *userdata, const char *name), void *userdata);
int disk_lock(Disk *disk, int fd);
pid_t disk_lock_holder(Disk *disk, int fd); /* who has it, as far as the system tells; 0: not known */
int64_t disk_size(Disk *disk, int fd);
int disk_allocate(Disk *disk, int fd, uint64_t size);
int disk_sync(Disk *disk, int fd);          /* the data, and what is needed to find it */
int disk_sync_metadata(Disk *disk, int fd); /* all of it; for directories and new files */
int disk_space(Disk *disk, const char *path, DiskSpace *ret); /* of the file system that path is on */
/* What the system remembers of the file, and takes for written, is read from the medium again: after a sync that
 * failed it may have thrown away what it still shows. */
void disk_forget(Disk *disk, int fd);
int disk_boot_id(Disk *disk, uint8_t id[16]);

/* As many bytes as there are, up to size: less only at the end of the file. */
ssize_t disk_read(Disk *disk, int fd, void *data, size_t size, uint64_t offset);
/* The same without waiting: -EAGAIN when the bytes are not at hand. */
ssize_t disk_read_now(Disk *disk, int fd, void *data, size_t size, uint64_t offset);
/* All of it, or an error. Consumes iov. */
int disk_write(Disk *disk, int fd, struct iovec *iov, int n_iov, uint64_t offset);
