/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The inside of the bus: bus.c keeps the connection, bus-manager.c and bus-submit.c are
 * org.hublink1.Manager, bus-sensor.c is org.hublink1.Sensor, bus-dead-letters.c org.hublink1.DeadLetters,
 * bus-inbox.c org.hublink1.Inbox, bus-twin.c org.hublink1.Twin, bus-methods.c org.hublink1.Methods and what responders
 * are asked; bus-units.c asks systemd; bus-errand.c asks who calls; bus-text.c carries what others wrote.
 */

#include <systemd/sd-bus.h>

#include "bus/bus.h"
#include "bus/bus-errand.h"
#include "bus/bus-text.h"
#include "bus/pending-call.h"
#include "bus/settled-batch.h"
#include "bus/status-diff.h"
#include "bus/subscribers.h"
#include "bus/user-names.h"

#define BUS_NAME          "org.hublink1"
#define BUS_PATH          "/org/hublink1"
#define BUS_SENSOR_PREFIX "/org/hublink1/sensor"
#define BUS_MANAGER       "org.hublink1.Manager"
#define BUS_SENSOR        "org.hublink1.Sensor"
#define BUS_DEAD_LETTERS  "org.hublink1.DeadLetters"
#define BUS_INBOX         "org.hublink1.Inbox"
#define BUS_TWIN          "org.hublink1.Twin"
#define BUS_METHODS       "org.hublink1.Methods"

/* A sensor as its listeners know it. */
typedef struct BusSensor {
        Name name;
        SensorTold told;
        usec_t told_usec; /* boot clock; 0: never */
        bool changed;     /* bus_sensor_changed() came since */
} BusSensor;

typedef struct Invocation Invocation;
typedef struct UnitRun UnitRun;

struct Bus {
        sd_event *event;
        char *address;
        BusPeers peers;
        const Clock *clock;
        const Random *random;

        /* the connection: NULL while there is none */
        sd_bus *connection;
        bool named;        /* org.hublink1 is ours: there may be listeners */
        bool lost;         /* it broke: the next tick takes it down */
        bool told_trouble; /* one line an outage */
        Backoff backoff;
        usec_t retry_usec;

        PendingCalls pending;

        /* what is told unasked; USEC_INFINITY where there is nothing to tell */
        ManagerTold told;
        usec_t link_due_usec, link_told_usec;
        usec_t counters_due_usec, counters_told_usec;
        BusSensor *sensors;
        size_t n_sensors;
        usec_t sensors_due_usec;
        Subscribers subscribers;
        Subscribers takers; /* from the inbox */
        Subscribers responders;
        Invocation *invocations; /* what they were asked and have not answered */
        UnitRun *unit_runs;
        BusErrand *errands;
        UserNames *user_names;
        SettledBatch settled;
};

static inline const Status *bus_status(Bus *bus)
{
        return bus->peers.status.status(bus->peers.status.userdata);
}

/* Sets the reply of a method to org.hublink1.Error.*; returns what the handler is to return. */
int bus_error(sd_bus_error *error, RequestError code, const char *fmt, ...) _printf_(3, 4);

/* bus-manager.c */
int bus_manager_export(Bus *bus);
void bus_manager_tell(Bus *bus, unsigned among); /* PropertiesChanged of those that did */
void bus_tell_settled(Bus *bus, usec_t now);

/* bus-submit.c */
/* Takes the message for a later answer, or words the refusal. Below 0: return it. */
int bus_call_begin(Bus *bus, sd_bus_message *m, sd_bus_error *error, PendingCall **ret);
int bus_submit(sd_bus_message *m, void *userdata, sd_bus_error *error);
int bus_submit_message(sd_bus_message *m, void *userdata, sd_bus_error *error);

/* bus-dead-letters.c */
int bus_dead_letters_export(Bus *bus);

/* bus-inbox.c */
int bus_inbox_export(Bus *bus);
bool bus_inbox_keeps(void *userdata, const char *taker);
void bus_inbox_left(void *userdata, const char *taker);

/* bus-twin.c */
int bus_twin_export(Bus *bus);

/* bus-methods.c */
int bus_methods_export(Bus *bus);
void bus_methods_disconnect(Bus *bus);
bool bus_responder_keeps(void *userdata, const char *name);
void bus_responder_left(void *userdata, const char *name);

/* bus-units.c */
void bus_units_disconnect(Bus *bus);

/* bus-audit.c */
int bus_audit(sd_bus_message *m, void *userdata, sd_bus_error *error);
int bus_audit_since(sd_bus_message *m, void *userdata, sd_bus_error *error);

/* bus-sensor.c */
int bus_append_channel(sd_bus_message *m, const Channel *channel); /* an entry of an a{sv} */
int bus_sensor_export(Bus *bus);
void bus_sensors_match(Bus *bus, bool tell); /* the sensors that came and went since the last look */
void bus_sensors_tell(Bus *bus, usec_t now);
void bus_sensors_done(Bus *bus);
