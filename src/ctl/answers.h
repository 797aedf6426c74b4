/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Answers - what the daemon says of itself and of its sensors, read from its messages
 *
 * Properties become members by name. One that we do not know is of a newer daemon and is passed
 * over; one that did not come is "" or 0. Readers give a negative errno for a message that is not what the
 * interface says; nothing is to be released then.
 *
 * Owns:   a status or a list holds the message that its texts are borrowed from.
 */

#include "base/clock.h"
#include "model/reading.h"

#define ANSWERS_SENSOR "org.hublink1.Sensor" /* the interface that a sensor is known by */
#define COUNTS_MAX     16

struct sd_bus_message;

typedef struct Counts {
        struct {
                const char *name;
                uint64_t n;
        } items[COUNTS_MAX];
        size_t n_items;
} Counts;

uint64_t counts_get(const Counts *c, const char *name); /* 0 when there is none */

/* Out of a variant; a text is borrowed. */
int answer_read_value(struct sd_bus_message *m, Value *ret);

typedef struct AlarmInfo {
        const char *channel, *state; /* "cpu.temperature", "above" */
        double limit;
        usec_t since; /* 0: before the daemon's start */
} AlarmInfo;

typedef struct AlarmList {
        AlarmInfo *items;
        size_t n_items;
} AlarmList;

typedef struct GatewayStatus {
        const char *version, *link_state, *link_reason, *link_detail, *hub, *device_id, *send_state;
        const char *disk_state, *disk_error, *settings_problem, *state_problem, *queue_problem, *metrics_problem;
        const char *twin_problem;
        usec_t link_since, next_attempt, oldest_age, last_acknowledged;
        uint64_t queue_records, queue_bytes;
        double queue_fill;
        uint64_t dead_letters; /* that are there now */
        uint64_t malformed_orders, orders, method_changes;
        uint32_t inbox_waiting;
        int inbox_full; /* as sd-bus reads a boolean */
        uint32_t in_flight;
        Counts ledger, dropped, refused, queue_stats;
        AlarmList alarms; /* that are raised */
        struct sd_bus_message *message;
} GatewayStatus;

/* What lies in the queue and what became of it: not before the daemon could open it. */
static inline bool gateway_counts_are_known(const GatewayStatus *s)
{
        return s->ledger.n_items > 0;
}

int gateway_status_read(GatewayStatus *ret, struct sd_bus_message *m);
void gateway_status_done(GatewayStatus *s);

typedef struct SensorInfo {
        const char *name, *driver, *state, *last_error;
        usec_t time, interval;
        uint64_t errors;
        Counts error_kinds;
        Channel values[READING_CHANNELS_MAX];
        const char *units[READING_CHANNELS_MAX]; /* beside values, "" where none */
        size_t n_values;
} SensorInfo;

/* Its texts last as long as the caller keeps the message. */
int sensor_info_read(SensorInfo *ret, struct sd_bus_message *m);

typedef struct SensorList {
        SensorInfo *sensors; /* by name */
        size_t n_sensors;
        struct sd_bus_message *message;
} SensorList;

int sensor_list_read(SensorList *ret, struct sd_bus_message *m);
void sensor_list_done(SensorList *l);
