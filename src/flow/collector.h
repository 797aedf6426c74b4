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
/* Hears of each reading of the local services that is fit to be one, stored or not. What sensors read is not all that
 * comes here: rules stand in between. */
void collector_watch(Collector *c, void (*taken)(void *userdata, const Reading *reading), void *userdata);
/* Hears of each reading of a sensor that was appended and carries a position. */
void collector_note_positions(Collector *c,
                              void (*appended)(void *userdata, const Reading *reading, unsigned stream, uint64_t n),
                              void *userdata);
/* The local services' way in. */
Intake collector_intake(Collector *c);

/* Is all that this stream was given on the disk? Of one that is not in the settings any more: all that any was. */
bool collector_has_stored(const Collector *c, const char *stream);

const uint64_t *collector_refused(const Collector *c); /* _REFUSAL_MAX counters */
