/* SPDX-License-Identifier: Apache-2.0 */
#include "fake-disk.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "fail-alloc.h"
#include "fake-clock.h"

#define SECTOR   512
#define PAGE     4096
#define FIRST_FD 1000 /* so that a descriptor of the process is never mistaken for one of ours */

struct FakeInode {
        char *path; /* NULL: unlinked */
        bool is_directory;
        bool forbidden;
        uint8_t *data;
        size_t size;
        bool *unreadable; /* by page; NULL: none is */
        size_t n_unreadable;
};

struct FakeEntry {
        enum {
                MADE,
                UNLINKED,
                RENAMED,
                WRITTEN,
                RESIZED,
                SYNCED,
                SYNC_FAILED,
                METADATA_SYNCED,
                FORGOTTEN,
        } kind;
        size_t inode;
        char *path;
        bool is_directory;
        uint64_t offset, size;
        uint8_t *data; /* NULL: zeros */
        size_t lost_at; /* of a write: where it turned out that it had not got through; 0: nowhere */
};

static FakeDisk *fake_of(const Disk *disk)
{
        return container_of(disk, FakeDisk, disk);
}

static void *there(void *p)
{
        if (!p)
                abort();
        return p;
}

/* The fake's own memory never runs out. */
#define need(call)                                                                                                   \
        ({                                                                                                           \
                void *p_;                                                                                            \
                fail_alloc_exempt();                                                                                 \
                p_ = (call);                                                                                         \
                fail_alloc_resume();                                                                                 \
                there(p_);                                                                                           \
        })

/* ---- what happened ---- */

static void forget_last(FakeDisk *fake)
{
        const FakeEntry *e = &fake->entries[--fake->n_entries];

        free(e->path);
        free(e->data);
}

static FakeEntry *record(FakeDisk *fake, int kind, size_t inode)
{
        FakeEntry *e;

        if (fake->forgetful && fake->n_entries > 0)
                forget_last(fake);
        if (fake->n_entries == fake->entries_allocated) {
                fake->entries_allocated = MAX(fake->entries_allocated * 2, (size_t)256);
                fake->entries = need(realloc(fake->entries, fake->entries_allocated * sizeof(*e)));
        }
        e = &fake->entries[fake->n_entries++];
        *e = (FakeEntry){.kind = kind, .inode = inode};
        return e;
}

/* Counts the call; true when it is to fail. */
static bool strikes(FakeDisk *fake, FakeCall kind)
{
        uint64_t n = ++fake->n_calls;

        if (fake->stall_at && n >= fake->stall_at) {
                fake->stall_at = 0;
                fake->stalling = true;
        }
        if (!fake->fail_at || n < fake->fail_at || fake->fail_count == 0)
                return false;
        if (fake->fail_mask && !(fake->fail_mask & kind))
                return false;
        fake->fail_count--;
        return true;
}

/* ---- files ---- */

static void inode_resize(FakeInode *inode, size_t size)
{
        if (size > inode->size) {
                inode->data = need(realloc(inode->data, size));
                memset(inode->data + inode->size, 0, size - inode->size);
        }
        inode->size = size;
}

static void inode_write(FakeInode *inode, uint64_t offset, const uint8_t *data, size_t size)
{
        if (offset + size > inode->size)
                inode_resize(inode, offset + size);
        if (size == 0)
                return;
        for (size_t i = offset / PAGE; i < inode->n_unreadable && i * PAGE < offset + size; i++)
                inode->unreadable[i] = false;
        if (data)
                memcpy(inode->data + offset, data, size);
        else
                memset(inode->data + offset, 0, size);
}

static void inode_spoil(FakeInode *inode, size_t page)
{
        size_t n = (inode->size + PAGE - 1) / PAGE;

        if (n > inode->n_unreadable) {
                inode->unreadable = need(realloc(inode->unreadable, n * sizeof(bool)));
                memset(inode->unreadable + inode->n_unreadable, 0, (n - inode->n_unreadable) * sizeof(bool));
                inode->n_unreadable = n;
        }
        inode->unreadable[page] = true;
}

static bool inode_is_readable(const FakeInode *inode, uint64_t offset, size_t size)
{
        for (size_t i = offset / PAGE; i < inode->n_unreadable && i * PAGE < offset + size; i++)
                if (inode->unreadable[i])
                        return false;
        return true;
}

static ssize_t find(const FakeDisk *fake, const char *path)
{
        for (size_t i = 0; i < fake->n_inodes; i++)
                if (fake->inodes[i].path && strcmp(fake->inodes[i].path, path) == 0)
                        return (ssize_t)i;
        return -1;
}

static size_t make(FakeDisk *fake, const char *path, bool is_directory)
{
        fake->inodes = need(realloc(fake->inodes, (fake->n_inodes + 1) * sizeof(*fake->inodes)));
        fake->inodes[fake->n_inodes] = (FakeInode){.path = need(strdup(path)), .is_directory = is_directory};
        return fake->n_inodes++;
}

static bool parent_exists(const FakeDisk *fake, const char *path)
{
        const char *slash = strrchr(path, '/');
        char *parent;
        bool exists;

        if (!slash || slash == path)
                return true; /* the root is there */
        parent = need(strndup(path, (size_t)(slash - path)));
        exists = find(fake, parent) >= 0;
        free(parent);
        return exists;
}

static bool parent_is_file(const FakeDisk *fake, const char *path)
{
        char *parent = need(strndup(path, (size_t)(strrchr(path, '/') - path)));
        ssize_t i = find(fake, parent);

        free(parent);
        return i >= 0 && !fake->inodes[i].is_directory;
}

static FakeInode *inode_of(const FakeDisk *fake, int fd)
{
        return &fake->inodes[fake->handles[fd - FIRST_FD].inode];
}

static bool is_forbidden(const FakeDisk *fake, const char *path, bool below)
{
        for (size_t i = 0; i < fake->n_inodes; i++) {
                const FakeInode *inode = &fake->inodes[i];
                size_t n = inode->path && inode->forbidden ? strlen(inode->path) : 0;

                if (n > 0 && strncmp(inode->path, path, n) == 0 && (path[n] == '/' || (!below && !path[n])))
                        return true;
        }
        return false;
}

static int fake_open(Disk *disk, const char *path, int flags)
{
        FakeDisk *fake = fake_of(disk);
        ssize_t i = find(fake, path);

        if (strikes(fake, FAKE_OPEN) && fake->fail_errno)
                return -fake->fail_errno;
        if (is_forbidden(fake, path, false))
                return -EACCES;
        if (i >= 0 && (flags & O_EXCL))
                return -EEXIST;
        if (i >= 0 && fake->inodes[i].is_directory && (flags & O_ACCMODE) != O_RDONLY)
                return -EISDIR;
        if (i < 0) {
                FakeEntry *e;

                if (!(flags & O_CREAT) || !parent_exists(fake, path))
                        return -ENOENT;
                i = (ssize_t)make(fake, path, false);
                e = record(fake, MADE, (size_t)i);
                e->path = need(strdup(path));
        }
        if ((flags & O_DIRECTORY) && !fake->inodes[i].is_directory)
                return -ENOTDIR;
        for (size_t h = 0; h < ARRAY_SIZE(fake->handles); h++)
                if (!fake->handles[h].used) {
                        fake->handles[h] = (struct FakeHandle){.inode = (size_t)i, .used = true};
                        return FIRST_FD + (int)h;
                }
        return -EMFILE;
}

static void fake_close(Disk *disk, int fd)
{
        FakeDisk *fake = fake_of(disk);

        if (!fake->handles[fd - FIRST_FD].used)
                abort();
        fake->handles[fd - FIRST_FD] = (struct FakeHandle){};
}

static int fake_mkdir(Disk *disk, const char *path)
{
        FakeDisk *fake = fake_of(disk);
        FakeEntry *e;
        size_t i;

        if (strikes(fake, FAKE_MKDIR) && fake->fail_errno)
                return -fake->fail_errno;
        if (find(fake, path) >= 0)
                return -EEXIST;
        if (!parent_exists(fake, path))
                return -ENOENT;
        if (is_forbidden(fake, path, true))
                return -EACCES;
        if (parent_is_file(fake, path))
                return -ENOTDIR;
        i = make(fake, path, true);
        e = record(fake, MADE, i);
        e->path = need(strdup(path));
        e->is_directory = true;
        return 0;
}

static int fake_unlink(Disk *disk, const char *path)
{
        FakeDisk *fake = fake_of(disk);
        ssize_t i = find(fake, path);

        if (strikes(fake, FAKE_UNLINK) && fake->fail_errno)
                return -fake->fail_errno;
        if (i < 0)
                return -ENOENT;
        free(TAKE_PTR(fake->inodes[i].path));
        (void)record(fake, UNLINKED, (size_t)i);
        return 0;
}

static void rename_below(FakeDisk *fake, const char *from, const char *to)
{
        size_t n = strlen(from);

        for (size_t i = 0; i < fake->n_inodes; i++) {
                char *path = fake->inodes[i].path, *other;

                if (!path || strncmp(path, from, n) != 0 || (path[n] && path[n] != '/'))
                        continue;
                other = need(malloc(strlen(to) + strlen(path + n) + 1));
                strcpy(stpcpy(other, to), path + n);
                free(path);
                fake->inodes[i].path = other;
        }
}

/* Whoever had the name loses it in the same step. */
static void take_name(FakeDisk *fake, const char *from, const char *to)
{
        ssize_t there = find(fake, to);

        if (there >= 0)
                free(TAKE_PTR(fake->inodes[there].path));
        rename_below(fake, from, to);
}

static int rename_to(Disk *disk, const char *from, const char *to, bool replace)
{
        FakeDisk *fake = fake_of(disk);
        ssize_t i = find(fake, from);
        FakeEntry *e;

        if (strikes(fake, FAKE_RENAME) && fake->fail_errno)
                return -fake->fail_errno;
        if (i < 0)
                return -ENOENT;
        if (is_forbidden(fake, from, true))
                return -EACCES;
        if (!replace && find(fake, to) >= 0)
                return -EEXIST;
        take_name(fake, from, to);
        e = record(fake, RENAMED, (size_t)i);
        e->path = need(strdup(to));
        return 0;
}

static int fake_rename(Disk *disk, const char *from, const char *to)
{
        return rename_to(disk, from, to, false);
}

static int fake_replace(Disk *disk, const char *from, const char *to)
{
        return rename_to(disk, from, to, true);
}

static int fake_list(Disk *disk, const char *path, void (*entry)(void *userdata, const char *name), void *userdata)
{
        FakeDisk *fake = fake_of(disk);
        size_t n = strlen(path);

        if (strikes(fake, FAKE_LIST) && fake->fail_errno)
                return -fake->fail_errno;
        if (find(fake, path) < 0)
                return -ENOENT;
        for (size_t i = 0; i < fake->n_inodes; i++) {
                const char *p = fake->inodes[i].path;

                if (p && strncmp(p, path, n) == 0 && p[n] == '/' && !strchr(p + n + 1, '/'))
                        entry(userdata, p + n + 1);
        }
        return 0;
}

static int fake_lock(Disk *disk, int fd)
{
        FakeDisk *fake = fake_of(disk);

        if (strikes(fake, FAKE_LOCK) && fake->fail_errno)
                return -fake->fail_errno;
        if (fake->locked)
                return -EWOULDBLOCK;
        for (size_t h = 0; h < ARRAY_SIZE(fake->handles); h++)
                if (fake->handles[h].locked && fake->handles[h].inode == fake->handles[fd - FIRST_FD].inode)
                        return -EWOULDBLOCK;
        fake->handles[fd - FIRST_FD].locked = true;
        return 0;
}

static int64_t fake_size(Disk *disk, int fd)
{
        FakeDisk *fake = fake_of(disk);

        if (strikes(fake, FAKE_SIZE) && fake->fail_errno)
                return -fake->fail_errno;
        return inode_of(fake, fd)->is_directory ? -EISDIR : (int64_t)inode_of(fake, fd)->size;
}

static ssize_t fake_read(Disk *disk, int fd, void *data, size_t size, uint64_t offset, bool wait)
{
        FakeDisk *fake = fake_of(disk);
        FakeInode *inode = inode_of(fake, fd);

        if (!wait && fake->cold)
                return -EAGAIN;
        if (strikes(fake, FAKE_READ) && fake->fail_errno)
                return -fake->fail_errno;
        fake->n_reads++;
        if (offset >= inode->size)
                return 0;
        size = MIN(size, inode->size - offset);
        if (!inode_is_readable(inode, offset, size))
                return -EIO;
        memcpy(data, inode->data + offset, size);
        fake->bytes_read += size;
        return (ssize_t)size;
}

static uint64_t bytes_in_files(const FakeDisk *fake)
{
        uint64_t sum = 0;

        for (size_t i = 0; i < fake->n_inodes; i++)
                if (fake->inodes[i].path)
                        sum += fake->inodes[i].size;
        return sum;
}

static bool fits(const FakeDisk *fake, const FakeInode *inode, uint64_t size)
{
        return !fake->capacity || size <= inode->size || bytes_in_files(fake) + size - inode->size <= fake->capacity;
}

static bool is_zero(const uint8_t *data, size_t size)
{
        return size == 0 || (data[0] == 0 && memcmp(data, data + 1, size - 1) == 0);
}

static ssize_t fake_write(Disk *disk, int fd, const struct iovec *iov, int n_iov, uint64_t offset)
{
        FakeDisk *fake = fake_of(disk);
        FakeInode *inode = inode_of(fake, fd);
        _cleanup_free_ uint8_t *data = NULL;
        size_t size = 0, at = 0;
        bool zero = true;
        FakeEntry *e;

        for (int i = 0; i < n_iov; i++)
                size += iov[i].iov_len;
        if (strikes(fake, FAKE_WRITE)) {
                if (fake->fail_errno)
                        return -fake->fail_errno;
                size = MAX(size / 2, (size_t)1);
        }
        if (!fits(fake, inode, offset + size))
                return -ENOSPC;
        fake->n_trusted += fake->handles[fd - FIRST_FD].sync_failed;
        for (int i = 0; i < n_iov && zero; i++)
                zero = is_zero(iov[i].iov_base, iov[i].iov_len);
        if (!zero) {
                data = need(calloc(1, size));
                for (int i = 0; i < n_iov && at < size; i++) {
                        size_t n = MIN(iov[i].iov_len, size - at);

                        memcpy(data + at, iov[i].iov_base, n);
                        at += n;
                }
        }
        inode_write(inode, offset, data, size);
        e = record(fake, WRITTEN, (size_t)(inode - fake->inodes));
        e->offset = offset;
        e->size = size;
        e->data = TAKE_PTR(data);
        fake->n_writes++;
        fake->bytes_written += size;
        return (ssize_t)size;
}

static int fake_allocate(Disk *disk, int fd, uint64_t size)
{
        FakeDisk *fake = fake_of(disk);
        FakeInode *inode = inode_of(fake, fd);

        if (strikes(fake, FAKE_ALLOCATE) && fake->fail_errno)
                return -fake->fail_errno;
        if (!fits(fake, inode, size))
                return -ENOSPC;
        if (size > inode->size)
                inode_resize(inode, size);
        record(fake, RESIZED, (size_t)(inode - fake->inodes))->size = inode->size;
        return 0;
}

static int fake_sync(Disk *disk, int fd, bool metadata)
{
        FakeDisk *fake = fake_of(disk);
        size_t inode = fake->handles[fd - FIRST_FD].inode;

        fake->n_syncs++;
        fake->n_trusted += fake->handles[fd - FIRST_FD].sync_failed;
        if (strikes(fake, FAKE_SYNC) && fake->fail_errno) {
                (void)record(fake, SYNC_FAILED, inode);
                /* a directory's names are made anew each time */
                fake->handles[fd - FIRST_FD].sync_failed = !fake->inodes[inode].is_directory;
                return -fake->fail_errno;
        }
        (void)record(fake, metadata ? METADATA_SYNCED : SYNCED, inode);
        return 0;
}

/* What a failed sync has thrown away is not shown any more. */
static void fake_forget(Disk *disk, int fd)
{
        FakeDisk *fake = fake_of(disk);
        size_t inode = fake->handles[fd - FIRST_FD].inode, now = fake->n_entries, size = fake->inodes[inode].size;
        bool any = false;

        for (size_t k = 0, from = 0; k < now; k++) {
                const FakeEntry *e = &fake->entries[k];

                if (e->inode != inode || (e->kind != SYNCED && e->kind != METADATA_SYNCED && e->kind != SYNC_FAILED))
                        continue;
                for (size_t j = from; j < k && e->kind == SYNC_FAILED; j++)
                        if (fake->entries[j].inode == inode && fake->entries[j].kind == WRITTEN &&
                            fake->entries[j].lost_at == 0) {
                                fake->entries[j].lost_at = now;
                                any = true;
                        }
                from = k;
        }
        if (!any)
                return;
        (void)record(fake, FORGOTTEN, inode);
        memset(fake->inodes[inode].data, 0, size);
        for (size_t k = 0; k < now; k++)
                if (fake->entries[k].inode == inode && fake->entries[k].kind == WRITTEN &&
                    fake->entries[k].lost_at == 0)
                        inode_write(&fake->inodes[inode], fake->entries[k].offset, fake->entries[k].data,
                                    fake->entries[k].size);
}

static int fake_space(Disk *disk, const char *path, DiskSpace *ret)
{
        FakeDisk *fake = fake_of(disk);
        uint64_t used = bytes_in_files(fake);

        if (strikes(fake, FAKE_SPACE) && fake->fail_errno)
                return -fake->fail_errno;
        *ret = (DiskSpace){
                .free_bytes = fake->capacity ? fake->capacity - MIN(used, fake->capacity) : UINT64_MAX,
                .free_inodes = fake->inodes_left ?: UINT64_MAX,
        };
        return 0;
}

static int fake_boot_id(Disk *disk, uint8_t id[16])
{
        memcpy(id, fake_of(disk)->boot, 16);
        return 0;
}

/* ---- jobs ---- */

static void push(DiskJob **list, DiskJob *job)
{
        for (; *list; list = &(*list)->next)
                ;
        job->next = NULL;
        *list = job;
}

static DiskJob *pop(DiskJob **list)
{
        DiskJob *job = *list;

        if (job)
                *list = job->next;
        return job;
}

static bool take(DiskJob **list, DiskJob *job)
{
        for (; *list; list = &(*list)->next)
                if (*list == job) {
                        *list = job->next;
                        return true;
                }
        return false;
}

static void fake_submit(Disk *disk, DiskJob *job)
{
        push(&fake_of(disk)->waiting, job);
}

static void fake_abandon(Disk *disk, DiskJob *job)
{
        FakeDisk *fake = fake_of(disk);

        if (!take(&fake->waiting, job) && !take(&fake->ended, job) && !take(&fake->stalled, job))
                abort();
        job->dropped(job);
}

static void run_one(FakeDisk *fake)
{
        DiskJob *job;

        if (fake->stalled || !(job = pop(&fake->waiting)))
                return;
        job->work(job, &fake->disk);
        if (fake->stalling) {
                fake->stalling = false;
                push(&fake->stalled, job);
        } else
                push(&fake->ended, job);
}

bool fake_disk_step(FakeDisk *fake)
{
        DiskJob *job;

        if (!fake->ended)
                run_one(fake);
        job = pop(&fake->ended);
        if (job)
                job->done(job);
        return job;
}

static void fake_dispatch(Disk *disk)
{
        FakeDisk *fake = fake_of(disk);
        DiskJob *job;

        if (!fake->held)
                while (fake_disk_step(fake))
                        ;
        while ((job = pop(&fake->ended)))
                job->done(job);
}

static bool fake_wait(Disk *disk, usec_t timeout_usec)
{
        FakeDisk *fake = fake_of(disk);

        if (!fake->held && !fake->ended)
                run_one(fake);
        return fake->ended;
}

static int fake_fd(const Disk *disk)
{
        return -1;
}

void fake_disk_resume(FakeDisk *fake)
{
        DiskJob *job = pop(&fake->stalled);

        if (job)
                push(&fake->ended, job);
}

bool fake_disk_is_idle(const FakeDisk *fake)
{
        return !fake->waiting && !fake->ended && !fake->stalled;
}

static Disk *fake_free_disk(Disk *disk)
{
        (void)fake_disk_free(fake_of(disk));
        return NULL;
}

static const DiskOps fake_ops = {
        .open = fake_open,
        .close = fake_close,
        .mkdir = fake_mkdir,
        .unlink = fake_unlink,
        .rename = fake_rename,
        .replace = fake_replace,
        .list = fake_list,
        .lock = fake_lock,
        .size = fake_size,
        .read = fake_read,
        .write = fake_write,
        .allocate = fake_allocate,
        .sync = fake_sync,
        .forget = fake_forget,
        .space = fake_space,
        .boot_id = fake_boot_id,
        .submit = fake_submit,
        .abandon = fake_abandon,
        .wait = fake_wait,
        .dispatch = fake_dispatch,
        .fd = fake_fd,
        .free = fake_free_disk,
};

/* ---- life, and life after a cut ---- */

FakeDisk *fake_disk_new(void)
{
        FakeDisk *fake = need(calloc(1, sizeof(*fake)));

        fake->disk.ops = &fake_ops;
        fake->boot[0] = 1;
        return fake;
}

FakeDisk *fake_disk_free(FakeDisk *fake)
{
        if (!fake)
                return NULL;
        for (size_t i = 0; i < fake->n_inodes; i++) {
                free(fake->inodes[i].path);
                free(fake->inodes[i].data);
                free(fake->inodes[i].unreadable);
        }
        for (size_t i = 0; i < fake->n_entries; i++) {
                free(fake->entries[i].path);
                free(fake->entries[i].data);
        }
        free(fake->inodes);
        free(fake->entries);
        free(fake);
        return NULL;
}

static void write_part(FakeInode *inode, const FakeEntry *e, uint64_t from, uint64_t to)
{
        inode_write(inode, e->offset + from, e->data ? e->data + from : NULL, to - from);
}

static void write_noise(FakeInode *inode, uint64_t from, uint64_t to, uint64_t luck)
{
        uint8_t noise[PAGE];

        for (size_t i = 0; i < sizeof(noise); i++)
                noise[i] = (uint8_t)(luck >> (i % 7 * 8)) ^ (uint8_t)(i * 31);
        inode_write(inode, from, noise, to - from);
}

/* One unsynced write meets the cut, piece by piece along the grid of the medium. */
static void tear(FakeInode *inode, const FakeEntry *e, FakeCut cut, const Random *dice)
{
        size_t grid = cut == FAKE_CUT_TORN ? SECTOR : PAGE;

        for (uint64_t from = 0, to; from < e->size; from = to) {
                uint64_t luck = dice->draw(dice->userdata);

                to = MIN(((e->offset + from) / grid + 1) * grid - e->offset, e->size);
                if (luck & 1) {
                        write_part(inode, e, from, to);
                } else if (cut == FAKE_CUT_ZEROED) {
                        inode_write(inode, e->offset + from, NULL, to - from);
                } else if (cut == FAKE_CUT_GARBAGE) {
                        write_noise(inode, e->offset + from, e->offset + to, luck);
                }
        }
}

static void meet(FakeInode *inode, const FakeEntry *e, FakeCut cut, const Random *dice)
{
        if (cut == FAKE_CUT_KEPT)
                write_part(inode, e, 0, e->size);
        else if (cut != FAKE_CUT_LOST)
                tear(inode, e, cut, dice);
}

/* What a disk holds at the start of its record, so that it can be cut again. */
static void record_start(FakeDisk *fake)
{
        for (size_t i = 0; i < fake->n_inodes; i++) {
                const FakeInode *inode = &fake->inodes[i];
                FakeEntry *e = record(fake, MADE, i);

                e->path = need(strdup(inode->path ?: "/gone"));
                e->is_directory = inode->is_directory;
                if (!inode->path)
                        (void)record(fake, UNLINKED, i);
                if (inode->size > 0) {
                        e = record(fake, WRITTEN, i);
                        e->size = inode->size;
                        e->data = need(malloc(inode->size));
                        memcpy(e->data, inode->data, inode->size);
                }
                (void)record(fake, METADATA_SYNCED, i);
        }
}

/* What was synced after the first n_entries changes is in `after`; the rest has met the cut, too. */
static FakeDisk *replay(const FakeDisk *fake, size_t n_entries, FakeCut cut, const Random *dice)
{
        FakeDisk *after = fake_disk_new();
        _cleanup_free_ bool *pending = need(calloc(n_entries + 1, sizeof(bool)));
        size_t durable_names = 0;

        memcpy(after->boot, fake->boot, 16);
        after->boot[15]++;
        /* The journal keeps the order of names: what came before the last sync that covered metadata is there. */
        for (size_t k = 0; k < n_entries; k++)
                if (fake->entries[k].kind == METADATA_SYNCED)
                        durable_names = k;
        for (size_t k = 0; k < n_entries; k++) {
                const FakeEntry *e = &fake->entries[k];
                bool named = k < durable_names || cut != FAKE_CUT_LOST;

                switch (e->kind) {
                case MADE:
                        (void)make(after, e->path, e->is_directory);
                        if (!named)
                                free(TAKE_PTR(after->inodes[e->inode].path));
                        break;
                case UNLINKED:
                        if (named)
                                free(TAKE_PTR(after->inodes[e->inode].path));
                        break;
                case RENAMED:
                        if (named && after->inodes[e->inode].path) {
                                char *from = need(strdup(after->inodes[e->inode].path));

                                take_name(after, from, e->path);
                                free(from);
                        }
                        break;
                case RESIZED:
                        if (named && e->size > after->inodes[e->inode].size)
                                inode_resize(&after->inodes[e->inode], e->size);
                        break;
                case WRITTEN:
                        pending[k] = true;
                        break;
                case FORGOTTEN:
                        break;
                case SYNCED:
                case METADATA_SYNCED:
                case SYNC_FAILED:
                        /* After a failed sync the system takes the pages for clean: what did not get through then
                         * never will. */
                        for (size_t j = 0; j < k; j++)
                                if (pending[j] && fake->entries[j].inode == e->inode) {
                                        size_t lost_at = fake->entries[j].lost_at;

                                        if (e->kind == SYNC_FAILED && lost_at > 0 && lost_at < n_entries)
                                                ; /* nothing of it was there later */
                                        else if (e->kind == SYNC_FAILED)
                                                meet(&after->inodes[e->inode], &fake->entries[j], cut,
                                                     dice);
                                        else
                                                write_part(&after->inodes[e->inode], &fake->entries[j], 0,
                                                           fake->entries[j].size);
                                        pending[j] = false;
                                }
                        break;
                }
        }
        for (size_t k = 0; k < n_entries; k++)
                if (pending[k])
                        meet(&after->inodes[fake->entries[k].inode], &fake->entries[k], cut, dice);
        return after;
}

/* ---- pages under write ---- */

static bool is_sync_of(const FakeEntry *e, size_t inode)
{
        return e->inode == inode && (e->kind == SYNCED || e->kind == METADATA_SYNCED || e->kind == SYNC_FAILED);
}

/* Was there a write to that page, not synced since? */
static bool is_under_write(const FakeDisk *fake, size_t n_entries, size_t inode, size_t page)
{
        for (size_t k = n_entries; k-- > 0 && !is_sync_of(&fake->entries[k], inode);) {
                const FakeEntry *e = &fake->entries[k];

                if (e->kind == WRITTEN && e->inode == inode && e->offset < (page + 1) * PAGE &&
                    e->offset + e->size > page * PAGE)
                        return true;
        }
        return false;
}

/* The wanted one of the pages under write; returns how many there are. */
static size_t look_under_write(const FakeDisk *fake, size_t n_entries, size_t wanted, size_t *ret_inode,
                               size_t *ret_page)
{
        size_t n = 0;

        for (size_t i = 0; i < fake->n_inodes; i++)
                for (size_t k = n_entries; k-- > 0 && !is_sync_of(&fake->entries[k], i);) {
                        const FakeEntry *e = &fake->entries[k];

                        if (e->kind != WRITTEN || e->inode != i)
                                continue;
                        for (size_t page = e->offset / PAGE; page * PAGE < e->offset + e->size; page++, n++)
                                if (n == wanted) {
                                        *ret_inode = i;
                                        *ret_page = page;
                                }
                }
        return n;
}

size_t fake_disk_pages_under_write(const FakeDisk *fake, size_t n_entries)
{
        size_t inode, page;

        return look_under_write(fake, n_entries, SIZE_MAX, &inode, &page);
}

static void strike(FakeDisk *after, const FakeDisk *fake, size_t n_entries, const FakeBlow *blow, uint64_t luck)
{
        size_t i = 0, page = 0, pages = blow->block / PAGE, first;
        FakeInode *inode;

        if (look_under_write(fake, n_entries, blow->page, &i, &page) <= blow->page)
                return;
        inode = &after->inodes[i];
        first = page / pages * pages;
        for (size_t p = first; p < first + pages && (p + 1) * PAGE <= inode->size; p++) {
                if (!blow->bystanders && !is_under_write(fake, n_entries, i, p))
                        continue;
                if (blow->unreadable)
                        inode_spoil(inode, p);
                else
                        write_noise(inode, p * PAGE, (p + 1) * PAGE, luck);
        }
}

FakeDisk *fake_disk_after_blow(const FakeDisk *fake, size_t n_entries, FakeCut cut, uint64_t seed,
                               const FakeBlow *blow)
{
        FakeRandom dice;
        FakeDisk *after;

        fake_random_init(&dice, seed);
        after = replay(fake, n_entries, cut, &dice.random);
        if (blow)
                strike(after, fake, n_entries, blow, dice.random.draw(dice.random.userdata));
        record_start(after);
        return after;
}

FakeDisk *fake_disk_after_cut(const FakeDisk *fake, size_t n_entries, FakeCut cut, uint64_t seed)
{
        return fake_disk_after_blow(fake, n_entries, cut, seed, NULL);
}

FakeDisk *fake_disk_copy(const FakeDisk *fake)
{
        FakeDisk *copy = fake_disk_new();

        memcpy(copy->boot, fake->boot, 16);
        copy->capacity = fake->capacity;
        copy->inodes_left = fake->inodes_left;
        for (size_t i = 0; i < fake->n_inodes; i++) {
                const FakeInode *from = &fake->inodes[i];

                if (from->path) {
                        size_t k = make(copy, from->path, from->is_directory);

                        inode_write(&copy->inodes[k], 0, from->data, from->size);
                }
        }
        record_start(copy);
        return copy;
}

uint8_t *fake_disk_file(FakeDisk *fake, const char *path, size_t *ret_size)
{
        ssize_t i = find(fake, path);

        if (i < 0)
                return NULL;
        if (ret_size)
                *ret_size = fake->inodes[i].size;
        return fake->inodes[i].data;
}

void fake_disk_spoil(FakeDisk *fake, const char *path, size_t page)
{
        ssize_t i = find(fake, path);

        if (i < 0)
                abort();
        inode_spoil(&fake->inodes[i], page);
}

static void set_forbidden(FakeDisk *fake, const char *path, bool forbidden)
{
        ssize_t i = find(fake, path);

        if (i < 0)
                abort();
        fake->inodes[i].forbidden = forbidden;
}

void fake_disk_forbid(FakeDisk *fake, const char *path)
{
        set_forbidden(fake, path, true);
}

void fake_disk_allow(FakeDisk *fake, const char *path)
{
        set_forbidden(fake, path, false);
}

/* ---- its own weight ---- */

static size_t chunk(void *p)
{
        return p ? malloc_usable_size(p) + sizeof(size_t) : 0;
}

size_t fake_disk_memory(const FakeDisk *fake)
{
        size_t sum = chunk(fake->entries) + chunk(fake->inodes);

        for (size_t i = 0; i < fake->n_entries; i++)
                sum += chunk(fake->entries[i].path) + chunk(fake->entries[i].data);
        for (size_t i = 0; i < fake->n_inodes; i++)
                sum += chunk(fake->inodes[i].path) + chunk(fake->inodes[i].data);
        return sum;
}
