/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/amqp/house.h"

#include <errno.h>
#include <string.h>

int amqp_house_init(AmqpHouse *house, const Hub *hub)
{
        *house = (AmqpHouse){.hub = hub};
        house->name = strndup(hub->host, strcspn(hub->host, "."));
        return house->name ? 0 : -ENOMEM;
}

void amqp_house_done(AmqpHouse *house)
{
        free(house->name);
        *house = (AmqpHouse){};
}

/* ---- guests ---- */

void amqp_house_enter(AmqpHouse *house, AmqpGuest *guest, void (*stir)(void *userdata), void *userdata)
{
        *guest = (AmqpGuest){house->guests, stir, userdata};
        house->guests = guest;
}

void amqp_house_leave(AmqpHouse *house, AmqpGuest *guest)
{
        AmqpGuest **p = &house->guests;

        while (*p && *p != guest)
                p = &(*p)->next;
        if (*p)
                *p = guest->next;
}

void amqp_house_stir(AmqpHouse *house)
{
        AmqpGuest *next;

        for (AmqpGuest *guest = house->guests; guest; guest = next) {
                next = guest->next;
                guest->stir(guest->userdata);
        }
}

/* ---- questions ---- */

bool amqp_house_is_ours(const AmqpHouse *house, AddressPart host)
{
        return address_part_is(host, house->hub->host) || address_part_is(host, "localhost") ||
               address_part_is(host, "127.0.0.1");
}
