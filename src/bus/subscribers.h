/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Subscribers - clients of whom it must be known when they leave
 *
 * Those who asked for the signal Settled, or took from the inbox. A client stays until it says so or leaves the bus.
 * sd_bus_track would do the same, but asks the bus whether the client is there and waits for the answer; this asks and
 * goes on.
 *
 * Owns:   a match on each client's name.
 */

#include <systemd/sd-bus.h>

#define SUBSCRIBERS_MAX 128

enum {
        _SUBSCRIBERS_E_SUCCESS,
        SUBSCRIBERS_E_FULL,
};

typedef struct Subscriber Subscriber;

typedef struct Subscribers {
        Subscriber *first;
        size_t n;
        void (*left)(void *userdata, const char *name); /* it left the bus, or we did; may be NULL */
        void *userdata;
} Subscribers;

void subscribers_clear(Subscribers *s);
/* The sender of message. Adding it twice is adding it once. 0, SUBSCRIBERS_E_FULL or negative errno. */
int subscribers_add(Subscribers *s, sd_bus_message *message);
void subscribers_remove(Subscribers *s, const char *name);
