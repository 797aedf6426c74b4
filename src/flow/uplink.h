/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Uplink - queue to hub
 *
 * Reads what is waiting, packs it into messages, keeps a window of them unacknowledged, settles their ranges
 * when the hub's PUBACK comes, and sends them again, unchanged, after the link was lost.
 */

#include "base/ticker.h"
#include "flow/set-aside.h"
#include "flow/stream.h"
#include "hub/hub.h"
#include "model/sink.h"
#include "queue/queue.h"

typedef struct Uplink Uplink;

/* Since the daemon began. */
typedef struct UplinkTraffic {
        uint64_t messages;  /* handed to the link, those sent again included */
        uint64_t bytes;     /* of them, as the hub counts: bodies, ids and properties */
        uint64_t delivered; /* messages that the hub acknowledged */
        uint64_t billed;    /* units of 4 KiB that it bills for those */
} UplinkTraffic;

typedef struct UplinkSettings {
        unsigned window;       /* unacknowledged messages, at most */
        const char *device_id; /* for ${device} */
        /* For ${unit}: of a sensor's channel; NULL where there is none. May itself be NULL. */
        const char *(*unit)(void *userdata, const char *sensor, const char *channel);
        void *unit_userdata;
} UplinkSettings;

int uplink_new(Uplink **ret, Queue *queue, Hub *hub, const Clock *clock, void (*changed)(void *userdata),
               void *userdata);
Uplink *uplink_free(Uplink *u);
DEFINE_CLEANUP(Uplink *, uplink_free);
/* Where records go that the hub can never take. Without it they are settled at once. */
void uplink_set_aside_through(Uplink *u, const SetAside *aside);
/* Asked of each record before it is read: true leaves it, and what is behind it in its lane, where it is until
 * uplink_readable(). */
void uplink_hold_back(Uplink *u, bool (*holds)(void *userdata, unsigned stream, uint64_t n), void *userdata);
int uplink_configure(Uplink *u, const UplinkSettings *settings, const StreamSettings *streams, size_t n_streams);
Ticker uplink_ticker(Uplink *u);

/* fed by the sinks of queue and hub */
void uplink_readable(Uplink *u);
void uplink_ready(Uplink *u);
void uplink_delivered(Uplink *u, uint64_t ticket);
void uplink_lost(Uplink *u);

/* Seals what waits, whatever its latency; done is called once when all that was accepted up to the call is settled,
 * however much comes after it, or with REQUEST_NOT_CONNECTED. */
void uplink_flush(Uplink *u, DoneFn done, void *done_userdata);

unsigned uplink_in_flight(const Uplink *u); /* messages */
const UplinkTraffic *uplink_traffic(const Uplink *u);
usec_t uplink_last_acknowledged(const Uplink *u); /* wall clock, 0: never */
