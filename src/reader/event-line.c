/* SPDX-License-Identifier: Apache-2.0 */
#include "reader/event-line.h"

#include <inttypes.h>
#include <string.h>

#include "base/base64.h"
#include "base/iso-time.h"
#include "base/json.h"
#include "model/json-grammar.h"

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

/* Copies JSON text as it was written, but for blanks between its parts, so that it fits a line. */
static void copy_json(const char *text, size_t size, Buffer *b)
{
        bool in_string = false;

        for (size_t i = 0; i < size; i++) {
                char c = text[i];

                if (!in_string && (c == ' ' || c == '\n' || c == '\r' || c == '\t'))
                        continue;
                buffer_append_char(b, c);
                if (in_string && c == '\\')
                        buffer_append_char(b, text[++i]);
                else if (c == '"')
                        in_string = !in_string;
        }
}

bool event_body_json(const Event *event, Buffer *b)
{
        if (event->body_size == 0 || json_grammar_fault(event->body, event->body_size))
                return false;
        copy_json(event->body, event->body_size, b);
        return true;
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
