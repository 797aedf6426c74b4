/* SPDX-License-Identifier: Apache-2.0 */

/*
 * $management - READ of the Event Hubs-compatible entity and its partitions (protocol reference 9.4)
 *
 * Partition ids are strings (trap 45), and so is an offset, though it is ordered as a number (trap 44).
 */

#include <inttypes.h>
#include <proton/codec.h>
#include <stdio.h>
#include <string.h>

#include "devhub/amqp/nodes.h"
#include "devhub/amqp/reply.h"
#include "devhub/hub/access.h"

#define CREDIT 100

static void put_text(pn_data_t *data, const char *text)
{
        (void)pn_data_put_string(data, pn_bytes(strlen(text), text));
}

static void put_member(pn_data_t *data, const char *name, const char *value)
{
        put_text(data, name);
        put_text(data, value);
}

static void put_partition_id(pn_data_t *data, unsigned partition)
{
        char id[12];

        (void)snprintf(id, sizeof(id), "%u", partition);
        put_text(data, id);
}

static void put_time(pn_data_t *data, const char *name, usec_t usec)
{
        put_text(data, name);
        (void)pn_data_put_timestamp(data, (int64_t)(usec / USEC_PER_MSEC));
}

/* ---- the entity ---- */

typedef struct Entity {
        const AmqpHouse *house;
        usec_t created_usec;
} Entity;

static void put_entity(pn_data_t *data, const void *userdata)
{
        const Entity *entity = userdata;

        (void)pn_data_put_map(data);
        (void)pn_data_enter(data);
        put_member(data, "name", entity->house->name);
        put_member(data, "type", "com.microsoft:eventhub");
        put_time(data, "created_at", entity->created_usec);
        put_text(data, "partition_count");
        (void)pn_data_put_int(data, (int32_t)entity->house->n_partitions);
        put_text(data, "partition_ids");
        (void)pn_data_put_array(data, false, PN_STRING);
        (void)pn_data_enter(data);
        for (unsigned i = 0; i < entity->house->n_partitions; i++)
                put_partition_id(data, i);
        (void)pn_data_exit(data);
        (void)pn_data_exit(data);
}

static void read_entity(AmqpLink *link, pn_delivery_t *delivery, pn_message_t *request)
{
        const Hub *hub = link->house->hub;
        Entity entity = {.house = link->house};

        if (partitions_created(hub->store, clock_wall(hub->clock), &entity.created_usec) < 0)
                reply(link, delivery, request, 500, "The events cannot be read.", NULL, NULL);
        else
                reply(link, delivery, request, 200, "OK", put_entity, &entity);
}

/* ---- a partition ---- */

typedef struct Partition {
        const AmqpHouse *house;
        unsigned number;
        PartitionInfo info;
} Partition;

static void put_partition(pn_data_t *data, const void *userdata)
{
        const Partition *p = userdata;
        bool is_empty = p->info.last < 0;
        char offset[24];

        (void)snprintf(offset, sizeof(offset), "%" PRId64, is_empty ? (int64_t)-1 : (int64_t)p->info.last_offset);
        (void)pn_data_put_map(data);
        (void)pn_data_enter(data);
        put_member(data, "name", p->house->name);
        put_member(data, "type", "com.microsoft:partition");
        put_text(data, "partition");
        put_partition_id(data, p->number);
        put_text(data, "begin_sequence_number");
        (void)pn_data_put_long(data, p->info.first);
        put_text(data, "last_enqueued_sequence_number");
        (void)pn_data_put_long(data, p->info.last);
        put_member(data, "last_enqueued_offset", offset);
        put_time(data, "last_enqueued_time_utc", p->info.last_enqueued_usec);
        put_text(data, "is_partition_empty");
        (void)pn_data_put_bool(data, is_empty);
        (void)pn_data_exit(data);
}

static bool parse_partition(const AmqpHouse *house, const char *id, unsigned *ret)
{
        char text[12];

        if (!id)
                return false;
        for (unsigned i = 0; i < house->n_partitions; i++) {
                (void)snprintf(text, sizeof(text), "%u", i);
                if (strcmp(text, id) == 0) {
                        *ret = i;
                        return true;
                }
        }
        return false;
}

static void read_partition(AmqpLink *link, pn_delivery_t *delivery, pn_message_t *request)
{
        _cleanup_free_ char *id = request_text(request, "partition");
        Partition p = {.house = link->house};

        if (!parse_partition(link->house, id, &p.number))
                reply(link, delivery, request, 404, "There is no such partition.", NULL, NULL);
        else if (hub_commit(link->house->hub) < 0 ||
                 partition_info(link->house->hub->store, p.number, &p.info) < 0)
                reply(link, delivery, request, 500, "The events cannot be read.", NULL, NULL);
        else
                reply(link, delivery, request, 200, "OK", put_partition, &p);
}

/* ---- requests ---- */

static bool is(const char *text, const char *expected)
{
        return text && strcmp(text, expected) == 0;
}

static void on_request(AmqpLink *link, pn_delivery_t *delivery, pn_message_t *request)
{
        _cleanup_free_ char *operation = request_text(request, "operation"), *type = request_text(request, "type"),
                            *name = request_text(request, "name");

        if (!is(operation, "READ"))
                reply(link, delivery, request, 400, "The operation is not READ.", NULL, NULL);
        else if (!name || strcasecmp(name, link->house->name) != 0)
                reply(link, delivery, request, 404, "There is no such entity.", NULL, NULL);
        else if (is(type, "com.microsoft:eventhub"))
                read_entity(link, delivery, request);
        else if (is(type, "com.microsoft:partition"))
                read_partition(link, delivery, request);
        else
                reply(link, delivery, request, 400, "The type is neither an event hub nor a partition.", NULL, NULL);
}

static void on_open(AmqpLink *link)
{
        if (link->address.entity.data && !address_part_is(link->address.entity, link->house->name))
                amqp_link_refuse(link, "amqp:not-found", "The Event Hubs-compatible name of this hub is '%s'.",
                                 link->house->name);
}

const AmqpNode node_management_in = {
        .address = ADDRESS_MANAGEMENT,
        .right = RIGHT_SERVICE_CONNECT,
        .credit = CREDIT,
        .largest = REQUEST_SIZE_MAX,
        .open = on_open,
        .take = on_request,
};
const AmqpNode node_management_out = {
        .address = ADDRESS_MANAGEMENT,
        .sends = true,
        .right = RIGHT_SERVICE_CONNECT,
        .open = on_open,
        .give = reply_give,
};
