/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * AMQP - one connection to a hub, from TCP up
 *
 * TLS by our own non-blocking stream, verified always; AMQP 1.0 by Proton, which sees bytes only. SASL is ANONYMOUS:
 * who we are is told by a token over $cbs (amqp-peer.h). Nothing happens behind the caller's back: bytes move, and
 * links hear of it, while amqp_turn() or amqp_wait() runs. Empty frames keep an idle connection up, and a peer that
 * falls silent is noticed.
 *
 * What ends the connection is told in the caller's AmqpFault; from then on every call gives -ECONNABORTED.
 */

#include <proton/connection.h>
#include <proton/event.h>

#include "base/clock.h"
#include "explorer/amqp-fault.h"

typedef struct Amqp Amqp;

/* Where to, and as whom it must prove itself. */
typedef struct AmqpTarget {
        const char *host;    /* its name: in TLS and in AMQP's open */
        const char *address; /* where TCP goes; NULL: to the host */
        uint16_t port;
        const char *ca_file; /* trusted beside the system's authorities; or NULL */
} AmqpTarget;

/* Connects, and waits for it until `until`. fault is kept and outlives it. */
int amqp_open(Amqp **ret, const AmqpTarget *target, usec_t until, AmqpFault *fault);
Amqp *amqp_close(Amqp *amqp); /* with AMQP's close when there is room for it; waits for nothing long */
DEFINE_CLEANUP(Amqp *, amqp_close);

/* Moves what there is to move, waiting at most until `until`: 0, or -ECONNABORTED. */
int amqp_turn(Amqp *amqp, usec_t until);
/* Turns until *done is set. What is said of a time-out: "no answer to WHAT". */
int amqp_wait(Amqp *amqp, const bool *done, usec_t until, const char *what);

/* Who hears what happens to a link: the link's context points to one, or is NULL. */
typedef struct AmqpHearer AmqpHearer;
struct AmqpHearer {
        void (*on_event)(AmqpHearer *hearer, pn_event_t *event);
};

pn_connection_t *amqp_connection(Amqp *amqp);
AmqpFault *amqp_fault(Amqp *amqp);
const char *amqp_host(const Amqp *amqp);
