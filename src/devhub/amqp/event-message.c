/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/amqp/event-message.h"

#include <errno.h>
#include <inttypes.h>
#include <proton/codec.h>
#include <stdio.h>
#include <string.h>

#include "azure/bag.h"
#include "base/iso-time.h"

typedef enum Place {
        PLACE_MESSAGE_ID,
        PLACE_CORRELATION_ID,
        PLACE_USER_ID,
        PLACE_TO,
        PLACE_CONTENT_TYPE,
        PLACE_CONTENT_ENCODING,
        PLACE_EXPIRY,
        PLACE_ANNOTATION,
        PLACE_APPLICATION,
        PLACE_NOWHERE,
} Place;

typedef struct SystemKey {
        const char *key; /* in the topic */
        Place place;
        const char *name; /* of an annotation or application property */
} SystemKey;

/* A sender cannot set what the hub says of it: $.cdid and $.cmid are heard from edge gateways only. */
static const SystemKey system_keys[] = {
        {"$.mid", PLACE_MESSAGE_ID, NULL},
        {"$.cid", PLACE_CORRELATION_ID, NULL},
        {"$.uid", PLACE_USER_ID, NULL},
        {"$.to", PLACE_TO, NULL},
        {"$.ct", PLACE_CONTENT_TYPE, NULL},
        {"$.ce", PLACE_CONTENT_ENCODING, NULL},
        {"$.exp", PLACE_EXPIRY, NULL},
        {"$.ctime", PLACE_APPLICATION, "iothub-creation-time-utc"},
        {"$.on", PLACE_APPLICATION, "iothub-outputname"},
        {"$.ifid", PLACE_ANNOTATION, "iothub-interface-id"},
        {"$.sub", PLACE_ANNOTATION, "dt-subject"},
        {"$.schema", PLACE_APPLICATION, "iothub-message-schema"},
        {"$.diagid", PLACE_ANNOTATION, "Diagnostic-Id"},
        {"$.diagctx", PLACE_ANNOTATION, "Correlation-Context"},
        {"$.cdid", PLACE_NOWHERE, NULL},
        {"$.cmid", PLACE_NOWHERE, NULL},
};

static const SystemKey *find_key(const char *name)
{
        for (size_t i = 0; i < ARRAY_SIZE(system_keys); i++)
                if (strcmp(system_keys[i].key, name) == 0)
                        return &system_keys[i];
        return NULL;
}

static pn_bytes_t bytes_of(const char *text)
{
        return pn_bytes(strlen(text), text);
}

static int64_t milliseconds(usec_t usec)
{
        return (int64_t)(usec / USEC_PER_MSEC);
}

/* ---- annotations ---- */

static void annotate(pn_data_t *data, const char *name, const char *value)
{
        if (!value)
                return;
        (void)pn_data_put_symbol(data, bytes_of(name));
        (void)pn_data_put_string(data, bytes_of(value));
}

static void annotate_time(pn_data_t *data, const char *name, usec_t at)
{
        (void)pn_data_put_symbol(data, bytes_of(name));
        (void)pn_data_put_timestamp(data, milliseconds(at));
}

static void annotate_place(pn_data_t *data, const EventRow *row, int64_t number)
{
        char offset[24];

        (void)snprintf(offset, sizeof(offset), "%" PRIu64, row->sequence);
        (void)pn_data_put_symbol(data, bytes_of("x-opt-sequence-number"));
        (void)pn_data_put_long(data, number);
        annotate(data, "x-opt-offset", offset);
        annotate_time(data, "x-opt-enqueued-time", row->enqueued_usec);
}

static void annotate_sender(pn_data_t *data, const EventRow *row)
{
        annotate(data, "iothub-connection-device-id", row->link.device_id);
        annotate(data, "iothub-connection-module-id", row->link.module_id);
        annotate(data, "iothub-connection-auth-generation-id", row->link.generation_id);
        annotate(data, "iothub-connection-auth-method", row->link.auth_method);
        annotate_time(data, "iothub-enqueuedtime", row->enqueued_usec);
        annotate(data, "iothub-message-source", "Telemetry");
        annotate(data, "dt-dataschema", row->link.model_id);
}

static void fill_annotations(pn_message_t *message, const EventRow *row, const Bag *bag, int64_t number)
{
        pn_data_t *data = pn_message_annotations(message);

        (void)pn_data_put_map(data);
        (void)pn_data_enter(data);
        annotate_place(data, row, number);
        annotate_sender(data, row);
        for (size_t i = 0; i < bag->n_entries; i++) {
                const SystemKey *key = find_key(bag->entries[i].name);

                if (key && key->place == PLACE_ANNOTATION && bag_find(bag, key->key) == &bag->entries[i])
                        annotate(data, key->name, bag->entries[i].value);
        }
        (void)pn_data_exit(data);
}

/* ---- properties ---- */

static pn_atom_t string_atom(const char *text)
{
        return (pn_atom_t){.type = PN_STRING, .u.as_bytes = bytes_of(text)};
}

static void set_property(pn_message_t *message, Place place, const char *value)
{
        usec_t expiry;

        switch (place) {
        case PLACE_MESSAGE_ID:
                (void)pn_message_set_id(message, string_atom(value));
                break;
        case PLACE_CORRELATION_ID:
                (void)pn_message_set_correlation_id(message, string_atom(value));
                break;
        case PLACE_USER_ID:
                (void)pn_message_set_user_id(message, bytes_of(value));
                break;
        case PLACE_TO:
                (void)pn_message_set_address(message, value);
                break;
        case PLACE_CONTENT_TYPE:
                (void)pn_message_set_content_type(message, value);
                break;
        case PLACE_CONTENT_ENCODING:
                (void)pn_message_set_content_encoding(message, value);
                break;
        case PLACE_EXPIRY:
                if (iso_time_parse(value, &expiry) >= 0)
                        (void)pn_message_set_expiry_time(message, milliseconds(expiry));
                break;
        default:
                break;
        }
}

/* Where the hub has it from: what a device says of itself stands in $.to. */
static int set_destination(pn_message_t *message, const EventRow *row)
{
        _cleanup_(buffer_done) Buffer to = BUFFER_NULL;

        buffer_printf(&to, "/devices/%s", row->link.device_id);
        if (row->link.module_id)
                buffer_printf(&to, "/modules/%s", row->link.module_id);
        buffer_append_string(&to, "/messages/events");
        return buffer_error(&to) ? -ENOMEM : pn_message_set_address(message, to.data);
}

static void fill_properties(pn_message_t *message, const Bag *bag)
{
        for (size_t i = 0; i < bag->n_entries; i++) {
                const BagEntry *entry = &bag->entries[i];
                const SystemKey *key = find_key(entry->name);

                if (key && entry->value && bag_find(bag, key->key) == entry)
                        set_property(message, key->place, entry->value);
        }
}

static void put_application(pn_data_t *data, const char *name, const char *value)
{
        (void)pn_data_put_string(data, bytes_of(name));
        if (value)
                (void)pn_data_put_string(data, bytes_of(value));
        else
                (void)pn_data_put_null(data);
}

static void fill_application(pn_message_t *message, const Bag *bag)
{
        pn_data_t *data = pn_message_properties(message);

        (void)pn_data_put_map(data);
        (void)pn_data_enter(data);
        for (size_t i = 0; i < bag->n_entries; i++) {
                const BagEntry *entry = &bag->entries[i];
                const SystemKey *key = find_key(entry->name);

                if (bag_find(bag, entry->name) != entry || (key && key->place != PLACE_APPLICATION))
                        continue;
                put_application(data, key ? key->name : entry->name, entry->value);
        }
        (void)pn_data_exit(data);
}

int event_message_fill(pn_message_t *message, const EventRow *row, int64_t number)
{
        _cleanup_(bag_done) Bag bag = {};
        int r;

        /* It was checked when it came; a store that somebody else wrote shows it without properties. */
        r = bag_parse(row->bag ? row->bag : "", row->bag_size, &bag);
        if (r == -ENOMEM)
                return r;
        r = set_destination(message, row);
        if (r < 0)
                return r;
        fill_annotations(message, row, &bag, number);
        fill_properties(message, &bag);
        fill_application(message, &bag);
        (void)pn_message_set_inferred(message, true);
        return pn_data_put_binary(pn_message_body(message), pn_bytes(row->body_size, row->body)) < 0 ? -ENOMEM : 0;
}
