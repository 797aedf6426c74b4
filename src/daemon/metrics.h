/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Metrics - the daemon's numbers, for programs that collect such
 *
 * In a file, for a collector that reads files, and over a socket, for one that asks. Neither without being set. What
 * cannot be done is logged once, told for as long as it is so, and tried again at each interval; nothing else suffers
 * from it.
 *
 * Owns:   file, socket, and who is connected to it.
 * Knows:  the numbers only as a text that it asks for.
 * Time:   boot clock; it wants to be ticked.
 */

#include <systemd/sd-event.h>

#include "base/buffer.h"
#include "base/ticker.h"
#include "flow/metrics.h"

#define METRICS_LISTEN "unix:" /* what metrics.listen begins with */

typedef struct MetricsSettings {
        char *file;   /* NULL: none */
        char *listen; /* NULL: nowhere */
        char *group;  /* of the socket; NULL: that of the process */
        usec_t interval_usec;
} MetricsSettings;

/* Where the text comes from: appended. And who is told what of it cannot be had now, in words; NULL: nothing. */
typedef struct MetricsSource {
        void (*write)(void *userdata, MetricsForm form, Buffer *b);
        void (*problem)(void *userdata, const char *problem);
        void *userdata;
} MetricsSource;

typedef struct Metrics Metrics;

int metrics_new(Metrics **ret, sd_event *event, const Clock *clock, const MetricsSource *source);
Metrics *metrics_free(Metrics *m); /* socket and file go */
DEFINE_CLEANUP(Metrics *, metrics_free);

/* settings are copied. -ENOMEM: what was there stays. */
int metrics_configure(Metrics *m, const MetricsSettings *settings);
Ticker metrics_ticker(Metrics *m);
