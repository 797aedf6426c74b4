/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The name of a topic, of any bytes. What is taken apart lies within it, and is taken apart alike when it is built
 * anew from its parts.
 */

#include <string.h>

#include "azure/topic.h"
#include "fuzz.h"

static void check_within(const uint8_t *data, size_t size, const char *part, size_t part_size)
{
        if (part)
                promise((const uint8_t *)part >= data && (const uint8_t *)part + part_size <= data + size);
        else
                promise(part_size == 0);
}

static char *copy(const char *text, size_t size)
{
        char *s = malloc(size + 1);

        promise(s);
        memcpy(s, text, size);
        s[size] = 0;
        return s;
}

static void build(Buffer *b, const TopicParts *parts)
{
        char *rid = copy(parts->rid ? parts->rid : "", parts->rid_size);
        char *name = copy(parts->name ? parts->name : "", parts->name_size);

        switch (parts->kind) {
        case TOPIC_TWIN_GET:
                topic_twin_get(b, rid);
                break;
        case TOPIC_TWIN_REPORTED:
                topic_twin_reported(b, rid);
                break;
        case TOPIC_TWIN_RESPONSE:
                topic_twin_response(b, parts->status, rid, parts->rid_size);
                break;
        case TOPIC_TWIN_DESIRED:
                topic_twin_desired(b, parts->version);
                break;
        case TOPIC_METHOD_CALL:
                topic_method_call(b, name, rid);
                break;
        case TOPIC_METHOD_RESPONSE:
                topic_method_response(b, parts->status, rid, parts->rid_size);
                break;
        default:
                break;
        }
        free(rid);
        free(name);
}

static void check_built(const TopicParts *parts)
{
        Buffer b = BUFFER_NULL;
        TopicParts again;

        build(&b, parts);
        if (b.size > 0) {
                again = topic_parse(b.data, b.size);
                promise(again.kind == parts->kind && again.status == parts->status);
                promise(again.rid_size == parts->rid_size || parts->kind == TOPIC_TWIN_DESIRED);
                promise(again.rid_size == 0 || memcmp(again.rid, parts->rid, parts->rid_size) == 0);
                promise(again.name_size == parts->name_size);
        }
        buffer_done(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        TopicParts parts = topic_parse((const char *)data, size);

        check_within(data, size, parts.device_id, parts.device_id_size);
        check_within(data, size, parts.module_id, parts.module_id_size);
        check_within(data, size, parts.bag, parts.bag_size);
        check_within(data, size, parts.name, parts.name_size);
        check_within(data, size, parts.rid, parts.rid_size);
        /* a NUL ends the text that is built, and no topic has one: the packet is refused before */
        if (!memchr(data, 0, size))
                check_built(&parts);
        return 0;
}
