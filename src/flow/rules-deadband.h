/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Deadband - which of a channel's values are worth sending
 *
 * One goes when it differs by more than the width from what was sent last, or is of another quality. What stays is
 * known to within the width. Where the longest silence is over, the last one that stayed goes: so a consumer sees that
 * the sensor lives. Without a new value there is nothing to be said, and the silence goes on.
 *
 * One that comes too soon after the last waits; if the next ones return to what was sent, it never goes.
 *
 * Sensors are read at round times, a little sooner or later. So a silence counts as over that little before its end,
 * and waits that little beyond for the read that is due: it costs no wake-up of its own.
 *
 * Pure.   Time: that of its sensor (rules-time.h).
 */

#include "flow/rules-settings.h"
#include "model/reading.h"

#define DEADBAND_LENIENCE (50 * USEC_PER_MSEC)

/* All zero: nothing was sent yet. */
typedef struct Deadband {
        bool has_sent;
        double sent;
        Quality quality;
        usec_t sent_usec;
        enum {
                DEADBAND_EMPTY,
                DEADBAND_STAYS, /* a value that says nothing new */
                DEADBAND_WAITS, /* one that came too soon */
        } held;
} Deadband;

/* Is it to go now? Then it counts as sent. */
bool deadband_take(Deadband *d, const DeadbandSettings *s, double value, Quality quality, usec_t now);
/* It went, whatever was asked of it. */
void deadband_sent(Deadband *d, double value, Quality quality, usec_t now);
/* What went did not arrive: the next one goes. */
void deadband_forget(Deadband *d);

/* When the value that came last is to go after all. */
usec_t deadband_deadline(const Deadband *d, const DeadbandSettings *s);

/* Values that come in step, each next one at a known time: does it differ, or would the next be too late? */
bool deadband_differs(const Deadband *d, const DeadbandSettings *s, double value, Quality quality);
bool deadband_is_silent(const Deadband *d, const DeadbandSettings *s, usec_t next);
