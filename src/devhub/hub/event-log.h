/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Event log - what devices sent, in the store, in order of arrival
 *
 * The first event opens a transaction, and whoever has the log (the turn) commits it: many events share one commit, and
 * no PUBACK leaves before it.
 */

#include "devhub/hub/event-row.h"

typedef struct EventLog EventLog;

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

/* Visits up to limit events with sequence > after, of one device and its modules or of all (NULL). Returns how
 * many there were; a negative answer of the visitor ends the walk and is returned. */
typedef int (*EventVisitor)(void *userdata, const EventRow *row);
int event_log_read(Store *store, uint64_t after, const char *device_id, unsigned limit, EventVisitor visit,
                   void *userdata);
int event_log_last(Store *store, uint64_t *ret_sequence); /* 0: there is none */
