/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Event position - from where on the events of a partition are wanted
 *
 * As people write it: start, end, N or sequence:N (the first one wanted), offset:N (the last one not wanted), a time
 * 2026-01-31T12:00:00Z, or a span as 10min (so long ago). As an Event Hubs endpoint takes it: a filter over an
 * annotation (protocol reference 9.4). Pure.
 */

#include "base/buffer.h"
#include "base/clock.h"

#define EVENT_OFFSET_MAX 64

typedef enum EventPositionKind {
        EVENT_FROM_START,
        EVENT_FROM_END,
        EVENT_FROM_SEQUENCE, /* this one and all after it */
        EVENT_AFTER_OFFSET,
        EVENT_FROM_TIME,
} EventPositionKind;

typedef struct EventPosition {
        EventPositionKind kind;
        uint64_t sequence;
        usec_t wall_usec;
        char offset[EVENT_OFFSET_MAX]; /* as text: it need not be a number */
} EventPosition;

/* -EINVAL: it is none of these. */
int event_position_parse(const char *text, usec_t wall_now, EventPosition *ret);
/* After the event with this offset; false: it is too long or could end a filter's text. */
bool event_position_after(EventPosition *position, const char *offset);
void event_position_filter(const EventPosition *position, Buffer *b);
