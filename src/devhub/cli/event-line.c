/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/cli/event-line.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <limits.h>
#include <string.h>

#include "azure/bag.h"
#include "base/base64.h"
#include "base/iso-time.h"
#include "base/json.h"

#define JSON_DEPTH_MAX 200

/* ---- members ---- */

typedef struct Members {
        Buffer *b;
        bool any;
} Members;

static void begin_member(Members *m, const char *name)
{
        if (m->any)
                buffer_append_char(m->b, ',');
        m->any = true;
        json_string(m->b, name);
        buffer_append_char(m->b, ':');
}

/* value NULL: null */
static void member(Members *m, const char *name, const char *value)
{
        begin_member(m, name);
        if (value)
                json_string(m->b, value);
        else
                buffer_append_string(m->b, "null");
}

/* ---- properties ---- */

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

static void add_system(const EventRow *row, const Bag *bag, const char *enqueued, Buffer *b)
{
        Members m = {.b = b};

        for (size_t i = 0; i < bag->n_entries; i++) {
                const BagEntry *e = &bag->entries[i];
                const char *name;

                if (find_system_key(e->name, &name) && name && is_first(bag, e))
                        member(&m, name, e->value);
        }
        member(&m, "iothub-connection-device-id", row->link.device_id);
        if (row->link.module_id)
                member(&m, "iothub-connection-module-id", row->link.module_id);
        member(&m, "iothub-connection-auth-generation-id", row->link.generation_id);
        member(&m, "iothub-connection-auth-method", row->link.auth_method);
        member(&m, "iothub-enqueuedtime", enqueued);
        member(&m, "iothub-message-source", "Telemetry");
        if (row->link.model_id)
                member(&m, "dt-dataschema", row->link.model_id);
}

static void add_properties(const Bag *bag, Buffer *b)
{
        Members m = {.b = b};

        for (size_t i = 0; i < bag->n_entries; i++) {
                const BagEntry *e = &bag->entries[i];
                const char *name;

                if (!find_system_key(e->name, &name) && is_first(bag, e))
                        member(&m, e->name, e->value);
        }
}

/* ---- body ---- */

static bool is_json(const char *text, size_t size)
{
        json_tokener *tokener;
        json_object *value;
        bool ok;

        if (size == 0 || size > INT_MAX)
                return false;
        tokener = json_tokener_new_ex(JSON_DEPTH_MAX);
        if (!tokener)
                return false;
        json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
        value = json_tokener_parse_ex(tokener, text, (int)size);
        /* a number at the end could still go on: a NUL ends it */
        if (json_tokener_get_error(tokener) == json_tokener_continue)
                value = json_tokener_parse_ex(tokener, "", 1);
        ok = json_tokener_get_error(tokener) == json_tokener_success;
        json_object_put(value);
        json_tokener_free(tokener);
        return ok;
}

/* Copies JSON text as it was written, but for blanks between its parts, so that it fits a line. False for what the
 * parser lets pass and JSON forbids: NaN, Infinity, control characters in a string. */
static bool copy_json(const char *text, size_t size, Buffer *b)
{
        bool in_string = false;

        for (size_t i = 0; i < size; i++) {
                unsigned char c = (unsigned char)text[i];

                if (in_string ? c < 0x20 : c == 'N' || c == 'I')
                        return false;
                if (!in_string && (c == ' ' || c == '\n' || c == '\r' || c == '\t'))
                        continue;
                buffer_append_char(b, (char)c);
                if (in_string && c == '\\' && i + 1 < size)
                        buffer_append_char(b, text[++i]);
                else if (c == '"')
                        in_string = !in_string;
        }
        return true;
}

static void add_body(const EventRow *row, Buffer *b)
{
        size_t start = b->size;

        if (is_json(row->body, row->body_size)) {
                buffer_append_string(b, ",\"body\":");
                if (copy_json(row->body, row->body_size, b))
                        return;
                buffer_truncate(b, start);
        }
        buffer_append_string(b, ",\"body_base64\":\"");
        base64_encode(b, row->body, row->body_size);
        buffer_append_char(b, '"');
}

/* ---- the line ---- */

void event_line(const EventRow *row, Buffer *b)
{
        _cleanup_(bag_done) Bag bag = {};
        char enqueued[ISO_TIME_MAX];

        (void)iso_time_format(row->enqueued_usec, enqueued);
        /* It was checked when it came; a store that somebody else wrote shows it without properties. */
        (void)bag_parse(row->bag ? row->bag : "", row->bag_size, &bag);

        buffer_append_string(b, "{\"device\":");
        json_string(b, row->link.device_id);
        buffer_printf(b, ",\"sequence\":%" PRIu64 ",\"enqueued\":\"%s\",\"system\":{", row->sequence, enqueued);
        add_system(row, &bag, enqueued, b);
        buffer_append_string(b, "},\"properties\":{");
        add_properties(&bag, b);
        buffer_append_char(b, '}');
        add_body(row, b);
        buffer_append_string(b, "}\n");
}
