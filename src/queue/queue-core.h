/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The inside of a queue, for the files that it is made of
 *
 * queue.c       streams, records out, questions, what the lanes ask and tell
 * queue-append.c  records in
 * queue-open.c  opening, now or as soon as the disk lets us, and closing
 * queue-age.c   the limit of age
 * queue-disk.c  how the disk does
 * queue-notices.c  what consumers are told of
 * queue-pressure.c  who is told before that is much
 * queue-room.c  the byte limit: who may have another slot, what goes when it is reached
 * queue-space.c the floor of free space
 * queue-time.c  when things were, across reboots
 */

#include "base/throttle.h"
#include "queue/opening.h"

typedef struct SpaceWatch SpaceWatch;

struct Queue {
        QueueSettings settings; /* without directory */
        char *directory;
        QueueSink sink;
        LaneHost host; /* what the lanes share; its streams are by identity */
        Lane *lanes[_QUEUE_LANE_MAX];

        Stream *streams[QUEUE_STREAMS_MAX]; /* by handle */
        unsigned n_streams;
        Boots boots;

        /* Until the directory could be opened, records wait here, with numbers that begin at 1 for the time being. */
        Batch ring[_QUEUE_LANE_MAX];
        Opening *opening; /* under way on the worker */
        Backoff backoff;
        usec_t retry_usec;

        DiskState disk_state;
        bool failed; /* nothing can be stored */
        bool is_walled; /* while it is read-only: for us alone */
        Throttle told[_DISK_STATE_MAX];
        bool trouble_told; /* the one that lasts, or was the last */
        char reason[LANE_REASON_MAX];
        int open_error; /* of the last try */
        char open_reason[LANE_REASON_MAX];
        char *aside; /* as Opening.aside */
        bool closing;

        usec_t token_usec; /* when the tokens that were taken are made up for */
        usec_t opened_usec;
        Meter meter;
        Notices notices;
        bool link_is_down;
        usec_t notices_log_usec; /* no line before */
        usec_t full_logged_usec;
        unsigned pressure[_QUEUE_LANE_MAX]; /* how many levels of it were told */
        Throttle pressure_log;
        uint64_t settling_epoch; /* of the range that a caller settles; 0: the queue's own doing */
        unsigned slots_promised; /* that the normal lane is to give up for the urgent one */
        usec_t age_due[_QUEUE_LANE_MAX];
        bool front_seen[_QUEUE_LANE_MAX]; /* in this opening: queue-age.c */

        SpaceWatch *space;
        bool space_low;
        uint64_t free_bytes, free_inodes; /* when it was last asked */
        unsigned slots_given; /* up by the normal lane: so many may the urgent one make below the floor */
};

static inline bool queue_is_open(const Queue *q)
{
        return q->lanes[0];
}

static inline usec_t queue_now(const Queue *q)
{
        return clock_boot(q->host.clock);
}

void queue_host(Queue *q, LaneHost *ret); /* the lanes' host, with the functions below in it */
void queue_open_again(Queue *q); /* on the worker */
void queue_changed(Queue *q);
void queue_readable(Queue *q);
void queue_settled(void *userdata, const Stream *stream, uint64_t first, uint64_t last, unsigned tag);

/* age */
usec_t queue_age_due(const Queue *q);
void queue_drop_old(Queue *q, usec_t now);

/* space */
int queue_space_new(Queue *q);
void queue_space_leave(Queue *q);
usec_t queue_space_due(const Queue *q);
void queue_ask_space(Queue *q, usec_t now);
uint64_t queue_floor(void *userdata, const Lane *lane);
void queue_grows(void *userdata, const Lane *lane);
bool queue_space_allows(const Queue *q, const Lane *lane);
void queue_space_reason(const Queue *q, char reason[static LANE_REASON_MAX]);

/* time */
void queue_begin_time(Queue *q, const Opening *o);
void queue_look_at_clock(Queue *q); /* when it is open */
void queue_forget_boots(Queue *q);
Moment queue_moment(const Queue *q); /* now */
usec_t queue_age_of(const Queue *q, Moment appended, usec_t now); /* at least */
usec_t queue_oldest_age(const Queue *q); /* 0: nothing waits */

/* disk */
void queue_look_at_disk(Queue *q);
usec_t queue_disk_due(const Queue *q);

/* notices */
void queue_note(Queue *q, const Stream *stream, uint64_t first, uint64_t last, Outcome outcome);
void queue_tell(Queue *q, usec_t now);
usec_t queue_notices_due(const Queue *q);

/* pressure */
double queue_fill_of(const Queue *q, QueueLane lane); /* as queue_fill(), or of the ring in memory */
void queue_look_at_pressure(Queue *q);
void queue_relieve(Queue *q);
void queue_warn_before_drop(Queue *q, QueueLane lane); /* its next record costs others */
void queue_warn_of_ring(Queue *q, QueueLane lane, size_t pages); /* so many come to it, if it is in memory */

/* room */
double queue_fill(const Queue *q, const Lane *lane); /* 1: the next record may cost the oldest ones */
void queue_prepare_all(Queue *q);
void queue_give_back(Queue *q); /* free slots that are over the limit */
bool queue_makes_slots(void *userdata, const Lane *lane);
bool queue_disk_is_full(const Queue *q);
bool queue_is_read_only(const Queue *q); /* of that one, is it because the file system is? */
void queue_log_full(Queue *q);
bool queue_may_grow(void *userdata, const Lane *lane);
bool queue_may_keep(void *userdata, const Lane *lane);
void queue_gives_up_slot(void *userdata, const Lane *lane);
void queue_make_room(void *userdata, Lane *lane);
void queue_slot_removed(void *userdata, Lane *lane);
