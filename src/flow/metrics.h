/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Metrics - what the daemon counts, as OpenMetrics text
 *
 * Names, units and the meaning of each stand in the text itself (# HELP), and in hublinkd(8). Counters count since the
 * daemon began, those of the ledger since the queue was made. What is a state is one sample for each word that it may
 * have, of which one is 1.
 *
 * Pure.
 */

#include "flow/uplink.h"
#include "hub/hub.h"
#include "model/status.h"
#include "queue/queue.h"

typedef enum MetricsForm {
        METRICS_OPEN,     /* all that OpenMetrics has words for */
        METRICS_TEXTFILE, /* the older text format: counters and gauges alone, named as their samples */
} MetricsForm;

/* Any of these may be NULL, save for the status; then there are no such samples. */
typedef struct MetricsFacts {
        const Status *status;
        const Queue *queue;            /* for the ledger of each stream */
        const HubStatus *link;
        const UplinkTraffic *traffic;
        const uint64_t *calls;         /* AUDIT_HUNDREDS counters */
        uint64_t wakeups;
        usec_t cpu_usec;               /* of the process */
        uint64_t resident_bytes;       /* 0: not known */
} MetricsFacts;

/* Appends the whole text, to its # EOF if the form has one. */
void metrics_write(const MetricsFacts *facts, MetricsForm form, Buffer *b);
