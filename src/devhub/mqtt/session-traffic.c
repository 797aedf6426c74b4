/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What passes in a session that is open: events and requests of the client, what the hub says to it, and what it wants
 * to hear.
 */

#include <errno.h>
#include <string.h>

#include "devhub/mqtt/event-check.h"
#include "devhub/mqtt/session-core.h"

/* More than all the mail that a device can have: who lets so much stand does not read. */
#define OUTPUT_MAX ((size_t)8 * 1024 * 1024)

/* Who does not is cut. */
bool session_is_reading(Session *s)
{
        if (s->output.size <= OUTPUT_MAX)
                return true;
        session_close(s, "it does not read what it asked for");
        buffer_clear(&s->output);
        return false;
}

/* ---- PUBLISH, from the client ---- */

static void on_event(Session *s, const TopicParts *parts, const MqttPublish *publish)
{
        SessionEvent event = {.body = publish->payload, .qos = publish->qos};
        const char *fault = event_check(parts, event.body, s->device_id, s->module_id, &event.bag,
                                        &event.size);
        _cleanup_(buffer_done) Buffer marked = BUFFER_NULL;
        usec_t delay_usec = 0;
        int r;

        if (fault) {
                session_close(s, fault);
                return;
        }
        if (publish->retain) {
                will_mark(&marked, event.bag, "mqtt-retain=true");
                event.bag = (MqttText){marked.data, marked.size};
        }
        r = buffer_error(&marked) < 0 ? -ENOMEM : s->sink.event(s->sink.userdata, &event, &delay_usec);
        if (r < 0) {
                session_close(s, r == -ECANCELED ? "poisoned, by a fault" : "the event could not be stored");
                return;
        }
        if (r == SESSION_E_LOST)
                return;
        s->n_events++;
        if (publish->qos == 1 && delay_usec != USEC_INFINITY && pubacks_owe(&s->pubacks, publish->id, delay_usec) < 0)
                session_close(s, "no memory");
}

/* Behind events that are not stored yet its PUBACK leaves with theirs. */
static void on_request(Session *s, const TopicParts *parts, const MqttPublish *publish, usec_t now)
{
        SessionRequest request = {.topic = parts, .body = publish->payload, .qos = publish->qos};
        const char *fault;

        if (publish->qos == 1) {
                bool is_next = s->pubacks.n_unstored == 0;

                if (pubacks_owe(&s->pubacks, publish->id, 0) < 0) {
                        session_close(s, "no memory");
                        return;
                }
                if (is_next)
                        session_stored(s, now);
        }
        fault = s->sink.request(s->sink.userdata, &request);
        if (fault)
                session_close(s, fault);
}

/* One that comes to be provisioned has topics of its own, and no others. */
static bool is_for(const Session *s, TopicKind kind)
{
        bool is_provisioning = kind == TOPIC_DPS_REGISTER || kind == TOPIC_DPS_POLL;

        return kind != TOPIC_UNKNOWN && kind != TOPIC_DPS_RESPONSE && kind != TOPIC_DEVICEBOUND &&
               is_provisioning == !s->device_id;
}

void session_on_publish(Session *s, const MqttPublish *publish, usec_t now)
{
        TopicParts parts = topic_parse(publish->topic.data, publish->topic.size);

        if (publish->qos > 1)
                session_close(s, "QoS 2 is not supported");
        else if (s->pubacks.n >= PUBACKS_MAX)
                session_close(s, "it does not wait for acknowledgements");
        else if (!is_for(s, parts.kind))
                session_close(s, "it published to a topic that the hub does not know");
        else if (parts.kind == TOPIC_EVENTS)
                on_event(s, &parts, publish);
        else
                on_request(s, &parts, publish, now);
}

void session_on_puback(Session *s, uint16_t id)
{
        uint64_t tag;
        int r = deliveries_take(&s->deliveries, id, &tag);

        if (r > 0)
                s->sink.acknowledged(s->sink.userdata, tag);
        else if (r < 0)
                session_close(s, "it acknowledged a message that was never sent");
}

/* ---- and to it ---- */

int session_publish(Session *s, const char *topic, const void *body, size_t size, uint8_t qos, uint64_t tag)
{
        bool dup = false;
        uint16_t id = 0;
        int r;

        if (s->state != SESSION_OPEN)
                return -ENOTCONN;
        if (strlen(topic) > UINT16_MAX)
                return -ENAMETOOLONG;
        r = qos > 0 ? deliveries_add(&s->deliveries, tag, &id, &dup) : 0;
        if (r < 0)
                return r;
        if (!session_is_reading(s))
                return -ENOTCONN;
        mqtt_write_publish(&s->output, topic, body, size, qos, dup, id);
        if (buffer_error(&s->output))
                session_close(s, "no memory");
        return buffer_error(&s->output);
}

void session_stored(Session *s, usec_t now)
{
        if (s->state == SESSION_SILENT)
                return;
        pubacks_stored(&s->pubacks, now);
        pubacks_write(&s->pubacks, now, &s->output);
}

/* ---- SUBSCRIBE ---- */

/* What is acknowledged has been kept. False: it cannot be, and the connection ends. */
static bool keep_subscriptions(Session *s)
{
        if (s->clean || !s->device_id || s->sink.keep(s->sink.userdata, &s->subscriptions) >= 0)
                return true;
        session_close(s, "its subscriptions could not be stored");
        return false;
}

void session_on_subscribe(Session *s, MqttFilters filters)
{
        _cleanup_(buffer_done) Buffer codes = BUFFER_NULL;
        bool granted = false;
        MqttText filter;
        uint8_t qos;

        while (mqtt_next_filter(&filters, &filter, &qos)) {
                uint8_t code = 0;
                int k = subscriptions_add(&s->subscriptions, s->device_id, s->module_id, filter, qos, &code);

                if (k != 0) {
                        session_close(s, subscriptions_refusal(k));
                        return;
                }
                buffer_append(&codes, &code, 1);
                granted |= code != MQTT_SUBSCRIPTION_REFUSED;
        }
        if (granted && !keep_subscriptions(s))
                return;
        mqtt_write_suback(&s->output, filters.id, (const uint8_t *)codes.data, codes.size);
        if (buffer_error(&codes))
                session_close(s, "no memory");
        else if (granted)
                s->sink.subscribed(s->sink.userdata);
}

void session_on_unsubscribe(Session *s, MqttFilters filters)
{
        MqttText filter;
        uint8_t qos;

        while (mqtt_next_filter(&filters, &filter, &qos))
                subscriptions_remove(&s->subscriptions, filter);
        if (keep_subscriptions(s))
                mqtt_write_unsuback(&s->output, filters.id);
}
