/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Slots come and go on the worker, ahead of need, so that a commit finds one ready: that is where a full disk
 * shows, while there is still room to say so. One free slot is kept.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "queue/lane.h"

#define STEP_PAGES       256 /* blanked in one job, so that a commit of the other lane can come in between */
#define FIRST_SLOTS      4   /* these are always written once */
#define SMALL_COMMIT     4   /* pages: below it the journal costs more than blanking does */
#define MAKE_RETRY_USEC  USEC_PER_MIN

/* ---- looking ---- */

char *lane_slot_path(const Lane *l, unsigned index)
{
        char *path;

        return asprintf(&path, "%s/seg-%04u", l->path, index) < 0 ? NULL : path;
}

Slot *lane_next_slot(const Lane *l, const Slot *after)
{
        Slot *next = NULL;

        for (size_t i = 0; i < l->n_slots; i++) {
                Slot *slot = l->slots[i];

                if (slot_holds(slot) && (!after || slot->segno > after->segno) && (!next || slot->segno < next->segno))
                        next = slot;
        }
        return next;
}

Slot *lane_previous_slot(const Lane *l, const Slot *before)
{
        Slot *previous = NULL;

        for (size_t i = 0; i < l->n_slots; i++) {
                Slot *slot = l->slots[i];

                if (slot_holds(slot) && (!before || slot->segno < before->segno) &&
                    (!previous || slot->segno > previous->segno))
                        previous = slot;
        }
        return previous;
}

bool lane_has_free(const Lane *l)
{
        for (size_t i = 0; i < l->n_slots; i++)
                if (l->slots[i]->state == SLOT_FREE)
                        return true;
        return false;
}

uint64_t lane_bytes(const Lane *l)
{
        uint64_t sum = 0;

        for (size_t i = 0; i < l->n_slots; i++)
                if (slot_holds(l->slots[i]))
                        sum += (uint64_t)l->slots[i]->n_pages * PAGE_BYTES;
        return sum;
}

/* ---- taking ---- */

/* For a lane that has no slot to write to, on a disk that gave no other a moment ago: one that holds nothing any
 * more, though no durable checkpoint says so. A cut right now would have some of its records served again or counted
 * as damaged, though they were settled. */
static bool is_last_resort(const Lane *l, const Slot *slot)
{
        return !l->current && l->making.retry_usec != USEC_INFINITY && slot->state == SLOT_USED &&
               slot_is_settled(slot, l->host->streams);
}

Slot *lane_take_slot(Lane *l, size_t pages)
{
        Slot *best = NULL;

        for (size_t i = 0; i < l->n_slots; i++) {
                Slot *slot = l->slots[i];

                if (slot->state == SLOT_FREE && slot->n_pages >= pages && (!best || slot->index < best->index))
                        best = slot;
        }
        if (best)
                return best;
        for (Slot *slot = lane_next_slot(l, NULL); slot; slot = lane_next_slot(l, slot))
                if (slot->n_pages >= pages && is_last_resort(l, slot)) {
                        lane_cursors_leave(l, slot);
                        return slot;
                }
        return NULL;
}

Slot *lane_add_slot(Lane *l, unsigned index, int fd, size_t n_pages)
{
        Slot *slot;

        if (l->n_slots == l->slots_allocated) {
                size_t room = MAX(l->slots_allocated * 2, (size_t)16);
                Slot **slots = realloc(l->slots, room * sizeof(*slots));

                if (!slots)
                        return NULL;
                l->slots = slots;
                l->slots_allocated = room;
        }
        slot = calloc(1, sizeof(*slot));
        if (!slot)
                return NULL;
        slot->lane = l;
        slot->index = index;
        slot->fd = fd;
        slot->n_pages = n_pages;
        slot->state = SLOT_FREE;
        l->slots[l->n_slots++] = slot;
        return slot;
}

/* ---- letting go ---- */

/* Smaller than a new one, from an opening with other limits: a large commit would wait for ever for room in it. */
bool lane_is_short(const Lane *l, const Slot *slot)
{
        return slot->n_pages < l->host->slot_pages;
}

void lane_release(Lane *l, Slot *slot)
{
        lane_cursors_leave(l, slot);
        if (slot->state != SLOT_BROKEN && !l->host->may_keep(l->host->userdata, l)) {
                l->host->gives_up(l->host->userdata, l);
                lane_remove(l, slot);
        } else if (slot->state == SLOT_BROKEN || lane_is_short(l, slot))
                lane_remove(l, slot);
        else
                slot->state = SLOT_FREE;
}

static void remove_work(DiskJob *job, Disk *disk)
{
        Slot *slot = container_of(job, Slot, removal);
        _cleanup_free_ char *path = lane_slot_path(slot->lane, slot->index);

        /* Should it stay after all, the next opening finds it free. */
        if (path && disk_unlink(disk, path) == 0)
                (void)meter_sync_metadata(&slot->use, disk, slot->lane->dir_fd);
}

static void remove_done(DiskJob *job)
{
        Slot *slot = container_of(job, Slot, removal);
        Lane *l = slot->lane;

        for (size_t i = 0; i < l->n_slots; i++)
                if (l->slots[i] == slot) {
                        l->slots[i] = l->slots[--l->n_slots];
                        break;
                }
        meter_add(l->host->meter, &slot->use);
        disk_close(l->disk, slot->fd);
        free(slot);
        l->host->removed(l->host->userdata, l);
}

static void remove_dropped(DiskJob *job)
{
        lane_orphan_ended(container_of(job, Slot, removal)->lane);
}

void lane_remove(Lane *l, Slot *slot)
{
        lane_cursors_leave(l, slot);
        slot->state = SLOT_GOING;
        slot->removal = (DiskJob){remove_work, remove_done, remove_dropped};
        l->host->take_tokens(l->host->userdata, 1);
        disk_submit(l->disk, &slot->removal);
}

/* ---- making ---- */

static int blank(Lane *l, Disk *disk)
{
        static const uint8_t zeros[16 * PAGE_BYTES];
        size_t step = MIN(l->making.pages - l->making.at, (size_t)STEP_PAGES);

        for (size_t done = 0; done < step;) {
                struct iovec iov[STEP_PAGES / 16];
                uint64_t offset = (uint64_t)(l->making.at + done) * PAGE_BYTES;
                int n = 0, r;

                for (; done < step && n < (int)ARRAY_SIZE(iov); n++) {
                        size_t pages = MIN(step - done, sizeof(zeros) / PAGE_BYTES);

                        iov[n] = (struct iovec){(void *)(uintptr_t)zeros, pages * PAGE_BYTES};
                        done += pages;
                }
                r = meter_write(&l->making.use, disk, l->making.fd, iov, n, offset);
                if (r < 0)
                        return r;
        }
        l->making.at += step;
        return 0;
}

/* Does the file system have room for it, with what is to be left to others? */
static int check_space(Lane *l, Disk *disk)
{
        DiskSpace space;
        int r;

        if (l->making.floor == 0)
                return 0;
        r = disk_space(disk, l->path, &space);
        if (r < 0)
                return r;
        if (space.free_bytes < l->making.floor + l->making.pages * PAGE_BYTES)
                l->making.what = "keep queue.min_free free beside";
        else if (space.free_inodes < LANE_FREE_INODES)
                l->making.what = "keep inodes free beside";
        else
                return 0;
        return -ENOSPC;
}

static int make_step(Lane *l, Disk *disk, const char *path)
{
        int r;

        if (l->making.fd < 0) {
                l->making.what = "make";
                r = check_space(l, disk);
                if (r < 0)
                        return r;
                l->making.fd = disk_open(disk, path, O_RDWR | O_CREAT | O_EXCL);
                /* What is there is our own, half made: others' files keep their place in the table. */
                if (l->making.fd == -EEXIST) {
                        r = disk_unlink(disk, path);
                        if (r < 0)
                                return r; /* that it is there is no fault */
                        l->making.fd = disk_open(disk, path, O_RDWR | O_CREAT | O_EXCL);
                }
                if (l->making.fd < 0)
                        return l->making.fd;
                l->making.what = "allocate room for";
                r = disk_allocate(disk, l->making.fd, (uint64_t)l->making.pages * PAGE_BYTES);
                if (r < 0)
                        return r;
                if (!l->making.blank)
                        l->making.at = l->making.pages;
        }
        if (l->making.at < l->making.pages) {
                l->making.what = "write to";
                r = blank(l, disk);
                if (r < 0 || l->making.at < l->making.pages)
                        return r;
        }
        l->making.what = "sync";
        r = meter_sync_metadata(&l->making.use, disk, l->making.fd);
        return r < 0 ? r : meter_sync_metadata(&l->making.use, disk, l->dir_fd);
}

static void make_work(DiskJob *job, Disk *disk)
{
        Lane *l = container_of(job, Lane, making.job);
        _cleanup_free_ char *path = lane_slot_path(l, l->making.index);
        bool existed;

        l->making.error = path ? make_step(l, disk, path) : -ENOMEM;
        if (l->making.error == 0)
                return;
        existed = l->making.fd < 0;
        l->making.fd = disk_close(disk, l->making.fd);
        if (!existed)
                (void)disk_unlink(disk, path);
}

/* A file system that became read-only lets write, all the same, to the slots that are open. */
static bool is_full(int error)
{
        return error == -ENOSPC || error == -EDQUOT || error == -EROFS;
}

void lane_fail_making(Lane *l)
{
        _cleanup_free_ char *path = lane_slot_path(l, l->making.index);

        lane_fail(l, l->making.failure, l->making.failed_at, path);
}

static void make_failed(Lane *l)
{
        bool before = l->failed;

        l->making.retry_usec = usec_add(clock_boot(l->host->clock), MAKE_RETRY_USEC);
        l->making.failure = l->making.error;
        l->making.failed_at = l->making.what;
        l->making.full = is_full(l->making.failure);
        l->host->failed(l->host->userdata, l);
        if (!l->failed && !l->starved && l->current)
                return; /* nobody has been waiting for it */
        if (!l->current) { /* now is the time for the last resort */
                if (!lane_seal(l, true) && before)
                        lane_fail_making(l);
                return;
        }
        if (!l->failed && l->making.full) {
                lane_prepare(l);
                if (l->release) /* what we have is the limit until there is space, and the oldest makes room */
                        return;
        }
        lane_fail_making(l);
}

static void make_done(DiskJob *job)
{
        Lane *l = container_of(job, Lane, making.job);

        meter_add(l->host->meter, &l->making.use);
        if (l->making.error == 0 && l->making.at < l->making.pages && (!l->finishing || l->starved || l->failed)) {
                disk_submit(l->disk, &l->making.job);
                return;
        }
        l->making.under_way = false;
        if (l->making.error == 0 &&
            l->making.at < l->making.pages) { /* half done: the next opening goes on from there */
                l->making.fd = disk_close(l->disk, l->making.fd);
                return;
        }
        if (l->making.error == 0 && !lane_add_slot(l, l->making.index, l->making.fd, l->making.pages)) {
                l->making.error = -ENOMEM;
                disk_close(l->disk, l->making.fd);
        }
        l->making.fd = -1;
        if (l->making.error < 0) {
                make_failed(l);
                return;
        }
        l->making.n_made++;
        l->making.full = false;
        l->host->recovered(l->host->userdata, l);
        l->host->meter->counts.slots_made++;
        l->making.retry_usec = USEC_INFINITY;
        if (l->failed || l->starved) {
                l->starved = false;
                (void)lane_seal(l, l->failed);
        }
        lane_tick(l, clock_boot(l->host->clock));
        lane_prepare(l);
}

static void make_dropped(DiskJob *job)
{
        lane_orphan_ended(container_of(job, Lane, making.job));
}

static unsigned unused_index(const Lane *l)
{
        for (unsigned index = 0;; index++) {
                bool used = false;

                for (size_t i = 0; i < l->n_slots && !used; i++)
                        used = l->slots[i]->index == index;
                if (!used)
                        return index;
        }
}

void lane_make(Lane *l)
{
        l->making.job = (DiskJob){make_work, make_done, make_dropped};
        l->making.index = unused_index(l);
        l->making.fd = -1;
        l->making.at = 0;
        l->making.pages = l->host->slot_pages;
        l->making.blank = l->making.n_made < FIRST_SLOTS || l->n_commit_pages < l->n_commits * SMALL_COMMIT;
        l->making.floor = l->host->floor(l->host->userdata, l);
        l->making.under_way = true;
        l->host->grows(l->host->userdata, l);
        l->host->take_tokens(l->host->userdata, 2); /* its file's, and the directory's */
        disk_submit(l->disk, &l->making.job);
}

/* That there is room says nothing of a quota, nor of whether files can be made. */
void lane_space_again(Lane *l)
{
        if (l->making.under_way || !l->making.full || l->making.failure == -EDQUOT || l->making.failure == -EROFS)
                return;
        l->making.full = false;
        l->making.retry_usec = USEC_INFINITY;
}

/* A slot that the next checkpoint frees. */
static bool checkpoint_helps(Lane *l)
{
        for (Slot *slot = lane_next_slot(l, NULL); slot; slot = lane_next_slot(l, slot))
                if (lane_could_release(l, slot)) {
                        if (!slot->releasing) {
                                l->release = true;
                                lane_dirty(l);
                        }
                        return true;
                }
        return false;
}

static bool has_last_resort(const Lane *l)
{
        for (Slot *slot = lane_next_slot(l, NULL); slot; slot = lane_next_slot(l, slot))
                if (!lane_is_short(l, slot) && is_last_resort(l, slot))
                        return true;
        return false;
}

static void prepare(Lane *l, bool now)
{
        if (l->making.under_way || lane_has_free(l) ||
            (!l->starved && !l->failed && (!l->wanted || l->finishing)))
                return;
        if (l->current ? checkpoint_helps(l) : has_last_resort(l))
                return;
        if (l->failed)
                return; /* it tries by itself */
        if (l->making.retry_usec == USEC_INFINITY && (!l->current || l->host->may_grow(l->host->userdata, l))) {
                lane_make(l); /* without any to write to over the limit rather than not at all */
                return;
        }
        if (l->making.retry_usec != USEC_INFINITY && !is_full(l->making.failure))
                return; /* records are not given up for a fault that may pass */
        if (!now && !l->starved && l->current &&
            l->current->n_used < l->current->n_pages - l->current->n_pages / 4)
                return; /* in good time */
        l->host->make_room(l->host->userdata, l);
}

void lane_prepare(Lane *l)
{
        prepare(l, false);
}

void lane_prepare_now(Lane *l)
{
        prepare(l, true);
}
