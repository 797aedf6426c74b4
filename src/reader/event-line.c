/* SPDX-License-Identifier: Apache-2.0 */
#include "reader/event-line.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <limits.h>
#include <string.h>

#include "base/base64.h"
#include "base/iso-time.h"
#include "base/json.h"

#define JSON_DEPTH_MAX 200

static void add_text(Buffer *b, const char *text)
{
        if (text)
                json_string(b, text);
        else
                buffer_append_string(b, "null");
}

/* As {"name":value,...}. */
static void add_pairs(const EventPair *pairs, size_t n_pairs, Buffer *b)
{
        buffer_append_char(b, '{');
        for (size_t i = 0; i < n_pairs; i++) {
                if (i > 0)
                        buffer_append_char(b, ',');
                json_string(b, pairs[i].name);
                buffer_append_char(b, ':');
                add_text(b, pairs[i].value);
        }
        buffer_append_char(b, '}');
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

bool event_body_json(const Event *event, Buffer *b)
{
        size_t start = b->size;

        if (!is_json(event->body, event->body_size))
                return false;
        if (copy_json(event->body, event->body_size, b))
                return true;
        buffer_truncate(b, start);
        return false;
}

static void add_body(const Event *event, Buffer *b)
{
        size_t start = b->size;

        buffer_append_string(b, ",\"body\":");
        if (event_body_json(event, b))
                return;
        buffer_truncate(b, start);
        buffer_append_string(b, ",\"body_base64\":\"");
        base64_encode(b, event->body, event->body_size);
        buffer_append_char(b, '"');
}

/* ---- the line ---- */

void event_line(const Event *event, Buffer *b)
{
        char enqueued[ISO_TIME_MAX];

        (void)iso_time_format(event->enqueued_usec, enqueued);
        buffer_append_string(b, "{\"device\":");
        add_text(b, event->device);
        buffer_printf(b, ",\"sequence\":%" PRIu64 ",\"enqueued\":\"%s\",\"system\":", event->sequence, enqueued);
        add_pairs(event->system, event->n_system, b);
        buffer_append_string(b, ",\"properties\":");
        add_pairs(event->properties, event->n_properties, b);
        add_body(event, b);
        buffer_append_string(b, "}\n");
}
