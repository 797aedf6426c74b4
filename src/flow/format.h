/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Format - a stream's settings, compiled: what its records look like as messages
 *
 * Dresses every message: its identity STREAM.EPOCH.FIRST-LAST as message id (or, where the stream has a message
 * id of its own, as property `hl`), the mark of a backlog, creation time, the stream's properties. The same
 * records in the same message always get the same dress.
 *
 * Owns:   its templates.
 * Knows:  of the queue only what its notices say; nothing of the hub. Pure.
 */

#include "flow/packer.h"
#include "flow/stream.h"
#include "flow/template.h"

#define PROPERTY_IDENTITY "hl"
#define PROPERTY_BACKFILL "hl-backfill"
#define PROPERTY_NOTICE   "hl-notice"

typedef struct FormatProperty {
        char *name;
        Template *value;
} FormatProperty;

typedef struct Format {
        Name stream, component;
        StreamFormat kind;
        usec_t max_latency_usec;
        usec_t expire_after_usec;
        Template *body;
        Template *message_id;
        Template *correlation_id;
        FormatProperty *properties;
        size_t n_properties;
} Format;

/* Which records a message holds, and how they came to it. */
typedef struct Cargo {
        uint64_t epoch, first, last;
        bool backfill;     /* it comes from a backlog */
        usec_t wall_usec;  /* of the last record; 0: not known */
        const char *device;
        const char *unit; /* of the reading's first channel, where there is one reading */
} Cargo;

/* -EINVAL for a bad template, which the settings should have refused; -ENOMEM. */
int format_new(Format **ret, const StreamSettings *settings);
/* For records of a stream that is not configured any more: arrays, and all the usual values. */
int format_new_usual(Format **ret, const char *stream);
Format *format_free(Format *f);
DEFINE_CLEANUP(Format *, format_free);

/* What a pack that begins with that number will bear besides its body, or a few bytes more. */
int format_overhead(const Format *f, const Cargo *cargo, size_t *ret);

/* Each gives a new message. Only -ENOMEM, and -EBADMSG from the last two. */
int format_pack(const Format *f, const Cargo *cargo, Message **ret); /* still without its body */
int format_reading(const Format *f, const Cargo *cargo, const Reading *reading, Message **ret);
int format_message(const Format *f, const Cargo *cargo, const void *payload, size_t size, Message **ret);
int format_notice(const Format *f, const Cargo *cargo, const void *payload, size_t size, Message **ret);
