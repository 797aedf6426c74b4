/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Queue - records at rest, until an outcome settles them
 *
 * Accepted means on disk: a receipt fires when the record's commit returned. Records are numbered per stream,
 * without holes; each opening for writing draws a new epoch. Reading serves what is durable, in order, and
 * never blocks the loop. What a record holds is opaque here.
 *
 * Owns:   its directory below settings.directory, with one folder a lane.
 * Knows:  streams as small integers; nothing of readings, messages or the hub.
 * Time:   boot clock for waiting and in records; it wants to be ticked (queue_ticker).
 *
 * The disk may fail at any time, at opening too: then the queue lives on in memory within bounds, says so in
 * queue_status(), and tries again by itself.
 */

#include <sys/uio.h>

#include "base/backoff.h"
#include "base/clock.h"
#include "base/disk.h"
#include "base/ticker.h"
#include "model/ledger.h"
#include "model/name.h"
#include "model/sink.h"
#include "model/status.h"
#include "queue/boots.h"

typedef struct Queue Queue;

typedef enum QueueLane {
        QUEUE_LANE_NORMAL,
        QUEUE_LANE_URGENT,
        _QUEUE_LANE_MAX,
} QueueLane;

/* Two readers a lane. News begin at the last split, the backlog is what lay there before it. */
typedef enum QueueSource {
        QUEUE_NEWS,
        QUEUE_BACKLOG,
        _QUEUE_SOURCE_MAX,
} QueueSource;

/* Values are on disk. */
typedef enum QueueKind {
        QUEUE_KIND_READING = 1,
        QUEUE_KIND_MESSAGE = 2,
        QUEUE_KIND_NOTICE = 3,
        QUEUE_KIND_TAKEN = 7, /* of the inbox: flow/inbox-record.h */
        QUEUE_KIND_DONE = 8,
        QUEUE_KIND_DEAD_LETTER = 9,
} QueueKind;

/* What its records are. A store beside the lanes keeps what goes nowhere, so that nobody is to be told of what is
 * dropped; its directory is one of ours, in the queue's own. */
typedef enum QueueStore {
        QUEUE_OF_READINGS,
        QUEUE_OF_DEAD_LETTERS,
        QUEUE_OF_INBOX,
} QueueStore;

typedef struct QueueSettings {
        char *directory;
        usec_t commit_interval_usec; /* the stated loss window */
        uint64_t max_bytes;          /* of all lanes together */
        uint64_t segment_bytes;      /* of one slot; 0: chosen from max_bytes */
        usec_t max_age_usec;         /* what waits longer is dropped; 0, USEC_INFINITY: no limit */
        uint64_t min_free_bytes;     /* of the file system, left to others; 0: no floor */
        unsigned n_lanes;            /* 1: all streams are in the normal one; 0: as many as there are */
        bool drop_newest;            /* when full: refuse what comes instead of dropping the oldest */
        bool unhurried;              /* receipts, too, wait for the commit interval */
        unsigned receipt_burst;      /* so many in a row need not; two more each second. 0: the usual dozen */
        QueueStore store_of;
} QueueSettings;

#define QUEUE_STREAMS_MAX 32            /* in all lanes, those only left over on disk included */
#define QUEUE_READY_BYTES (8 * 1024)
#define QUEUE_PAYLOAD_MAX (257 * 1024)  /* bytes of one record: the hub's limit, and what a dead letter says of it */

enum {
        _QUEUE_E_SUCCESS,

        QUEUE_E_BUSY,      /* the buffers are full: back-pressure, try again a little later */
        QUEUE_E_FULL,      /* the byte limit is reached and drop_newest is set, or the disk is full */
        QUEUE_E_TOO_LARGE, /* over QUEUE_PAYLOAD_MAX */
        QUEUE_E_DISK,      /* the disk has failed and a receipt was asked for */
        QUEUE_E_EMPTY,     /* nothing durable is left to read */
        QUEUE_E_WAIT,      /* being read from the disk; the sink's readable() follows */
};

/* Called once for each append that returned 0 and had a receipt; before it returns where the disk has no slot for it.
 * error: 0 or negative errno. */
typedef struct QueueReceipt {
        void (*fn)(void *userdata, int error, unsigned stream, uint64_t epoch, uint64_t n);
        void *userdata;
} QueueReceipt;

typedef struct QueueSink {
        void (*readable)(void *userdata); /* there may be more to read than at the last queue_peek() */
        /* every settled range, the queue's own drops included */
        void (*settled)(void *userdata, const Settled *settled);
        void (*changed)(void *userdata);                         /* queue_status() or a ledger changed */
        /* Of its room so much is taken (1: all): when it rises over 0.8, again over 0.95, at any rate before the first
         * record is dropped for want of room; then not before it fell below 0.7. Ask, do nothing to the queue. */
        void (*pressure)(void *userdata, QueueLane lane, double fill);
        void *userdata;
} QueueSink;

/* life */

/* Always gives a queue, save for -ENOMEM and -EINVAL (settings): trouble with the disk is a state. */
int queue_open(Queue **ret, const QueueSettings *settings, Disk *disk, const Clock *clock, const Random *random,
               const QueueSink *sink);
/* Commits what waits and answers every receipt; takes at most timeout_usec of a disk that stalls. Nothing is appended
 * any more, and of the sink only settled() is called; what is left may be settled until queue_close(). */
void queue_finish(Queue *q, usec_t timeout_usec);
/* After it: so many records were taken, and are not on the disk. They go with the queue. */
uint64_t queue_unstored(const Queue *q);
/* The same, with a checkpoint, and it is gone. */
Queue *queue_close(Queue *q, usec_t timeout_usec);
/* New limits and intervals. The directory and the segment size stay as they were at opening. */
void queue_configure(Queue *q, const QueueSettings *settings);
Ticker queue_ticker(Queue *q);

/* streams */

/* The stream of that name, in that lane from now on; made if there is none. Numbers go on where they were in
 * whatever lane. Streams found on disk exist without this call; when there are QUEUE_STREAMS_MAX, one of them that
 * had nothing waiting gives its handle, its numbers and its ledger to the new name. -ENOSPC: there is none. */
int queue_stream(Queue *q, const char *name, QueueLane lane, unsigned *ret_stream);
/* It is going to be asked for: its name is not given away to others that are asked for earlier. */
void queue_expect_stream(Queue *q, const char *name);
unsigned queue_n_streams(const Queue *q);
const char *queue_stream_name(const Queue *q, unsigned stream);
/* Do its records go to that lane, and do some wait, those in memory included? */
bool queue_stream_waits(const Queue *q, unsigned stream, QueueLane lane);

/* in */

/* Gives the record its number. With a receipt an early commit is asked for. 0 or QUEUE_E_*. */
int queue_append(Queue *q, unsigned stream, QueueKind kind, const void *payload, size_t size,
                 const QueueReceipt *receipt, uint64_t *ret_n);
/* Several at once, all of them or none; their numbers follow upon one another. The receipt is the last one's, and tells
 * of all. Together at most QUEUE_PAYLOAD_MAX bytes, and as many pages of 4 KiB as a record of that size has. */
int queue_append_all(Queue *q, unsigned stream, QueueKind kind, const struct iovec *payloads, size_t n,
                     const QueueReceipt *receipt, uint64_t *ret_first);
/* Would a record of at most QUEUE_READY_BYTES be taken now, whatever its stream? */
bool queue_is_ready(const Queue *q);
/* Does what it can to be ready, which may drop the oldest records as an append does, and tells whether it is. */
bool queue_make_ready(Queue *q);
/* Pages that the lane can still give to records, with the slots that it has and one that it may make; what is about to
 * be freed does not count. SIZE_MAX while that is not known: the queue is not open, or its disk fails. */
size_t queue_room(const Queue *q, QueueLane lane);
/* Pages that a record of that size may need. */
size_t queue_pages(size_t size);

/* out */

typedef struct QueueRecord {
        unsigned stream;
        QueueKind kind;
        uint64_t epoch, n;
        usec_t boot_usec;    /* boot clock when it was appended */
        bool this_boot;      /* that boot is this one */
        usec_t age_usec;     /* at least so long ago, whatever boot it was in */
        usec_t wall_usec;    /* wall time of it, made out by what any boot knew; 0: not known */
        QueueTime time;      /* how well that is known */
        bool backlog;        /* from QUEUE_BACKLOG */
        const void *payload; /* borrowed until the next call on the queue */
        size_t size;
} QueueRecord;

/* The source's next durable, unsettled record: 0, QUEUE_E_EMPTY or QUEUE_E_WAIT. Each record comes from one source
 * only. When so much is settled out of order that it could not be kept over a restart, the news pause until the
 * backlog, which goes on into them, is empty. */
int queue_peek(Queue *q, QueueLane lane, QueueSource source, QueueRecord *ret);
/* Past the peeked record: it is in the caller's hands until it is settled, and not evicted any more; while there is no
 * link (queue_set_link()) only if nothing else is left to make room with. */
void queue_advance(Queue *q, QueueLane lane, QueueSource source);
/* What is durable and unread becomes backlog, the news begin behind it: for each time the link comes back. So it is
 * after opening. What was peeked and not advanced over is unread. */
void queue_split(Queue *q);

/* The stream's first durable record with a number in [first, last] that has no outcome, whether in somebody's hand or
 * not; nothing is done to it. 0, QUEUE_E_EMPTY or QUEUE_E_WAIT: ask the same again after readable(). One at a time a
 * queue: whoever asks for something else meanwhile makes the other one begin again. Quick upwards. What it keeps in
 * memory it gives back with QUEUE_E_EMPTY. */
int queue_browse(Queue *q, unsigned stream, uint64_t first, uint64_t last, QueueRecord *ret);

/* The first outcome of a number wins. Durable with a later checkpoint: a crash before it serves them again. */
void queue_settle(Queue *q, unsigned stream, uint64_t epoch, uint64_t first, uint64_t last, Outcome outcome);

/* Of the stream's numbers all below this one are on the disk. */
uint64_t queue_durable(const Queue *q, unsigned stream);

/* Has every number of [first, end) an outcome? */
bool queue_all_settled(const Queue *q, unsigned stream, uint64_t first, uint64_t end);

/* Is there a link? The queue takes it that there is, until it is told. Without one two things differ:
 *   - Of what goes for another reason than the hub's acknowledgement the queue appends notices, QUEUE_KIND_NOTICE, to
 *     the stream that it was in (queue/notices.h): then they gather instead, and are few.
 *   - What is in somebody's hand may stay there for days: it is evicted too, if nothing else is left. */
void queue_set_link(Queue *q, bool up);

/* questions */
uint64_t queue_epoch(const Queue *q);
void queue_ledger(const Queue *q, unsigned stream, Ledger *ret);
void queue_status(const Queue *q, QueueStatus *ret);
/* In words, that another process has the directory: then what this one sends is not known here, nor what that one
 * does. NULL: none has. */
const char *queue_in_use(const Queue *q);

void queue_stats(const Queue *q, QueueStats *ret);
