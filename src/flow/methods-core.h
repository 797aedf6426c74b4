/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The inside of the methods, for the files that they are made of
 *
 * methods.c           calls, from the request to the one answer, and what comes late
 * methods-desk.c      who answers to what, as the settings and local services say; what local services may ask
 */

#include "flow/methods.h"

/* A call, until its responder has answered or cannot any more. */
typedef struct PendingMethod {
        uint64_t id;
        char *name, *caller;
        char *request;   /* its beginning, for the audit */
        char *responder; /* as in its row */
        bool on_bus;     /* the bus keeps a place for its answer */
        usec_t timeout_usec, begun_usec, begun_wall_usec, deadline_usec;
        MethodAnswerFn answer; /* NULL: the caller was answered in the responder's place, who still owes one */
        void *userdata;
} PendingMethod;

struct Methods {
        const MethodsSettings *settings;
        const Clock *clock;
        Audit *audit;
        ResponderPort port;

        MethodNames names;
        PendingMethod *calls[METHODS_CALLS_MAX];
        size_t n_calls;
        uint64_t last_id;
        bool stopped;

        MethodInfo *infos; /* for whoever asked for a list last */
};

/* methods.c */
void methods_call_here(Methods *m, const char *name, const char *json, usec_t timeout_usec, const char *caller,
                       MethodAnswerFn answer, void *userdata);
void methods_answered(Methods *m, uint64_t id, int error, int status, const char *json);
bool methods_is_owed_by(const Methods *m, const char *responder); /* an answer, be it waited for or not */
void methods_forget(Methods *m, const char *responder); /* it is gone, and will never answer */
