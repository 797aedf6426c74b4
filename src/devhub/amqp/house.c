/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/amqp/house.h"

#include <errno.h>
#include <string.h>

/* True: some partition has grown. */
static bool look_for_events(AmqpHouse *house)
{
        bool grown = false;

        for (unsigned p = 0; p < house->n_partitions; p++) {
                int64_t last = house->last[p];

                if (partition_last(house->hub->store, &house->look, p, &last) >= 0 && last != house->last[p]) {
                        house->last[p] = last;
                        grown = true;
                }
        }
        return grown;
}

int amqp_house_init(AmqpHouse *house, const Hub *hub)
{
        int r;

        *house = (AmqpHouse){.hub = hub};
        r = partitions_count(hub->store, &house->n_partitions);
        if (r < 0)
                return r;
        (void)look_for_events(house);
        house->name = strndup(hub->host, strcspn(hub->host, "."));
        return house->name ? 0 : -ENOMEM;
}

void amqp_house_done(AmqpHouse *house)
{
        for (size_t i = 0; i < GROUPS_MAX; i++)
                free(house->groups[i]);
        (void)sqlite3_finalize(house->look);
        free(house->name);
        *house = (AmqpHouse){};
}

/* ---- guests ---- */

void amqp_house_enter(AmqpHouse *house, AmqpGuest *guest, void (*stir)(void *userdata), void *userdata)
{
        *guest = (AmqpGuest){house->guests, stir, userdata};
        if (house->stale && hub_commit(house->hub) >= 0) {
                house->stale = false;
                (void)look_for_events(house);
        }
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

void amqp_house_committed(AmqpHouse *house)
{
        if (!house->guests)
                house->stale = true;
        else if (look_for_events(house))
                amqp_house_stir(house);
}

/* ---- consumer groups ---- */

bool amqp_house_admit_group(AmqpHouse *house, AddressPart group)
{
        if (group.size == 0 || group.size > 50)
                return false;
        if (address_part_is(group, "$Default"))
                return true;
        for (size_t i = 0; i < GROUPS_MAX; i++) {
                if (!house->groups[i])
                        house->groups[i] = strndup(group.data, group.size);
                if (house->groups[i] && address_part_is(group, house->groups[i]))
                        return true;
        }
        return false;
}

/* ---- questions ---- */

bool amqp_house_is_ours(const AmqpHouse *house, AddressPart host)
{
        return address_part_is(host, house->hub->host) || address_part_is(host, "localhost") ||
               address_part_is(host, "127.0.0.1");
}
