/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Event view - a row of the event log as the event that a reader sees
 *
 * The topic's `$.` keys become the names under which a reader of the Event Hubs endpoint finds them, and what the
 * hub knows of the sender stands beside them (protocol reference 2.3). Pure.
 *
 * Owns: its lists and the bag; borrows the row.
 */

#include "azure/bag.h"
#include "base/iso-time.h"
#include "devhub/hub/event-row.h"
#include "reader/event.h"

typedef struct EventView {
        Event event;
        Bag bag;
        EventPair *pairs; /* the system's, then the properties */
        char enqueued[ISO_TIME_MAX];
} EventView;

/* The row must outlive it. -ENOMEM. */
int event_view_init(EventView *view, const EventRow *row);
void event_view_done(EventView *view);
