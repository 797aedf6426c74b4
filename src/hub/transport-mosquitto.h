/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Transport over libmosquitto, on an sd-event loop
 *
 * Each connect is an order, dialled on a thread of its own, one thread at a time; what comes back is a client
 * (mosquitto-client.h), whose events get the generation that was ordered. No timers: every deadline is the hub's.
 */

#include <systemd/sd-event.h>

#include "hub/dialer.h"
#include "hub/transport.h"

#define TRANSPORT_ADDRESS_PATIENCE_USEC (10 * USEC_PER_SEC)

/* Refers the event loop. */
int transport_mosquitto_new(Transport **ret, sd_event *event);

/* The same, with another way to look up names and another patience with each address. */
int transport_mosquitto_new_with(Transport **ret, sd_event *event, ResolveFn resolve, usec_t patience_usec);
