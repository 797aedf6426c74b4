/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Presence - when an identity was last there
 *
 * Written when a link begins and ends, and of what is active meanwhile once a minute, not with each event: the rest is
 * known to the links, who tell it at their end. Goes with the identity when that is deleted. Functions give negative
 * errno.
 */

#include "base/clock.h"
#include "devhub/hub/store.h"

typedef struct Presence {
        usec_t state_usec;    /* wall clock: when it connected or disconnected; 0: never */
        usec_t activity_usec; /* when it connected, sent or disconnected; 0: never */
} Presence;

int presence_prepare(Store *store);

/* It connected at that time, or it disconnected. module_id NULL: the device itself. */
int presence_changed(Store *store, const char *device_id, const char *module_id, bool connected, usec_t wall_now);
/* A hub begins: whoever was connected when it was killed is so no more. */
int presence_begin(Store *store, usec_t wall_now);
/* It was active, and is connected still. */
int presence_active(Store *store, const char *device_id, const char *module_id, usec_t wall_usec);

int presence_find(Store *store, const char *device_id, const char *module_id, Presence *ret);
