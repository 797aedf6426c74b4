/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/cli/event-view.h"

#include <errno.h>
#include <string.h>

/* What the hub adds, at the most. */
#define N_OWN 7

/* Keys of the topic and what a reader finds them under. A sender cannot set what the hub says of it: $.cdid and
 * $.cmid are heard from edge gateways only, and vanish. */
static const struct {
        const char *key;
        const char *name; /* NULL: dropped */
} system_keys[] = {
        {"$.mid", "message-id"},
        {"$.cid", "correlation-id"},
        {"$.uid", "user-id"},
        {"$.to", "to"},
        {"$.ct", "content-type"},
        {"$.ce", "content-encoding"},
        {"$.exp", "absolute-expiry-time"},
        {"$.ctime", "iothub-creation-time-utc"},
        {"$.on", "iothub-outputname"},
        {"$.ifid", "iothub-interface-id"},
        {"$.sub", "dt-subject"},
        {"$.schema", "iothub-message-schema"},
        {"$.diagid", "Diagnostic-Id"},
        {"$.diagctx", "Correlation-Context"},
        {"$.cdid", NULL},
        {"$.cmid", NULL},
        {"iothub-ack", "iothub-ack"},
        {"iothub-operation", "iothub-operation"},
};

static bool find_system_key(const char *key, const char **ret_name)
{
        for (size_t i = 0; i < ARRAY_SIZE(system_keys); i++)
                if (strcmp(system_keys[i].key, key) == 0) {
                        *ret_name = system_keys[i].name;
                        return true;
                }
        return false;
}

/* JSON readers keep the last of two members of one name, the hub keeps the first of two properties. */
static bool is_first(const Bag *bag, const BagEntry *entry)
{
        return bag_find(bag, entry->name) == entry;
}

static void add(EventPair *pairs, size_t *n, const char *name, const char *value)
{
        pairs[(*n)++] = (EventPair){name, value};
}

static void add_system(EventView *v, const EventRow *row)
{
        EventPair *pairs = v->pairs;
        size_t n = 0;

        for (size_t i = 0; i < v->bag.n_entries; i++) {
                const BagEntry *e = &v->bag.entries[i];
                const char *name;

                if (find_system_key(e->name, &name) && name && is_first(&v->bag, e))
                        add(pairs, &n, name, e->value);
        }
        add(pairs, &n, "iothub-connection-device-id", row->link.device_id);
        if (row->link.module_id)
                add(pairs, &n, "iothub-connection-module-id", row->link.module_id);
        add(pairs, &n, "iothub-connection-auth-generation-id", row->link.generation_id);
        add(pairs, &n, "iothub-connection-auth-method", row->link.auth_method);
        add(pairs, &n, "iothub-enqueuedtime", v->enqueued);
        add(pairs, &n, "iothub-message-source", "Telemetry");
        if (row->link.model_id)
                add(pairs, &n, "dt-dataschema", row->link.model_id);
        v->event.system = pairs;
        v->event.n_system = n;
}

static void add_properties(EventView *v)
{
        EventPair *pairs = v->pairs + v->event.n_system;
        size_t n = 0;

        for (size_t i = 0; i < v->bag.n_entries; i++) {
                const BagEntry *e = &v->bag.entries[i];
                const char *name;

                if (!find_system_key(e->name, &name) && is_first(&v->bag, e))
                        add(pairs, &n, e->name, e->value);
        }
        v->event.properties = pairs;
        v->event.n_properties = n;
}

int event_view_init(EventView *v, const EventRow *row)
{
        *v = (EventView){};
        (void)iso_time_format(row->enqueued_usec, v->enqueued);
        /* It was checked when it came; a store that somebody else wrote shows it without properties. */
        (void)bag_parse(row->bag ? row->bag : "", row->bag_size, &v->bag);
        v->pairs = calloc(v->bag.n_entries + N_OWN, sizeof(*v->pairs));
        if (!v->pairs) {
                event_view_done(v);
                return -ENOMEM;
        }
        v->event = (Event){
                .device = row->link.device_id,
                .sequence = row->sequence,
                .enqueued_usec = row->enqueued_usec,
                .body = row->body,
                .body_size = row->body_size,
        };
        add_system(v, row);
        add_properties(v);
        return 0;
}

void event_view_done(EventView *v)
{
        bag_done(&v->bag);
        free(v->pairs);
        *v = (EventView){};
}
