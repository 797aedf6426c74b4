/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/mqtt/will.h"

#include "azure/topic.h"
#include "devhub/mqtt/event-check.h"

void will_mark(Buffer *b, MqttText bag, const char *property)
{
        buffer_append(b, bag.data, bag.size);
        if (bag.size > 0)
                buffer_append_char(b, '&');
        buffer_append_string(b, property);
}

static int set(Will *will, MqttText bag, MqttText body)
{
        will_mark(&will->bag, bag, "iothub-MessageType=Will");
        buffer_append(&will->body, body.data, body.size);
        will->is_there = true;
        return buffer_error(&will->bag) < 0 ? buffer_error(&will->bag) : buffer_error(&will->body);
}

const char *will_take(Will *will, const MqttConnect *connect, const char *device_id, const char *module_id)
{
        const char *fault;
        TopicParts topic;
        MqttText bag;

        if (!connect->will_topic.data)
                return NULL;
        topic = topic_parse(connect->will_topic.data, connect->will_topic.size);
        if (topic.kind != TOPIC_EVENTS)
                return "its will is no telemetry";
        fault = event_check(&topic, connect->will_payload, device_id, module_id, &bag, &will->size);
        if (!fault && set(will, bag, connect->will_payload) < 0)
                fault = "no memory";
        return fault;
}

void will_done(Will *will)
{
        buffer_done(&will->bag);
        buffer_done(&will->body);
        *will = (Will){};
}
