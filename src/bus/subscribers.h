/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Subscribers - clients of whom it must be known when they leave
 *
 * Those who asked for the signal Settled, took from the inbox, or answer to methods. Such a client has a place, until
 * it leaves the bus, says so, or keeps nothing when another wants its place. One user does not get them all, and some
 * are root's alone, so that whoever opens connections shuts nobody else out. A guest has no place: he is watched while
 * it is found out who he is. (For Settled nobody asks who it is.)
 *
 * sd_bus_track would do the same, but asks the bus whether the client is there and waits for the answer; this asks and
 * goes on.
 *
 * Owns:   a match on each client's name.
 */

#include <stdbool.h>
#include <systemd/sd-bus.h>

#define SUBSCRIBERS_MAX      128
#define SUBSCRIBERS_USER_MAX 64 /* of one user, root excepted */
#define SUBSCRIBERS_ROOT     8  /* that root alone may have */
#define SUBSCRIBERS_ANYBODY  ((uid_t)-1) /* it is not known whose he is */

enum {
        _SUBSCRIBERS_E_SUCCESS,
        SUBSCRIBERS_E_FULL,
        SUBSCRIBERS_E_USER, /* this user has SUBSCRIBERS_USER_MAX */
};

typedef struct Subscriber Subscriber;

typedef struct Subscribers {
        Subscriber *first;
        size_t n; /* with a place */
        bool (*keeps)(void *userdata, const char *name); /* does he still have what he came for? NULL: always */
        void (*left)(void *userdata, const char *name); /* it left the bus, or we did; may be NULL */
        void *userdata;
} Subscribers;

void subscribers_clear(Subscribers *s);
/* The sender of message gets a place. Adding it twice is adding it once. 0, SUBSCRIBERS_E_* or negative errno. */
int subscribers_add(Subscribers *s, sd_bus_message *message, uid_t user);
void subscribers_remove(Subscribers *s, const char *name);

/* The sender of message is a guest, unless he has a place; until he gets one, or is dismissed. */
int subscribers_watch(Subscribers *s, sd_bus_message *message);
void subscribers_dismiss(Subscribers *s, const char *name); /* who has a place keeps it */

