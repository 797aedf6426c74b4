/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The inside of the inbox, for the files that it is made of
 *
 * inbox.c           the store, its life and its time
 * inbox-load.c      what the store holds at the start, into the index
 * inbox-arrivals.c  what the hub delivers: recognised, or onto the disk
 * inbox-doubt.c     which of those without a message id it may deliver again
 * inbox-desk.c      what local services ask for
 * inbox-leave.c     what ends a message: completion, rejection, expiry
 * inbox-report.c    what the cloud is told of it
 * inbox-room.c      how full it is, and who may have what is left
 * inbox-tidy.c      what keeps the store small
 */

#include "base/throttle.h"
#include "flow/inbox-index.h"
#include "flow/inbox-memory.h"
#include "flow/inbox.h"
#include "flow/trust.h"

#define INBOX_STOPPING "the daemon is stopping"

#define INBOX_TELL_INTERVAL (10 * USEC_PER_MIN) /* between two lines of the same kind in the log */

/* The store's streams, by the kind of record that is in them. */
typedef enum InboxStream {
        INBOX_MESSAGES,
        INBOX_TAKEN,
        INBOX_DONE,
        _INBOX_STREAM_MAX,
} InboxStream;

/* What a record is written for, in the order in which they are to get the last of the room. */
typedef enum InboxUse {
        INBOX_FOR_END,     /* a message is over: its end makes room */
        INBOX_FOR_TAKING,
        INBOX_FOR_TIDYING,
        INBOX_FOR_ARRIVAL,
        _INBOX_USE_MAX,
} InboxUse;

typedef struct InboxArrival InboxArrival;
typedef struct InboxTake InboxTake;
typedef struct InboxLeave InboxLeave;

/* A record of a taking whose message is not known yet: while the inbox is being read. */
typedef struct InboxTaking {
        uint64_t id, n;
} InboxTaking;

struct Inbox {
        Queue *store;
        bool stopped;
        usec_t stop_usec; /* how long closing may take */
        InboxSettings settings;
        uint64_t store_bytes;
        Intake intake;
        Audit *audit;
        const Clock *clock;
        Trust trust;
        InboxPort port;
        InboxSink sink;

        InboxIndex index;
        InboxMemory memory;
        InboxItem *listed; /* for the last list */

        /* being read */
        bool loaded;
        InboxStream load_stream;
        uint64_t load_next;
        InboxTaking *takings;
        size_t n_takings, takings_allocated;

        InboxArrival *first_arrival, **last_arrival;
        size_t n_arrivals;
        uint64_t arrivals_bytes;
        InboxTake *first_take, **last_take;    /* to be read and written down, in order */
        InboxLeave *first_leave, **last_leave; /* to be written down, in order */
        bool wanted_by_us, told_want;       /* what the hub was told last, if it was */
        bool listening;                     /* what we want of the hub arrives */
        usec_t doubt_until;                 /* boot clock: what the hub has to deliver again has come by then */

        /* tidying: inbox-tidy.c */
        uint64_t done_first, done_last;   /* records of done ones in the store that count */
        uint64_t memo_covers;             /* the memo on its way holds all up to this record; 0: none is */
        bool memo_due;                    /* whatever it covers */
        bool carrying;
        uint64_t sweep_until;             /* messages of records up to this one are written anew */
        uint64_t appended, swept_at;      /* bytes of pages */

        InboxStatus status;
        Buffer record; /* the one being encoded */

        usec_t no_room_until; /* boot clock: till then the hub is to keep what it has; 0: it need not */
        usec_t no_room_usec;  /* how long that was */
        bool disk_was_full;   /* when it was last looked at */

        bool work;       /* a note was left: at the next tick */
        usec_t retry_at; /* boot clock; USEC_INFINITY: nothing failed */
        usec_t look_for_room_at; /* in a store that had none */
        usec_t due_at;   /* the next lock that runs out, the next look at what expires */

        Throttle told_full, told_failed, told_lost, told_rejected, told_expired, told_refused, told_untold;
};

/* inbox.c */
void inbox_settle_in(Inbox *x); /* the store makes room ahead of the first message, while there is some */
/* Of x->record: as queue_append(), and QUEUE_E_FULL for what is left to others. */
int inbox_append(Inbox *x, InboxStream stream, InboxUse use, const QueueReceipt *receipt);
int inbox_stream(const Inbox *x, InboxStream stream); /* the store's handle; -1: nothing was ever put there */
void inbox_settle(Inbox *x, InboxStream stream, uint64_t first, uint64_t last, Outcome outcome);
bool inbox_disk_is_well(const Inbox *x);
void inbox_note(Inbox *x);               /* there is work at the next tick */
void inbox_retry_later(Inbox *x);
void inbox_look_again(Inbox *x);         /* a lock or an expiry is another: the next deadline is made out anew */
void inbox_look_later(Inbox *x);         /* not at once: the disk does not take it */
void inbox_changed(Inbox *x);            /* tells, and asks the hub for more or less */
bool inbox_has_expired(Inbox *x, const InboxEntry *e);
void inbox_offer(Inbox *x, InboxEntry *e); /* whoever had it has it no more */
void inbox_lose(Inbox *x, InboxEntry *e);  /* it cannot be read any more, and is gone */
/* id 0: it has none. who: ended it; NULL: we did. untold: the cloud was to be told, and is not. */
void inbox_audit(Inbox *x, uint64_t id, const C2dMessage *message, usec_t received_usec, const char *who, int status,
                 const char *reason, bool untold);

/* inbox-room.c */
bool inbox_room_allows(const Inbox *x, InboxUse use, size_t size); /* a record of that size */
void inbox_ask_hub(Inbox *x);                                      /* for more, or to keep what it has */
void inbox_no_room(Inbox *x); /* the store does not take one in: the hub keeps what it has for a while */
void inbox_room(Inbox *x);    /* it took one, something went out of it, or its disk has room again */
usec_t inbox_room_due(const Inbox *x);

/* inbox-load.c */
void inbox_load_step(Inbox *x);

/* inbox-arrivals.c */
void inbox_arrivals_init(Inbox *x);
void inbox_arrivals_step(Inbox *x);
void inbox_arrivals_end(Inbox *x); /* none is stored any more */
void inbox_arrivals_doubt(Inbox *x); /* those of a link that is lost */
/* That of one that came before this; NULL. */
InboxDoubt *inbox_arrivals_find_doubt(const Inbox *x, const InboxArrival *before, const InboxKey *key);

/* inbox-doubt.c */
bool inbox_doubt_is_on(const Inbox *x); /* what comes now may be here, or have been, without being known */
/* Open, of what is here or done, and the same in all it says; NULL. */
InboxDoubt *inbox_find_doubt(const Inbox *x, const InboxKey *key);
void inbox_doubt_reckon(Inbox *x); /* what the hub is asked for is another */

/* inbox-desk.c */
void inbox_takes_init(Inbox *x);
void inbox_takes_step(Inbox *x);
void inbox_takes_end(Inbox *x);
const char *inbox_append_words(int r, RequestError *ret_error); /* why inbox_append() refused */

/* inbox-leave.c */
/* done may be NULL. The entry is busy until then; it stays when the disk fails. */
void inbox_leave(Inbox *x, InboxEntry *e, InboxOutcome outcome, const char *reason, DoneFn done, void *userdata);
void inbox_leaves_init(Inbox *x);
void inbox_leaves_step(Inbox *x);
void inbox_leaves_end(Inbox *x);
/* It is over, and on the disk: out of the index. */
void inbox_forget(Inbox *x, InboxEntry *e, Outcome outcome);

/* inbox-report.c */
bool inbox_is_reported(const Inbox *x, const C2dMessage *about, InboxOutcome outcome);
/* id 0: the inbox never had it. -ENOMEM. */
int inbox_report_new(uint64_t id, const C2dMessage *about, InboxOutcome outcome, const char *reason, Message **ret);
/* It did not get through, for that reason. */
void inbox_report_lost(Inbox *x, uint64_t id, const C2dMessage *about, InboxOutcome outcome, const char *why);

/* inbox-tidy.c */
void inbox_tidy_step(Inbox *x);
