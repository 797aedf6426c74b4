/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Outbox - what passed the rules of one sensor, on its way to being readings again
 *
 * A reading has one time and one quality. So values that were taken together and are as good as each other go
 * together, and one that is marked travels in a reading of its own: it does not taint the others.
 *
 * Names and texts are borrowed until the outbox is emptied.
 */

#include "flow/rules-deadband.h"
#include "model/sink.h"

#define OUTBOX_MAX (4 * READING_CHANNELS_MAX)

/* When a value was taken. */
typedef struct OutboxTime {
        usec_t boot_usec; /* 0: now */
        usec_t wall_usec; /* as the source said; 0: it did not */
        bool wall_trusted;
} OutboxTime;

typedef struct OutboxItem {
        const char *name;
        Value value;
        Quality quality;
        OutboxTime time;
        Deadband *band; /* forgets the value if it is refused; NULL: nobody cares */
        uint64_t of;    /* 1 << its place among the channels of the reading at hand; 0: it is of none */
} OutboxItem;

typedef struct Outbox {
        OutboxItem items[OUTBOX_MAX];
        size_t n;
        uint64_t refused; /* of the reading at hand */
} Outbox;

static inline void outbox_add(Outbox *o, const OutboxItem *item)
{
        o->items[o->n++] = *item;
}

/* How far the source of these readings was read. It travels with the next one that goes, whichever that is, but not
 * beyond a line of which something is held back: that is read again if the daemon does not live to send it. */
typedef struct OutboxSource {
        bool waits; /* for a reading to travel with */
        Name name;
        SourcePosition position;
} OutboxSource;

/* Where its readings go. */
typedef struct OutboxPost {
        const ReadingSink *sink;
        const char *stream; /* NULL: the usual one */
        const char *sensor;
        OutboxSource *source;
        /* Lowers it to where the source is to be read on from. */
        void (*limit)(void *userdata, const char *source, SourcePosition *at);
        void *userdata;
        usec_t now;
} OutboxPost;

/* Returns what the sink said: 0, or of several refusals one. */
int outbox_empty(Outbox *o, const OutboxPost *post);
