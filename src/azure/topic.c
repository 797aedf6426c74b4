/* SPDX-License-Identifier: Apache-2.0 */
#include "azure/topic.h"

#include <limits.h>
#include <string.h>

#include "base/json.h"

static void append_owner(Buffer *b, const char *device_id, const char *module_id)
{
        buffer_append_string(b, "devices/");
        buffer_append_string(b, device_id);
        if (module_id) {
                buffer_append_string(b, "/modules/");
                buffer_append_string(b, module_id);
        }
}

void topic_events(Buffer *b, const char *device_id, const char *module_id)
{
        append_owner(b, device_id, module_id);
        buffer_append_string(b, "/messages/events/");
}

void topic_devicebound(Buffer *b, const char *device_id, const char *module_id)
{
        append_owner(b, device_id, module_id);
        buffer_append_string(b, "/messages/devicebound/");
}

/* ---- built ---- */

static void append_rid(Buffer *b, const char *rid, size_t size)
{
        buffer_append_string(b, "/?$rid=");
        buffer_append(b, rid, size);
}

void topic_twin_get(Buffer *b, const char *rid)
{
        buffer_append_string(b, "$iothub/twin/GET");
        append_rid(b, rid, strlen(rid));
}

void topic_twin_reported(Buffer *b, const char *rid)
{
        buffer_append_string(b, "$iothub/twin/PATCH/properties/reported");
        append_rid(b, rid, strlen(rid));
}

void topic_method_response(Buffer *b, int status, const char *rid, size_t rid_size)
{
        buffer_append_string(b, "$iothub/methods/res/");
        json_integer(b, status);
        append_rid(b, rid, rid_size);
}

void topic_twin_response(Buffer *b, int status, const char *rid, size_t rid_size)
{
        buffer_append_string(b, "$iothub/twin/res/");
        json_integer(b, status);
        append_rid(b, rid, rid_size);
}

void topic_twin_updated(Buffer *b, const char *rid, size_t rid_size, uint64_t version)
{
        topic_twin_response(b, 204, rid, rid_size);
        buffer_append_string(b, "&$version=");
        json_unsigned(b, version);
}

void topic_twin_desired(Buffer *b, uint64_t version)
{
        buffer_append_string(b, "$iothub/twin/PATCH/properties/desired/?$version=");
        json_unsigned(b, version);
}

void topic_method_call(Buffer *b, const char *name, const char *rid)
{
        buffer_append_string(b, "$iothub/methods/POST/");
        buffer_append_string(b, name);
        append_rid(b, rid, strlen(rid));
}

void topic_dps_register(Buffer *b, const char *rid)
{
        buffer_append_string(b, "$dps/registrations/PUT/iotdps-register");
        append_rid(b, rid, strlen(rid));
}

void topic_dps_poll(Buffer *b, const char *rid, const char *operation_id)
{
        buffer_append_string(b, "$dps/registrations/GET/iotdps-get-operationstatus");
        append_rid(b, rid, strlen(rid));
        buffer_append_string(b, "&operationId=");
        buffer_append_string(b, operation_id);
}

void topic_dps_response(Buffer *b, int status, const char *rid, size_t rid_size, unsigned retry_after)
{
        buffer_append_string(b, "$dps/registrations/res/");
        json_integer(b, status);
        append_rid(b, rid, rid_size);
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

static const TopicParts unknown = {.kind = TOPIC_UNKNOWN};

static TopicParts parse_devices(Rest rest)
{
        TopicParts parts = {};

        if (!take_id(&rest, &parts.device_id, &parts.device_id_size))
                return unknown;
        if (skip(&rest, "/modules/") && !take_id(&rest, &parts.module_id, &parts.module_id_size))
                return unknown;
        if (skip(&rest, "/messages/events"))
                parts.kind = TOPIC_EVENTS;
        else if (skip(&rest, "/messages/devicebound"))
                parts.kind = TOPIC_DEVICEBOUND;
        else
                return unknown;
        if (rest.p < rest.end && !skip(&rest, "/"))
                return unknown;
        /* Some clients end the topic with a slash. One that stands further in belongs to the bag: a client
         * that does not encode its values may have sent it. The hub does neither. */
        if (parts.kind == TOPIC_EVENTS && rest.p < rest.end && rest.end[-1] == '/')
                rest.end--;
        parts.bag = rest.p;
        parts.bag_size = (size_t)(rest.end - rest.p);
        return parts;
}

/* A whole number that fits an int, with an optional sign. */
static bool take_status(Rest *rest, int *ret)
{
        bool negative = skip(rest, "-");
        const char *first = rest->p;
        long long value = 0;

        for (; rest->p < rest->end && *rest->p >= '0' && *rest->p <= '9'; rest->p++) {
                value = value * 10 + (*rest->p - '0');
                if (value > (long long)INT_MAX + negative)
                        return false;
        }
        *ret = (int)(negative ? -value : value);
        return rest->p > first;
}

static bool parse_number(const char *text, size_t size, uint64_t *ret)
{
        uint64_t value = 0;

        for (size_t i = 0; i < size; i++)
                if (text[i] < '0' || text[i] > '9' || __builtin_mul_overflow(value, 10, &value) ||
                    __builtin_add_overflow(value, (uint64_t)(text[i] - '0'), &value))
                        return false;
        *ret = value;
        return size > 0;
}

/* The query at the end: its parameters in any order; what else stands there is passed over. */
static bool take_query(Rest rest, TopicParts *parts)
{
        if (!skip(&rest, "/?"))
                return false;
        while (rest.p < rest.end) {
                const char *and = memchr(rest.p, '&', (size_t)(rest.end - rest.p));
                Rest pair = {rest.p, and? and : rest.end};

                rest.p = and? and+1 : rest.end;
                if (skip(&pair, "$rid=")) {
                        parts->rid = pair.p;
                        parts->rid_size = (size_t)(pair.end - pair.p);
                } else if (skip(&pair, "$version=") &&
                           !parse_number(pair.p, (size_t)(pair.end - pair.p), &parts->version)) {
                        return false;
                } else if (skip(&pair, "operationId=")) {
                        parts->operation_id = pair.p;
                        parts->operation_id_size = (size_t)(pair.end - pair.p);
                } else if (skip(&pair, "retry-after=") &&
                           !parse_number(pair.p, (size_t)(pair.end - pair.p), &parts->retry_after)) {
                        return false;
                }
        }
        return parts->kind == TOPIC_TWIN_DESIRED ? parts->version > 0 : parts->rid_size > 0;
}

static TopicParts parse_iothub(Rest rest)
{
        TopicParts parts = {.kind = TOPIC_UNKNOWN};
        bool whole = true;

        if (skip(&rest, "twin/GET")) {
                parts.kind = TOPIC_TWIN_GET;
        } else if (skip(&rest, "twin/PATCH/properties/reported")) {
                parts.kind = TOPIC_TWIN_REPORTED;
        } else if (skip(&rest, "twin/PATCH/properties/desired")) {
                parts.kind = TOPIC_TWIN_DESIRED;
        } else if (skip(&rest, "twin/res/")) {
                parts.kind = TOPIC_TWIN_RESPONSE;
                whole = take_status(&rest, &parts.status);
        } else if (skip(&rest, "methods/POST/")) {
                parts.kind = TOPIC_METHOD_CALL;
                whole = take_id(&rest, &parts.name, &parts.name_size);
        } else if (skip(&rest, "methods/res/")) {
                parts.kind = TOPIC_METHOD_RESPONSE;
                whole = take_status(&rest, &parts.status);
        } else {
                return unknown;
        }
        return whole && take_query(rest, &parts) ? parts : unknown;
}

static TopicParts parse_registrations(Rest rest)
{
        TopicParts parts = {.kind = TOPIC_UNKNOWN};
        bool whole = true;

        if (skip(&rest, "PUT/iotdps-register")) {
                parts.kind = TOPIC_DPS_REGISTER;
        } else if (skip(&rest, "GET/iotdps-get-operationstatus")) {
                parts.kind = TOPIC_DPS_POLL;
        } else if (skip(&rest, "res/")) {
                parts.kind = TOPIC_DPS_RESPONSE;
                whole = take_status(&rest, &parts.status);
        } else {
                return unknown;
        }
        return whole && take_query(rest, &parts) ? parts : unknown;
}

TopicParts topic_parse(const char *topic, size_t size)
{
        Rest rest = {topic, topic + size};

        if (skip(&rest, "devices/"))
                return parse_devices(rest);
        if (skip(&rest, "$iothub/"))
                return parse_iothub(rest);
        if (skip(&rest, "$dps/registrations/"))
                return parse_registrations(rest);
        return unknown;
}
