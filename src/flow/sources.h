/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Sources - of each growing file that a sensor reads, how far that is, and which of its records wait for that to be
 * stored
 *
 * A source is a sensor and the place of its file, for it is the file that was read and not the name. A sensor whose
 * path is another one is another source, and begins as a new one does. One that has a new name goes on where the source
 * of the same place stands that no sensor has any more; and one of an earlier version, whose place was not noted, is
 * that of whoever has its name.
 *
 * Of the records of a source, those that the stored position does not cover are known by their first number and a few
 * marks: if there are many, every other one is forgotten, and the position is a little behind for it. The newest always
 * has a mark.
 *
 * Pure.
 */

#include "base/buffer.h"
#include "model/sink.h"

#define SOURCE_MARKS_MAX 16 /* of a source, waiting for their commit */

/* Who reads what, as the settings say. */
typedef struct SourceName {
        Name sensor;
        uint32_t place;
} SourceName;

/* The record with this number has this position. */
typedef struct SourceMark {
        uint64_t n;
        SourcePosition at;
} SourceMark;

typedef struct Source {
        SourceName name;
        SourcePosition read;    /* as far as it was, in this life; serial 0: not at all */
        SourcePosition latest;  /* as far as it need not be read again */
        SourcePosition stored;  /* as the file of positions says */
        SourcePosition storing; /* as it will say */
        uint64_t storing_n;     /* then records up to there are covered; 0: as before */

        unsigned stream;
        uint64_t held_from; /* its first record that is not covered; 0: all are */
        SourceMark marks[SOURCE_MARKS_MAX];
        size_t n_marks;
} Source;

typedef struct Sources {
        Source *all;
        size_t n;
        SourceName *expected; /* by the settings; whatever else is known has no sensor now */
        size_t n_expected;
} Sources;

void sources_done(Sources *s);

/* From now on there are these. -ENOMEM. */
int sources_expect(Sources *s, const SourceName *names, size_t n);

/* Where this sensor is to go on; it is its own from then on. NULL: nothing is known. */
Source *sources_claim(Sources *s, const char *sensor, uint32_t place);
/* Its own; made if need be. place 0: an earlier version noted none. NULL: without memory, or there are too many; such a
 * source is not kept. */
Source *sources_get(Sources *s, const char *sensor, uint32_t place);

/* All is stored that is known, and no record waits. */
bool source_is_clean(const Source *s);
/* A record was appended to the stream. True: others wait in another stream, and are forgotten. */
bool source_append(Source *s, const SourcePosition *at, unsigned stream, uint64_t n);
/* It need not be read again up to there. */
void source_reach(Source *s, const SourcePosition *at);
/* Chooses what is to be stored of it: up to its newest record before `durable`. True: that is news. */
bool source_choose(Source *s, uint64_t durable);
/* The highest number of its stream up to which nothing of it waits, once what was chosen is stored. */
uint64_t source_covered(const Source *s, uint64_t durable);
void source_stored(Source *s);

/* A line of the file of positions:
 *
 *   source SENSOR SERIAL FILE OFFSET MTIME CHECK PLACE
 *
 * Earlier versions wrote no PLACE. */
void sources_print(const Sources *s, Buffer *b);
/* False: that is none. */
bool sources_take_line(Sources *s, const char *line);
