/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Ticker - something that wants to be woken at a time
 *
 * The cores of this house own no timers. Each says when it next wants to be called (deadline) and is then
 * called with the time (tick). base/pulse turns a row of them into one sd-event timer; the tests turn the
 * same row into virtual time. Deadlines are asked again before every sleep, so there is nothing to re-arm.
 *
 * Time: boot clock. A deadline of USEC_INFINITY means "nothing to do"; one in the past means "now". It does not move by
 * being asked: who says "now" with the clock's own time says something later each time, and is never called.
 */

#include "base/clock.h"

typedef struct Ticker {
        const char *name; /* for logs and wake-up counts; static */
        usec_t (*deadline)(void *userdata);
        void (*tick)(void *userdata, usec_t now);
        void *userdata;
} Ticker;
