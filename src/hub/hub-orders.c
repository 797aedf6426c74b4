/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "azure/topic.h"
#include "base/log-id.h"
#include "base/log.h"
#include "base/visible.h"
#include "hub/hub-core.h"
#include "hub/orders.h"
#include "model/method-desk.h"

#define TOPIC_TOLD_MAX     200
#define LINE_INTERVAL_USEC USEC_PER_HOUR /* of lines about orders that are none, and about refused filters */

/* ---- subscriptions ---- */

/* The library asks one QoS for all filters of a packet, so cloud messages, the one kind that the hub keeps until it is
 * acknowledged, have a packet of their own. Both go out in one write. */
static const char *const filters[] = {
        TOPIC_FILTER_METHODS,
        TOPIC_FILTER_TWIN_RESPONSE,
        TOPIC_FILTER_TWIN_DESIRED,
};

static void asked(Hub *hub, int r)
{
        if (r < 0) {
                hub->broken = true;
                return;
        }
        hub->n_asked++;
        hub_feed_kind(hub, CONNECTION_EVENT_ASKED);
}

static void answered(Hub *hub)
{
        if (hub->n_asked > 0 && --hub->n_asked == 0)
                hub_feed_kind(hub, CONNECTION_EVENT_GRANTED);
}

/* A kept session remembers filters of earlier connections: what is not wanted is given up each time. */
static void ask_for_messages(Hub *hub)
{
        const char *filter = hub->identity->devicebound;
        int mid;

        hub->messages_mid = 0;
        if (!hub->wants_messages)
                asked(hub, hub->transport->unsubscribe(hub->transport, filter, &mid));
        else
                asked(hub, hub->transport->subscribe(hub->transport, &filter, 1, 1, &hub->messages_mid));
}

void hub_orders_ask(Hub *hub)
{
        if (!hub->takes_orders)
                return;
        asked(hub, hub->transport->subscribe(hub->transport, filters, ARRAY_SIZE(filters), 0, &hub->orders_mid));
        if (!hub->broken)
                ask_for_messages(hub);
}

void hub_orders_forget(Hub *hub)
{
        gate_forget(&hub->gate);
        hub->n_asked = hub->n_calls = 0;
        hub->orders_mid = hub->messages_mid = 0;
        hub->listening = false;
}

/* Only a connection that is to stay is told; the next one asks anew. */
void hub_want_messages(Hub *hub, bool wanted)
{
        if (hub->wants_messages == wanted)
                return;
        hub->wants_messages = wanted;
        if (hub->takes_orders && hub_is_ready(hub))
                ask_for_messages(hub);
}

/* The rest goes on without it. */
static bool is_granted(Hub *hub, const char *filter, const uint8_t *codes, size_t n, size_t i)
{
        ThrottleOthers others;
        uint64_t held_back;

        if (i < n && codes[i] < TRANSPORT_SUBACK_REFUSED)
                return true;
        if (throttle_admits_some(&hub->refused, ARRAY_SIZE(filters) + 1, hub_now(hub), LINE_INTERVAL_USEC, &held_back))
                log_line(LOG_WARNING, LOG_ID_FILTER_REFUSED, NULL,
                         "The hub refuses the subscription to %s: such orders do not arrive%s.", filter,
                         throttle_others(&others, held_back));
        return false;
}

void hub_orders_granted(Hub *hub, int mid, const uint8_t *codes, size_t n)
{
        bool twin = mid == hub->orders_mid;

        answered(hub);
        if (mid == hub->orders_mid) {
                for (size_t i = 0; i < ARRAY_SIZE(filters); i++)
                        if (!is_granted(hub, filters[i], codes, n, i) && filters[i] != filters[0])
                                twin = false;
                hub->orders_mid = 0;
        } else if (mid == hub->messages_mid) {
                (void)is_granted(hub, hub->identity->devicebound, codes, n, 0);
                hub->messages_mid = 0;
        }
        if (!twin)
                return;
        hub->listening = true;
        hub->orders.listening(hub->orders.userdata);
}

void hub_orders_given_up(Hub *hub, int mid)
{
        answered(hub);
}

/* ---- the gate ---- */

static void on_message(Hub *hub, const C2dMessage *message)
{
        bool was_shut = gate_is_shut(&hub->gate);
        uint64_t ticket;

        if (gate_admit(&hub->gate, &ticket) < 0) {
                hub_drop(hub, "there is no memory for a cloud message: the hub delivers it again");
                return;
        }
        if (!was_shut) {
                hub->transport->hold(hub->transport, true);
                hub_feed_kind(hub, CONNECTION_EVENT_HELD);
        }
        hub->orders.message(hub->orders.userdata, ticket, message);
}

void hub_message_stored(Hub *hub, uint64_t ticket)
{
        if (!gate_settle(&hub->gate, ticket) || gate_is_shut(&hub->gate))
                return;
        hub->transport->hold(hub->transport, false);
        hub_feed_kind(hub, CONNECTION_EVENT_RELEASED);
}

void hub_message_failed(Hub *hub, uint64_t ticket)
{
        if (gate_settle(&hub->gate, ticket))
                hub_drop(hub, "a cloud message could not be stored: it is not acknowledged, so that the hub delivers "
                              "it again");
}

/* ---- what comes ---- */

static void on_malformed(Hub *hub, const TransportMessage *m, const char *fault)
{
        _cleanup_(buffer_done) Buffer topic = BUFFER_NULL;
        ThrottleOthers others;
        uint64_t held_back;

        hub->n_malformed++;
        hub->sink.changed(hub->sink.userdata);
        if (!throttle_admits(&hub->malformed, hub_now(hub), LINE_INTERVAL_USEC, &held_back))
                return;
        visible_text(&topic, m->topic, strnlen(m->topic, TOPIC_TOLD_MAX));
        if (!buffer_error(&topic))
                log_line(LOG_WARNING, LOG_ID_ORDER_MALFORMED, NULL,
                         "The hub sent something that is no order, and it is dropped: %s (topic \"%s\")%s.", fault,
                         topic.data ?: "", throttle_others(&others, held_back));
}

/* Nobody can be called, but who waits for the answer gets one. */
static void refuse_call(Hub *hub, const Order *o, const char *fault)
{
        _cleanup_(buffer_done) Buffer json = BUFFER_NULL;

        method_error_write(&json, fault);
        if (!buffer_error(&json))
                (void)hub_send_answer(hub, o->rid, METHOD_BAD_REQUEST, json.data, json.size);
        hub->orders.refused(hub->orders.userdata, o->name, METHOD_BAD_REQUEST);
}

static void on_call(Hub *hub, const Order *o)
{
        MethodCall call = o->call;

        call.connection = hub->generation;
        if (hub->n_calls++ == 0)
                hub_feed_kind(hub, CONNECTION_EVENT_CALLED);
        hub->orders.call(hub->orders.userdata, &call);
}

static void obey(Hub *hub, const Order *o)
{
        const OrderSink *sink = &hub->orders;

        switch (o->kind) {
        case ORDER_MESSAGE:
                on_message(hub, o->message);
                break;
        case ORDER_CALL:
                on_call(hub, o);
                break;
        case ORDER_DESIRED:
                sink->desired(sink->userdata, o->twin.version, o->twin.body, o->twin.body_size);
                break;
        case ORDER_TWIN:
                sink->twin(sink->userdata, &o->twin);
                break;
        case _ORDER_KIND_MAX:
                break;
        }
}

void hub_orders_heard(Hub *hub, const TransportMessage *m)
{
        _cleanup_(order_done) Order o = {};
        const char *fault = "nobody asked for it";
        int r = hub->takes_orders ? order_parse(m, &o, &fault) : ORDER_E_MALFORMED;

        if (r < 0) {
                hub_drop(hub, "there is no memory for an order of the hub");
                return;
        }
        if (r == 0) {
                obey(hub, &o);
                return;
        }
        on_malformed(hub, m, fault);
        if (r == ORDER_E_BAD_CALL)
                refuse_call(hub, &o, fault);
        else if (r == ORDER_E_BAD_TWIN) /* who waits for it, or sees its version, knows that something is missing */
                obey(hub, &o);
}
