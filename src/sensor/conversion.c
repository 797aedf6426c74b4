/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/conversion.h"

#include <math.h>

double numbers_polynomial(const Numbers *n, double x)
{
        double y = 0;

        for (unsigned i = n->n; i > 0; i--)
                y = y * x + n->values[i - 1];
        return y;
}

double curve_at(const Curve *c, double x)
{
        const Point *p = c->points;

        while (p + 2 < c->points + c->n && x > p[1].raw)
                p++;
        return p[0].value + (x - p[0].raw) * (p[1].value - p[0].value) / (p[1].raw - p[0].raw);
}

unsigned decimals_scaled(unsigned decimals, double scale)
{
        double smaller = -log10(fabs(scale));

        return decimals == 0 || smaller <= 0 ? decimals : decimals + (unsigned)ceil(MIN(smaller, 100.0));
}

double convert(const Conversion *c, double raw)
{
        double x = raw;

        if (c->polynomial.n > 0)
                x = numbers_polynomial(&c->polynomial, x);
        else if (c->table.n > 0)
                x = curve_at(&c->table, x);
        x = x * c->scale + c->offset;
        /* NaN stays what it is: the reader refuses it. */
        if (c->clamp.is_set && x < c->clamp.low)
                x = c->clamp.low;
        if (c->clamp.is_set && x > c->clamp.high)
                x = c->clamp.high;
        return x;
}
