/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Where the hub's orders go: each kind to the part that obeys it, and its answers back to the hub.
 *
 * Nobody here takes cloud messages, so they are not asked for, and the hub keeps them; nobody answers to any method,
 * and who calls one hears that.
 */

#include "base/json.h"
#include "daemon/daemon-core.h"
#include "model/method-desk.h"

static void on_listening(void *userdata)
{
}

/* One that comes unasked stays with the hub. */
static void on_message(void *userdata, uint64_t ticket, const C2dMessage *message)
{
        Daemon *d = userdata;

        hub_message_failed(d->hub, ticket);
}

static void on_call(void *userdata, const MethodCall *call)
{
        _cleanup_(buffer_done) Buffer json = BUFFER_NULL;
        Daemon *d = userdata;

        buffer_append_string(&json, "{\"error\":\"nobody on this device answers to the method \\\"");
        json_text(&json, call->name, strlen(call->name));
        buffer_append_string(&json, "\\\"\"}");
        if (!buffer_error(&json))
                (void)hub_answer(d->hub, call->rid, METHOD_NOT_FOUND, json.data, json.size);
}

static void on_desired(void *userdata, uint64_t version, const char *body, size_t body_size)
{
}

static void on_twin(void *userdata, const TwinAnswer *answer)
{
}

OrderSink daemon_order_sink(Daemon *d)
{
        return (OrderSink){on_listening, on_message, on_call, on_desired, on_twin, d};
}
