/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "azure/bag.h"
#include "azure/topic.h"
#include "base/iso-time.h"
#include "base/number.h"
#include "base/utf8.h"
#include "hub/hub-core.h"

#define TOPIC_SIZE_MAX      65535 /* what MQTT can say */
#define MESSAGE_ID_SIZE_MAX 128   /* what the hub takes */

/* ---- telemetry ---- */

static bool is_text(const char *s)
{
        return !s || utf8_is_valid(s, strlen(s));
}

/* What the hub would answer by closing the connection must never be sent: it would come back for ever. */
static bool properties_are_good(const Message *m)
{
        if (!is_text(m->message_id) || !is_text(m->correlation_id) || !is_text(m->content_type) ||
            !is_text(m->content_encoding))
                return false;
        if (m->message_id && strlen(m->message_id) > MESSAGE_ID_SIZE_MAX)
                return false;
        for (size_t i = 0; i < m->n_properties; i++)
                if (!*m->properties[i].name || !is_text(m->properties[i].name) || !is_text(m->properties[i].value))
                        return false;
        return true;
}

static void put_property(Buffer *b, size_t start, const char *name, const char *value)
{
        if (value)
                bag_append(b, start, name, value);
}

static void make_topic(Hub *hub, const Message *m)
{
        char created[ISO_TIME_MAX];
        Buffer *b = &hub->topic;
        size_t start;

        buffer_clear(b);
        buffer_append_string(b, hub->identity->topic);
        start = b->size;
        put_property(b, start, "$.mid", m->message_id);
        put_property(b, start, "$.cid", m->correlation_id);
        put_property(b, start, "$.ct", m->content_type);
        put_property(b, start, "$.ce", m->content_encoding);
        if (m->created_usec > 0) {
                (void)iso_time_format(m->created_usec, created);
                put_property(b, start, "$.ctime", created);
        }
        if (*m->component)
                put_property(b, start, "$.sub", m->component);
        for (size_t i = 0; i < m->n_properties; i++)
                put_property(b, start, m->properties[i].name, m->properties[i].value);
}

int hub_send(Hub *hub, const Message *m, uint64_t ticket)
{
        int mid, r;

        if (message_size(m) > MESSAGE_SIZE_MAX)
                return HUB_E_TOO_LARGE;
        if (!properties_are_good(m))
                return HUB_E_BAD_PROPERTY;
        if (!hub_is_ready(hub))
                return HUB_E_NOT_READY;
        make_topic(hub, m);
        if (buffer_error(&hub->topic))
                return -ENOMEM;
        if (hub->topic.size > TOPIC_SIZE_MAX)
                return HUB_E_TOO_LARGE;
        r = tickets_reserve(&hub->tickets);
        if (r < 0)
                return r;
        r = hub->transport->publish(hub->transport, hub->topic.data, m->body.data, m->body.size, 1, &mid);
        if (r < 0) {
                hub->broken = true;
                return HUB_E_NOT_READY;
        }
        tickets_add(&hub->tickets, ticket, mid, hub_now(hub));
        hub_feed(hub, &(ConnectionEvent){.kind = CONNECTION_EVENT_SENT, .oldest_usec = tickets_oldest(&hub->tickets)});
        return 0;
}

/* ---- answers and requests ---- */

/* To hub->topic, with QoS 0: whoever waits for it has a time-out. */
static int send_plainly(Hub *hub, const char *payload, size_t size)
{
        int mid;

        if (buffer_error(&hub->topic))
                return -ENOMEM;
        if (hub->transport->publish(hub->transport, hub->topic.data, payload, size, 0, &mid) < 0) {
                hub->broken = true;
                return HUB_E_NOT_READY;
        }
        hub_feed(hub, &(ConnectionEvent){.kind = CONNECTION_EVENT_SENT, .oldest_usec = tickets_oldest(&hub->tickets)});
        return 0;
}

/* A connection that drains for a planned end still carries answers: the next one may not be asked for them. */
int hub_send_answer(Hub *hub, const char *rid, int status, const char *json, size_t size)
{
        if (size > METHOD_PAYLOAD_MAX)
                return HUB_E_TOO_LARGE;
        if (connection_state(&hub->connection) != LINK_CONNECTED || hub->broken)
                return HUB_E_NOT_READY;
        buffer_clear(&hub->topic);
        topic_method_response(&hub->topic, status, rid, strlen(rid));
        return send_plainly(hub, json, size);
}

/* The hub may count its calls anew with each connection: by another one the answer would be somebody else's. */
int hub_answer(Hub *hub, uint64_t connection, const char *rid, int status, const char *json, size_t size)
{
        int r;

        if (connection != hub->generation)
                return HUB_E_NOT_READY;
        r = hub_send_answer(hub, rid, status, json, size);
        if (hub->n_calls > 0 && --hub->n_calls == 0)
                hub_feed_kind(hub, CONNECTION_EVENT_ANSWERED);
        return r;
}

static int send_request(Hub *hub, void (*name)(Buffer *b, const char *rid), const char *payload, size_t size,
                        uint64_t *ret_request)
{
        char rid[NUMBER_TEXT_MAX];

        if (!hub_is_ready(hub) || !hub->listening)
                return HUB_E_NOT_READY;
        *ret_request = ++hub->last_request;
        (void)snprintf(rid, sizeof(rid), "%llu", (unsigned long long)*ret_request);
        buffer_clear(&hub->topic);
        name(&hub->topic, rid);
        return send_plainly(hub, payload, size);
}

int hub_twin_get(Hub *hub, uint64_t *ret_request)
{
        return send_request(hub, topic_twin_get, "", 0, ret_request);
}

int hub_twin_report(Hub *hub, const char *json, size_t size, uint64_t *ret_request)
{
        return send_request(hub, topic_twin_reported, json, size, ret_request);
}
