/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Connection - to a message bus, and from there to who answers to a name on it
 *
 * A person waits: who does not answer within ANSWER_USEC is told to hang. That bounds the way to the bus, and each call
 * that does not bring a time of its own.
 *
 * Nobody is started by being asked. A bus that starts names by systemd keeps a call to a name that is not there, for
 * 25 s; to systemd's own too, in a container or an installation where systemd does not run.
 */

#include <systemd/sd-bus.h>

#include "base/clock.h"

#define ANSWER_USEC (5 * USEC_PER_SEC)

/* address: "system", "session" or a D-Bus address. 0; negative errno: -EINVAL it is none of these, -ETIMEDOUT the bus
 * hangs. */
int connection_open(sd_bus **ret, const char *address);
sd_bus *connection_close(sd_bus *bus); /* what was said goes out, unless the bus hangs */

/* As sd_bus_message_new_method_call(), and nobody is started by it. */
int connection_new_call(sd_bus *bus, sd_bus_message **ret, const char *name, const char *path, const char *interface,
                        const char *member);
/* Is its loop alive? Answered without a look at any object. */
int connection_ping(sd_bus *bus, const char *name, sd_bus_error *error);
bool connection_is_absent(const sd_bus_error *error); /* nobody has that name */
