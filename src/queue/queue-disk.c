/* SPDX-License-Identifier: Apache-2.0 */

/*
 * How the disk does: one state for all lanes, in words, and one line in the log each way.
 *
 * A disk that stalls has said nothing yet: records wait in their buffers, and whoever brings more than these hold
 * is told to come again. One that fails has: records are kept in a ring in memory, of which the oldest go.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/log-id.h"
#include "base/mount.h"
#include "queue/queue-core.h"

#define TELL_INTERVAL USEC_PER_HOUR
#define TELL_MAX      3 /* of one trouble in it */
#define STALL_USEC    (5 * USEC_PER_SEC) /* a commit, or an opening on the worker, that takes longer */

static DiskState state_of(int error)
{
        switch (-error) {
        case ENOSPC:
        case EDQUOT:
                return DISK_FULL;
        case EROFS:
                return DISK_READ_ONLY;
        case EWOULDBLOCK: /* the lock was not given */
                return DISK_IN_USE;
        default:
                return DISK_FAILED;
        }
}

static usec_t stall_due(const Lane *l)
{
        return l->flight.under_way ? usec_add(l->commit_usec, STALL_USEC) : USEC_INFINITY;
}

static usec_t opening_stall_due(const Queue *q)
{
        return q->opening ? usec_add(q->opening->since_usec, STALL_USEC) : USEC_INFINITY;
}

static void stall_reason(const Queue *q, const char *what, const char *path, usec_t since_boot,
                         char reason[static LANE_REASON_MAX])
{
        usec_t since = usec_sub(clock_wall(q->host.clock), usec_sub(queue_now(q), since_boot));
        time_t seconds = (time_t)(since / USEC_PER_SEC);
        char time[32] = "";
        struct tm tm;

        if (gmtime_r(&seconds, &tm))
                (void)strftime(time, sizeof(time), "%F %T UTC", &tm);
        (void)snprintf(reason, LANE_REASON_MAX,
                       "%s %s has not ended since %s: the disk stalls; check it, and the kernel's log",
                       what, path, time);
}

/* The worst that is the matter. */
static DiskState judge(const Queue *q, usec_t now, char reason[static LANE_REASON_MAX])
{
        if (now >= opening_stall_due(q) && q->open_error != -EWOULDBLOCK) {
                stall_reason(q, "opening", q->directory, q->opening->since_usec, reason);
                return DISK_STALLED;
        }
        if (!queue_is_open(q)) {
                memcpy(reason, q->open_reason, LANE_REASON_MAX);
                return q->open_error < 0 ? state_of(q->open_error) : DISK_WELL;
        }
        for (unsigned i = 0; i < q->host.n_lanes; i++)
                if (q->lanes[i]->failed) {
                        memcpy(reason, q->lanes[i]->reason, LANE_REASON_MAX);
                        return state_of(q->lanes[i]->error);
                }
        for (unsigned i = 0; i < q->host.n_lanes; i++)
                if (now >= stall_due(q->lanes[i])) {
                        stall_reason(q, "a write to", q->lanes[i]->path, q->lanes[i]->commit_usec, reason);
                        return DISK_STALLED;
                }
        if (queue_disk_is_full(q)) {
                queue_space_reason(q, reason);
                return queue_is_read_only(q) ? DISK_READ_ONLY : DISK_FULL;
        }
        return DISK_WELL;
}

/* Where the disk is well and it is the unit that does not open it: nothing but a line in the unit helps. */
static void wall_reason(const Queue *q, char reason[static LANE_REASON_MAX])
{
        (void)snprintf(reason, LANE_REASON_MAX,
                       "%.180s is read-only for this service alone: systemctl edit hublinkd, below [Service]: "
                       "ReadWritePaths=-%.180s, then systemctl restart hublinkd",
                       q->directory, q->directory);
}

static bool any_failed(const Queue *q)
{
        for (unsigned i = 0; i < q->host.n_lanes && queue_is_open(q); i++)
                if (q->lanes[i]->failed)
                        return true;
        return !queue_is_open(q) && q->open_error < 0;
}

/* It works with the files that it has, and gets no others. */
static bool is_limited(const Queue *q)
{
        return (q->disk_state == DISK_FULL || q->disk_state == DISK_READ_ONLY) && !q->failed;
}

/* What stands in the queue is not given up before it is in their store. */
static void tell_of_dead_letters(const Queue *q)
{
        if (q->disk_state == DISK_WELL)
                log_line(LOG_NOTICE, LOG_ID_DISK_RECOVERED, NULL, "Dead letters: %s can be written to again.",
                         q->directory);
        else if (is_limited(q))
                log_line(LOG_WARNING, LOG_ID_DISK_FULL, NULL,
                         "Dead letters: %s. Until then their store does not grow, and its oldest give way to new ones "
                         "when it is full.",
                         q->reason);
        else
                log_line(LOG_ERR,
                         q->disk_state == DISK_STALLED  ? LOG_ID_DISK_STALLED
                         : q->disk_state == DISK_IN_USE ? LOG_ID_QUEUE_IN_USE
                                                        : LOG_ID_DISK_FAILED,
                         NULL, "Dead letters: %s. What is to be set aside stays in the queue meanwhile.", q->reason);
}

/* What is not stored there is not confirmed, so that the hub keeps it. */
static void tell_of_inbox(const Queue *q)
{
        if (q->disk_state == DISK_WELL)
                log_line(LOG_NOTICE, LOG_ID_DISK_RECOVERED, NULL, "Inbox: %s can be written to again.", q->directory);
        else if (is_limited(q))
                log_line(LOG_WARNING, LOG_ID_DISK_FULL, NULL,
                         "Inbox: %s. Until then its store does not grow, and when it is full the hub keeps what it "
                         "has.",
                         q->reason);
        else
                log_line(LOG_ERR,
                         q->disk_state == DISK_STALLED  ? LOG_ID_DISK_STALLED
                         : q->disk_state == DISK_IN_USE ? LOG_ID_QUEUE_IN_USE
                                                        : LOG_ID_DISK_FAILED,
                         NULL, "Inbox: %s. The hub keeps its messages meanwhile.", q->reason);
}

static void tell(const Queue *q)
{
        if (q->settings.store_of == QUEUE_OF_DEAD_LETTERS)
                tell_of_dead_letters(q);
        else if (q->settings.store_of == QUEUE_OF_INBOX)
                tell_of_inbox(q);
        else if (q->disk_state == DISK_WELL)
                log_line(LOG_NOTICE, LOG_ID_DISK_RECOVERED, NULL, "Queue: %s can be written to again.", q->directory);
        else if (is_limited(q))
                log_line(LOG_WARNING, LOG_ID_DISK_FULL, NULL, "Queue: %s. Until then the queue does not grow, and %s.",
                         q->reason,
                         q->settings.drop_newest ? "new records are refused when it is full"
                                                 : "its oldest records give way to new ones when it is full");
        else if (q->disk_state == DISK_STALLED && !q->failed)
                log_line(LOG_ERR, LOG_ID_DISK_STALLED, NULL,
                         "Queue: %s. Readings wait in memory, at most %u KiB a lane; what is over is refused.",
                         q->reason, LANE_BATCH_PAGES * PAGE_BYTES / 1024);
        else if (q->disk_state == DISK_IN_USE)
                log_line(LOG_ERR, LOG_ID_QUEUE_IN_USE, NULL,
                         "Queue: %s. Until that ends nothing is stored, and readings are kept in memory, at most %u "
                         "KiB a lane.",
                         q->reason, LANE_RING_PAGES * PAGE_BYTES / 1024);
        else
                log_line(LOG_ERR, q->disk_state == DISK_STALLED ? LOG_ID_DISK_STALLED : LOG_ID_DISK_FAILED, NULL,
                         "Queue: %s. Readings are kept in memory meanwhile, at most %u KiB a lane.", q->reason,
                         LANE_RING_PAGES * PAGE_BYTES / 1024);
}

/* A disk may say well and full by turns, ten seconds each: some file systems promise room that they do not give. Each
 * end that is told has a beginning that was. */
static bool is_to_be_told(Queue *q)
{
        uint64_t held_back;

        if (q->disk_state != DISK_WELL)
                q->trouble_told = throttle_admits_some(&q->told[q->disk_state], TELL_MAX, queue_now(q), TELL_INTERVAL,
                                                       &held_back);
        return q->trouble_told;
}

void queue_look_at_disk(Queue *q)
{
        DiskState before = q->disk_state;
        char reason[LANE_REASON_MAX] = "";

        q->disk_state = judge(q, queue_now(q), reason);
        if (q->disk_state == DISK_READ_ONLY && before != DISK_READ_ONLY)
                q->is_walled = mount_is_walled(q->directory);
        if (q->disk_state == DISK_READ_ONLY && q->is_walled)
                wall_reason(q, reason);
        q->failed = any_failed(q);
        if (q->disk_state == before && strcmp(q->reason, reason) == 0)
                return;
        memcpy(q->reason, reason, sizeof(q->reason));
        if (q->disk_state != before && is_to_be_told(q)) /* another cause, and so another remedy, is for who asks */
                tell(q);
        queue_changed(q);
}

/* The next time to look although nothing has happened. */
usec_t queue_disk_due(const Queue *q)
{
        bool known = q->disk_state == DISK_STALLED || q->disk_state == DISK_IN_USE;
        usec_t due = known ? USEC_INFINITY : opening_stall_due(q);

        if (!q->failed && q->disk_state != DISK_STALLED)
                for (unsigned i = 0; i < q->host.n_lanes && queue_is_open(q); i++)
                        due = MIN(due, stall_due(q->lanes[i]));
        return due;
}
