/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Sensor - one configured sensor at work: its schedule, its device, its state
 *
 * Opens its device when it is first due, and again after each failure. What a read gives falls into the sink; what
 * it gave last is kept for the status. A change of state is told once, in the log and to the sink.
 *
 * Owns:   its settings, its device, the read that is under way.
 * Time:   boot clock, by sensor_deadline() and sensor_tick().
 */

#include "base/worker.h"
#include "sensor/driver.h"

typedef struct Sensor Sensor;

/* worker: for drivers that block; outlives the sensor. sink is borrowed. The sink of tools is not used. */
int sensor_new(Sensor **ret, const SensorSettings *settings, const DriverTools *tools, const ReadingSink *sink,
               Worker *worker);
Sensor *sensor_free(Sensor *s); /* does not wait for a read under way */
DEFINE_CLEANUP(Sensor *, sensor_free);

const SensorSettings *sensor_settings(const Sensor *s);
const SensorStatus *sensor_status(Sensor *s); /* valid until the loop turns */

/* From now on it is read so often; nothing else of it changes. */
void sensor_set_interval(Sensor *s, usec_t interval_usec);

/* There was a reload, and nothing of it changed. */
void sensor_remind(Sensor *s);

/* While it is well otherwise, it is stale now, and why is its last error; NULL: not any more. */
void sensor_set_stale(Sensor *s, const char *why);

usec_t sensor_deadline(const Sensor *s);
void sensor_tick(Sensor *s, usec_t now);
