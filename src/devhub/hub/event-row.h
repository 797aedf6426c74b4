/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Event row - an event as it stands in the store, with what the hub knows of the link that it came by
 *
 * For whoever reads events, in whichever order: the columns to ask for, and the row that they make. Its texts are
 * borrowed from the statement.
 */

#include "base/clock.h"
#include "devhub/hub/store.h"

/* What the hub knows of the link that an event came by. */
typedef struct EventLink {
        const char *device_id;
        const char *module_id; /* or NULL */
        const char *generation_id;
        const char *auth_method;
        const char *model_id; /* or NULL */
} EventLink;

typedef struct EventRow {
        uint64_t sequence;
        usec_t enqueued_usec;
        EventLink link; /* all borrowed until the visitor returns */
        const char *bag;
        size_t bag_size;
        const char *body;
        size_t body_size;
} EventRow;

/* The first columns, from `events e` and `links l`. */
#define EVENT_COLUMNS                                                                                                \
        "e.sequence, e.enqueued_usec, e.bag, e.body, l.device_id, l.module_id, l.generation_id, l.auth_method, "     \
        "l.model_id"
#define EVENT_N_COLUMNS 9
EventRow event_row_of(sqlite3_stmt *statement);
