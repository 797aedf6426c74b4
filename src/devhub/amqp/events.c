/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Events - reading telemetry from a partition of the Event Hubs-compatible endpoint (protocol reference 9.4)
 *
 * A reader is a place in a partition. It reads the store in pieces, as far as its peer gives credit and takes what it
 * has been sent, and rests at the last committed event. Of readers of one partition and consumer group those with an
 * epoch keep out all others, and the highest epoch wins.
 */

#include <errno.h>
#include <inttypes.h>
#include <proton/codec.h>
#include <proton/connection.h>
#include <proton/terminus.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "devhub/amqp/event-message.h"
#include "devhub/amqp/nodes.h"
#include "devhub/amqp/position.h"
#include "devhub/hub/access.h"

#define AT_ONCE 64 /* events read with one query */

struct EventReader {
        EventReader *next;
        AmqpLink *link;
        unsigned partition;
        int64_t at; /* the next number */
        bool has_epoch;
        int64_t epoch;
        pn_message_t *message; /* filled anew for each event */
};

/* ---- what the attach says ---- */

/* The value of a key of a map, the data standing on it. */
static bool find_in_map(pn_data_t *data, const char *name)
{
        pn_data_rewind(data);
        if (!pn_data_next(data) || pn_data_type(data) != PN_MAP || !pn_data_enter(data))
                return false;
        while (pn_data_next(data)) {
                pn_type_t type = pn_data_type(data);
                pn_bytes_t key = type == PN_SYMBOL   ? pn_data_get_symbol(data)
                                 : type == PN_STRING ? pn_data_get_string(data)
                                                     : (pn_bytes_t){};
                bool found = key.size == strlen(name) && memcmp(key.start, name, key.size) == 0;

                if (!pn_data_next(data))
                        return false;
                if (found)
                        return true;
        }
        return false;
}

/* A described string, or a bare one. -EINVAL: neither, or not understood. */
static int read_filter(pn_data_t *data, Position *ret)
{
        pn_bytes_t text;

        if (!find_in_map(data, "apache.org:selector-filter:string"))
                return 0;
        if (pn_data_type(data) == PN_DESCRIBED &&
            (!pn_data_enter(data) || !pn_data_next(data) || !pn_data_next(data)))
                return -EINVAL;
        if (pn_data_type(data) != PN_STRING)
                return -EINVAL;
        text = pn_data_get_string(data);
        return position_parse(text.start, text.size, ret);
}

static void read_epoch(EventReader *reader, pn_data_t *properties)
{
        if (!properties || !find_in_map(properties, "com.microsoft:epoch"))
                return;
        reader->has_epoch = true;
        switch (pn_data_type(properties)) {
        case PN_LONG:
                reader->epoch = pn_data_get_long(properties);
                break;
        case PN_INT:
                reader->epoch = pn_data_get_int(properties);
                break;
        default:
                reader->has_epoch = false;
        }
}

/* ---- epochs ---- */

static bool is_beside(const EventReader *a, const EventReader *b)
{
        AddressPart group = a->link->address.group, other = b->link->address.group;

        return a->partition == b->partition && group.size == other.size &&
               strncasecmp(group.data, other.data, group.size) == 0;
}

/* Does the other keep this one out? */
static bool keeps_out(const EventReader *other, const EventReader *reader)
{
        return other->has_epoch && (!reader->has_epoch || other->epoch > reader->epoch);
}

static bool may_read(const AmqpHouse *house, const EventReader *reader)
{
        for (const EventReader *other = house->readers; other; other = other->next)
                if (is_beside(other, reader) && keeps_out(other, reader))
                        return false;
        return true;
}

static void evict_others(AmqpHouse *house, const EventReader *reader)
{
        EventReader *next;
        bool any = false;

        for (EventReader *other = house->readers; reader->has_epoch && other; other = next) {
                next = other->next;
                if (!is_beside(other, reader))
                        continue;
                amqp_link_refuse(other->link, "amqp:link:stolen",
                                 "A receiver with epoch %" PRId64 " has been attached to this partition.",
                                 reader->epoch);
                any = true;
        }
        if (any)
                amqp_house_stir(house);
}

/* ---- opening ---- */

static int find_place(EventReader *reader, const AmqpHouse *house, const Position *position)
{
        Store *store = house->hub->store;
        int64_t before = position->value - (position->inclusive && position->value > INT64_MIN);
        int64_t end = house->last[reader->partition] + 1;
        int r = 0;

        switch (position->kind) {
        case POSITION_LATEST:
                reader->at = end;
                break;
        case POSITION_SEQUENCE:
                reader->at = CLAMP(before < INT64_MAX ? before + 1 : before, (int64_t)0, end);
                break;
        case POSITION_OFFSET:
                r = partition_find_after(store, reader->partition, PARTITION_OFFSET, before, &reader->at);
                break;
        case POSITION_ENQUEUED:
                /* the whole of a millisecond lies behind its name */
                before = before >= INT64_MAX / 1000 - 1 ? INT64_MAX : before * 1000 + 999;
                r = partition_find_after(store, reader->partition, PARTITION_ENQUEUED, before, &reader->at);
                break;
        }
        return r;
}

static bool parse_partition(const AmqpLink *link, unsigned *ret)
{
        AddressPart part = link->address.partition;

        if (part.size == 0 || part.size > 2)
                return false;
        *ret = 0;
        for (size_t i = 0; i < part.size; i++) {
                if (part.data[i] < '0' || part.data[i] > '9')
                        return false;
                *ret = *ret * 10 + (unsigned)(part.data[i] - '0');
        }
        return *ret < link->house->n_partitions && (part.size == 1 || part.data[0] != '0');
}

/* True: the address is one of ours. */
static bool check_address(AmqpLink *link, EventReader *reader)
{
        if (!address_part_is(link->address.entity, link->house->name))
                amqp_link_refuse(link, "amqp:not-found", "The Event Hubs-compatible name of this hub is '%s'.",
                                 link->house->name);
        else if (!parse_partition(link, &reader->partition))
                amqp_link_refuse(link, "com.microsoft:argument-out-of-range",
                                 "The specified partition is invalid: it should be between 0 and %u.",
                                 link->house->n_partitions - 1);
        else if (!amqp_house_admit_group(link->house, link->address.group))
                amqp_link_refuse(link, "amqp:not-found", "There are %d consumer groups already.", GROUPS_MAX);
        else
                return true;
        return false;
}

static EventReader *reader_free(EventReader *reader)
{
        if (reader)
                pn_message_free(reader->message);
        free(reader);
        return NULL;
}
DEFINE_CLEANUP(EventReader *, reader_free);

static void on_open(AmqpLink *link)
{
        _cleanup_(reader_freep) EventReader *reader = calloc(1, sizeof(*reader));
        Position position = POSITION_START;

        if (!reader || !(reader->message = pn_message())) {
                amqp_link_refuse(link, "amqp:internal-error", "no memory");
                return;
        }
        reader->link = link;
        if (!check_address(link, reader))
                return;
        if (read_filter(pn_terminus_filter(pn_link_remote_source(link->pn)), &position) < 0) {
                amqp_link_refuse(link, "amqp:invalid-field", "The filter is not understood.");
                return;
        }
        read_epoch(reader, pn_link_remote_properties(link->pn));
        if (!may_read(link->house, reader)) {
                amqp_link_refuse(link, "amqp:link:stolen", "A receiver with a higher epoch reads this partition.");
                return;
        }
        if (find_place(reader, link->house, &position) < 0) {
                amqp_link_refuse(link, "amqp:internal-error", "The events cannot be read.");
                return;
        }
        evict_others(link->house, reader);
        reader->next = link->house->readers;
        link->house->readers = reader;
        link->state = TAKE_PTR(reader);
}

static void on_gone(AmqpLink *link)
{
        EventReader **p = &link->house->readers;

        while (*p && *p != link->state)
                p = &(*p)->next;
        if (*p) {
                *p = (*p)->next;
                reader_free(link->state);
        }
}

/* ---- reading ---- */

static int send_event(void *userdata, const EventRow *row, int64_t number)
{
        EventReader *reader = userdata;
        AmqpLink *link = reader->link;
        int r;

        if (!amqp_link_has_room(link))
                return -ENOBUFS;
        pn_message_clear(reader->message);
        r = event_message_fill(reader->message, row, number);
        if (r >= 0)
                r = amqp_link_send(link, reader->message, &number, sizeof(number),
                                   pn_link_remote_snd_settle_mode(link->pn) == PN_SND_SETTLED, NULL);
        if (r >= 0)
                reader->at = number + 1;
        return r;
}

static bool on_give(AmqpLink *link)
{
        EventReader *reader = link->state;
        int64_t last = link->house->last[reader->partition], before = reader->at;
        unsigned limit = (unsigned)MIN(pn_link_credit(link->pn), AT_ONCE);
        int r;

        if (reader->at > last)
                return false;
        r = partition_read(link->house->hub->store, reader->partition, reader->at, last, limit, send_event, reader);
        if (r < 0 && r != -ENOBUFS) {
                log_warning("AMQP: events cannot be read: %s", strerror(-r));
                amqp_link_refuse(link, "amqp:internal-error", "The events cannot be read.");
                return true; /* that is to be sent */
        }
        return reader->at != before;
}

const AmqpNode node_events = {
        .address = ADDRESS_PARTITION,
        .sends = true,
        .right = RIGHT_SERVICE_CONNECT,
        .open = on_open,
        .give = on_give,
        .gone = on_gone,
};
