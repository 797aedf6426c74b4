/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Departures - whose links are to be cut once that they are gone is committed
 *
 * Nobody may see of a change what may still be undone. In the order in which they were added.
 *
 * Owns:   the names.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/macro.h"

typedef struct Departure {
        char *device_id;
        char *module_id; /* NULL: the device with all its modules */
} Departure;

void departure_done(Departure *departure);

typedef struct Departures {
        Departure *all;
        size_t n, n_allocated;
} Departures;

int departures_add(Departures *departures, const char *device_id, const char *module_id);
bool departures_take(Departures *departures, Departure *ret); /* false: there are none */
void departures_done(Departures *departures);                 /* they stay after all; it can be used again */
