/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Inbox house - an inbox with its store on a fake disk, between a hub and a bus that note what they are told
 *
 * Virtual time.
 */

#include "fake-clock.h"
#include "fake-disk.h"
#include "flow/inbox.h"

#define HOUSE_TICKETS 64

typedef enum Told {
        TOLD_NOTHING,
        TOLD_STORED,
        TOLD_FAILED,
} Told;

typedef struct InboxHouse {
        FakeClock clock;
        FakeRandom random;
        FakeDisk *disk;
        Inbox *inbox;
        Audit *audit; /* of all lives */
        InboxDesk desk;
        InboxSettings settings;

        /* the hub */
        Told told[HOUSE_TICKETS]; /* by ticket, from 1; the last ones' places are used again */
        uint64_t n_tickets;
        unsigned n_told;
        bool wanted;
        unsigned n_wants;
        size_t told_at; /* changes on the disk when it was last told something */

        /* the bus */
        unsigned n_arrived, n_expired;
        uint64_t last_arrived, last_expired;

        /* the way up */
        RequestError report_error;
        unsigned n_reports;
        char report[256], report_about[64], report_outcome[32], report_id[32];
} InboxHouse;

/* What an answer said, after it is gone. */
typedef struct InboxGot {
        unsigned n_answers;
        RequestError error;
        uint64_t id;
        unsigned times_taken;
        char body[64], message_id[64], detail[256];
        usec_t received_usec, lock_until_usec;
        size_t at; /* changes on the disk then */
} InboxGot;

/* life */
void inbox_house_begin(InboxHouse *h);
void inbox_house_end(InboxHouse *h);
void inbox_house_open(InboxHouse *h);
void inbox_house_close(InboxHouse *h);
void inbox_house_run(InboxHouse *h, usec_t usec);

/* the hub delivers; message_id may be NULL, expiry 0. Gives the ticket. */
uint64_t inbox_house_send(InboxHouse *h, const char *message_id, const char *body, usec_t expiry_usec);
/* The same, and what it is told. */
Told inbox_house_deliver(InboxHouse *h, const char *message_id, const char *body);
Told inbox_house_told(const InboxHouse *h, uint64_t ticket);

/* local services: asked, or asked and waited for */
void inbox_house_ask_take(InboxHouse *h, uint64_t id, const char *taker, InboxGot *ret);
void inbox_house_ask_complete(InboxHouse *h, uint64_t id, const char *taker, InboxGot *ret);
InboxGot inbox_house_take(InboxHouse *h, uint64_t id, const char *taker);
RequestError inbox_house_complete(InboxHouse *h, uint64_t id, const char *taker);
RequestError inbox_house_reject(InboxHouse *h, uint64_t id, const char *taker, const char *reason);
RequestError inbox_house_extend(InboxHouse *h, uint64_t id, const char *taker, usec_t usec);
size_t inbox_house_list(const InboxHouse *h, const InboxItem **ret);
/* Of that message id in the list; NULL: it is not there. Fails if it is there twice. */
const InboxItem *inbox_house_find(const InboxHouse *h, const char *message_id);
InboxStatus inbox_house_status(const InboxHouse *h);
