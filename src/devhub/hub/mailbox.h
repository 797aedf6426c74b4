/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Mailbox - the messages on their way to devices and modules, a queue for each
 *
 *             put                    take                     complete ──► gone: Success
 *     ──────────────────► ENQUEUED ────────► LOCKED ──────────reject ────► gone: Rejected
 *                          │ ▲ ▲ │ └───────── abandon, once too often ─────► gone: DeliveryCountExceeded
 *        its time ends:    │  │  └── abandon ──┘
 *        gone: Expired ◄───┘  └───── the lock ends, or is released
 *
 * Only an abandon counts as a delivery that went wrong. A message whose time ends under a lock may still be
 * completed; it expires when it comes back. A purge takes all, locked ones too. Each end is told to Feedback.
 * Messages of an identity that is deleted go with it, and nobody is told: that is not an outcome.
 *
 * Everything lies in the store; nothing here commits, and what writes nothing opens no transaction. The sink is called
 * while what it tells may not be committed yet.
 *
 * Knows:  the store, feedback.
 * Time:   wall clock, of the clock given at birth.
 */

#include "devhub/hub/feedback.h"
#include "devhub/hub/mail-table.h"

#define MAILBOX_DEPTH_MAX         50
#define MAILBOX_LOCK_USEC         USEC_PER_MIN
#define MAILBOX_LOCK_USEC_MAX     (300 * USEC_PER_SEC)

enum {
        _MAILBOX_E_SUCCESS,
        MAILBOX_E_EMPTY,        /* nothing to take */
        MAILBOX_E_LOCK_LOST,    /* the lock has ended, or there was none: 412002 */
        MAILBOX_E_NO_DEVICE,    /* 404001 */
        MAILBOX_E_NO_MODULE,    /* 404010 */
        MAILBOX_E_FULL,         /* it holds 50: 403004 */
        MAILBOX_E_TOO_LARGE,    /* 413001 */
        MAILBOX_E_BAD_PROPERTY, /* one without a name, or more than a bag holds: 400004 */
};

/* How it is taken. */
typedef struct MailHold {
        usec_t lock_usec; /* 0: the usual minute */
        bool by_link;     /* by a connection: its locks do not outlive a restart */
} MailHold;

/* Settings of a hub (protocol reference 3), and what they are if nobody sets them. */
typedef struct MailRules {
        usec_t time_to_live_usec; /* of a message without an expiry of its own, from its arrival on */
        unsigned deliveries_max;  /* the abandon of this number ends it */
} MailRules;

#define MAIL_RULES_USUAL      ((MailRules){USEC_PER_HOUR, 10})
#define MAIL_TIME_TO_LIVE_MIN USEC_PER_MIN
#define MAIL_TIME_TO_LIVE_MAX (2 * USEC_PER_DAY)
#define MAIL_DELIVERIES_MOST  100

typedef struct Mailbox Mailbox;

int mailbox_prepare(Store *store); /* makes the table of a new hub */
/* Messages that have not come to their end: the registry's cloudToDeviceMessageCount. */
int mailbox_count(Store *store, const char *device_id, const char *module_id, unsigned *ret);

/* life */
int mailbox_new(Mailbox **ret, Store *store, const Clock *clock, Feedback *feedback);
Mailbox *mailbox_free(Mailbox *mailbox);
DEFINE_CLEANUP(Mailbox *, mailbox_free);

/* arrived: there is something to take for this device or module (NULL: the device's own), new or free again. Act on
 * it later, not within the call. */
typedef void (*MailboxArrived)(void *userdata, const char *device_id, const char *module_id);
void mailbox_set_sink(Mailbox *mailbox, MailboxArrived arrived, void *userdata);

void mailbox_set_rules(Mailbox *mailbox, const MailRules *rules);

/* verbs: 0, MAILBOX_E_* or negative errno */
int mailbox_put(Mailbox *mailbox, const char *device_id, const char *module_id, const CloudMessage *message);
int mailbox_take(Mailbox *mailbox, const char *device_id, const char *module_id, const MailHold *hold, Mail *ret);
int mailbox_complete(Mailbox *mailbox, const char *device_id, const char *module_id, const char *token);
int mailbox_reject(Mailbox *mailbox, const char *device_id, const char *module_id, const char *token);
int mailbox_abandon(Mailbox *mailbox, const char *device_id, const char *module_id, const char *token);
/* Given back undelivered: as if the lock had ended now. */
int mailbox_release(Mailbox *mailbox, const char *device_id, const char *module_id, const char *token);
int mailbox_purge(Mailbox *mailbox, const char *device_id, const char *module_id, unsigned *ret_n);
int mailbox_tick(Mailbox *mailbox); /* at the deadline, or any time: unlocks, lets expire */

/* questions */
/* 1: the lock of that name is held still; 0: it has ended, or its message has. */
int mailbox_holds(const Mailbox *mailbox, const char *device_id, const char *module_id, const char *token);
usec_t mailbox_deadline(const Mailbox *mailbox); /* wall clock */
