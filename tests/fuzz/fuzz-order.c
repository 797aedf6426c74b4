/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A publish of the hub's: topic, NUL, payload. What becomes an order keeps what model/order.h says of it.
 */

#include <errno.h>
#include <string.h>

#include "base/utf8.h"
#include "fuzz.h"
#include "hub/orders.h"

static void check_text(const char *text, size_t size)
{
        promise(strlen(text) == size && utf8_is_valid(text, size));
}

static void check(const Order *o, size_t payload_size)
{
        switch (o->kind) {
        case ORDER_MESSAGE:
                promise(o->message && o->message->body.size == payload_size);
                for (size_t i = 0; i < o->message->n_properties; i++) {
                        promise(*o->message->properties[i].name);
                        check_text(o->message->properties[i].value, strlen(o->message->properties[i].value));
                }
                break;
        case ORDER_CALL:
                check_text(o->call.payload, o->call.payload_size);
                promise(*o->call.name && strlen(o->call.name) <= METHOD_NAME_MAX);
                promise(*o->call.rid && strlen(o->call.rid) <= METHOD_RID_MAX && !strpbrk(o->call.rid, "+#"));
                break;
        default:
                check_text(o->twin.body, o->twin.body_size);
                promise(o->kind != ORDER_DESIRED || o->twin.version > 0);
                break;
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        const uint8_t *end = memchr(data, 0, size);
        size_t payload_size = end ? (size_t)(data + size - end - 1) : 0;
        char *topic = strndup((const char *)data, size), *payload = calloc(1, payload_size + 1);
        const char *fault = NULL;
        Order o;
        int r;

        promise(topic && payload);
        if (payload_size > 0)
                memcpy(payload, end + 1, payload_size);
        r = order_parse(&(TransportMessage){.topic = topic, .payload = payload, .size = payload_size}, &o, &fault);
        if (r == 0)
                check(&o, payload_size);
        else
                promise(r == -ENOMEM || fault);
        promise(r != ORDER_E_BAD_CALL || *o.rid);
        order_done(&o);
        free(topic);
        free(payload);
        return 0;
}
