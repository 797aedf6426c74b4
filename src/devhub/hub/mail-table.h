/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Mail table - the rows beneath the mailboxes
 *
 * What is in the store, and no rules: Mailbox has them. A row is due when its lock ends, or without one, when its
 * message does. Writes do not open a transaction.
 */

#include "devhub/hub/cloud-message.h"
#include "devhub/hub/identity.h"
#include "devhub/hub/store.h"

#define MAIL_TOKEN_MAX 37

/* A message in the hands of somebody who is to deliver it. */
typedef struct Mail {
        CloudMessage message;
        uint64_t sequence; /* stays, over all its deliveries */
        usec_t enqueued_usec;
        unsigned delivery_count; /* how often it was abandoned */
        char token[MAIL_TOKEN_MAX]; /* names the lock */
        usec_t locked_until_usec;
} Mail;

void mail_done(Mail *mail);

/* What is to be known of a message to end it. */
typedef struct Slip {
        uint64_t sequence;
        char *device_id;
        char *module_id; /* "" for the device's own */
        char *generation_id;
        char *message_id; /* or NULL */
        AckMode ack;
        usec_t expires_usec;
        unsigned delivery_count;
        bool is_locked;
} Slip;

void slip_done(Slip *slip);

int mail_table_prepare(Store *store);
int mail_table_count(Store *store, const char *device_id, const char *module_id, unsigned *ret);

/* ---- writing ---- */

/* bag: the message's properties; to: not NULL. */
int mail_table_insert(Store *store, const Identity *owner, const CloudMessage *message, const char *to,
                      const Buffer *bag, usec_t enqueued_usec, usec_t expires_usec);
int mail_table_lock(Store *store, const Mail *mail, bool by_link); /* with the token and the time in it */
int mail_table_unlock(Store *store, uint64_t sequence, unsigned delivery_count);
int mail_table_unlock_links(Store *store); /* all that links held */
int mail_table_delete(Store *store, uint64_t sequence);

/* ---- reading: 1: found; 0: there is none ---- */

/* the first, no lock */
int mail_table_find_free(Store *store, const char *device_id, const char *module_id, Mail *ret);
int mail_table_find_locked(Store *store, const char *device_id, const char *module_id, const char *token, Slip *ret);
int mail_table_find_first(Store *store, const char *device_id, const char *module_id, Slip *ret);
int mail_table_find_due(Store *store, usec_t wall_now, Slip *ret);
int mail_table_next_due(Store *store, usec_t *ret); /* USEC_INFINITY: nothing is there */
