/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Inquest - what becomes of messages that can never be sent
 *
 * A pack that breaks the link is taken apart, its parts are read again and fly alone, until the record that does it
 * stands alone. That one, and what is over the hub's limits, is set aside among the dead letters; the rest goes on.
 * As long as the dead letters have no room, what was condemned waits as a range, and the others go on.
 *
 * Owns:   the condemned, the parts, and the loader that reads them.
 * Knows:  the tower, the queue; of the dead letters a row of functions.
 * Time:   boot clock.
 */

#include "flow/condemned.h"
#include "flow/loader.h"
#include "flow/remains.h"
#include "flow/set-aside.h"
#include "flow/tower.h"

typedef struct Inquest {
        Queue *queue;
        Tower *tower;
        Losses *losses;
        SetAside aside; /* move is NULL: nobody keeps them, and they are settled at once */
        void (*launch)(void *userdata, const Flight *flight, usec_t now);
        void *userdata;

        Condemned condemned;
        Remains remains;
        LoaderPeers peers;
        Loader loader;
        usec_t again_usec; /* somebody had no time; USEC_INFINITY: all had */
} Inquest;

/* peers: as those of the other loaders. Stays where it is. */
void inquest_init(Inquest *q, const LoaderPeers *peers, Tower *tower);
void inquest_done(Inquest *q);

void inquest_set_aside(Inquest *q, Flight *flight, Outcome why, usec_t now); /* the flight may be gone afterwards */
void inquest_work(Inquest *q, usec_t now);
usec_t inquest_deadline(const Inquest *q);
/* A message that was never sent, of a stream that is held: it is put off. False: it has to fly as any other. */
bool inquest_put_off(Inquest *q, const Flight *flight);
bool inquest_is_past(const Inquest *q, usec_t appended_usec);
