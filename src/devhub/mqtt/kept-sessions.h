/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Kept sessions - what a client that did not connect clean left behind
 *
 * Only its subscriptions; they live as long as the server does. Pure.
 */

#include "devhub/mqtt/subscription.h"

typedef struct KeptSession {
        char *name; /* "d" or "d/m" */
        Subscriptions subscriptions;
} KeptSession;

typedef struct KeptSessions {
        KeptSession *sessions;
        size_t n_sessions;
} KeptSessions;

/* Takes the subscriptions, also when memory is short: then they are gone. Replaces what is there. */
void kept_sessions_put(KeptSessions *kept, const char *device_id, const char *module_id, Subscriptions *subscriptions);
/* Gives them to the caller; false: none are there. */
bool kept_sessions_take(KeptSessions *kept, const char *device_id, const char *module_id, Subscriptions *ret);
void kept_sessions_drop(KeptSessions *kept, const char *device_id, const char *module_id);
void kept_sessions_drop_device(KeptSessions *kept, const char *device_id); /* with all its modules */
void kept_sessions_done(KeptSessions *kept);
