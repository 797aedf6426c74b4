/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Metric text - the grammar of OpenMetrics
 *
 * A family is begun, then come its samples, all of them before the next family. The unit, where there is one, is the
 * end of the family's name.
 *
 * Pure.
 */

#include "base/buffer.h"
#include "base/clock.h"
#include "flow/metrics.h"

typedef enum MetricType {
        METRIC_COUNTER,
        METRIC_GAUGE,
        METRIC_STATES, /* one sample for each state */
        METRIC_INFO,   /* words about the whole */
} MetricType;

typedef struct MetricFamily {
        const char *name; /* without what its samples add to it, such as _total */
        MetricType type;
        const char *unit; /* NULL: none */
        const char *help;
} MetricFamily;

/* Labels of a sample, in a list ended by a name of NULL. */
typedef struct MetricLabel {
        const char *name, *value;
} MetricLabel;

#define METRIC_LABELS(...) ((const MetricLabel[]){__VA_ARGS__ __VA_OPT__(, ) {}})

void metric_family(Buffer *b, MetricsForm form, const MetricFamily *family);
void metric_count(Buffer *b, const MetricFamily *family, const MetricLabel *labels, uint64_t value);
void metric_real(Buffer *b, const MetricFamily *family, const MetricLabel *labels, double value);
void metric_seconds(Buffer *b, const MetricFamily *family, const MetricLabel *labels, usec_t value);
/* One of the states of a METRIC_STATES family. label: another than that of the state; a name of NULL: none. */
void metric_state(Buffer *b, const MetricFamily *family, MetricLabel label, const char *state, bool is_it);
void metric_end(Buffer *b, MetricsForm form);
