/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The inside of the session, for the files that it is made of
 *
 * session.c          from CONNECT to its end: bytes into packets, and time
 * session-traffic.c  what passes while it is open
 */

#include "devhub/mqtt/delivery.h"
#include "devhub/mqtt/puback.h"
#include "devhub/mqtt/session.h"
#include "devhub/mqtt/will.h"

struct Session {
        SessionSink sink;
        SessionState state;
        const char *reason;
        Buffer input; /* the beginning of a packet whose end has not come yet */
        Buffer output;

        const char *device_id, *module_id;
        bool clean;
        usec_t keep_alive_usec;
        usec_t heard_usec; /* the last packet; before CONNECT: the beginning */
        usec_t held_until_usec; /* its CONNECT stands in the input till then; 0: it does not */
        usec_t ends_usec;
        Subscriptions subscriptions;
        uint64_t n_events;
        Deliveries deliveries;
        Will will;

        Pubacks pubacks;
};

/* session-traffic.c */
void session_on_publish(Session *s, const MqttPublish *publish, usec_t now);
void session_on_puback(Session *s, uint16_t id);
void session_on_subscribe(Session *s, MqttFilters filters);
void session_on_unsubscribe(Session *s, MqttFilters filters);
/* Who does not is cut: then it is false. */
bool session_is_reading(Session *s);
