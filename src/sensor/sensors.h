/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Sensors - all configured sensors: their schedule, their workers, their state
 *
 * A sensor is a row of settings and a driver (driver.h). Sensors that are read have an interval and no drift;
 * equal intervals fall together, so that they cost one wake-up. Sensors that push watch a descriptor. One that
 * fails is read less and less often, while the others keep their times.
 *
 * Owns:   workers, descriptors, event sources.
 * Knows:  nothing of the queue; readings fall into the sink.
 */

#include <systemd/sd-event.h>

#include "base/backoff.h"
#include "base/stuck.h"
#include "base/ticker.h"
#include "model/sink.h"
#include "sensor/i2c-port.h"
#include "sensor/settings.h"

typedef struct Sensors Sensors;

int sensors_new(Sensors **ret, sd_event *event, const Clock *clock, const Random *random, const I2cPort *i2c,
                const ReadingSink *sink);
Sensors *sensors_free(Sensors *s);
DEFINE_CLEANUP(Sensors *, sensors_free);

/* For sensors that go on where they were; before they are configured. Without it they begin anew each time. */
void sensors_keep_positions(Sensors *s, const PositionBook *book);

/* From now on these, in this order. Those whose settings did not change go on undisturbed, and those with another
 * interval are read by that. A sensor that cannot
 * be opened is failing and tried again, never an error here. Borrows settings for the call. */
int sensors_configure(Sensors *s, const SensorSettings *settings, size_t n_settings);
Ticker sensors_ticker(Sensors *s);

/* Somebody who knows what is to be expected calls it stale, and says why; NULL: not any more. False: there is none of
 * that name. */
bool sensors_set_stale(Sensors *s, const char *name, const char *why);

/* The next device after *at, which begins with 0, that is not asked at all any more, for its threads do not come back;
 * false: there is no more. */
bool sensors_next_stuck(const Sensors *s, size_t *at, Stuck *ret);

size_t sensors_count(const Sensors *s);
const SensorStatus *sensors_status(const Sensors *s, size_t i);
