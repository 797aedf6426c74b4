/* SPDX-License-Identifier: Apache-2.0 */
#include "explorer/event-text.h"

#include <inttypes.h>
#include <string.h>

#include "base/iso-time.h"
#include "base/utf8.h"
#include "base/visible.h"
#include "reader/event-line.h"

static void put_pairs(const char *title, const EventPair *pairs, size_t n_pairs, Buffer *b)
{
        if (n_pairs == 0)
                return;
        buffer_printf(b, "  %s\n", title);
        for (size_t i = 0; i < n_pairs; i++) {
                buffer_append_string(b, "    ");
                visible_text(b, pairs[i].name, strlen(pairs[i].name));
                if (pairs[i].value) {
                        buffer_append_string(b, " = ");
                        visible_text(b, pairs[i].value, strlen(pairs[i].value));
                }
                buffer_append_char(b, '\n');
        }
}

static void put_head(const EventMessage *m, const char *partition, Buffer *b)
{
        const char *device = m->event.device ? m->event.device : "(no device)";
        char enqueued[ISO_TIME_MAX];

        (void)iso_time_format(m->event.enqueued_usec, enqueued);
        visible_text(b, device, strlen(device));
        if (m->module) {
                buffer_append_char(b, '/');
                visible_text(b, m->module, strlen(m->module));
        }
        buffer_printf(b, "  %s  partition ", enqueued);
        visible_text(b, partition, strlen(partition));
        buffer_printf(b, "  sequence %" PRIu64 "\n", m->event.sequence);
}

static void put_body(const Event *event, Buffer *b)
{
        buffer_append_string(b, "  ");
        if (event->body_size == 0)
                buffer_append_string(b, "(no body)");
        else if (event_body_json(event, b))
                ;
        else if (utf8_is_valid(event->body, event->body_size))
                visible_text(b, event->body, event->body_size);
        else
                buffer_printf(b, "(%zu bytes that are no text; --json has them)", event->body_size);
        buffer_append_char(b, '\n');
}

void event_text(const EventMessage *m, const char *partition, Buffer *b)
{
        put_head(m, partition, b);
        put_body(&m->event, b);
        put_pairs("properties", m->event.properties, m->event.n_properties, b);
        put_pairs("system", m->event.system, m->event.n_system, b);
        buffer_append_char(b, '\n');
}
