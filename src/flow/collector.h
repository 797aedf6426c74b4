/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Collector - readings into the queue
 *
 * Where sensors and local services meet the disk: stamps the time, encodes the record, appends it to its
 * stream, and answers those who asked for a receipt. Counts what it refuses.
 */

#include "flow/stream.h"
#include "model/sink.h"
#include "queue/queue.h"

typedef struct Collector Collector;

int collector_new(Collector **ret, Queue *queue, const Clock *clock);
Collector *collector_free(Collector *c); /* after queue_close(), which answers all receipts */
DEFINE_CLEANUP(Collector *, collector_free);

/* The streams that readings may name. */
int collector_configure(Collector *c, const StreamSettings *streams, size_t n_streams);

/* The sensors' way in; `changed` goes to the function given here. */
ReadingSink collector_reading_sink(Collector *c, void (*changed)(void *userdata, const SensorStatus *sensor),
                                   void *userdata);
/* Hears of each reading that is fit to be one, the sensors' and the local services', stored or not. */
void collector_watch(Collector *c, void (*taken)(void *userdata, const Reading *reading), void *userdata);
/* The local services' way in. */
Intake collector_intake(Collector *c);

const uint64_t *collector_refused(const Collector *c); /* _REFUSAL_MAX counters */
