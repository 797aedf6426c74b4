/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Partitions - the event log as the Event Hubs-compatible endpoint shows it
 *
 * How many there are is fixed when the hub is made. A device's events all go to one of them, chosen by a hash of its
 * id. Within a partition events are numbered from 0 without a hole; the offset is the event's sequence number in the
 * whole log, which grows too, but not by one.
 *
 * An event gets its place with its row (event-log.c), so that a rollback takes both.
 */

#include "devhub/hub/event-row.h"

#define PARTITIONS_DEFAULT 4
#define PARTITIONS_MAX     STORE_PARTITIONS_MAX

/* Makes the places of a new hub, and finds them for the events of an older one. */
int partitions_prepare(Store *store);

int partitions_count(Store *store, unsigned *ret);
int partitions_created(Store *store, usec_t wall_now, usec_t *ret); /* wall clock: when this was first asked */
unsigned partition_of(const char *device_id, unsigned count);

typedef struct PartitionInfo {
        int64_t first, last; /* 0 and -1: it is empty */
        uint64_t last_offset;
        usec_t last_enqueued_usec;
} PartitionInfo;

int partition_info(Store *store, unsigned partition, PartitionInfo *ret);
/* -1: it is empty. For those who ask often: *statement is NULL at first, and the caller's to finalize. */
int partition_last(Store *store, sqlite3_stmt **statement, unsigned partition, int64_t *ret);

typedef enum PartitionKey {
        PARTITION_OFFSET,
        PARTITION_ENQUEUED, /* microseconds */
} PartitionKey;

/* The number of the first event whose key is greater; one past the last when there is none. By halving: where the
 * wall clock was set back, one of the places that fit is found. */
int partition_find_after(Store *store, unsigned partition, PartitionKey key, int64_t value, int64_t *ret_number);

/* Visits events from that number on, up to and including the last, at most limit of them; how many, or the visitor's
 * negative answer. */
typedef int (*PartitionVisitor)(void *userdata, const EventRow *row, int64_t number);
int partition_read(Store *store, unsigned partition, int64_t first, int64_t last, unsigned limit,
                   PartitionVisitor visit, void *userdata);
