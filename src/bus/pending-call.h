/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Pending call - a method call that waits for its answer
 *
 * Knows whom to reply to until the intake or the control answers; then it replies and is gone. If the caller left
 * meanwhile, or the bus did, the answer is dropped without a word: the record is on disk all the same.
 *
 * The message itself is not kept: how many calls wait is bounded, and one that the bus takes may have 32 MiB.
 *
 * Owns:   the head of the message, and through it a reference to its connection.
 */

#include <systemd/sd-bus.h>

#include "bus/call-quota.h"
#include "model/sink.h"

typedef struct PendingCall PendingCall;

typedef struct PendingCalls {
        PendingCall *first;
        CallQuota quota;
} PendingCalls;

/* Whoever has still to be answered is forgotten: the answer, when it comes, goes nowhere. */
void pending_calls_done(PendingCalls *calls);

/* 0, CALL_QUOTA_E_* or -ENOMEM. The call lives until one of the answers below. */
int pending_call_new(PendingCall **ret, PendingCalls *calls, sd_bus_message *message);

/* The answers: give them with the call as userdata. */
void pending_call_submitted(void *userdata, const SubmitAnswer *answer);         /* (sttt) */
void pending_call_message_submitted(void *userdata, const SubmitAnswer *answer); /* (stt) */
/* Its own answer: what to write into it, from what. */
void pending_call_write(void *userdata, int (*write)(sd_bus_message *reply, const void *what), const void *what);
void pending_call_done(void *userdata, RequestError error, const char *detail);  /* () */

const char *request_error_name(RequestError error); /* "org.hublink1.Error.NotConnected" ... */
