/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Subscriptions - the topic filters that a device holds
 *
 * IoT Hub knows a short list of filters, and a device may hold five. Filters of its own making it refuses. Pure.
 */

#include "devhub/mqtt/mqtt-packet.h"

#define SUBSCRIPTIONS_MAX 5

/* What a filter asks for. */
typedef enum SubscriptionKind {
        SUBSCRIPTION_C2D,
        SUBSCRIPTION_INPUTS, /* of a module */
        SUBSCRIPTION_METHODS,
        SUBSCRIPTION_TWIN_RESPONSES,
        SUBSCRIPTION_TWIN_DESIRED,
        SUBSCRIPTION_CREDENTIALS,
        SUBSCRIPTION_REGISTRATION, /* of a device that is being provisioned */
} SubscriptionKind;

typedef struct Subscription {
        char *filter;
        SubscriptionKind kind;
        uint8_t qos; /* granted: 0 or 1 */
} Subscription;

typedef struct Subscriptions {
        Subscription held[SUBSCRIPTIONS_MAX];
        size_t n_held;
} Subscriptions;

enum {
        _SUBSCRIPTIONS_E_SUCCESS,
        SUBSCRIPTIONS_E_TOO_MANY,
};

/* Asked for again, a filter takes the place of the old one. QoS 2 is granted as 1. device_id NULL: the client has no
 * identity yet, and may only hear of its registration. *ret_code: for the SUBACK.
 *
 * A filter that the hub does not know, or another's, is no error, but its code is MQTT_SUBSCRIPTION_REFUSED: own forms
 * of filters are refused where topics are not forgiven (protocol reference 1.8). What the real hub does is documented
 * nowhere; 0x80 is what the reference has a devhub say (appendix D), though authors of Azure's own clients count on a
 * closed link (azure-iot-middleware-freertos, pull request 89). Of a sixth filter it says nothing: an error. */
int subscriptions_add(Subscriptions *s, const char *device_id, const char *module_id, MqttText filter, uint8_t qos,
                      uint8_t *ret_code);
const char *subscriptions_refusal(int k); /* why the link is closed; static text */
void subscriptions_remove(Subscriptions *s, MqttText filter);
/* Is one of the kind held, and with which QoS? */
bool subscriptions_have(const Subscriptions *s, SubscriptionKind kind, uint8_t *ret_qos);
void subscriptions_done(Subscriptions *s);
