/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Provisioning - the talk with the Device Provisioning Service, which says which hub we belong to
 *
 * The pure machine behind one such talk: what the transport tells and the time go in, what has to be said comes out,
 * and with it the time at which the machine wants to be asked again.
 *
 *     IDLE           no talk
 *     REACHING       the connection is being made; its steps have deadlines elsewhere (Connection)
 *     SUBSCRIBING    to the service's answers
 *     REGISTERING    we have asked for a hub
 *     ASSIGNING      the service works on it, and has said when to ask again
 *     POLLING        we have asked again
 *
 * A talk ends with a hub, or with a fault in words and the time for which the service is to have its peace. Who is told
 * to come later waits at least that long; who is refused for good (no such enrollment, disabled, no hub to be had)
 * waits long, because only people can mend that. How tries follow each other beyond that is for the backoff of
 * Connection.
 *
 * Time:   boot clock.
 */

#include "base/buffer.h"
#include "hub/assignment.h"
#include "hub/transport.h"
#include "model/link.h"

#define PROVISIONING_ANSWER_USEC   (30 * USEC_PER_SEC) /* until an answer must have come */
#define PROVISIONING_PATIENCE_USEC (5 * USEC_PER_MIN)  /* until there must be a hub */
#define PROVISIONING_POLL_USEC     (3 * USEC_PER_SEC)  /* to the next question, when the service does not say */
#define PROVISIONING_POLL_MIN_USEC (2 * USEC_PER_SEC)  /* it takes 5 in 10 s */
#define PROVISIONING_PEACE_USEC    (5 * USEC_PER_SEC)  /* after any failure, at least */
#define PROVISIONING_DENIED_USEC   USEC_PER_MIN        /* after a 401: the clock may be set right any time */
#define PROVISIONING_REFUSED_USEC  (15 * USEC_PER_MIN) /* after a refusal that only people can mend */
#define PROVISIONING_LATER_USEC    USEC_PER_HOUR       /* no retry-after is longer for us */

#define PROVISIONING_DETAIL_MAX    512
#define PROVISIONING_OPERATION_MAX 256

typedef enum ProvisioningPhase {
        PROVISIONING_IDLE,
        PROVISIONING_REACHING,
        PROVISIONING_SUBSCRIBING,
        PROVISIONING_REGISTERING,
        PROVISIONING_ASSIGNING,
        PROVISIONING_POLLING,
        _PROVISIONING_PHASE_MAX,
} ProvisioningPhase;

/* What is to be done; at most one at a time. */
typedef enum ProvisioningAction {
        PROVISIONING_NOTHING,
        PROVISIONING_SUBSCRIBE, /* to TOPIC_FILTER_DPS_RESPONSE */
        PROVISIONING_REGISTER,  /* publish to provisioning_topic(), with the body of the registration */
        PROVISIONING_POLL,      /* publish to provisioning_topic(), without a body */
        PROVISIONING_ASSIGNED,  /* p->assignment is the answer; the talk is over */
        PROVISIONING_FAILED,    /* reason, detail and peace_usec; the talk is over */
} ProvisioningAction;

typedef struct Provisioning {
        ProvisioningPhase phase;
        char *registration;   /* "{id scope}/registrations/{id}", for the assignment */
        usec_t deadline_usec; /* of an answer, or of a pause */
        usec_t patience_usec; /* the whole talk ends then */
        unsigned rid;         /* of the last request */
        char operation[PROVISIONING_OPERATION_MAX];

        Assignment *assignment;
        LinkReason reason;
        char detail[PROVISIONING_DETAIL_MAX]; /* of a failure */
        usec_t peace_usec;
} Provisioning;

/* A talk begins: somebody connects to the service. What an earlier one left is forgotten. -ENOMEM. */
int provisioning_begin(Provisioning *p, const char *registration, usec_t now);
/* The talk is given up. */
void provisioning_end(Provisioning *p);
void provisioning_done(Provisioning *p);

/* The machine. An event that has no meaning in the present phase does nothing. */
ProvisioningAction provisioning_feed(Provisioning *p, const TransportEvent *event, usec_t now);
ProvisioningAction provisioning_tick(Provisioning *p, usec_t now);
usec_t provisioning_deadline(const Provisioning *p); /* when it wants provisioning_tick() */

void provisioning_topic(const Provisioning *p, Buffer *b); /* of what is to be published now */
const char *provisioning_words(const Provisioning *p);     /* what it waits for; "" when idle */
