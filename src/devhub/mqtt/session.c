/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/mqtt/session-core.h"

#include <errno.h>
#include <string.h>

#include "devhub/mqtt/event-check.h"

#define CONNECT_WITHIN_USEC (60 * USEC_PER_SEC)
#define KEEP_ALIVE_MAX_USEC (1767 * USEC_PER_SEC)
/* The body and the longest topic. What announces more is not even read. */
#define PACKET_SIZE_MAX (EVENT_SIZE_MAX + UINT16_MAX + 4)

int session_new(Session **ret, const SessionSink *sink, usec_t now)
{
        Session *s = calloc(1, sizeof(*s));

        if (!s)
                return -ENOMEM;
        s->sink = *sink;
        s->reason = "";
        s->clean = true;
        s->heard_usec = now;
        s->ends_usec = USEC_INFINITY;
        *ret = s;
        return 0;
}

Session *session_free(Session *s)
{
        if (!s)
                return NULL;
        buffer_done(&s->input);
        buffer_done(&s->output);
        subscriptions_done(&s->subscriptions);
        deliveries_done(&s->deliveries);
        will_done(&s->will);
        pubacks_done(&s->pubacks);
        free(s);
        return NULL;
}

void session_close(Session *s, const char *reason)
{
        if (s->state == SESSION_CLOSED)
                return;
        s->state = SESSION_CLOSED;
        s->reason = reason;
}

void session_silence(Session *s)
{
        if (s->state == SESSION_CLOSED)
                return;
        s->state = SESSION_SILENT;
        buffer_clear(&s->input);
        buffer_clear(&s->output);
        pubacks_forget(&s->pubacks);
}

void session_set_end(Session *s, usec_t ends_usec)
{
        s->ends_usec = ends_usec;
}

/* ---- CONNECT ---- */

static usec_t keep_alive_of(uint16_t seconds)
{
        usec_t usec = seconds * USEC_PER_SEC * 3 / 2;

        return seconds == 0 ? KEEP_ALIVE_MAX_USEC : MIN(usec, KEEP_ALIVE_MAX_USEC);
}

static void on_connect(Session *s, const MqttConnect *connect, usec_t now)
{
        SessionGrant grant = {.reason = "", .ends_usec = USEC_INFINITY};
        const char *fault;

        s->sink.connect(s->sink.userdata, connect, &grant);
        if (grant.wait_usec > 0) {
                s->held_until_usec = usec_add(now, grant.wait_usec);
                return;
        }
        if (grant.silent) {
                session_silence(s);
                return;
        }
        if (grant.hang_up) {
                session_close(s, grant.reason);
                return;
        }
        s->device_id = grant.device_id;
        s->module_id = grant.module_id;
        fault = grant.code == 0 ? will_take(&s->will, connect, s->device_id, s->module_id) : NULL;
        if (fault) {
                subscriptions_done(&grant.subscriptions);
                session_close(s, fault);
                return;
        }
        mqtt_write_connack(&s->output, grant.code == 0 && grant.present, grant.code);
        if (grant.code != 0) {
                session_close(s, grant.reason);
                return;
        }
        s->state = SESSION_OPEN;
        s->clean = connect->clean_session;
        s->keep_alive_usec = keep_alive_of(connect->keep_alive);
        s->ends_usec = grant.ends_usec;
        s->subscriptions = grant.subscriptions;
        if (grant.present)
                s->sink.subscribed(s->sink.userdata);
}

/* ---- packets ---- */

static void on_packet_open(Session *s, const MqttPacket *packet, usec_t now)
{
        if (!s->sink.packet(s->sink.userdata)) {
                session_close(s, "cut by a fault");
                return;
        }
        switch (packet->type) {
        case MQTT_PUBLISH:
                session_on_publish(s, &packet->publish, now);
                break;
        case MQTT_SUBSCRIBE:
                session_on_subscribe(s, packet->filters);
                break;
        case MQTT_UNSUBSCRIBE:
                session_on_unsubscribe(s, packet->filters);
                break;
        case MQTT_PINGREQ:
                mqtt_write_pingresp(&s->output);
                break;
        case MQTT_DISCONNECT:
                will_done(&s->will);
                session_close(s, "");
                break;
        case MQTT_CONNECT:
                session_close(s, "it sent a second CONNECT");
                break;
        case MQTT_PUBACK:
                session_on_puback(s, packet->id);
                break;
        case MQTT_PUBREC:
        case MQTT_PUBREL:
        case MQTT_PUBCOMP:
                session_close(s, "QoS 2 is not supported");
                break;
        case MQTT_CONNACK:
        case MQTT_SUBACK:
        case MQTT_UNSUBACK:
        case MQTT_PINGRESP:
                break; /* mqtt_read() does not give them */
        }
}

static void on_packet(Session *s, const MqttPacket *packet, usec_t now)
{
        s->heard_usec = now;
        if (s->state == SESSION_OPEN)
                on_packet_open(s, packet, now);
        else if (packet->type == MQTT_CONNECT)
                on_connect(s, &packet->connect, now);
        else
                session_close(s, "its first packet is not CONNECT");
}

static bool is_heard(const Session *s)
{
        return (s->state == SESSION_WAITING && s->held_until_usec == 0) || s->state == SESSION_OPEN;
}

/* Handles all whole packets at the front; returns how many bytes they were. A CONNECT that is held stays. */
static size_t handle(Session *s, const char *data, size_t size, usec_t now)
{
        size_t used = 0;

        while (is_heard(s)) {
                const char *error = "a packet is larger than any the hub takes";
                MqttPacket packet;
                size_t n;
                int k = mqtt_read(data + used, size - used, PACKET_SIZE_MAX, &packet, &n, &error);

                if (k == MQTT_E_MORE)
                        return used;
                if (k != 0) {
                        session_close(s, error);
                        return size;
                }
                on_packet(s, &packet, now);
                if (s->held_until_usec > 0)
                        return used;
                used += n;
                (void)session_is_reading(s);
        }
        return s->held_until_usec > 0 ? used : size; /* what follows the end is not heard */
}

static void handle_input(Session *s, usec_t now)
{
        size_t used = MIN(handle(s, s->input.data, s->input.size, now), s->input.size); /* silence clears it */

        memmove(s->input.data, s->input.data + used, s->input.size - used);
        buffer_truncate(&s->input, s->input.size - used);
}

void session_feed(Session *s, const void *data, size_t size, usec_t now)
{
        size_t used;

        if (s->state == SESSION_CLOSED || s->state == SESSION_SILENT)
                return;
        if (s->input.size == 0) {
                used = handle(s, data, size, now);
                buffer_append(&s->input, (const char *)data + used, size - used);
        } else {
                buffer_append(&s->input, data, size);
                if (!buffer_error(&s->input))
                        handle_input(s, now);
        }
        if (s->held_until_usec > 0 && s->input.size > PACKET_SIZE_MAX)
                session_close(s, "it says too much before it was let in");
        if (buffer_error(&s->input) || buffer_error(&s->output))
                session_close(s, "no memory");
}

/* ---- time ---- */

usec_t session_deadline(const Session *s)
{
        usec_t deadline;

        switch (s->state) {
        case SESSION_WAITING:
                return s->held_until_usec > 0 ? s->held_until_usec : usec_add(s->heard_usec, CONNECT_WITHIN_USEC);
        case SESSION_OPEN:
                deadline = MIN(usec_add(s->heard_usec, s->keep_alive_usec), s->ends_usec);
                return MIN(deadline, pubacks_deadline(&s->pubacks));
        case SESSION_SILENT:
        case SESSION_CLOSED:
                return USEC_INFINITY;
        }
        return USEC_INFINITY;
}

static void tick_waiting(Session *s, usec_t now)
{
        if (s->held_until_usec > now)
                return;
        if (s->held_until_usec > 0) {
                s->held_until_usec = 0;
                handle_input(s, now);
        } else if (now >= usec_add(s->heard_usec, CONNECT_WITHIN_USEC)) {
                session_close(s, "no CONNECT came within 60 s");
        }
}

void session_tick(Session *s, usec_t now)
{
        if (s->state == SESSION_WAITING) {
                tick_waiting(s, now);
                return;
        }
        if (s->state != SESSION_OPEN)
                return;
        pubacks_write(&s->pubacks, now, &s->output);
        if (now >= s->ends_usec)
                session_close(s, "its token has ended");
        else if (now >= usec_add(s->heard_usec, s->keep_alive_usec))
                session_close(s, "nothing was heard for one and a half keep-alive times");
}

/* ---- questions ---- */

SessionState session_state(const Session *s)
{
        return s->state;
}

const char *session_reason(const Session *s)
{
        return s->reason;
}

Buffer *session_output(Session *s)
{
        return &s->output;
}

bool session_is_subscribed(const Session *s, SubscriptionKind kind, uint8_t *ret_qos)
{
        return s->state == SESSION_OPEN && subscriptions_have(&s->subscriptions, kind, ret_qos);
}

bool session_will(const Session *s, SessionEvent *ret)
{
        *ret = (SessionEvent){
                .bag = {s->will.bag.data, s->will.bag.size},
                .body = {s->will.body.data, s->will.body.size},
                .size = s->will.size,
        };
        return s->will.is_there;
}

uint64_t session_n_events(const Session *s)
{
        return s->n_events;
}
