/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/window.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

int window_configure(Window *w, size_t n_max)
{
        size_t want = MAX(n_max, (size_t)1) + WINDOW_WITNESSES;
        Flight *more;

        if (want > w->n_allocated) {
                more = reallocarray(w->flights, want, sizeof(*more));
                if (!more)
                        return -ENOMEM;
                w->flights = more;
                w->n_allocated = want;
        }
        w->n_max = want - WINDOW_WITNESSES;
        return 0;
}

void window_done(Window *w)
{
        for (size_t i = 0; i < w->n_flights; i++)
                message_free(w->flights[i].message);
        free(w->flights);
        *w = (Window){};
}

static size_t bytes(const Window *w)
{
        return w->bytes_lane[QUEUE_LANE_NORMAL] + w->bytes_lane[QUEUE_LANE_URGENT];
}

/* What a small window left free would be all of it. */
static size_t spare_places(const Window *w, QueueSource source)
{
        return source == QUEUE_BACKLOG && w->n_max >= 4 ? 1 : 0;
}

static size_t spare_bytes(QueueSource source)
{
        return source == QUEUE_BACKLOG ? PACKER_SIZE_MAX : 0;
}

/* A small window leaves the normal lane half of its places. */
static bool urgent_has_room(const Window *w, QueueSource source, size_t size)
{
        size_t left_free = MIN((size_t)WINDOW_PLACES_NORMAL, w->n_max / 2) + spare_places(w, source);

        return w->n_lane[QUEUE_LANE_URGENT] + left_free < w->n_max &&
               (w->n_lane[QUEUE_LANE_URGENT] == 0 ||
                w->bytes_lane[QUEUE_LANE_URGENT] + size + spare_bytes(source) <= WINDOW_BYTES_MAX / 2);
}

/* A message that is larger than all the window's bytes is the hub's to refuse, not ours to hold for ever. */
bool window_has_room(const Window *w, QueueLane lane, QueueSource source, size_t size)
{
        if (w->n_flights + spare_places(w, source) >= w->n_max ||
            (w->n_flights > 0 && bytes(w) + size + spare_bytes(source) > WINDOW_BYTES_MAX))
                return false;
        return lane != QUEUE_LANE_URGENT || urgent_has_room(w, source, size);
}

/* What is larger than the hub's limit is refused at once. */
bool window_has_witness_room(const Window *w, size_t size)
{
        return w->n_flights < w->n_max + WINDOW_WITNESSES &&
               bytes(w) + MIN(size, (size_t)MESSAGE_SIZE_MAX) <= WINDOW_BYTES_MAX + MESSAGE_SIZE_MAX;
}

Flight *window_add(Window *w, const Flight *what)
{
        Flight *flight = &w->flights[w->n_flights];

        assert(w->n_flights < w->n_allocated);
        *flight = *what;
        flight->ticket = ++w->last_ticket;
        flight->size = message_size(what->message);
        w->n_flights++;
        w->n_lane[flight->lane]++;
        w->bytes_lane[flight->lane] += flight->size;
        w->n_backlog += flight->source == QUEUE_BACKLOG;
        return flight;
}

Flight *window_find(Window *w, uint64_t ticket)
{
        for (size_t i = 0; i < w->n_flights; i++)
                if (w->flights[i].ticket == ticket)
                        return &w->flights[i];
        return NULL;
}

void window_remove(Window *w, Flight *flight)
{
        size_t i = (size_t)(flight - w->flights);

        w->n_lane[flight->lane]--;
        w->bytes_lane[flight->lane] -= flight->size;
        w->n_backlog -= flight->source == QUEUE_BACKLOG;
        message_free(flight->message);
        w->n_flights--;
        memmove(flight, flight + 1, (w->n_flights - i) * sizeof(*flight));
}

static bool is_grounded(const Flight *flight)
{
        return !flight->in_air && !flight->is_unfit;
}

Flight *window_first_grounded(Window *w)
{
        for (size_t i = 0; i < w->n_flights; i++)
                if (is_grounded(&w->flights[i]))
                        return &w->flights[i];
        return NULL;
}

bool window_has_grounded(const Window *w)
{
        for (size_t i = 0; i < w->n_flights; i++)
                if (is_grounded(&w->flights[i]))
                        return true;
        return false;
}

void window_ground(Window *w)
{
        for (size_t i = 0; i < w->n_flights; i++)
                w->flights[i].in_air = false;
}

bool window_is_past(const Window *w, usec_t appended_usec)
{
        for (size_t i = 0; i < w->n_flights; i++)
                if (w->flights[i].appended_usec <= appended_usec)
                        return false;
        return true;
}
