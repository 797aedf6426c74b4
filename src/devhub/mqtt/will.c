/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/mqtt/will.h"

void will_mark(Buffer *b, MqttText bag, const char *property)
{
        buffer_append(b, bag.data, bag.size);
        if (bag.size > 0)
                buffer_append_char(b, '&');
        buffer_append_string(b, property);
}

int will_set(Will *will, MqttText bag, MqttText body)
{
        will_mark(&will->bag, bag, "iothub-MessageType=Will");
        buffer_append(&will->body, body.data, body.size);
        will->is_there = true;
        return buffer_error(&will->bag) < 0 ? buffer_error(&will->bag) : buffer_error(&will->body);
}

void will_done(Will *will)
{
        buffer_done(&will->bag);
        buffer_done(&will->body);
        *will = (Will){};
}
