/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Clients - the connections to a socket, whose bytes become lines
 *
 * A stream is cut at its line ends; the end of a packet is the end of a line.
 *
 * Who may be connected when too many want to, sensor/places.h says. A client that begins a line and does not end it in
 * time is dropped. One that sent what is not to be understood is heard when nobody else has anything to say, until its
 * lines are good again: so what it costs to refuse them delays no reading.
 *
 * While the sink has no room, clients are not read, so that they wait.
 *
 * Owns:   their descriptors, and what came of a line.
 * Time:   boot clock, by clients_deadline() and clients_tick().
 */

#include "sensor/line-intake.h"
#include "sensor/places.h"

typedef struct Client Client;

typedef struct Clients {
        LineIntake *intake;
        sd_event *event;
        bool packets; /* not a stream */
        bool remote;  /* they may be elsewhere */
        Places places;

        usec_t slow_at;   /* none is too slow before */
        usec_t resume_at; /* to look for room; USEC_INFINITY: nobody waits for it */
        usec_t resume_wait;
} Clients;

void clients_init(Clients *c, LineIntake *intake, sd_event *event, unsigned max);
void clients_done(Clients *c);

/* Takes the descriptor; who has no place is turned away. */
void clients_add(Clients *c, int fd);

usec_t clients_deadline(const Clients *c);
void clients_tick(Clients *c, usec_t now);
