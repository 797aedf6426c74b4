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
                        sum += l->slots[i]->n_pages * PAGE_BYTES;
        return sum;
}

/* ---- taking ---- */

Slot *lane_take_slot(Lane *l, size_t pages)
{
        Slot *best = NULL;

        for (size_t i = 0; i < l->n_slots; i++) {
                Slot *slot = l->slots[i];

                if (slot->state == SLOT_FREE && slot->n_pages >= pages && (!best || slot->index < best->index))
                        best = slot;
        }
        if (best || (l->current && !l->failed))
                return best;
        /* The last resort on a disk that gives no more: a slot whose checkpoint is not durable yet. A cut right
         * now would have some of its records served again or counted as damaged, though they were settled. */
        for (Slot *slot = lane_next_slot(l, NULL); slot; slot = lane_next_slot(l, slot))
                if (slot->state == SLOT_USED && slot != l->current && slot->n_pages >= pages &&
                    slot_is_settled(slot, l->host->streams)) {
                        lane_cursor_leave(l, slot);
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

void lane_release(Lane *l, Slot *slot)
{
        lane_cursor_leave(l, slot);
        if (slot->state == SLOT_BROKEN || !l->host->may_keep(l->host->userdata, l))
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
                (void)disk_sync_metadata(disk, slot->lane->dir_fd);
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
        lane_cursor_leave(l, slot);
        slot->state = SLOT_GOING;
        slot->removal = (DiskJob){remove_work, remove_done, remove_dropped};
        disk_submit(l->disk, &slot->removal);
}

/* ---- making ---- */

static int blank(Lane *l, Disk *disk)
{
        static const uint8_t zeros[16 * PAGE_BYTES];
        size_t step = MIN(l->make_pages - l->make_at, (size_t)STEP_PAGES);

        for (size_t done = 0; done < step;) {
                struct iovec iov[STEP_PAGES / 16];
                uint64_t offset = (l->make_at + done) * PAGE_BYTES;
                int n = 0, r;

                for (; done < step && n < (int)ARRAY_SIZE(iov); n++) {
                        size_t pages = MIN(step - done, sizeof(zeros) / PAGE_BYTES);

                        iov[n] = (struct iovec){(void *)(uintptr_t)zeros, pages * PAGE_BYTES};
                        done += pages;
                }
                r = disk_write(disk, l->make_fd, iov, n, offset);
                if (r < 0)
                        return r;
        }
        l->make_at += step;
        return 0;
}

static int make_step(Lane *l, Disk *disk, const char *path)
{
        int r;

        if (l->make_fd < 0) {
                l->make_what = "make";
                l->make_fd = disk_open(disk, path, O_RDWR | O_CREAT | O_EXCL);
                /* What is there is our own, half made: others' files keep their place in the table. */
                if (l->make_fd == -EEXIST && disk_unlink(disk, path) == 0)
                        l->make_fd = disk_open(disk, path, O_RDWR | O_CREAT | O_EXCL);
                if (l->make_fd < 0)
                        return l->make_fd;
                l->make_what = "allocate room for";
                r = disk_allocate(disk, l->make_fd, l->make_pages * PAGE_BYTES);
                if (r < 0)
                        return r;
                if (!l->make_blank)
                        l->make_at = l->make_pages;
        }
        if (l->make_at < l->make_pages) {
                l->make_what = "write to";
                r = blank(l, disk);
                if (r < 0 || l->make_at < l->make_pages)
                        return r;
        }
        l->make_what = "sync";
        r = disk_sync_metadata(disk, l->make_fd);
        return r < 0 ? r : disk_sync_metadata(disk, l->dir_fd);
}

static void make_work(DiskJob *job, Disk *disk)
{
        Lane *l = container_of(job, Lane, make);
        _cleanup_free_ char *path = lane_slot_path(l, l->make_index);
        bool existed;

        l->make_error = path ? make_step(l, disk, path) : -ENOMEM;
        if (l->make_error == 0)
                return;
        existed = l->make_fd < 0;
        l->make_fd = disk_close(disk, l->make_fd);
        if (!existed)
                (void)disk_unlink(disk, path);
}

static bool is_full(int error)
{
        return error == -ENOSPC || error == -EDQUOT;
}

static void make_failed(Lane *l, int error)
{
        _cleanup_free_ char *path = lane_slot_path(l, l->make_index);

        l->make_retry_usec = usec_add(clock_boot(l->host->clock), MAKE_RETRY_USEC);
        if (!l->failed && !l->starved && l->current)
                return; /* nobody has been waiting for it */
        if (!l->failed && is_full(error)) {
                lane_prepare(l);
                if (l->release) /* what we have is the limit until there is space, and the oldest makes room */
                        return;
        }
        lane_fail(l, error, l->make_what, path);
}

static void make_done(DiskJob *job)
{
        Lane *l = container_of(job, Lane, make);

        if (l->make_error == 0 && l->make_at < l->make_pages && !l->finishing) {
                disk_submit(l->disk, &l->make);
                return;
        }
        l->making = false;
        if (l->make_error == 0 && l->make_at < l->make_pages) { /* half done: the next opening goes on from there */
                l->make_fd = disk_close(l->disk, l->make_fd);
                return;
        }
        if (l->make_error == 0 && !lane_add_slot(l, l->make_index, l->make_fd, l->make_pages)) {
                l->make_error = -ENOMEM;
                disk_close(l->disk, l->make_fd);
        }
        l->make_fd = -1;
        if (l->make_error < 0) {
                make_failed(l, l->make_error);
                return;
        }
        l->n_made++;
        l->make_retry_usec = USEC_INFINITY;
        if (l->failed || l->starved) {
                l->starved = false;
                (void)lane_seal(l, l->failed);
        }
        lane_tick(l, clock_boot(l->host->clock));
        lane_prepare(l);
}

static void make_dropped(DiskJob *job)
{
        lane_orphan_ended(container_of(job, Lane, make));
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
        l->make = (DiskJob){make_work, make_done, make_dropped};
        l->make_index = unused_index(l);
        l->make_fd = -1;
        l->make_at = 0;
        l->make_pages = l->host->slot_pages;
        l->make_blank = l->n_made < FIRST_SLOTS || l->n_commit_pages < l->n_commits * SMALL_COMMIT;
        l->making = true;
        disk_submit(l->disk, &l->make);
}

void lane_prepare(Lane *l)
{
        if (l->making || lane_has_free(l) || (!l->starved && (!l->wanted || l->finishing)))
                return;
        for (Slot *slot = lane_next_slot(l, NULL); slot; slot = lane_next_slot(l, slot))
                if (lane_could_release(l, slot) && (l->current || slot->state == SLOT_USED)) {
                        /* The next checkpoint frees it. */
                        if (!slot->releasing) {
                                l->release = true;
                                lane_dirty(l);
                        }
                        return;
                }
        if (l->failed)
                return; /* it tries by itself */
        if (l->make_retry_usec == USEC_INFINITY && l->host->may_grow(l->host->userdata, l)) {
                lane_make(l);
                return;
        }
        if (l->make_retry_usec != USEC_INFINITY && !is_full(l->make_error))
                return; /* records are not given up for a fault that may pass */
        if (!l->starved && l->current && l->current->n_used < l->current->n_pages - l->current->n_pages / 4)
                return; /* in good time */
        l->host->make_room(l->host->userdata, l);
        if (l->starved && !l->current && !l->release && l->make_retry_usec == USEC_INFINITY)
                lane_make(l); /* over the limit rather than not at all: a write has failed, and there is no other */
}
