/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Client - this side of org.hublink1
 *
 * Every call waits for its answer; answers.h reads it. What goes wrong is told on standard error, with the
 * remedy, and comes back as the exit code of the program.
 *
 * Owns:   the connection.
 */

#include "base/clock.h"
#include "ctl/answers.h"
#include "model/message.h"
#include "model/reading.h"

/* Exit codes of hublinkctl. */
enum {
        CTL_OK,
        CTL_FAILED,
        CTL_USAGE,
        CTL_NOT_RUNNING,
        CTL_TIMEOUT,
};

typedef struct Client Client;

/* address: "system", "session" or a D-Bus address */
int client_open(Client **ret, const char *address);
bool client_try_open(Client **ret, const char *address); /* says nothing where there is no bus */
Client *client_close(Client *c);
DEFINE_CLEANUP(Client *, client_close);

/* ---- questions ---- */

int client_status(Client *c, GatewayStatus *ret);
bool client_try_status(Client *c, GatewayStatus *ret); /* says nothing where nobody answers */
int client_sensors(Client *c, SensorList *ret);

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

/* A method of another interface of the same object, with arguments of these types; ret may be NULL. */
int client_ask(Client *c, const char *interface, const char *member, struct sd_bus_message **ret, const char *types,
               ...);
/* The same, of one that may take longer than a minute, or is not to. */
int client_request(Client *c, const char *interface, const char *member, usec_t timeout_usec,
                   struct sd_bus_message **ret, const char *types, ...);
/* Says that an answer is not what the interface says. r: negative errno */
int client_misunderstood(const char *what, int r);

/* ---- events ---- */

typedef struct ClientSettled {
        const char *stream;
        uint64_t epoch, first, last;
        const char *outcome, *reason;
} ClientSettled;

typedef struct ClientPressure {
        const char *stream;
        double fill;
} ClientPressure;

typedef struct ClientAlarm {
        const char *channel, *state;
        double value;
} ClientAlarm;

typedef struct ClientDesired {
        const char *section, *json;
        uint64_t version;
} ClientDesired;

typedef struct ClientEvents {
        void (*sensor)(void *userdata, const SensorInfo *sensor); /* it told something new */
        void (*settled)(void *userdata, const ClientSettled *settled);
        void (*pressure)(void *userdata, const ClientPressure *pressure);
        void (*status)(void *userdata, const GatewayStatus *status); /* something in it changed */
        void *userdata;
        void (*inbox)(void *userdata, const char *what, uint64_t id); /* "Arrived" or "Expired" */
        void (*desired)(void *userdata, const ClientDesired *desired); /* a section of the twin changed */
        void (*alarm)(void *userdata, const ClientAlarm *alarm);
} ClientEvents;

/* Those that are not NULL come from client_wait(). */
int client_listen(Client *c, const ClientEvents *events);
bool client_daemon_left(const Client *c); /* since then */
/* Gives the next event, or waits for one until then (CLOCK_BOOTTIME); to be called again and again. A signal
 * to the program ends the wait. */
int client_wait(Client *c, usec_t until);
