/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Inbox - messages from the cloud, kept until a local service is done with them
 *
 * A store of its own beside the lanes: a second Queue in DIRECTORY/inbox. The hub may confirm a message when its
 * record is on disk, and not before; it is handed out when the record of that is on disk, and gone when the record of
 * its completion is. So a crash at any moment loses nothing, and whoever gets a message that was handed out before is
 * told so. What the hub delivers again is recognised by its message id and a digest of all it says: while it waits,
 * while somebody has it, and among the last INBOX_DONE_MAX that are done. Without a message id two that say the same
 * are two, for a service may send an order twice, and mean it; one that may be there because the hub did not hear of
 * the first is marked as taken.
 *
 * When it is full the hub is asked to keep what it has; what was on its way is still taken. A message that is larger
 * than any record can be is refused: counted, in the audit, reported as rejected, and confirmed, for the hub would
 * deliver it for ever.
 *
 * Owns:   the store, an index of what waits without the bodies, what is on its way to the disk.
 * Knows:  nothing of topics or the bus; takers are names to it.
 * Time:   boot clock for locks and tries, wall clock for expiry, if it is synchronised; it wants to be ticked.
 */

#include "base/ticker.h"
#include "flow/audit.h"
#include "model/inbox-desk.h"
#include "queue/queue.h"

#define INBOX_DONE_MAX 1024

typedef struct Inbox Inbox;

typedef struct InboxSettings {
        unsigned max_messages;   /* at these the hub is asked to keep the rest, */
        uint64_t max_bytes;      /* at three quarters to deliver again */
        bool report_rejects;     /* a message to the cloud for each, with the message's id as correlation id */
        bool report_completions;
} InboxSettings;

/* What the inbox asks of the hub. */
typedef struct InboxPort {
        void (*stored)(void *userdata, uint64_t ticket); /* it may be confirmed: it is stored, or never can be */
        void (*failed)(void *userdata, uint64_t ticket); /* it must not be */
        void (*want)(void *userdata, bool wanted);       /* let messages come, or keep them */
        void *userdata;
} InboxPort;

/* Those around it; the audit lives longer. */
typedef struct InboxPeers {
        InboxPort port;
        InboxSink sink;
        Intake intake; /* for reports */
        Audit *audit;
} InboxPeers;

/* life */

/* queue: those of the queue, of which the directory and the floor of free space count. As queue_open(): trouble with
 * the disk is a state. */
int inbox_new(Inbox **ret, const InboxSettings *settings, const QueueSettings *queue, const InboxPeers *peers,
              Disk *disk, const Clock *clock, const Random *random);
/* New limits; the store stays where it is. */
void inbox_configure(Inbox *x, const InboxSettings *settings, const QueueSettings *queue);
/* What is on its way to the disk arrives, all who wait are answered, and nothing more is taken in. After the intake has
 * given its answers. */
void inbox_stop(Inbox *x, usec_t timeout_usec);
Inbox *inbox_free(Inbox *x);
DEFINE_CLEANUP(Inbox *, inbox_free);
Ticker inbox_ticker(Inbox *x);

/* in: from the hub. Exactly one of the port's stored() and failed(), within the call or later; after inbox_stop()
 * none. */
void inbox_message(Inbox *x, uint64_t ticket, const C2dMessage *message);
/* What was on its way to the hub may not have got there. */
void inbox_link_lost(Inbox *x);
/* There is a link again, and what we want comes. */
void inbox_listening(Inbox *x);

/* out: for local services */
InboxDesk inbox_desk(Inbox *x);
void inbox_status(const Inbox *x, InboxStatus *ret);
