/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Window - sealed messages until the hub has acknowledged them
 *
 * In the order in which they were sealed, which is the order in which they are sent, and sent again. At most
 * so many messages and WINDOW_BYTES_MAX bytes; while one flies at a time, some witnesses beside them, in the bytes of
 * one message of the greatest size. Urgent ones leave two places and half of the bytes to the normal lane, so that an
 * urgent flood delays it and never stops it. The backlog leaves the last place of its lane, and room for a pack, to
 * the news.
 *
 * Owns:   the messages.
 * Knows:  nothing of hub or queue beyond the names of the lanes. Pure.
 */

#include "flow/packer.h"
#include "queue/queue.h"

#define WINDOW_BYTES_MAX     ((size_t)512 * 1024)
#define WINDOW_PLACES_NORMAL 2u
#define WINDOW_WITNESSES     4u

typedef struct Flight {
        Message *message;
        QueueLane lane;
        QueueSource source;
        unsigned stream;
        usec_t appended_usec; /* boot clock: its first record */
        usec_t expires_usec;  /* boot clock; counts only while it was never sent */
        bool is_notice;       /* the queue's own */
        bool is_remains;      /* of a pack that was condemned */

        /* the window's */
        uint64_t ticket; /* rises from flight to flight */
        size_t size;
        usec_t sent_usec;     /* boot clock: the last time */
        bool in_air;          /* sent on the present link */
        bool was_sent;        /* on any link: the hub may have it */
        bool is_unfit;        /* a dead letter to be */
        Outcome why;
} Flight;

/* It can be taken apart. */
static inline bool flight_is_pack(const Flight *flight)
{
        return flight->message->last > flight->message->first;
}

typedef struct Window {
        Flight *flights;
        size_t n_flights, n_max, n_allocated;
        uint64_t last_ticket;
        size_t n_lane[_QUEUE_LANE_MAX];
        size_t bytes_lane[_QUEUE_LANE_MAX];
        size_t n_backlog; /* of both lanes */
} Window;

int window_configure(Window *w, size_t n_max); /* what flies already goes on flying */
void window_done(Window *w);

bool window_has_room(const Window *w, QueueLane lane, QueueSource source, size_t size);
/* While messages fly one at a time: some more may come beside those that wait, whatever their lane. Up to
 * WINDOW_BYTES_MAX bytes wait: then there is room for one of any size. */
bool window_has_witness_room(const Window *w, size_t size);
/* Takes the message; there must be room of either kind. */
Flight *window_add(Window *w, const Flight *flight);
Flight *window_find(Window *w, uint64_t ticket);
void window_remove(Window *w, Flight *flight);

Flight *window_first_grounded(Window *w); /* the first that is not in the air, and is to be; NULL */
bool window_has_grounded(const Window *w);
void window_ground(Window *w);            /* the link was lost: none is in the air */

/* Holds nothing that was appended up to then. */
bool window_is_past(const Window *w, usec_t appended_usec);
