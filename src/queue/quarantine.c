/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/quarantine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "base/buffer.h"
#include "base/log.h"
#include "base/log-id.h"
#include "queue/lane.h"

#define COPY_PAGES 16 /* at once */

struct Quarantine {
        DiskJob job;
        Quarantine *next;
        Lane *lane;
        Slot slot; /* as it was: index, descriptor, generation */
        BadPages bad;
        uint64_t n;
        char *which;
        uint64_t min_free_bytes;
        MeterUse use;
        int error; /* the first one */
};

/* ---- bad pages ---- */

void bad_pages_add(BadPages *b, uint64_t segno, size_t page, BadKind kind)
{
        for (size_t i = 0; i < b->n; i++) {
                BadRun *run = &b->runs[i];

                if (run->segno != segno)
                        continue;
                if (page >= run->first && page < run->first + run->n)
                        return; /* read once more */
                if (page == run->first + run->n && kind == run->kind && !run->inside &&
                    (run->n < BAD_RUN_PAGES || kind != BAD_BYTES)) {
                        run->n++;
                        return;
                }
        }
        if (b->n == BAD_RUNS)
                b->n_more++;
        else
                b->runs[b->n++] = (BadRun){.segno = segno, .first = page, .n = 1, .kind = kind};
}

void bad_pages_passed(BadPages *b, uint64_t segno)
{
        for (size_t i = 0; i < b->n; i++)
                b->runs[i].inside |= b->runs[i].segno == segno;
}

/* Behind the last good page a slot was not written yet. */
static bool counts(const BadRun *run, const Slot *slot)
{
        return run->segno == slot->segno && (run->kind != BAD_UNWRITTEN || run->inside);
}

static bool has_bytes(const BadRun *run, const Slot *slot)
{
        return counts(run, slot) && run->kind == BAD_BYTES;
}

/* ---- the line ---- */

static void say_where(Buffer *b, const BadPages *bad, const Slot *slot, BadKind kind, const char *how)
{
        const char *before = how;

        for (size_t i = 0; i < bad->n; i++) {
                const BadRun *run = &bad->runs[i];

                if (!counts(run, slot) || run->kind != kind)
                        continue;
                buffer_printf(b, "%s%zu", before, run->first * PAGE_BYTES);
                if (run->n > 1)
                        buffer_printf(b, " (%zu bytes)", run->n * PAGE_BYTES);
                before = ", ";
        }
        if (before != how)
                buffer_append_string(b, ".");
}

static void say_copies(Buffer *b, const Lane *l, const BadPages *bad, const Slot *slot, int error)
{
        const char *before = "";
        bool any = false;

        for (size_t i = 0; i < bad->n; i++) {
                if (!has_bytes(&bad->runs[i], slot))
                        continue;
                any = true;
                if (!bad->runs[i].copied)
                        continue;
                if (!before[0])
                        buffer_printf(b, " Copies are in %s/quarantine: ", l->path);
                buffer_printf(b, "%sseg-%04u.g%llu.p%zu", before, slot->index, (unsigned long long)slot->segno,
                              bad->runs[i].first);
                before = ", ";
        }
        if (before[0])
                buffer_append_string(b, ".");
        else if (any)
                buffer_printf(b, " No copy was made: %s.", strerrordesc_np(-error) ?: "unknown error");
}

static void tell(const Lane *l, const Slot *slot, const BadPages *bad, uint64_t n, const char *which, int error)
{
        Buffer b = BUFFER_NULL;

        say_where(&b, bad, slot, BAD_BYTES, " Garbage at byte ");
        say_where(&b, bad, slot, BAD_UNREADABLE, " Not readable at byte ");
        say_where(&b, bad, slot, BAD_UNWRITTEN, " Never written, or lost, at byte ");
        if (bad->n_more > 0)
                buffer_printf(&b, " And %zu more bad pages.", bad->n_more);
        if (b.size == 0)
                buffer_append_string(&b, " The file has no bad page: its end is missing, or it was put back from a "
                                         "copy.");
        say_copies(&b, l, bad, slot, error);
        log_line(LOG_ERR, LOG_ID_RECORD_DAMAGED, NULL,
                 "%s/seg-%04u: %llu records cannot be read any more (%s); counted as dropped (damaged).%s "
                 "Check the disk.",
                 l->path, slot->index, (unsigned long long)n, which, b.data ?: "");
        buffer_done(&b);
}

/* ---- room for them ---- */

typedef struct Copies {
        struct {
                unsigned index;
                unsigned long long segno;
                size_t page;
        } files[QUARANTINE_FILES * 4];
        size_t n;
} Copies;

static void meet_copy(void *userdata, const char *name)
{
        Copies *c = userdata;
        int length = 0;

        if (c->n < ARRAY_SIZE(c->files) &&
            sscanf(name, "seg-%9u.g%19llu.p%9zu%n", &c->files[c->n].index, &c->files[c->n].segno, &c->files[c->n].page,
                   &length) == 3 && !name[length])
                c->n++;
}

static char *copy_path(const Lane *l, unsigned index, uint64_t segno, size_t page)
{
        char *path;

        return asprintf(&path, "%s/quarantine/seg-%04u.g%llu.p%zu", l->path, index,
                        (unsigned long long)segno, page) < 0 ?
                       NULL : path;
}

static void remove_oldest(const Lane *l, Disk *disk, Copies *c)
{
        _cleanup_free_ char *path = NULL;
        size_t oldest = 0;

        for (size_t i = 1; i < c->n; i++)
                if (c->files[i].segno < c->files[oldest].segno ||
                    (c->files[i].segno == c->files[oldest].segno && c->files[i].page < c->files[oldest].page))
                        oldest = i;
        path = copy_path(l, c->files[oldest].index, c->files[oldest].segno, c->files[oldest].page);
        if (path)
                (void)disk_unlink(disk, path);
        c->files[oldest] = c->files[--c->n];
}

static uint64_t bytes_of(const Lane *l, Disk *disk, const Copies *c)
{
        uint64_t sum = 0;

        for (size_t i = 0; i < c->n; i++) {
                _cleanup_free_ char *path = copy_path(l, c->files[i].index, c->files[i].segno, c->files[i].page);
                int fd = path ? disk_open(disk, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK) : -ENOMEM;
                int64_t size = fd < 0 ? 0 : disk_size(disk, fd);

                disk_close(disk, fd);
                sum += size > 0 ? (uint64_t)size : 0;
        }
        return sum;
}

static void make_room(const Lane *l, Disk *disk, const char *directory, size_t pages)
{
        Copies c = {};

        if (disk_list(disk, directory, meet_copy, &c) < 0)
                return;
        while (c.n > 0 && (c.n >= QUARANTINE_FILES || bytes_of(l, disk, &c) + pages * PAGE_BYTES > QUARANTINE_BYTES))
                remove_oldest(l, disk, &c);
}

/* ---- on the worker ---- */

static int copy_pages(Quarantine *q, Disk *disk, int fd, const BadRun *run)
{
        _cleanup_free_ uint8_t *bytes = malloc(COPY_PAGES * PAGE_BYTES);

        if (!bytes)
                return -ENOMEM;
        for (size_t done = 0, n; done < run->n; done += n) {
                struct iovec iov = {bytes, 0};
                ssize_t got;
                int r;

                n = MIN(run->n - done, (size_t)COPY_PAGES);
                got = disk_read(disk, q->slot.fd, bytes, n * PAGE_BYTES, (uint64_t)(run->first + done) * PAGE_BYTES);
                if (got < 0)
                        return (int)got;
                iov.iov_len = (size_t)got;
                r = got > 0 ? meter_write(&q->use, disk, fd, &iov, 1, (uint64_t)done * PAGE_BYTES) : -EIO;
                if (r < 0)
                        return r;
        }
        return meter_sync_metadata(&q->use, disk, fd);
}

static int copy_run(Quarantine *q, Disk *disk, const char *directory, const BadRun *run)
{
        _cleanup_free_ char *path = copy_path(q->lane, q->slot.index, run->segno, run->first);
        int fd, r;

        if (!path)
                return -ENOMEM;
        (void)disk_unlink(disk, path); /* of an earlier run that did not live to save the outcome */
        make_room(q->lane, disk, directory, run->n);
        fd = disk_open(disk, path, O_WRONLY | O_CREAT | O_EXCL);
        if (fd < 0)
                return fd;
        r = copy_pages(q, disk, fd, run);
        disk_close(disk, fd);
        if (r < 0)
                (void)disk_unlink(disk, path);
        return r;
}

/* Not on a disk that is as good as full: what is left is for records. */
static int check_space(const Quarantine *q, Disk *disk)
{
        DiskSpace space;
        int r = disk_space(disk, q->lane->path, &space);

        if (r < 0)
                return r;
        if (space.free_bytes < q->min_free_bytes + QUARANTINE_BYTES || space.free_inodes < LANE_FREE_INODES)
                return -ENOSPC;
        return 0;
}

static int copy_all(Quarantine *q, Disk *disk)
{
        _cleanup_free_ char *directory = NULL;
        int fd, r;

        if (asprintf(&directory, "%s/quarantine", q->lane->path) < 0) {
                directory = NULL;
                return -ENOMEM;
        }
        r = check_space(q, disk);
        if (r < 0)
                return r;
        r = disk_mkdir(disk, directory);
        if (r == 0)
                r = meter_sync_metadata(&q->use, disk, q->lane->dir_fd);
        if (r < 0 && r != -EEXIST)
                return r;
        fd = disk_open(disk, directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
        if (fd < 0)
                return fd;
        r = 0;
        for (size_t i = 0; i < q->bad.n && r == 0; i++)
                if (has_bytes(&q->bad.runs[i], &q->slot)) {
                        r = copy_run(q, disk, directory, &q->bad.runs[i]);
                        q->bad.runs[i].copied = r == 0;
                }
        (void)meter_sync_metadata(&q->use, disk, fd);
        disk_close(disk, fd);
        return r;
}

static void copy_work(DiskJob *job, Disk *disk)
{
        Quarantine *q = container_of(job, Quarantine, job);

        q->error = copy_all(q, disk);
}

static void forget(Quarantine *q)
{
        free(q->which);
        free(q);
}

static void copy_done(DiskJob *job)
{
        Quarantine *q = container_of(job, Quarantine, job);
        Lane *l = q->lane;

        for (Quarantine **p = &l->quarantine; *p; p = &(*p)->next)
                if (*p == q) {
                        *p = q->next;
                        break;
                }
        meter_add(l->host->meter, &q->use);
        tell(l, &q->slot, &q->bad, q->n, q->which, q->error);
        forget(q);
}

static void copy_dropped(DiskJob *job)
{
        Quarantine *q = container_of(job, Quarantine, job);
        Lane *l = q->lane;

        forget(q);
        lane_orphan_ended(l);
}

/* ---- events ---- */

int quarantine_pending(const Lane *l)
{
        int n = 0;

        for (const Quarantine *q = l->quarantine; q; q = q->next)
                n++;
        return n;
}

void quarantine_leave(Lane *l)
{
        for (Quarantine *q = l->quarantine, *next; q; q = next) {
                next = q->next;
                tell(l, &q->slot, &q->bad, q->n, q->which, -ECANCELED);
                disk_abandon(l->disk, &q->job);
        }
        l->quarantine = NULL;
}

static Quarantine *quarantine_new(Lane *l, const Slot *slot, const BadPages *bad, uint64_t n, const char *which)
{
        Quarantine *q = calloc(1, sizeof(*q));

        if (!q)
                return NULL;
        *q = (Quarantine){
                .job = {copy_work, copy_done, copy_dropped},
                .lane = l,
                .slot = *slot,
                .bad = *bad,
                .n = n,
                .which = strdup(which),
                .min_free_bytes = l->host->min_free_bytes,
        };
        if (q->which)
                return q;
        free(q);
        return NULL;
}

void quarantine_take(Lane *l, const Slot *slot, const BadPages *bad, uint64_t n, const char *which)
{
        Quarantine *q = NULL;
        bool any = false;

        for (size_t i = 0; i < bad->n; i++)
                any |= has_bytes(&bad->runs[i], slot);
        if (any && !l->failed && quarantine_pending(l) < QUARANTINE_PENDING)
                q = quarantine_new(l, slot, bad, n, which);
        if (!q) {
                tell(l, slot, bad, n, which, l->failed ? l->error : -ENOMEM);
                return;
        }
        q->next = l->quarantine;
        l->quarantine = q;
        disk_submit(l->disk, &q->job);
}
