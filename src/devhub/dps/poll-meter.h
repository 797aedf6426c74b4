/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Poll meter - how often each device asks for its assignment
 *
 * 5 times within 10 s; who asks more often is told how long to wait (protocol reference 7.5). What is counted is the
 * operation, of which a device has one at a time: it begins anew when it registers anew. Pure.
 *
 * Owns:   a note on each operation that was asked for within that time.
 * Time:   boot clock, given with each call.
 */

#include "base/clock.h"

#define POLL_METER_MAX         5
#define POLL_METER_WINDOW_USEC (10 * USEC_PER_SEC)

typedef struct PollMeter PollMeter;

int poll_meter_new(PollMeter **ret);
PollMeter *poll_meter_free(PollMeter *meter);
DEFINE_CLEANUP(PollMeter *, poll_meter_free);

/* 0: it may ask, and that was counted; else how long it is to wait. */
usec_t poll_meter_take(PollMeter *meter, const char *operation_id, usec_t now);
