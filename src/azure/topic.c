/* SPDX-License-Identifier: Apache-2.0 */
#include "azure/topic.h"

#include <string.h>

void topic_events(Buffer *b, const char *device_id, const char *module_id)
{
        buffer_append_string(b, "devices/");
        buffer_append_string(b, device_id);
        if (module_id) {
                buffer_append_string(b, "/modules/");
                buffer_append_string(b, module_id);
        }
        buffer_append_string(b, "/messages/events/");
}

typedef struct Rest {
        const char *p;
        const char *end;
} Rest;

static bool skip(Rest *rest, const char *word)
{
        size_t n = strlen(word);

        if ((size_t)(rest->end - rest->p) < n || memcmp(rest->p, word, n) != 0)
                return false;
        rest->p += n;
        return true;
}

/* A level that is not empty; the slash after it stays. */
static bool take_id(Rest *rest, const char **ret_id, size_t *ret_size)
{
        const char *slash = memchr(rest->p, '/', (size_t)(rest->end - rest->p));

        if (!slash || slash == rest->p)
                return false;
        *ret_id = rest->p;
        *ret_size = (size_t)(slash - rest->p);
        rest->p = slash;
        return true;
}

TopicParts topic_parse(const char *topic, size_t size)
{
        static const TopicParts unknown = {.kind = TOPIC_UNKNOWN};
        TopicParts parts = {.kind = TOPIC_EVENTS};
        Rest rest = {topic, topic + size};

        if (!skip(&rest, "devices/") || !take_id(&rest, &parts.device_id, &parts.device_id_size))
                return unknown;
        if (skip(&rest, "/modules/") && !take_id(&rest, &parts.module_id, &parts.module_id_size))
                return unknown;
        if (!skip(&rest, "/messages/events"))
                return unknown;
        if (rest.p < rest.end && !skip(&rest, "/"))
                return unknown;
        /* Some clients end the topic with a slash. One that stands further in belongs to the bag: a client that
         * does not encode its values may have sent it. */
        if (rest.p < rest.end && rest.end[-1] == '/')
                rest.end--;
        parts.bag = rest.p;
        parts.bag_size = (size_t)(rest.end - rest.p);
        return parts;
}
