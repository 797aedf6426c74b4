/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/rules-summary.h"

/* The mean goes along, so that no sum of giants becomes infinite; rounding does not carry it out of the range. */
void summary_add(Summary *s, const WindowSettings *settings, double value, usec_t now)
{
        s->decimals = MAX(s->decimals, number_decimals(value));
        if (s->n++ == 0) {
                s->end_usec = usec_add(now - now % settings->length_usec, settings->length_usec);
                if (s->end_usec <= s->told_usec)
                        s->end_usec = usec_add(s->told_usec, settings->length_usec);
                s->mean = s->min = s->max = value;
                return;
        }
        s->min = MIN(s->min, value);
        s->max = MAX(s->max, value);
        s->mean += value / (double)s->n - s->mean / (double)s->n;
        s->mean = CLAMP(s->mean, s->min, s->max);
}

double summary_get(const Summary *s, WindowValue value)
{
        switch (value) {
        case WINDOW_MEAN:
                return s->mean;
        case WINDOW_MIN:
                return s->min;
        case WINDOW_MAX:
                return s->max;
        case WINDOW_COUNT:
        case _WINDOW_VALUE_MAX:
                break;
        }
        return (double)s->n;
}

double summary_told(const Summary *s, WindowValue value)
{
        double x = summary_get(s, value);

        return value == WINDOW_MEAN ? number_mean(x, s->n, s->decimals) : x;
}
