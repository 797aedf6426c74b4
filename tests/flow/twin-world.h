/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Twin world - the world with a twin, and the hub's end of it on the wire
 *
 * The hub applies what it hears at once, and answers when the test's dice say so: soon, late, with an error, or never.
 * It pushes changes in their order to whoever listens, and keeps none for who does not. Everything that passes is
 * counted as a PUBLISH of the wire.
 *
 * Virtual time.
 */

#include "flow/state-file.h"
#include "flow/twin.h"
#include "world.h"

/* On its way down. */
typedef struct TwinWord {
        usec_t due_usec; /* boot clock */
        uint64_t generation;
        char *topic, *body;
} TwinWord;

/* How bad the hub is, each in so many of a hundred. */
typedef struct TwinWeather {
        unsigned late;    /* an answer after a minute or two, when nobody waits for it any more */
        unsigned lost;    /* no answer */
        unsigned refused; /* 429, and nothing is done */
        unsigned dropped; /* a push that does not arrive */
} TwinWeather;

typedef struct TwinWorld {
        World w;
        FakeRandom dice; /* the hub's */
        TwinWeather weather;

        /* the daemon's */
        Twin *twin;
        StateFile *file;
        Document *applied; /* settings in effect, over all lives */

        /* the hub's */
        Document *desired, *reported;
        uint64_t desired_version, reported_version;
        size_t n_heard; /* of w.far.published */
        TwinWord *words;
        size_t n_words;
        usec_t last_push_usec;

        /* what passed */
        uint64_t gets, patches, pushes, answers;
        uint64_t acknowledgements; /* patches with the section "settings" */
        uint64_t faults;           /* of the weather */
        uint64_t bytes;
} TwinWorld;

void twin_world_begin(TwinWorld *t, uint64_t seed);
void twin_world_end(TwinWorld *t);

unsigned twin_world_draw(TwinWorld *t, unsigned n);
/* The service changes the desired half; gives its version. */
uint64_t twin_world_desire(TwinWorld *t, const char *patch);
uint64_t twin_world_messages(const TwinWorld *t);
