/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Server - the hub while it runs: who is connected over MQTT, and what becomes of what they say
 *
 * Judges who connects, lets the newer of two links of one identity win, strikes with faults, hands the events to the
 * turn, and what else comes to the desks.
 *
 * Owns:   the MQTT door, links, the turn, faults, the clock.
 * Knows:  the store, which outlives it.
 */

#include <systemd/sd-event.h>

#include "base/ticker.h"
#include "devhub/device/desk.h"
#include "devhub/device/strikes.h"
#include "devhub/dps/linked-hub.h"
#include "devhub/hub/hub.h"
#include "devhub/hub/tier.h"

#define SERVER_CLOCK_STEP_MAX (3650 * USEC_PER_DAY) /* more is a slip of the hand, and cannot be taken back */

typedef struct Server Server;

typedef struct ServerSettings {
        const char *host;   /* the name in certificates, user names and tokens */
        const char *listen; /* a numeric address */
        uint16_t mqtt_port; /* 0: a free one; this and the next ones */
        uint16_t https_port;
        uint16_t amqps_port;
        uint16_t amqp_port; /* without TLS */
        LinkedHubs linked_hubs;
        Tier tier;
        unsigned units; /* of it */
        MailRules mail;
        bool virtual_clock; /* server_move_clock() is allowed */
        const char *seed;   /* a file that is planted before the doors open; NULL: none */
} ServerSettings;

/* life; certificates and store are borrowed. *ret_error (static) says what could not be done. */
int server_new(Server **ret, sd_event *event, const ServerSettings *settings, Certificates *certificates,
               Store *store, const char **ret_error);
Server *server_free(Server *server); /* commits and acknowledges what has come, then closes every link */
DEFINE_CLEANUP(Server *, server_free);

/* verbs */
/* A client that came over HTTPS and is to speak MQTT in WebSocket frames from here on. */
void server_take_websocket(Server *server, const WireHandover *handover);
void server_close_links(Server *server); /* all, at once: before what they stand on goes */
/* The hub's clock, for good. -EPERM: it is not a virtual one; -ERANGE: more than ten years; else the store failed. */
int server_move_clock(Server *server, int64_t by_usec);
/* The identity is gone, and another program has committed that: its links are closed, what was kept of it is dropped.
 * module_id NULL: all of the device. */
void server_forget(Server *server, const char *device_id, const char *module_id);
/* Its keys or certificates are others: its link is closed, and what was kept of it stays. module_id NULL: the
 * device's. */
void server_cut(Server *server, const char *device_id, const char *module_id);

/* What else the hub does with its devices: for whoever puts it together, before the loop runs. The userdata live
 * until server_free() has returned. */
int server_add_desk(Server *server, const Desk *desk); /* -ENOBUFS: there are too many */
int server_add_ticker(Server *server, Ticker ticker);
void server_set_limits(Server *server, struct Limits *limits); /* of the hub's tier */
/* Called when events have been committed; NULL: no more. */
void server_on_stored(Server *server, void (*stored)(void *userdata), void *userdata);

/* questions */
Hub *server_hub(Server *server);
const Links *server_links(const Server *server);
uint16_t server_mqtt_port(const Server *server);
usec_t server_wall(const Server *server); /* what the hub takes for the time */
Strikes *server_strikes(Server *server);
