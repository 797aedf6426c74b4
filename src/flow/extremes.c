/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/extremes.h"

#include <math.h>
#include <string.h>

#include "base/number.h"

/* ---- what nothing later has topped ---- */

/* The two that differ least become the higher one, at the later one's time. */
static void merge_two(Peaks *p)
{
        size_t at = 0;

        for (size_t i = 1; i + 1 < p->n; i++)
                if (p->items[i].value - p->items[i + 1].value < p->items[at].value - p->items[at + 1].value)
                        at = i;
        p->items[at].usec = p->items[at + 1].usec;
        memmove(&p->items[at + 1], &p->items[at + 2], (p->n - at - 2) * sizeof(*p->items));
        p->n--;
}

static void peaks_add(Peaks *p, usec_t now, double value)
{
        while (p->n > 0 && p->items[p->n - 1].value <= value)
                p->n--;
        if (p->n == EXTREMES_MAX)
                merge_two(p);
        p->items[p->n++] = (Extreme){now, value};
}

static bool peaks_since(const Peaks *p, usec_t since, double *ret)
{
        for (size_t i = 0; i < p->n; i++)
                if (p->items[i].usec >= since) {
                        *ret = p->items[i].value;
                        return true;
                }
        return false;
}

/* ---- the last ones ---- */

static double mean_since(const Extremes *e, usec_t since)
{
        size_t n = e->n < EXTREMES_LAST ? e->n : EXTREMES_LAST, counted = 0;
        double sum = 0, scaled = 0;
        unsigned decimals = 0;

        for (size_t i = 0; i < n; i++)
                if (e->last[i].usec >= since) {
                        counted++;
                        decimals = MAX(decimals, number_decimals(e->last[i].value));
                        sum += e->last[i].value;
                        scaled += e->last[i].value / EXTREMES_LAST;
                }
        /* the sum of giants may be infinite, though they are not */
        return number_mean(isfinite(sum) ? sum / (double)counted : scaled / (double)counted * EXTREMES_LAST, counted,
                           decimals);
}

/* ---- both ---- */

void extremes_add(Extremes *e, usec_t now, double value)
{
        peaks_add(&e->highest, now, value);
        peaks_add(&e->lowest, now, -value);
        e->last[e->n++ % EXTREMES_LAST] = (Extreme){now, value};
}

bool extremes_since(const Extremes *e, usec_t since, ExtremesReport *ret)
{
        double negative;

        if (!peaks_since(&e->highest, since, &ret->max) || !peaks_since(&e->lowest, since, &negative))
                return false;
        ret->min = 0.0 - negative; /* of zero: not the negative one */
        ret->mean = mean_since(e, since);
        return true;
}

double extremes_last(const Extremes *e)
{
        return e->n > 0 ? e->last[(e->n - 1) % EXTREMES_LAST].value : NAN;
}
