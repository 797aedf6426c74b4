/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Methods - the direct methods that are under way
 *
 *   WAITING ──the device listens──► SENT ──its answer──► over
 *      │ connect time-out             │ response time-out
 *      └──► over: not online          └──► over: no answer; what comes later is dropped
 *
 * A call that finds its device listening is sent at once; one that may wait is sent when the device has come and
 * subscribed. Each gets one outcome, unless it is cancelled. Many may be under way, also to one device.
 *
 * Owns:   the calls.
 * Knows:  nothing of links; they stand behind the sink.
 * Time:   boot clock, given with each call.
 */

#include "base/buffer.h"
#include "base/clock.h"
#include "model/order.h"

#define METHODS_MAX 4096 /* under way */

typedef struct Methods Methods;
typedef struct MethodErrand MethodErrand;

typedef struct MethodsSink {
        /* To the device; -ENOTCONN: it is not connected, or not subscribed to methods. */
        int (*send)(void *userdata, const char *device_id, const char *module_id, const char *name, const char *rid,
                    const char *payload, size_t size);
        void *userdata;
} MethodsSink;

typedef struct MethodRequest {
        const char *device_id;
        const char *module_id; /* NULL: the device itself */
        const char *name;
        const char *payload; /* JSON, or nothing */
        size_t payload_size;
        usec_t connect_timeout_usec;
        usec_t response_timeout_usec;
} MethodRequest;

typedef enum MethodOutcome {
        METHOD_ANSWERED,
        METHOD_NOT_ONLINE,       /* it did not come within the connect time-out, or was not there with none */
        METHOD_TIMED_OUT,        /* no answer within the response time-out */
        METHOD_FORGOTTEN,        /* its identity was deleted */
        METHOD_ANSWER_TOO_LARGE,
        METHOD_ANSWER_MALFORMED, /* it is not JSON */
} MethodOutcome;

typedef struct MethodResult {
        MethodOutcome outcome;
        int status;          /* the device's own, if it answered */
        const char *payload; /* its answer: JSON, or nothing */
        size_t payload_size;
} MethodResult;

typedef void (*MethodDone)(void *userdata, const MethodResult *result);

enum {
        _METHODS_E_SUCCESS,
        METHODS_E_TOO_MANY, /* are under way */
};

/* life; first_rid: request ids count up from there, so that an answer meant for an earlier hub finds no call. */
int methods_new(Methods **ret, const MethodsSink *sink, uint64_t first_rid);
Methods *methods_free(Methods *m); /* whoever waits hears nothing more */
DEFINE_CLEANUP(Methods *, methods_free);

/* verbs */
/* done is called once; if that was within this call, *ret is NULL, else it is good for methods_cancel() until then. */
int methods_call(Methods *m, const MethodRequest *request, MethodDone done, void *userdata, usec_t now,
                 MethodErrand **ret);
void methods_cancel(Methods *m, MethodErrand *call); /* whoever waited has gone */
void methods_listening(Methods *m, const char *device_id, const char *module_id, usec_t now); /* it may be sent to */
/* False: no such call is under way, and the answer is dropped. Else *ret_left is what was left of its time. */
bool methods_answer(Methods *m, const char *device_id, const char *module_id, const char *rid, size_t rid_size,
                    int status, const char *payload, size_t size, usec_t now, usec_t *ret_left);
/* module_id NULL: with all modules. */
void methods_forget(Methods *m, const char *device_id, const char *module_id);
void methods_tick(Methods *m, usec_t now);

/* questions */
usec_t methods_deadline(const Methods *m);
size_t methods_n_under_way(const Methods *m);
/* ASCII that can be printed, without blanks and what has a meaning in topics and headers. */
bool method_name_is_valid(const char *name);
