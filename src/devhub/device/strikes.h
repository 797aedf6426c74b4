/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Strikes - faults as those who connect feel them
 *
 * Holds the rules, and what they need to strike with: the links that are open, the certificates, the hub's clock. What
 * is asked of it counts a strike when a rule applies.
 *
 * Owns:   the rules.
 */

#include "base/ticker.h"
#include "devhub/hub/hub-clock.h"
#include "devhub/net/callers.h"
#include "devhub/net/certificates.h"
#include "devhub/net/links.h"

#define STRIKES_DOORS_MAX 4

typedef struct Strikes {
        Faults faults;
        Links *links;
        Callers doors[STRIKES_DOORS_MAX]; /* of those who are no links */
        size_t n_doors;
        Certificates *certificates;
        HubClock *clock;
} Strikes;

void strikes_init(Strikes *s, Links *links, Certificates *certificates, HubClock *clock);
void strikes_done(Strikes *s);
void strikes_expire(Strikes *s, usec_t now); /* drops the rules that have ended, and undoes what they did */
Ticker strikes_ticker(Strikes *s);           /* the same in its time */

/* Before the loop runs. A cut, reset or silence that is for everyone strikes them too. */
void strikes_add_callers(Strikes *s, Callers callers);

/* verbs */
/* What strikes links takes effect at once on those that are open. A cut, reset or takeover that says neither how long
 * nor how often is a single stroke, and leaves no rule. What failed is in the log. */
int strikes_set(Strikes *s, const Fault *fault);
void strikes_clear(Strikes *s, FaultKind kind); /* _FAULT_KIND_MAX: all */
void strikes_set_ends(Strikes *s);              /* the hub's clock has moved: tokens end at another moment */

/* questions on the way of a client; each may count a strike */
/* The certificate to show; *ret_stall: its handshake is to be left without an answer. */
TlsServer *strikes_newcomer(Strikes *s, bool *ret_stall);
/* One who is no link has come through TLS: ends it, or silences it. */
void strikes_caller(Strikes *s, Wire *wire);
/* At CONNECT: true: it is struck, and *ret says how. */
bool strikes_connect(Strikes *s, const Link *link, const Verdict *verdict, SessionGrant *ret);
usec_t strikes_end(Strikes *s, const Verdict *verdict); /* boot clock: when the link is cut for its token */
bool strikes_packet(Strikes *s, Link *link);            /* true: the link is to be cut with the packet */
bool strikes_event(Strikes *s, const Link *link, const SessionEvent *event); /* true: poison */
usec_t strikes_puback_delay(Strikes *s, const Link *link); /* USEC_INFINITY: withheld */
