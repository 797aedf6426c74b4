/* SPDX-License-Identifier: Apache-2.0 */
#include "azure/dps-topic.h"

#include <string.h>

#define REGISTRATIONS "$dps/registrations/"
#define REGISTER      "PUT/iotdps-register/?"
#define POLL          "GET/iotdps-get-operationstatus/?"
#define RESPONSE      "res/"

#define NUMBER_MAX 1000000000u

/* ---- built ---- */

void dps_topic_register(Buffer *b, const char *rid)
{
        buffer_printf(b, REGISTRATIONS REGISTER "$rid=%s", rid);
}

void dps_topic_poll(Buffer *b, const char *rid, const char *operation_id)
{
        buffer_printf(b, REGISTRATIONS POLL "$rid=%s&operationId=%s", rid, operation_id);
}

void dps_topic_response(Buffer *b, unsigned status, const char *rid, size_t rid_size, unsigned retry_after)
{
        buffer_printf(b, REGISTRATIONS RESPONSE "%u/?$rid=", status);
        buffer_append(b, rid, rid_size);
        if (retry_after > 0)
                buffer_printf(b, "&retry-after=%u", retry_after);
}

/* ---- taken apart ---- */

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

static bool take_number(Rest *rest, unsigned *ret)
{
        const char *first = rest->p;
        unsigned v = 0;

        for (; rest->p < rest->end && *rest->p >= '0' && *rest->p <= '9'; rest->p++) {
                v = v * 10 + (unsigned)(*rest->p - '0');
                if (v >= NUMBER_MAX)
                        return false;
        }
        *ret = v;
        return rest->p > first;
}

static void take_pair(Rest pair, DpsTopicParts *parts)
{
        if (skip(&pair, "$rid=")) {
                parts->rid = pair.p;
                parts->rid_size = (size_t)(pair.end - pair.p);
        } else if (skip(&pair, "operationId=")) {
                parts->operation_id = pair.p;
                parts->operation_id_size = (size_t)(pair.end - pair.p);
        } else if (skip(&pair, "retry-after=")) {
                if (!take_number(&pair, &parts->retry_after))
                        parts->retry_after = 0;
        }
}

/* The pairs come in any order; one that is not known is passed over. */
static void take_query(Rest rest, DpsTopicParts *parts)
{
        while (rest.p < rest.end) {
                const char *ampersand = memchr(rest.p, '&', (size_t)(rest.end - rest.p));
                Rest pair = {rest.p, ampersand ? ampersand : rest.end};

                take_pair(pair, parts);
                rest.p = ampersand ? ampersand + 1 : rest.end;
        }
}

DpsTopicParts dps_topic_parse(const char *topic, size_t size)
{
        static const DpsTopicParts unknown = {.kind = DPS_TOPIC_UNKNOWN};
        DpsTopicParts parts = {};
        Rest rest = {topic, topic + size};

        if (!skip(&rest, REGISTRATIONS))
                return unknown;
        if (skip(&rest, REGISTER))
                parts.kind = DPS_TOPIC_REGISTER;
        else if (skip(&rest, POLL))
                parts.kind = DPS_TOPIC_POLL;
        else if (skip(&rest, RESPONSE) && take_number(&rest, &parts.status) && skip(&rest, "/?"))
                parts.kind = DPS_TOPIC_RESPONSE;
        else
                return unknown;
        take_query(rest, &parts);
        return parts.rid_size > 0 ? parts : unknown;
}
