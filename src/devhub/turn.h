/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Turn - what links bring while the loop turns, committed together
 *
 * The first link or event opens a transaction. It ends when no link has anything more to say, or has grown old
 * or large: one commit, and then the PUBACKs of all leave. If it cannot be committed all links in it are closed:
 * nothing was acknowledged, and their clients will send it again.
 *
 * Owns:   the event log, the loop's source that ends the turn.
 */

#include <systemd/sd-event.h>

#include "devhub/hub/event-log.h"
#include "devhub/hub/limits.h"
#include "devhub/net/link.h"

typedef struct Turn Turn;

/* clock: what events are stamped with. over: called at each end, when no link is on the stack. */
int turn_new(Turn **ret, sd_event *event, Store *store, const Clock *clock, void (*over)(void *userdata),
             void *userdata);
Turn *turn_free(Turn *turn); /* commits what has come; its links must still be there */
DEFINE_CLEANUP(Turn *, turn_free);

/* Called at each end, when its links know: was it committed? */
void turn_on_end(Turn *turn, void (*ended)(void *userdata, bool committed), void *userdata);
/* Called when events have been committed, by whichever door they came: for those who read them. */
void turn_on_stored(Turn *turn, void (*stored)(void *userdata), void *userdata);

/* What is billed in a turn is kept with it. The limits outlive the turn. */
void turn_set_limits(Turn *turn, Limits *limits);

/* Records the link, from its verdict; gives LinkNotes.id. */
int turn_admit(Turn *turn, Link *link);
int turn_take(Turn *turn, Link *link, const SessionEvent *event);
/* The same, of a link that has ended: it is not told what becomes of it, for it may be gone by then. */
int turn_take_will(Turn *turn, Link *link, const SessionEvent *will);
void turn_want_end(Turn *turn); /* also if nothing came */
/* Now: for somebody who answers a caller. Negative: it could not be committed, and the links in it are closed. */
int turn_commit(Turn *turn);
void turn_spoil(Turn *turn); /* it will not be committed */
