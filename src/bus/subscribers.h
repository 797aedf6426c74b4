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
 * One rule of the bus tells of all that leave (bus.c): a rule for each client, as sd_bus_track has it, is one that the
 * bus may refuse, for it keeps only so many for one connection. Pure: clients are their unique names.
 *
 * Owns:   a copy of each name.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

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
/* He gets a place. Adding him twice is adding him once. 0, SUBSCRIBERS_E_* or negative errno. */
int subscribers_add(Subscribers *s, const char *name, uid_t user);
void subscribers_remove(Subscribers *s, const char *name);
/* Somebody left the bus, be he one of these or not. */
void subscribers_left(Subscribers *s, const char *name);

/* He is a guest, unless he has a place; until he gets one, or is dismissed. */
int subscribers_watch(Subscribers *s, const char *name);
void subscribers_dismiss(Subscribers *s, const char *name); /* who has a place keeps it */

