/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Pulse - a row of Tickers on one timer
 *
 * Before every sleep all are asked when they want to be woken; at that time those whose deadline has come
 * are ticked, in the order in which they were added. So nobody has to re-arm anything, and deadlines that
 * fall together cost one wake-up.
 *
 * Owns:   the timer.
 * Time:   boot clock.
 */

#include <systemd/sd-event.h>

#include "base/ticker.h"

typedef struct Pulse Pulse;

int pulse_new(Pulse **ret, sd_event *event, const Clock *clock);
Pulse *pulse_free(Pulse *p);
DEFINE_CLEANUP(Pulse *, pulse_free);

int pulse_add(Pulse *p, Ticker ticker); /* until pulse_free(), before which the userdata must live */

uint64_t pulse_wakeups(const Pulse *p); /* how often the timer ended a sleep */
