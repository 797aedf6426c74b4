/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * AMQP house - what all AMQP connections share
 *
 * The hub, its Event Hubs-compatible name, and the guests: every connection, to be stirred when something has come
 * that one of its links may wait for.
 *
 * Knows:  the hub, which outlives it.
 */

#include "base/clock.h"
#include "devhub/amqp/address.h"
#include "devhub/hub/hub.h"

typedef struct AmqpGuest AmqpGuest;
struct AmqpGuest {
        AmqpGuest *next;
        void (*stir)(void *userdata);
        void *userdata;
};

typedef struct AmqpHouse {
        const Hub *hub;
        char *name; /* the first label of the host: the hub's short name, and that of its events */
        AmqpGuest *guests;
} AmqpHouse;

int amqp_house_init(AmqpHouse *house, const Hub *hub);
void amqp_house_done(AmqpHouse *house); /* all guests have left */

void amqp_house_enter(AmqpHouse *house, AmqpGuest *guest, void (*stir)(void *userdata), void *userdata);
void amqp_house_leave(AmqpHouse *house, AmqpGuest *guest);
void amqp_house_stir(AmqpHouse *house); /* events were stored, or something else to give has come */

/* The hub's own host, or the loopback names that the development mode of clients writes. */
bool amqp_house_is_ours(const AmqpHouse *house, AddressPart host);
