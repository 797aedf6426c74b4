/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Departures - identities that were deleted or disabled: their links are cut once that is committed
 *
 * Nobody may see of a change what may still be undone. In the order in which they were added. module_id NULL: the
 * device with all its modules.
 *
 * Owns:   the names.
 * Knows:  store, links and desks, which outlive it.
 */

#include "devhub/device/desk-row.h"
#include "devhub/hub/store.h"
#include "devhub/net/links.h"

typedef struct Departure Departure;

typedef struct Departures {
        Store *store;
        Links *links;
        const DeskRow *desks;

        Departure *all;
        size_t n, n_allocated;
} Departures;

/* With the change: its kept sessions go. Negative: the change is not to be committed. */
int departures_add(Departures *departures, const char *device_id, const char *module_id);
void departures_carry_out(Departures *departures); /* the change is committed: links are cut, desks told */
void departures_call_off(Departures *departures);  /* they stay after all */

/* All of it for one whose change is committed already, by another program. */
void departures_at_once(Departures *departures, const char *device_id, const char *module_id);
/* It stays what it is, with what it subscribed to, but shall show anew that it is; modules of a device are others. */
void departures_cut(const Departures *departures, const char *device_id, const char *module_id);
