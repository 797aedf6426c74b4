/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/metric-text.h"

#include "base/json.h"
#include "base/number.h"

static const char *suffix_of(MetricType type)
{
        return type == METRIC_COUNTER ? "_total" : type == METRIC_INFO ? "_info" : "";
}

static const char *word_for(MetricType type, MetricsForm form)
{
        switch (type) {
        case METRIC_COUNTER:
                return "counter";
        case METRIC_STATES:
                return form == METRICS_OPEN ? "stateset" : "gauge";
        case METRIC_INFO:
                return form == METRICS_OPEN ? "info" : "gauge";
        case METRIC_GAUGE:
                break;
        }
        return "gauge";
}

/* OpenMetrics names a family without what its samples add; the older text format knows no name but the samples'. */
static void put_name(Buffer *b, MetricsForm form, const MetricFamily *family)
{
        buffer_append_string(b, family->name);
        if (form != METRICS_OPEN)
                buffer_append_string(b, suffix_of(family->type));
}

static void put_line(Buffer *b, const char *what, MetricsForm form, const MetricFamily *family, const char *text)
{
        buffer_printf(b, "# %s ", what);
        put_name(b, form, family);
        buffer_printf(b, " %s\n", text);
}

void metric_family(Buffer *b, MetricsForm form, const MetricFamily *family)
{
        put_line(b, "TYPE", form, family, word_for(family->type, form));
        if (family->unit && form == METRICS_OPEN)
                put_line(b, "UNIT", form, family, family->unit);
        put_line(b, "HELP", form, family, family->help);
}

/* Names and words of ours are ASCII; what others chose was held to be UTF-8 where it came in. */
static void put_escaped(Buffer *b, const char *s)
{
        for (; *s; s++)
                if (*s == '\n')
                        buffer_append_string(b, "\\n");
                else {
                        if (*s == '"' || *s == '\\')
                                buffer_append_char(b, '\\');
                        buffer_append_char(b, *s);
                }
}

static void put_labels(Buffer *b, const MetricLabel *labels)
{
        char before = '{';

        for (; labels->name; labels++) {
                buffer_append_char(b, before);
                buffer_append_string(b, labels->name);
                buffer_append_string(b, "=\"");
                put_escaped(b, labels->value);
                buffer_append_char(b, '"');
                before = ',';
        }
        if (before == ',')
                buffer_append_char(b, '}');
        buffer_append_char(b, ' ');
}

static void begin_sample(Buffer *b, const MetricFamily *family, const MetricLabel *labels)
{
        buffer_append_string(b, family->name);
        buffer_append_string(b, suffix_of(family->type));
        put_labels(b, labels);
}

void metric_count(Buffer *b, const MetricFamily *family, const MetricLabel *labels, uint64_t value)
{
        begin_sample(b, family, labels);
        json_unsigned(b, value);
        buffer_append_char(b, '\n');
}

void metric_real(Buffer *b, const MetricFamily *family, const MetricLabel *labels, double value)
{
        char text[NUMBER_TEXT_MAX];

        begin_sample(b, family, labels);
        buffer_append(b, text, number_format(value, text));
        buffer_append_char(b, '\n');
}

void metric_seconds(Buffer *b, const MetricFamily *family, const MetricLabel *labels, usec_t value)
{
        metric_real(b, family, labels, (double)value / (double)USEC_PER_SEC);
}

void metric_state(Buffer *b, const MetricFamily *family, MetricLabel label, const char *state, bool is_it)
{
        const MetricLabel labels[] = {{family->name, state}, label, {}};

        metric_count(b, family, labels, is_it);
}

void metric_end(Buffer *b, MetricsForm form)
{
        if (form != METRICS_OPEN)
                return; /* the older format has no end */
        buffer_append_string(b, "# EOF\n");
}
