/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Position - where in a partition a reader wants to begin
 *
 * amqp.annotation.{key} {> or >=} {value}, the value in quotes or bare: an offset, '-1' (the start) or '@latest'; a
 * sequence number; or a time in milliseconds, whose key az spells in a way of its own (trap 43). Pure.
 */

#include "base/macro.h"

typedef enum PositionKind {
        POSITION_OFFSET,
        POSITION_SEQUENCE,
        POSITION_ENQUEUED,
        POSITION_LATEST,
} PositionKind;

typedef struct Position {
        PositionKind kind;
        int64_t value;  /* the first event lies behind this, or */
        bool inclusive; /* at it */
} Position;

#define POSITION_START ((Position){.value = -1})

int position_parse(const char *text, size_t size, Position *ret); /* -EINVAL */
