/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The floor of free space, which the file system keeps for others: bytes (queue.min_free) and inodes.
 *
 * Below it the queue does not grow. It gives back the slots that hold nothing, one a lane excepted, and lives with
 * what it has; two slots a lane are never too many. It asks every ten seconds, and before each new slot: lane-slots.c.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "queue/queue-core.h"

#define ASK_USEC        (10 * USEC_PER_SEC)

struct SpaceWatch {
        DiskJob job;
        Queue *queue;
        char *path;
        DiskSpace found;
        int error;
        bool under_way;
        usec_t due_usec;
};

static SpaceWatch *space_free(SpaceWatch *w)
{
        if (w)
                free(w->path);
        free(w);
        return NULL;
}

static void space_dropped(DiskJob *job)
{
        (void)space_free(container_of(job, SpaceWatch, job));
}

/* For the end of the queue. */
void queue_space_leave(Queue *q)
{
        SpaceWatch *w = TAKE_PTR(q->space);

        if (w && w->under_way)
                disk_abandon(q->host.disk, &w->job);
        else
                (void)space_free(w);
}

static void space_work(DiskJob *job, Disk *disk)
{
        SpaceWatch *w = container_of(job, SpaceWatch, job);

        w->error = disk_space(disk, w->path, &w->found);
}

static bool is_below(const Queue *q, const DiskSpace *s, uint64_t more)
{
        return s->free_bytes < usec_add(q->settings.min_free_bytes, more) || s->free_inodes < LANE_FREE_INODES;
}

/* What nobody needs at once. */
static void give_back(Queue *q)
{
        for (unsigned i = 0; i < q->host.n_lanes; i++) {
                Lane *l = q->lanes[i];
                unsigned n = 0;

                for (size_t k = 0; k < l->n_slots; k++)
                        if (l->slots[k]->state == SLOT_FREE && n++ > 0)
                                lane_remove(l, l->slots[k]);
        }
}

static void space_done(DiskJob *job)
{
        SpaceWatch *w = container_of(job, SpaceWatch, job);
        Queue *q = w->queue;
        uint64_t slot = q->host.slot_pages * PAGE_BYTES;

        w->under_way = false;
        if (w->error < 0)
                return; /* whoever writes will learn what is wrong */
        q->free_bytes = w->found.free_bytes;
        q->free_inodes = w->found.free_inodes;
        /* a slot more to get out than to get in, or it would go to and fro */
        q->space_low = q->settings.min_free_bytes > 0 && is_below(q, &w->found, q->space_low ? slot : 0);
        if (q->space_low)
                give_back(q);
        else if (!is_below(q, &w->found, slot))
                for (unsigned i = 0; i < q->host.n_lanes; i++)
                        lane_space_again(q->lanes[i]);
        queue_look_at_disk(q);
        queue_look_at_pressure(q);
        queue_prepare_all(q);
}

static bool is_watched(const Queue *q)
{
        return q->space && queue_is_open(q) && !q->space->under_way &&
               (q->settings.min_free_bytes > 0 || queue_disk_is_full(q));
}

usec_t queue_space_due(const Queue *q)
{
        return is_watched(q) ? q->space->due_usec : USEC_INFINITY;
}

void queue_ask_space(Queue *q, usec_t now)
{
        SpaceWatch *w = q->space;

        w->job = (DiskJob){space_work, space_done, space_dropped};
        w->under_way = true;
        w->due_usec = usec_add(now, ASK_USEC);
        disk_submit(q->host.disk, &w->job);
}

int queue_space_new(Queue *q)
{
        q->space = calloc(1, sizeof(*q->space));
        if (!q->space)
                return -ENOMEM;
        q->space->queue = q;
        q->space->path = strdup(q->directory);
        return q->space->path ? 0 : -ENOMEM;
}

/* May its next slot take the place of one that the normal lane has given up? */
static bool is_given_slot(const Queue *q, const Lane *lane)
{
        return lane->which == QUEUE_LANE_URGENT && q->slots_given > 0;
}

/* Bytes that must be left over by a slot that this lane makes; 0: it may have it whatever is left. */
uint64_t queue_floor(void *userdata, const Lane *lane)
{
        const Queue *q = userdata;

        return lane->n_slots < LANE_SLOTS_MIN || is_given_slot(q, lane) ? 0 : q->settings.min_free_bytes;
}

void queue_grows(void *userdata, const Lane *lane)
{
        Queue *q = userdata;

        if (lane->n_slots >= LANE_SLOTS_MIN && is_given_slot(q, lane))
                q->slots_given--;
}

bool queue_space_allows(const Queue *q, const Lane *lane)
{
        return !q->space_low || lane->n_slots + lane->making.under_way < LANE_SLOTS_MIN ||
               is_given_slot(q, lane);
}

void queue_space_reason(const Queue *q, char reason[static LANE_REASON_MAX])
{
        if (q->space_low && q->free_bytes < q->settings.min_free_bytes) {
                (void)snprintf(reason, LANE_REASON_MAX,
                               "the file system of %s has %llu MiB free, less than queue.min_free (%llu MiB); free "
                               "some space",
                               q->directory, (unsigned long long)(q->free_bytes >> 20),
                               (unsigned long long)(q->settings.min_free_bytes >> 20));
        } else if (q->space_low && q->free_inodes < LANE_FREE_INODES) {
                (void)snprintf(reason, LANE_REASON_MAX,
                               "the file system of %s has %llu inodes left for new files; remove some files",
                               q->directory, (unsigned long long)q->free_inodes);
        } else if (q->space_low) {
                (void)snprintf(reason, LANE_REASON_MAX,
                               "the file system of %s has hardly more than queue.min_free (%llu MiB); free some space",
                               q->directory, (unsigned long long)(q->settings.min_free_bytes >> 20));
        } else
                for (unsigned i = 0; i < q->host.n_lanes; i++)
                        if (q->lanes[i]->making.full) {
                                _cleanup_free_ char *path = lane_slot_path(q->lanes[i], q->lanes[i]->making.index);

                                lane_reason(reason, q->lanes[i]->making.failure, q->lanes[i]->making.failed_at, path);
                        }
}
