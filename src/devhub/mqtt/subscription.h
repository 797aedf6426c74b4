/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Subscriptions - the topic filters that a device holds
 *
 * IoT Hub knows a short list of filters, and a device may hold five. Filters of its own making it refuses, by
 * closing the connection. Pure.
 */

#include "devhub/mqtt/mqtt-packet.h"

#define SUBSCRIPTIONS_MAX 5

typedef struct Subscription {
        char *filter;
        uint8_t qos; /* granted: 0 or 1 */
} Subscription;

typedef struct Subscriptions {
        Subscription held[SUBSCRIPTIONS_MAX];
        size_t n_held;
} Subscriptions;

enum {
        _SUBSCRIPTIONS_E_SUCCESS,
        SUBSCRIPTIONS_E_UNKNOWN,  /* not a filter of IoT Hub, or that of another device */
        SUBSCRIPTIONS_E_TOO_MANY,
};

/* Asked for again, a filter takes the place of the old one. QoS 2 is granted as 1. */
int subscriptions_add(Subscriptions *s, const char *device_id, const char *module_id, MqttText filter, uint8_t qos,
                      uint8_t *ret_granted);
void subscriptions_remove(Subscriptions *s, MqttText filter);
void subscriptions_done(Subscriptions *s);
