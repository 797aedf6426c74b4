/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Formats - the format of each stream of the queue, and what all of them fill in
 *
 * Records of streams that are no longer configured go up in the usual format.
 *
 * Owns:   the formats, the device's id.
 */

#include "flow/format.h"
#include "flow/uplink.h"
#include "queue/queue.h"

typedef struct Formats {
        Queue *queue;
        Format *by_stream[QUEUE_STREAMS_MAX]; /* NULL until it is needed */
        bool may_expire;                      /* some stream has an expire_after */
        char *device_id;
        const char *(*unit)(void *userdata, const char *sensor, const char *channel);
        void *unit_userdata;
} Formats;

/* All or nothing: an error leaves them as they were. */
int formats_configure(Formats *f, const UplinkSettings *settings, const StreamSettings *streams, size_t n_streams);
void formats_done(Formats *f);

const Format *formats_get(Formats *f, unsigned stream); /* NULL only for want of memory */
const char *formats_unit(const Formats *f, const Reading *reading); /* of its first channel; NULL: none */
