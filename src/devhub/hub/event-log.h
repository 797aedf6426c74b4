/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Event log - what devices sent, in the store, in order of arrival
 *
 * The first event opens a transaction, and whoever has the log (the turn) commits it: many events share one commit, and
 * no PUBACK leaves before it.
 */

#include "base/clock.h"
#include "devhub/hub/store.h"

typedef struct EventLog EventLog;

/* What the hub knows of the link that an event came by. */
typedef struct EventLink {
        const char *device_id;
        const char *module_id; /* or NULL */
        const char *generation_id;
        const char *auth_method;
        const char *model_id; /* or NULL */
} EventLink;

/* Appends the auth_method of a token; scope: "device", "module" or "hub". */
void event_auth_method(Buffer *b, const char *scope);
/* The same for a device that showed a certificate. */
void event_auth_method_x509(Buffer *b);

int event_log_open(EventLog **ret, Store *store);
EventLog *event_log_close(EventLog *log);
DEFINE_CLEANUP(EventLog *, event_log_close);

/* Both open a transaction if there is none. */
int event_log_add_link(EventLog *log, const EventLink *link, int64_t *ret_link);
int event_log_append(EventLog *log, int64_t link, usec_t wall_now, const char *bag, size_t bag_size, const void *body,
                     size_t body_size);

/* ---- reading ---- */

typedef struct EventRow {
        uint64_t sequence;
        usec_t enqueued_usec;
        EventLink link; /* all borrowed until the visitor returns */
        const char *bag;
        size_t bag_size;
        const char *body;
        size_t body_size;
} EventRow;

/* Visits up to limit events with sequence > after, of one device and its modules or of all (NULL). Returns how
 * many there were; a negative answer of the visitor ends the walk and is returned. */
typedef int (*EventVisitor)(void *userdata, const EventRow *row);
int event_log_read(Store *store, uint64_t after, const char *device_id, unsigned limit, EventVisitor visit,
                   void *userdata);
int event_log_last(Store *store, uint64_t *ret_sequence); /* 0: there is none */

/* For those who ask for events in another way (partitions.c): the first columns, from `events e` and `links l`, and
 * the row that they make. */
#define EVENT_COLUMNS                                                                                                \
        "e.sequence, e.enqueued_usec, e.bag, e.body, l.device_id, l.module_id, l.generation_id, l.auth_method, l.model_id"
#define EVENT_N_COLUMNS 9
EventRow event_row_of(sqlite3_stmt *statement);
