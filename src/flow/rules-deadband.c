/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/rules-deadband.h"

#include <math.h>

static bool comes_too_soon(const Deadband *d, const DeadbandSettings *s, usec_t now)
{
        return d->has_sent && usec_add(now, DEADBAND_LENIENCE) < usec_add(d->sent_usec, s->min_interval_usec);
}

bool deadband_differs(const Deadband *d, const DeadbandSettings *s, double value, Quality quality)
{
        return !d->has_sent || quality != d->quality || !s->width.is_set || fabs(value - d->sent) > s->width.value;
}

bool deadband_is_silent(const Deadband *d, const DeadbandSettings *s, usec_t next)
{
        return s->max_silence_usec > 0 && next > usec_add(d->sent_usec, s->max_silence_usec);
}

void deadband_sent(Deadband *d, double value, Quality quality, usec_t now)
{
        *d = (Deadband){.has_sent = true, .sent = value, .quality = quality, .sent_usec = now};
}

void deadband_forget(Deadband *d)
{
        *d = (Deadband){};
}

/* A change of quality does not wait: it is no noise. */
bool deadband_take(Deadband *d, const DeadbandSettings *s, double value, Quality quality, usec_t now)
{
        bool differs = deadband_differs(d, s, value, quality);

        if (!differs && !deadband_is_silent(d, s, usec_add(now, DEADBAND_LENIENCE + 1))) {
                d->held = DEADBAND_STAYS;
                return false;
        }
        if (differs && comes_too_soon(d, s, now) && quality == d->quality) {
                d->held = DEADBAND_WAITS;
                return false;
        }
        deadband_sent(d, value, quality, now);
        return true;
}

usec_t deadband_deadline(const Deadband *d, const DeadbandSettings *s)
{
        switch (d->held) {
        case DEADBAND_EMPTY:
                break;
        case DEADBAND_STAYS:
                if (s->max_silence_usec > 0)
                        return usec_add(d->sent_usec, s->max_silence_usec + DEADBAND_LENIENCE);
                break;
        case DEADBAND_WAITS:
                return usec_add(d->sent_usec, s->min_interval_usec + DEADBAND_LENIENCE);
        }
        return USEC_INFINITY;
}
