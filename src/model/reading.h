/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Reading - one read of one sensor with all its channels, one time, one quality
 *
 * A view: names and texts are borrowed, for the length of a call, from the driver that read them or from the
 * record that holds them. Whoever wants to keep a reading keeps its record (reading_encode).
 */

#include "base/buffer.h"
#include "base/clock.h"
#include "model/name.h"

#define READING_CHANNELS_MAX 64
#define READING_TEXT_MAX     4096 /* bytes of one text value */

typedef enum ValueKind {
        VALUE_NUMBER,  /* finite */
        VALUE_INTEGER, /* 64 bits, signed */
        VALUE_BOOLEAN,
        VALUE_TEXT,    /* UTF-8 without NUL */
        _VALUE_KIND_MAX,
} ValueKind;

typedef struct Value {
        ValueKind kind;
        union {
                double number;
                int64_t integer;
                bool boolean;
                const char *text; /* borrowed */
        };
} Value;

typedef struct Channel {
        const char *name; /* borrowed */
        Value value;
} Channel;

/* How far the reading as a whole is to be trusted. Only what is not good is told to the consumer. */
typedef enum Quality {
        QUALITY_GOOD,
        QUALITY_BOUNDED, /* the time is known only within bounds */
        QUALITY_UNKNOWN, /* the time is a guess: the clock was never synchronised */
        QUALITY_STALE,   /* the value did not change or come for too long */
        QUALITY_RANGE,   /* the value is outside the range that its rule gives; on disk: add at the end */
        _QUALITY_MAX,
        _QUALITY_INVALID = -22,
} Quality;

const char *quality_to_string(Quality quality);
Quality quality_from_string(const char *text); /* _QUALITY_INVALID: there is none such */

/* How far a growing file was read once this reading is taken: it is stored with the reading, in one record, so that
 * neither is ever on the disk without the other. Which file it is, is known by what it holds as well: numbers of
 * files are given anew, and a copy has another one. */
typedef struct SourcePosition {
        uint64_t serial; /* counts up with each position of the source; 0: none */
        uint64_t file;   /* its number in its file system */
        uint64_t offset; /* the next byte to be read */
        uint64_t mtime;  /* when the file was written last, as far as was known then; in nanoseconds */
        uint32_t check;  /* of bytes at its beginning, and before the offset */
        uint32_t place;  /* source_place() of the path that was read; 0: that was not noted yet */
} SourcePosition;

/* A path in a number: whatever the sensor is called, by this its position is found again. */
uint32_t source_place(const char *path);

typedef struct Reading {
        const char *sensor;    /* borrowed; a valid name */
        usec_t wall_usec;      /* when it was taken, as far as was known then; 0: the collector fills it in */
        bool wall_trusted;     /* the clock was synchronised, or the source gave the time itself */
        usec_t age_usec;       /* unless that is trusted: so long before it was handed in it was taken, for certain */
        Quality quality;
        const Channel *channels; /* borrowed */
        size_t n_channels;       /* 1 .. READING_CHANNELS_MAX */
        const char *source;      /* borrowed: the sensor whose position follows; NULL: there is none */
        SourcePosition position, before; /* behind what it was made of, and before that */
} Reading;

/* May a source have meant this time? Microseconds are easily taken for seconds, milliseconds or nanoseconds: those
 * land decades away. Where our own clock is not to be believed, only the century is. */
bool reading_time_is_sane(const Clock *clock, usec_t wall_usec);
/* As far as that can be said without a clock: is it of our days? */
bool reading_time_is_of_our_days(usec_t wall_usec);
/* Of milliseconds since 1970, as lines and messages have them. 0: that is no time at all. */
usec_t reading_time_of_msec(double msec);

/* Room for the channels of a decoded reading. */
typedef struct ReadingSpace {
        Channel channels[READING_CHANNELS_MAX];
} ReadingSpace;

/* As bytes: little endian, texts ended by NUL so that they can be borrowed in place. Appends to b. */
void reading_encode(const Reading *reading, Buffer *b);

/* Back to a view that borrows from data and space. -EBADMSG for anything that reading_encode() did not write. */
int reading_decode(const void *data, size_t size, ReadingSpace *space, Reading *ret);
