/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Bus - org.hublink1, the doorway for local services
 *
 * Exposes what a Status tells and hands requests to those who were given at birth. The contract is the XML
 * under conf/dbus/. Without a message bus the daemon lives on; the bus is tried again with backoff.
 *
 * Owns:   the connection and the objects on it, pending calls.
 * Knows:  nothing of queue, hub or sensors.
 */

#include <systemd/sd-event.h>

#include "base/backoff.h"
#include "base/ticker.h"
#include "model/audit.h"
#include "model/inbox-desk.h"
#include "model/method-desk.h"
#include "model/sink.h"
#include "model/twin-desk.h"
#include "model/unit-port.h"

typedef struct Bus Bus;

typedef struct BusPeers {
        Intake intake;
        Control control;
        StatusSource status;
        DeadLetterOffice dead_letters;
        InboxDesk inbox;
        TwinDesk twin;
        MethodDesk methods;
        AuditBook audit;
        UnitSink units;
} BusPeers;

/* address: "system", "session" or a D-Bus address. */
int bus_new(Bus **ret, sd_event *event, const char *address, const BusPeers *peers, const Clock *clock,
            const Random *random);
/* The intake must have given all its answers before. */
Bus *bus_free(Bus *bus);
DEFINE_CLEANUP(Bus *, bus_free);
Ticker bus_ticker(Bus *bus);

/* Something in the Status changed: told to subscribers of PropertiesChanged, counters at most once a second,
 * the link's state at once. */
void bus_status_changed(Bus *bus);
void bus_sensor_changed(Bus *bus, const SensorStatus *sensor);
void bus_settled(Bus *bus, const Settled *settled);
/* The queue fills up: 1 is full. */
void bus_pressure(Bus *bus, const char *stream, double fill);
/* A rule's alarm: "cpu.temperature" is "above", "below" or "clear". */
void bus_alarm(Bus *bus, const char *channel, const char *state, double value);
void bus_dead_letter_added(Bus *bus, uint64_t id);
void bus_inbox_arrived(Bus *bus, uint64_t id);
void bus_inbox_expired(Bus *bus, uint64_t id);
void bus_twin_desired_changed(Bus *bus, const char *section, const char *json, uint64_t version);
/* ResponderPort.invoke() of the methods. */
int bus_invoke(Bus *bus, const char *destination, const char *name, const char *json, usec_t deadline_usec,
               uint64_t call);
/* UnitPort.is_there(), start() and stop() of the command units. */
bool bus_has_units(const Bus *bus);
int bus_start_unit(Bus *bus, const char *unit, uint64_t run);
void bus_stop_unit(Bus *bus, uint64_t run);
