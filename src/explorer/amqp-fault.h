/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * AMQP fault - what went wrong with a connection, and what to do about it
 *
 * A peer says what it refuses by a condition (protocol reference 9.3); the rest is found out on our side. The first
 * fault is kept: what follows is mostly its consequence.
 */

#include <proton/condition.h>

#include "base/macro.h"

#define AMQP_CONDITION_MAX 64
#define AMQP_WORDS_MAX     640

typedef enum AmqpFaultKind {
        AMQP_FAULT_NONE,
        AMQP_FAULT_STOPPED,  /* we were asked to end */
        AMQP_FAULT_NETWORK,  /* no connection, or it was lost: another try may help */
        AMQP_FAULT_BUSY,     /* the peer says: later */
        AMQP_FAULT_TIMEOUT,  /* the peer says nothing */
        AMQP_FAULT_TLS,      /* a certificate was refused, or there is no TLS */
        AMQP_FAULT_REFUSED,  /* the peer says no */
        AMQP_FAULT_PROTOCOL, /* what the peer says is no AMQP, or makes no sense */
        AMQP_FAULT_LOCAL,    /* memory, a file */
} AmqpFaultKind;

typedef struct AmqpFault {
        AmqpFaultKind kind;
        char condition[AMQP_CONDITION_MAX]; /* empty: it was no condition */
        char words[AMQP_WORDS_MAX];
} AmqpFault;

/* Both always give -ECONNABORTED, for a return. */
int amqp_fault_set(AmqpFault *fault, AmqpFaultKind kind, const char *fmt, ...) _printf_(3, 4);
int amqp_fault_set_condition(AmqpFault *fault, pn_condition_t *condition);
/* As a condition of that name and text, which came another way. */
int amqp_fault_set_named(AmqpFault *fault, const char *name, const char *description);
void amqp_fault_clear(AmqpFault *fault);

bool amqp_fault_is_passing(const AmqpFault *fault); /* another try, later, may do */
/* What to do about it; NULL: nothing that we know of. */
const char *amqp_fault_advice(const AmqpFault *fault);
