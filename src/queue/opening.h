/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Opening - all lanes of a directory, opened together or not at all
 *
 * A job like any other, so that a queue whose disk comes late opens without blocking the loop. What the lanes
 * found is merged by the queue, on the loop.
 *
 * Owns:   what it found, until it is taken.
 */

#include "queue/lane.h"

typedef struct Opening Opening;
struct Opening {
        DiskJob job; /* its done is the queue's */
        usec_t since_usec; /* when it was submitted */
        LaneHost host;
        char *directory;
        Lane *lanes[_QUEUE_LANE_MAX];
        LaneFound found[_QUEUE_LANE_MAX];
        Notices notices; /* with the streams */
        char *aside; /* a lane that was set aside for a newer hublink, now or earlier, and is there; NULL: none */
        int error;
        char reason[LANE_REASON_MAX];
        void *userdata;
};

int opening_new(Opening **ret, const LaneHost *host, const char *directory);
Opening *opening_free(Opening *o);
void opening_work(DiskJob *job, Disk *disk);
void opening_dropped(DiskJob *job);

/* All that the lanes know of the machine's boots. */
void opening_boots(const Opening *o, Boots *ret);
/* What the lanes found, as streams: name and numbers by identity, and what is settled, newest first. Lost
 * numbers, which no slot can hold, are told too. */
int opening_streams(Opening *o, Stream *ret_streams[static RECORD_STREAMS]);
