/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Client - this side of org.hublink1
 *
 * The only file of hublinkctl that knows sd-bus. Every call waits for its answer. What goes wrong is told on
 * standard error, with the remedy, and comes back as the exit code of the program.
 *
 * Owns:   the connection; an answer owns the message that its texts are borrowed from.
 */

#include "base/clock.h"
#include "model/message.h"
#include "model/reading.h"

#define COUNTS_MAX 16

/* Exit codes of hublinkctl. */
enum {
        CTL_OK,
        CTL_FAILED,
        CTL_USAGE,
        CTL_NOT_RUNNING,
        CTL_TIMEOUT,
};

typedef struct Client Client;
struct sd_bus_message;

/* address: "system", "session" or a D-Bus address */
int client_open(Client **ret, const char *address);
Client *client_close(Client *c);
DEFINE_CLEANUP(Client *, client_close);

/* ---- questions ---- */

typedef struct Counts {
        struct {
                const char *name;
                uint64_t n;
        } items[COUNTS_MAX];
        size_t n_items;
} Counts;

uint64_t counts_get(const Counts *c, const char *name); /* 0 when there is none */

typedef struct GatewayStatus {
        const char *version, *link_state, *link_reason, *link_detail, *hub, *device_id, *send_state, *disk_error;
        usec_t link_since, next_attempt, oldest_age, last_acknowledged;
        uint64_t queue_records, queue_bytes;
        uint32_t in_flight;
        Counts ledger, dropped, refused;
        struct sd_bus_message *message;
} GatewayStatus;

typedef struct SensorInfo {
        const char *name, *driver, *state, *last_error;
        usec_t time, interval;
        uint64_t errors;
        Channel values[READING_CHANNELS_MAX];
        const char *units[READING_CHANNELS_MAX]; /* beside values, "" where none */
        size_t n_values;
} SensorInfo;

typedef struct SensorList {
        SensorInfo *sensors; /* by name */
        size_t n_sensors;
        struct sd_bus_message *message;
} SensorList;

int client_status(Client *c, GatewayStatus *ret);
void gateway_status_done(GatewayStatus *s);
int client_sensors(Client *c, SensorList *ret);
void sensor_list_done(SensorList *l);

/* ---- requests ---- */

typedef struct Receipt {
        Name stream;
        uint64_t epoch, first, last;
} Receipt;

/* stream: NULL for the usual one; timeout_usec: USEC_INFINITY for none */
int client_submit(Client *c, const Reading *reading, const char *stream, usec_t timeout_usec, Receipt *ret);
int client_submit_message(Client *c, const Message *message, const char *stream, usec_t timeout_usec,
                          Receipt *ret);
int client_call(Client *c, const char *member, usec_t timeout_usec); /* one without arguments */

/* ---- events ---- */

typedef struct ClientSettled {
        const char *stream;
        uint64_t epoch, first, last;
        const char *outcome, *reason;
} ClientSettled;

typedef struct ClientEvents {
        void (*sensor)(void *userdata, const SensorInfo *sensor); /* it told something new */
        void (*settled)(void *userdata, const ClientSettled *settled);
        void (*status)(void *userdata, const GatewayStatus *status); /* something in it changed */
        void (*gone)(void *userdata);                                /* the daemon left the bus */
        void *userdata;
} ClientEvents;

/* Those that are not NULL come from client_wait(). */
int client_listen(Client *c, const ClientEvents *events);
/* Gives the next event, or waits for one until then (CLOCK_BOOTTIME); to be called again and again. A signal
 * to the program ends the wait. */
int client_wait(Client *c, usec_t until);
