/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/rules-watch.h"

void watch_begin(Watch *w, usec_t taken, usec_t now)
{
        *w = (Watch){.came_usec = now, .changed_usec = taken};
}

void watch_came(Watch *w, usec_t now)
{
        w->came_usec = now;
        w->is_stale = false;
        w->is_frozen = false;
        w->has_value = false;
}

/* Of what it would have read while it was silent nothing is known: that time does not count. */
void watch_value(Watch *w, const WatchSettings *s, double value, usec_t taken, usec_t now)
{
        if (!w->has_value || w->is_stale || value != w->value)
                w->changed_usec = taken;
        w->value = value;
        w->has_value = true;
        w->came_usec = now;
        w->is_stale = false;
        w->is_frozen = s->frozen_after_usec > 0 && usec_sub(taken, w->changed_usec) >= s->frozen_after_usec;
}

usec_t watch_deadline(const Watch *w, const WatchSettings *s)
{
        return s->stale_after_usec > 0 && !w->is_stale ? usec_add(w->came_usec, s->stale_after_usec) : USEC_INFINITY;
}

bool watch_tick(Watch *w, const WatchSettings *s, usec_t now)
{
        if (now < watch_deadline(w, s))
                return false;
        w->is_stale = true;
        return true;
}
