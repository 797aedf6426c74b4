/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What an MQTT client says, any bytes, cut in two anywhere; the first byte chooses where, and whether it comes in
 * WebSocket frames. Whoever connects is let in, one with a client id of odd length after a while.
 */

#include <string.h>

#include "devhub/mqtt/session.h"
#include "devhub/net/websocket.h"
#include "fuzz.h"

typedef struct Guest {
        Session *session;
        unsigned n_events;
        bool has_waited;
} Guest;

static void on_connect(void *userdata, const MqttConnect *connect, SessionGrant *ret)
{
        Guest *g = userdata;

        *ret = (SessionGrant){.reason = "", .device_id = "d1", .ends_usec = USEC_INFINITY};
        if (connect->client_id.size % 2 == 1 && !g->has_waited)
                ret->wait_usec = USEC_PER_SEC;
        g->has_waited = true;
}

static bool on_packet(void *userdata)
{
        return true;
}

static int on_event(void *userdata, const SessionEvent *event, usec_t *ret_delay_usec)
{
        promise(event->bag.size <= UINT16_MAX && event->qos <= 1);
        ((Guest *)userdata)->n_events++;
        return 0;
}

static const char *on_request(void *userdata, const SessionRequest *request)
{
        promise(request->topic->kind != TOPIC_UNKNOWN && request->topic->kind != TOPIC_EVENTS);
        return NULL;
}

static int on_keep(void *userdata, const Subscriptions *subscriptions)
{
        promise(subscriptions->n_held <= SUBSCRIPTIONS_MAX);
        return 0;
}

static void on_subscribed(void *userdata)
{
        Guest *g = userdata;

        (void)session_publish(g->session, "devices/d1/messages/devicebound/%24.mid=1", "x", 1, 1, 1);
}

static void on_acknowledged(void *userdata, uint64_t tag)
{
        promise(tag == 1);
}

static int begin(void *userdata, usec_t now)
{
        return 0;
}

static void feed(void *userdata, const void *data, size_t size, usec_t now)
{
        session_feed(((Guest *)userdata)->session, data, size, now);
}

static void tick(void *userdata, usec_t now)
{
        session_tick(((Guest *)userdata)->session, now);
}

static usec_t deadline(void *userdata)
{
        return session_deadline(((Guest *)userdata)->session);
}

static Buffer *output(void *userdata)
{
        return session_output(((Guest *)userdata)->session);
}

static bool is_over(void *userdata)
{
        return session_state(((Guest *)userdata)->session) == SESSION_CLOSED;
}

static void broke(void *userdata, const char *reason)
{
        session_close(((Guest *)userdata)->session, reason);
}

static void ended(void *userdata)
{
}

/* As wires do: from memory of its own size, and only while it is not over. */
static void say(const Conversation *to, const uint8_t *data, size_t size)
{
        uint8_t *exact = malloc(size + (size == 0));

        promise(exact);
        if (size > 0)
                memcpy(exact, data, size);
        if (!to->is_over(to->userdata))
                to->feed(to->userdata, exact, size, USEC_PER_SEC);
        buffer_truncate(to->output(to->userdata), 0);
        free(exact);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        Guest g = {};
        SessionSink sink = {on_connect, on_packet, on_event, on_request, on_keep, on_subscribed, on_acknowledged, &g};
        Conversation inner = {begin, feed, tick, deadline, output, is_over, broke, ended, &g}, outer = inner;
        WebSocket *websocket = NULL;
        SessionEvent will;
        size_t at;

        if (size == 0)
                return 0;
        promise(session_new(&g.session, &sink, 0) == 0);
        if (data[0] & 1) {
                promise(websocket_new(&websocket, &inner) == 0);
                outer = websocket_conversation(websocket);
        }
        at = (data[0] >> 1) * (size - 1) / 128;
        say(&outer, data + 1, at);
        say(&outer, data + 1 + at, size - 1 - at);
        session_tick(g.session, 2 * USEC_PER_SEC);
        buffer_truncate(output(&g), 0);
        session_stored(g.session, 2 * USEC_PER_SEC);
        if (session_state(g.session) == SESSION_CLOSED)
                (void)session_will(g.session, &will);
        promise(session_n_events(g.session) == g.n_events);
        promise(buffer_error(output(&g)) == 0);
        websocket_free(websocket);
        session_free(g.session);
        return 0;
}
