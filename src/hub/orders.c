/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/orders.h"

#include <errno.h>
#include <string.h>

#include "azure/bag.h"
#include "azure/topic.h"
#include "base/iso-time.h"
#include "base/utf8.h"
#include "model/name.h"

void order_done(Order *o)
{
        o->message = c2d_message_free(o->message);
}

static int malformed(const char **ret_fault, const char *fault)
{
        *ret_fault = fault;
        return ORDER_E_MALFORMED;
}

static bool is_text(const TransportMessage *m)
{
        return !memchr(m->payload, 0, m->size) && utf8_is_valid(m->payload, m->size);
}

/* ---- cloud messages ---- */

static bool move_text(char **to, char **value)
{
        if (*to || !*value)
                return false;
        *to = TAKE_PTR(*value);
        return true;
}

/* What is no time is none. */
static bool read_time(usec_t *to, const char *value)
{
        if (value && iso_time_parse(value, to) < 0)
                *to = 0;
        return true;
}

/* True: it has a place of its own in the message. A second one of its name has not. */
static bool take_system_property(C2dMessage *m, BagEntry *e)
{
        if (strcmp(e->name, "$.mid") == 0)
                return move_text(&m->message_id, &e->value);
        if (strcmp(e->name, "$.cid") == 0)
                return move_text(&m->correlation_id, &e->value);
        if (strcmp(e->name, "$.uid") == 0)
                return move_text(&m->user_id, &e->value);
        if (strcmp(e->name, "$.ct") == 0)
                return move_text(&m->content_type, &e->value);
        if (strcmp(e->name, "$.ce") == 0)
                return move_text(&m->content_encoding, &e->value);
        if (strcmp(e->name, "$.ctime") == 0)
                return read_time(&m->created_usec, e->value);
        if (strcmp(e->name, "$.exp") == 0)
                return read_time(&m->expiry_usec, e->value);
        return false;
}

static int take_bag(C2dMessage *m, Bag *bag)
{
        for (size_t i = 0; i < bag->n_entries; i++) {
                BagEntry *e = &bag->entries[i];
                int r;

                if (take_system_property(m, e))
                        continue;
                r = c2d_message_add_property(m, e->name, e->value ? e->value : "");
                if (r < 0)
                        return r;
        }
        return 0;
}

static int parse_message(const TransportMessage *m, const TopicParts *parts, Order *ret, const char **ret_fault)
{
        _cleanup_(c2d_message_freep) C2dMessage *message = calloc(1, sizeof(*message));
        _cleanup_(bag_done) Bag bag = {};
        int r;

        if (!message)
                return -ENOMEM;
        r = bag_parse(parts->bag, parts->bag_size, &bag);
        if (r == -EBADMSG || r == -E2BIG)
                return malformed(ret_fault, r == -E2BIG ? "it has too many properties" : "its properties are no text");
        if (r < 0)
                return r;
        r = take_bag(message, &bag);
        if (r < 0)
                return r;
        buffer_append(&message->body, m->payload, m->size);
        if (buffer_error(&message->body) < 0)
                return -ENOMEM;
        ret->kind = ORDER_MESSAGE;
        ret->message = TAKE_PTR(message);
        return 0;
}

/* ---- methods ---- */

/* What is not answered waits for the hub's time-out: so a call with a fault is answered where it can be. The library
 * publishes to no topic with a wildcard in it. */
static bool take_rid(const TopicParts *parts, Order *ret)
{
        if (parts->rid_size > METHOD_RID_MAX || memchr(parts->rid, '+', parts->rid_size) ||
            memchr(parts->rid, '#', parts->rid_size))
                return false;
        memcpy(ret->rid, parts->rid, parts->rid_size);
        ret->rid[parts->rid_size] = 0;
        return true;
}

static bool take_name(const TopicParts *parts, Order *ret)
{
        ret->name[0] = 0;
        if (parts->name_size > METHOD_NAME_MAX)
                return false;
        memcpy(ret->name, parts->name, parts->name_size);
        ret->name[parts->name_size] = 0;
        if (name_is_of_method(ret->name))
                return true;
        ret->name[0] = 0;
        return false;
}

static int parse_call(const TransportMessage *m, const TopicParts *parts, Order *ret, const char **ret_fault)
{
        ret->kind = ORDER_CALL;
        if (!take_rid(parts, ret))
                return malformed(ret_fault, "its request id cannot be echoed");
        *ret_fault = !take_name(parts, ret)          ? "it names no method that there could be"
                   : m->size > METHOD_PAYLOAD_MAX    ? "its payload is larger than 128 KiB"
                   : !is_text(m)                     ? "its payload is not UTF-8 text"
                                                     : NULL;
        if (*ret_fault)
                return ORDER_E_BAD_CALL;
        ret->call = (MethodCall){ret->rid, ret->name, m->payload, m->size};
        return 0;
}

/* ---- the twin ---- */

/* Our own request ids are decimal numbers. */
static bool parse_request(const TopicParts *parts, uint64_t *ret)
{
        uint64_t n = 0;

        for (size_t i = 0; i < parts->rid_size; i++)
                if (parts->rid[i] < '0' || parts->rid[i] > '9' || __builtin_mul_overflow(n, 10, &n) ||
                    __builtin_add_overflow(n, (uint64_t)(parts->rid[i] - '0'), &n))
                        return false;
        *ret = n;
        return true;
}

static int parse_twin(const TransportMessage *m, const TopicParts *parts, Order *ret, const char **ret_fault)
{
        bool is_good = is_text(m);

        ret->kind = parts->kind == TOPIC_TWIN_DESIRED ? ORDER_DESIRED : ORDER_TWIN;
        ret->twin = (TwinAnswer){
                .status = parts->status,
                .version = parts->version,
                .body = is_good ? m->payload : "",
                .body_size = is_good ? m->size : 0,
        };
        if (ret->kind == ORDER_TWIN && !parse_request(parts, &ret->twin.request))
                return malformed(ret_fault, "it answers a request that is not ours");
        if (is_good)
                return 0;
        *ret_fault = "its payload is not UTF-8 text";
        return ORDER_E_BAD_TWIN;
}

/* ---- all of them ---- */

int order_parse(const TransportMessage *m, Order *ret, const char **ret_fault)
{
        TopicParts parts = topic_parse(m->topic, strlen(m->topic));

        *ret = (Order){};
        switch (parts.kind) {
        case TOPIC_DEVICEBOUND:
                return parse_message(m, &parts, ret, ret_fault);
        case TOPIC_METHOD_CALL:
                return parse_call(m, &parts, ret, ret_fault);
        case TOPIC_TWIN_DESIRED:
        case TOPIC_TWIN_RESPONSE:
                return parse_twin(m, &parts, ret, ret_fault);
        default:
                return malformed(ret_fault, "its topic is none of those that a device hears");
        }
}
