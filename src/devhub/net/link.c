/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/net/link.h"

#include <errno.h>

#include "devhub/net/websocket.h"

struct Link {
        LinkSink sink;
        LinkNotes notes;
        Wire *wire;
        WebSocket *websocket; /* NULL: MQTT stands on the wire itself */
        Session *session; /* from the end of the handshake on */
        Verdict verdict;
};

static usec_t boot_now(void)
{
        return clock_boot(&clock_system);
}

Link *link_free(Link *link)
{
        if (!link)
                return NULL;
        wire_free(link->wire);
        websocket_free(link->websocket);
        session_free(link->session);
        verdict_done(&link->verdict);
        free(link);
        return NULL;
}

/* ---- what the session says ---- */

static void on_connect(void *userdata, const MqttConnect *connect, SessionGrant *ret)
{
        Link *link = userdata;

        link->sink.connect(link->sink.userdata, link, connect, ret);
}

static bool on_packet(void *userdata)
{
        Link *link = userdata;

        return link->sink.packet(link->sink.userdata, link);
}

static int on_event(void *userdata, const SessionEvent *event, usec_t *ret_delay_usec)
{
        Link *link = userdata;

        return link->sink.event(link->sink.userdata, link, event, ret_delay_usec);
}

static const char *on_request(void *userdata, const SessionRequest *request)
{
        Link *link = userdata;

        return link->sink.request(link->sink.userdata, link, request);
}

static int on_keep(void *userdata, const Subscriptions *subscriptions)
{
        Link *link = userdata;

        return link->sink.keep(link->sink.userdata, link, subscriptions);
}

static void on_subscribed(void *userdata)
{
        Link *link = userdata;

        link->sink.subscribed(link->sink.userdata, link);
}

static void on_acknowledged(void *userdata, uint64_t tag)
{
        Link *link = userdata;

        link->sink.acknowledged(link->sink.userdata, link, tag);
}

/* ---- the session as a conversation ---- */

static int begin(void *userdata, usec_t now)
{
        Link *link = userdata;
        SessionSink sink = {
                .connect = on_connect,
                .packet = on_packet,
                .event = on_event,
                .request = on_request,
                .keep = on_keep,
                .subscribed = on_subscribed,
                .acknowledged = on_acknowledged,
                .userdata = link,
        };

        return session_new(&link->session, &sink, now);
}

static void feed(void *userdata, const void *data, size_t size, usec_t now)
{
        session_feed(((Link *)userdata)->session, data, size, now);
}

static void tick(void *userdata, usec_t now)
{
        session_tick(((Link *)userdata)->session, now);
}

static usec_t deadline(void *userdata)
{
        return session_deadline(((Link *)userdata)->session);
}

static Buffer *output(void *userdata)
{
        return session_output(((Link *)userdata)->session);
}

static bool is_over(void *userdata)
{
        return session_state(((Link *)userdata)->session) == SESSION_CLOSED;
}

static void broke(void *userdata, const char *reason)
{
        session_close(((Link *)userdata)->session, reason);
}

static void ended(void *userdata)
{
        Link *link = userdata;

        link->sink.ended(link->sink.userdata, link);
}

/* ---- life ---- */

static Conversation conversation_of(Link *link)
{
        return (Conversation){begin, feed, tick, deadline, output, is_over, broke, ended, link};
}

int link_new(Link **ret, sd_event *event, TlsServer *server, int fd, const char *peer, const LinkSink *sink)
{
        _cleanup_(link_freep) Link *link = calloc(1, sizeof(*link));
        Conversation conversation = conversation_of(link);
        int r;

        if (!link) {
                safe_close(fd);
                return -ENOMEM;
        }
        link->sink = *sink;
        r = wire_new(&link->wire, event, server, fd, peer, &conversation);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(link);
        return 0;
}

int link_new_websocket(Link **ret, sd_event *event, const WireHandover *handover, const LinkSink *sink)
{
        _cleanup_(link_freep) Link *link = calloc(1, sizeof(*link));
        Conversation inner = conversation_of(link), outer;
        int r = link ? websocket_new(&link->websocket, &inner) : -ENOMEM;

        if (r < 0) {
                handover->release(handover->userdata);
                return r;
        }
        link->sink = *sink;
        outer = websocket_conversation(link->websocket);
        r = wire_new_handover(&link->wire, event, handover, &outer);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(link);
        return 0;
}

/* ---- verbs ---- */

void link_feed(Link *link, const void *data, size_t size)
{
        wire_feed(link->wire, data, size);
}

void link_stored(Link *link)
{
        if (!link->session)
                return;
        session_stored(link->session, boot_now());
        wire_settle(link->wire);
}

int link_publish(Link *link, const char *topic, const void *body, size_t size, uint8_t qos, uint64_t tag)
{
        int r;

        if (!link->session)
                return -ENOTCONN;
        r = session_publish(link->session, topic, body, size, qos, tag);
        wire_settle(link->wire);
        return r;
}

void link_close(Link *link, const char *reason)
{
        if (link->session) {
                session_close(link->session, reason);
                wire_settle(link->wire);
        } else {
                wire_end(link->wire);
        }
}

void link_reset(Link *link, const char *reason)
{
        if (link->session)
                session_close(link->session, reason);
        wire_reset(link->wire);
}

void link_stall(Link *link)
{
        wire_stall(link->wire);
}

void link_set_end(Link *link, usec_t ends_usec)
{
        session_set_end(link->session, ends_usec);
        wire_settle(link->wire);
}

void link_silence(Link *link)
{
        if (link->session) {
                session_silence(link->session);
                wire_settle(link->wire);
        }
}

void link_set_verdict(Link *link, Verdict *verdict)
{
        verdict_done(&link->verdict);
        link->verdict = *verdict;
        *verdict = (Verdict){};
}

/* ---- questions ---- */

const Certificate *link_certificate(Link *link)
{
        return wire_certificate(link->wire);
}

const char *link_peer(const Link *link)
{
        return wire_peer(link->wire);
}

const Verdict *link_verdict(const Link *link)
{
        return &link->verdict;
}

Session *link_session(Link *link)
{
        return link->session;
}

bool link_has_ended(const Link *link)
{
        return wire_has_ended(link->wire);
}

bool link_is_open(const Link *link)
{
        return !link_has_ended(link) && link->session && session_state(link->session) == SESSION_OPEN;
}

bool link_is_subscribed(const Link *link, SubscriptionKind kind, uint8_t *ret_qos)
{
        return link_is_open(link) && session_is_subscribed(link->session, kind, ret_qos);
}

LinkNotes *link_notes(Link *link)
{
        return &link->notes;
}
