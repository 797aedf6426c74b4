/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/state-file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"

/* One writing. It outlives the file's owner, when the disk takes longer. */
typedef struct Job {
        DiskJob job; /* first */
        StateFile *file;
        char *path, *beside, *folder;
        char *text;
        size_t size;
        unsigned n_askers; /* who are told of this one */
        int error;
} Job;

struct StateFile {
        Disk *disk;
        char *path;
        void (*stored)(void *userdata, int error);
        void *userdata;
        int withheld; /* 0: it is not */
        Job *at_work, *waiting;
};

static void job_free(Job *j)
{
        if (!j)
                return;
        free(j->path);
        free(j->beside);
        free(j->folder);
        free(j->text);
        free(j);
}

/* ---- on the worker ---- */

static int write_beside(const Job *j, Disk *disk)
{
        struct iovec iov = {j->text, j->size};
        int fd, r;

        (void)disk_mkdir(disk, j->folder); /* it is there, as a rule */
        (void)disk_unlink(disk, j->beside); /* of a writing that was cut short */
        fd = disk_open(disk, j->beside, O_WRONLY | O_CREAT | O_EXCL);
        if (fd < 0)
                return fd;
        r = j->size > 0 ? disk_write(disk, fd, &iov, 1, 0) : 0;
        if (r >= 0)
                r = disk_sync_metadata(disk, fd);
        disk_close(disk, fd);
        return r < 0 ? r : 0;
}

/* Without this the new name may be gone after a power cut, and the old file be there again. */
static int sync_folder(const Job *j, Disk *disk)
{
        int fd = disk_open(disk, j->folder, O_RDONLY | O_DIRECTORY), r;

        if (fd < 0)
                return fd;
        r = disk_sync_metadata(disk, fd);
        disk_close(disk, fd);
        return r;
}

static void work(DiskJob *job, Disk *disk)
{
        Job *j = (Job *)job;

        j->error = write_beside(j, disk);
        if (j->error == 0)
                j->error = disk_replace(disk, j->beside, j->path);
        if (j->error == 0)
                j->error = sync_folder(j, disk);
        if (j->error != 0)
                (void)disk_unlink(disk, j->beside);
}

/* ---- on the loop ---- */

static void begin(StateFile *f)
{
        f->at_work = TAKE_PTR(f->waiting);
        if (f->at_work)
                disk_submit(f->disk, &f->at_work->job);
}

static void done(DiskJob *job)
{
        Job *j = (Job *)job;
        StateFile *f = j->file;
        unsigned n = j->n_askers;
        int error = j->error;

        job_free(j);
        begin(f);
        for (; n > 0 && f->stored; n--)
                f->stored(f->userdata, error);
}

static void dropped(DiskJob *job)
{
        job_free((Job *)job);
}

static int job_new(Job **ret, StateFile *f, const char *text, size_t size)
{
        const char *slash = strrchr(f->path, '/');
        Job *j = calloc(1, sizeof(*j));

        if (!j)
                return -ENOMEM;
        j->job = (DiskJob){.work = work, .done = done, .dropped = dropped};
        j->file = f;
        j->path = strdup(f->path);
        j->folder = slash ? strndup(f->path, MAX((size_t)(slash - f->path), (size_t)1)) : strdup(".");
        j->text = malloc(size + 1);
        j->size = size;
        j->n_askers = 1;
        if (asprintf(&j->beside, "%s.new", f->path) < 0)
                j->beside = NULL;
        if (!j->path || !j->folder || !j->text || !j->beside) {
                job_free(j);
                return -ENOMEM;
        }
        memcpy(j->text, text, size);
        *ret = j;
        return 0;
}

void state_file_withhold(StateFile *f, int error)
{
        f->withheld = error;
}

int state_file_store(StateFile *f, const char *text, size_t size)
{
        Job *j;
        int r;

        if (f->withheld < 0)
                return f->withheld;
        r = job_new(&j, f, text, size);
        if (r < 0)
                return r;
        if (f->waiting)
                j->n_askers += f->waiting->n_askers;
        job_free(f->waiting);
        f->waiting = j;
        if (!f->at_work)
                begin(f);
        return 0;
}

bool state_file_is_busy(const StateFile *f)
{
        return f->at_work;
}

void state_file_finish(StateFile *f, usec_t timeout_usec)
{
        while (f->at_work && disk_wait(f->disk, timeout_usec))
                disk_dispatch(f->disk);
}

/* ---- life ---- */

int state_file_new(StateFile **ret, const char *path, Disk *disk, void (*stored)(void *userdata, int error),
                   void *userdata)
{
        _cleanup_(state_file_freep) StateFile *f = calloc(1, sizeof(*f));

        if (!f)
                return -ENOMEM;
        f->disk = disk;
        f->stored = stored;
        f->userdata = userdata;
        f->path = strdup(path);
        if (!f->path)
                return -ENOMEM;
        *ret = TAKE_PTR(f);
        return 0;
}

StateFile *state_file_free(StateFile *f)
{
        if (!f)
                return NULL;
        if (f->at_work)
                disk_abandon(f->disk, &f->at_work->job);
        job_free(f->waiting);
        free(f->path);
        free(f);
        return NULL;
}

/* Of a pipe nobody holds the other end. And root, who reads what the daemon's user wrote (hublinkd --print-config), is
 * not led to what that user may not read. */
int state_file_load(const char *path, size_t most, Buffer *b)
{
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
        struct stat st;

        if (fd < 0)
                return errno == ENOENT ? 0 : -errno;
        if (fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return S_ISDIR(st.st_mode) ? -EISDIR : -ENXIO;
        return file_read(b, fd, most);
}

const char *state_file_why(int error)
{
        switch (error) {
        case -ELOOP:
                return "a symbolic link, which is not followed";
        case -EISDIR:
                return "a folder";
        case -ENXIO:
                return "a pipe, a socket or a device";
        default:
                return strerror(-error);
        }
}
