/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Session - one client's MQTT connection, from CONNECT to its end
 *
 *   WAITING ──CONNECT, accepted──► OPEN ──────────────────────────────► CLOSED       a CONNECT may be held a while
 *      │  └───────────refused, malformed, too late, or told so─────────────▲
 *      └──► SILENT (a fault): reads and drops everything, says nothing ────┘
 *
 * Bytes in, bytes out, and a deadline. What breaks a rule of IoT Hub or of MQTT ends in CLOSED with a reason: a
 * 3.1.1 server has no packet to say why, and sends no DISCONNECT. What stands in the output at the end is still
 * to be sent: that is how a refusal gets its CONNACK.
 *
 * An event is acknowledged only after session_stored(), in the order of receipt. The hub's own messages go out by
 * session_publish().
 *
 * Owns:   its buffers, and the subscriptions while it is open.
 * Knows:  nothing of sockets, keys or the store; they stand behind the sink.
 * Time:   boot clock, given with each call.
 */

#include "azure/topic.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "devhub/mqtt/mqtt-packet.h"
#include "devhub/mqtt/subscription.h"

typedef enum SessionState {
        SESSION_WAITING,
        SESSION_OPEN,
        SESSION_SILENT,
        SESSION_CLOSED,
} SessionState;

/* What the sink makes of a CONNECT that is well formed. */
typedef struct SessionGrant {
        uint8_t code;          /* of the CONNACK; all below is only for 0 */
        bool silent;           /* the silent fault: not even a CONNACK */
        bool hang_up;          /* close without a CONNACK */
        usec_t wait_usec;      /* the CONNECT is held, and the sink asked again after it; 0: this is the answer */
        const char *reason;    /* of a refusal; static */
        const char *device_id; /* borrowed; must outlive the session. NULL: it comes to be provisioned */
        const char *module_id; /* likewise, or NULL */
        usec_t ends_usec;      /* the link is cut then; USEC_INFINITY: never */
        bool present;          /* an earlier session is taken up: */
        Subscriptions subscriptions; /* its subscriptions, handed over */
} SessionGrant;

typedef struct SessionEvent {
        MqttText bag; /* as it stands in the topic; its entries have been checked */
        MqttText body;
        uint8_t qos;
        size_t size; /* as the hub counts */
} SessionEvent;

enum {
        _SESSION_E_SUCCESS,
        SESSION_E_LOST,
};

/* A PUBLISH to a topic that the hub knows and that is not telemetry. Its PUBACK, if it is owed, is written before the
 * sink hears of it, so that it leaves before an answer: official clients rely on that. */
typedef struct SessionRequest {
        const TopicParts *topic;
        MqttText body;
        uint8_t qos;
} SessionRequest;

typedef struct SessionSink {
        void (*connect)(void *userdata, const MqttConnect *connect, SessionGrant *ret);
        /* Called before every packet after CONNECT. False: the link is cut here, unheard (a fault). */
        bool (*packet)(void *userdata);
        /* An event came. Negative: it cannot be stored (-ECANCELED: a fault), the connection ends. SESSION_E_LOST: it
         * is not stored, and nobody is told. *ret_delay_usec (0 at first): how long its PUBACK is held back once it is
         * stored; USEC_INFINITY: for ever. */
        int (*event)(void *userdata, const SessionEvent *event, usec_t *ret_delay_usec);
        /* NULL, or why the connection is closed (static text). */
        const char *(*request)(void *userdata, const SessionRequest *request);
        /* The subscriptions of a session that is to outlive its connection have changed. Negative: that cannot be kept,
         * and nobody is told that they have. */
        int (*keep)(void *userdata, const Subscriptions *subscriptions);
        /* There are subscriptions: the SUBACK, or the CONNACK of a session taken up, is written. */
        void (*subscribed)(void *userdata);
        /* What was published under the tag has its PUBACK. */
        void (*acknowledged)(void *userdata, uint64_t tag);
        void *userdata;
} SessionSink;

typedef struct Session Session;

int session_new(Session **ret, const SessionSink *sink, usec_t now);
Session *session_free(Session *session);
DEFINE_CLEANUP(Session *, session_free);

/* verbs */
void session_feed(Session *session, const void *data, size_t size, usec_t now);
void session_stored(Session *session, usec_t now); /* all events given to the sink so far are committed */
void session_tick(Session *session, usec_t now);   /* at the deadline, or any time */
/* To the client. At QoS 1 the sink hears of its PUBACK; what is published once more under a tag that is still under
 * way is a duplicate of it. tag: of the caller's choice, no meaning at QoS 0. -ENOTCONN: the session is not open;
 * -ENOBUFS: too many are under way; -ENAMETOOLONG: of the topic. */
int session_publish(Session *session, const char *topic, const void *body, size_t size, uint8_t qos, uint64_t tag);
void session_close(Session *session, const char *reason); /* from outside; static text */
void session_silence(Session *session);
void session_set_end(Session *session, usec_t ends_usec); /* instead of what the grant said */

/* questions */
usec_t session_deadline(const Session *session);
SessionState session_state(const Session *session);
const char *session_reason(const Session *session); /* why it is closed; "" for a DISCONNECT */
Buffer *session_output(Session *session);           /* the caller sends from its front and consumes */
bool session_is_subscribed(const Session *session, SubscriptionKind kind, uint8_t *ret_qos);
/* What is to be told now that it is over; false: there is no will, or the client has taken it back by DISCONNECT.
 * Borrowed from the session. */
bool session_will(const Session *session, SessionEvent *ret);
uint64_t session_n_events(const Session *session);
