/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What a hub sends over AMQP, any bytes: as an event, as a batch of feedback, as the way to the events. What Proton
 * takes for a message has a line of JSON and one text, what leads somewhere names a host and an entity, and no offset
 * ends the filter that it becomes a part of.
 */

#include <json-c/json.h>
#include <limits.h>
#include <string.h>

#include "explorer/event-message.h"
#include "explorer/event-position.h"
#include "explorer/event-text.h"
#include "explorer/feedback.h"
#include "explorer/redirect.h"
#include "fuzz.h"
#include "reader/event-line.h"

static void check_line(const Buffer *b)
{
        json_tokener *tokener = json_tokener_new_ex(300);
        json_object *o = NULL;

        promise(b->size > 0 && strchr(b->data, '\n') == b->data + b->size - 1);
        promise(tokener);
        json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
        o = json_tokener_parse_ex(tokener, b->data, (int)b->size - 1);
        promise(json_tokener_get_error(tokener) == json_tokener_success);
        json_object_put(o);
        json_tokener_free(tokener);
}

static void check_offset(const char *offset)
{
        EventPosition position;
        Buffer b = BUFFER_NULL;
        unsigned quotes = 0;

        if (!offset || !event_position_after(&position, offset))
                return;
        event_position_filter(&position, &b);
        for (size_t i = 0; i < b.size; i++)
                quotes += b.data[i] == '\'';
        promise(quotes == 2 && b.data[b.size - 1] == '\'');
        buffer_done(&b);
}

static void check_event(const char *data, size_t size)
{
        pn_message_t *message = pn_message();
        Buffer b = BUFFER_NULL;
        EventMessage e;

        promise(message);
        if (pn_message_decode(message, data, size) == 0) {
                promise(event_message_read(&e, message) == 0);
                event_line(&e.event, &b);
                check_line(&b);
                buffer_clear(&b);
                event_text(&e, "0", &b);
                promise(b.size > 2 && b.data[b.size - 1] == '\n' && b.data[b.size - 2] == '\n');
                check_offset(e.offset);
                event_message_done(&e);
        }
        buffer_done(&b);
        pn_message_free(message);
}

static void check_feedback(const char *data, size_t size)
{
        Buffer b = BUFFER_NULL;
        Feedback f;

        if (feedback_parse(data, size, &f) < 0)
                return;
        for (size_t i = 0; i < f.n_records; i++) {
                buffer_clear(&b);
                feedback_line(&f.records[i], &b);
                check_line(&b);
                buffer_clear(&b);
                feedback_text(&f.records[i], &b);
                promise(strchr(b.data, '\n') == b.data + b.size - 1);
        }
        buffer_done(&b);
        feedback_done(&f);
}

static void check_redirect(const char *text)
{
        Redirect r;

        if (redirect_parse(text, "h.net", NULL, 0, &r) < 0)
                return;
        promise(r.host && *r.host && r.entity && *r.entity && r.port > 0);
        promise(r.entity[strlen(r.entity) - 1] != '/');
        redirect_done(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        Buffer text = BUFFER_NULL;

        buffer_append(&text, data, size);
        if (size > 0) {
                check_event(text.data, size);
                check_feedback(text.data, size);
                check_redirect(text.data);
        }
        buffer_done(&text);
        return 0;
}
