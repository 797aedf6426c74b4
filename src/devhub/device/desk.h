/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Desk - what one part of the hub has to do with the clients on MQTT
 *
 * C2D messages, twins, methods and provisioning each have one; the server tells them what comes. Members that a desk
 * has no use for are NULL.
 */

#include "devhub/net/links.h"

#define DESK_KIND(kind) (UINT32_C(1) << (kind))

typedef struct Desk {
        uint32_t kinds; /* of topics whose requests it answers: DESK_KIND(TOPIC_TWIN_GET) | ... */
        /* True: the client is no device of the hub but this desk's own guest, and the desk has judged it. */
        bool (*connect)(void *userdata, Link *link, const MqttConnect *connect, SessionGrant *ret);
        /* NULL, or why the connection is closed (static text). */
        const char *(*request)(void *userdata, Link *link, const SessionRequest *request);
        void (*connected)(void *userdata, Link *link); /* as a device or module; its CONNACK is not written yet */
        void (*subscribed)(void *userdata, Link *link); /* its subscriptions may have changed; not of a guest */
        /* What was published to it with QoS 1 under the tag has its PUBACK. One desk alone may publish so to a link. */
        void (*acknowledged)(void *userdata, Link *link, uint64_t tag);
        void (*ended)(void *userdata, Link *link);
        /* An identity was deleted or disabled; its links have been told. module_id NULL: with all modules. */
        void (*forgotten)(void *userdata, const char *device_id, const char *module_id);
        void *userdata;
} Desk;
