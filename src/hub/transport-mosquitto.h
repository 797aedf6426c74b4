/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Transport over libmosquitto, on an sd-event loop
 *
 * The one place that knows the library, and everything that it does otherwise than one would think is dealt with
 * behind this line. No timers: every deadline is the hub's.
 */

#include <systemd/sd-event.h>

#include "hub/dialer.h"
#include "hub/transport.h"

#define TRANSPORT_ADDRESS_PATIENCE_USEC (10 * USEC_PER_SEC)

/* Refers the event loop. */
int transport_mosquitto_new(Transport **ret, sd_event *event);

/* The same, with another way to look up names and another patience with each address. */
int transport_mosquitto_new_with(Transport **ret, sd_event *event, ResolveFn resolve, usec_t patience_usec);
