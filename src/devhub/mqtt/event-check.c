/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/mqtt/event-check.h"

#include <errno.h>
#include <string.h>

#include "azure/bag.h"

static bool is_text(const char *text, size_t size, const char *expected)
{
        return expected ? size == strlen(expected) && memcmp(text, expected, size) == 0 : size == 0;
}

static size_t length(const char *s)
{
        return s ? strlen(s) : 0;
}

/* The hub counts the body, the values of system properties, and names and values of the application's. */
static size_t size_of(const Bag *bag, size_t body_size)
{
        size_t size = body_size;

        for (size_t i = 0; i < bag->n_entries; i++) {
                const BagEntry *e = &bag->entries[i];

                size += length(e->value) + (strncmp(e->name, "$.", 2) == 0 ? 0 : length(e->name));
        }
        return size;
}

const char *event_check(const TopicParts *topic, MqttText body, const char *device_id, const char *module_id,
                        MqttText *ret_bag, size_t *ret_size)
{
        _cleanup_(bag_done) Bag bag = {};
        int r;

        if (!device_id || !is_text(topic->device_id, topic->device_id_size, device_id) ||
            !is_text(topic->module_id, topic->module_id_size, module_id))
                return "it published to the topic of another device or module";
        r = bag_parse(topic->bag, topic->bag_size, &bag);
        if (r == -E2BIG)
                return "a message has too many properties";
        if (r < 0)
                return r == -ENOMEM ? "no memory" : "the properties of a message are malformed";
        *ret_size = size_of(&bag, body.size);
        if (*ret_size > EVENT_SIZE_MAX)
                return "a message is larger than 256 KiB";
        *ret_bag = (MqttText){topic->bag, topic->bag_size};
        return NULL;
}
