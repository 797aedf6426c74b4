/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * AMQP house - what all AMQP connections share
 *
 * The hub, its Event Hubs-compatible name, how far each partition's events are committed, the consumer groups that
 * have been named, who reads them; and the guests: every connection, to be stirred when something has come that one
 * of its links may wait for.
 *
 * Knows:  the hub, which outlives it.
 */

#include "base/clock.h"
#include "devhub/amqp/address.h"
#include "devhub/hub/hub.h"
#include "devhub/hub/partitions.h"

#define GROUPS_MAX 20

typedef struct AmqpGuest AmqpGuest;
struct AmqpGuest {
        AmqpGuest *next;
        void (*stir)(void *userdata);
        void *userdata;
};

typedef struct EventReader EventReader; /* events.c */

typedef struct AmqpHouse {
        const Hub *hub;
        char *name; /* the first label of the host: the hub's short name, and that of its events */
        uint16_t tls_port; /* where clients are sent on to */
        AmqpGuest *guests;

        unsigned n_partitions;
        int64_t last[PARTITIONS_MAX]; /* the number of each one's last event that is committed; -1: none */
        sqlite3_stmt *look;           /* how far they go */
        bool stale;                   /* nobody was there to look further */
        char *groups[GROUPS_MAX];     /* beside $Default */
        EventReader *readers;
} AmqpHouse;

int amqp_house_init(AmqpHouse *house, const Hub *hub);
void amqp_house_done(AmqpHouse *house); /* all guests have left */

void amqp_house_enter(AmqpHouse *house, AmqpGuest *guest, void (*stir)(void *userdata), void *userdata);
void amqp_house_leave(AmqpHouse *house, AmqpGuest *guest);
void amqp_house_stir(AmqpHouse *house); /* something to give has come */
void amqp_house_committed(AmqpHouse *house); /* what was written so far is; stirs when there are events among it */

bool amqp_house_admit_group(AmqpHouse *house, AddressPart group); /* false: there are too many by now */

/* The hub's own host, or the loopback names that the development mode of clients writes. */
bool amqp_house_is_ours(const AmqpHouse *house, AddressPart host);
