/* SPDX-License-Identifier: Apache-2.0 */
#include "base/pulse.h"

#include <errno.h>
#include <time.h>

#include "base/log.h"

/* Ticks may come so much late if another wake-up is near then. */
#define ACCURACY_USEC USEC_PER_MSEC

typedef struct Beat {
        Ticker ticker;
        uint64_t ticks;
} Beat;

struct Pulse {
        const Clock *clock;
        sd_event_source *timer;
        Beat *beats;
        size_t n_beats;
        bool asleep; /* when it was last asked, nothing was due */
        uint64_t wakeups;
};

static usec_t next_deadline(const Pulse *p)
{
        usec_t next = USEC_INFINITY;

        for (size_t i = 0; i < p->n_beats; i++) {
                const Ticker *t = &p->beats[i].ticker;

                next = MIN(next, t->deadline(t->userdata));
        }
        return next;
}

/* sd-event asks here before it sleeps, as long as the timer is on: so it is always on, with an infinite time
 * when there is nothing to do. A time of zero would be no time to sd-event in all its versions. */
static int on_prepare(sd_event_source *source, void *userdata)
{
        Pulse *p = userdata;
        usec_t next;

        /* It is due, and waits for its turn among others that are ready. A new time would put it at their end, again
         * and again for as long as they have something. */
        if (sd_event_source_get_pending(source) > 0)
                return 0;
        next = next_deadline(p);
        p->asleep = next > clock_boot(p->clock);
        return sd_event_source_set_time(source, MAX(next, (usec_t)1));
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
        Pulse *p = userdata;
        usec_t now = clock_boot(p->clock);

        if (p->asleep)
                p->wakeups++;
        for (size_t i = 0; i < p->n_beats; i++) {
                Beat *b = &p->beats[i];

                if (b->ticker.deadline(b->ticker.userdata) > now)
                        continue;
                b->ticks++;
                b->ticker.tick(b->ticker.userdata, now);
        }
        return sd_event_source_set_enabled(source, SD_EVENT_ON); /* it is one-shot by nature */
}

int pulse_new(Pulse **ret, sd_event *event, const Clock *clock)
{
        _cleanup_(pulse_freep) Pulse *p = calloc(1, sizeof(*p));
        int r;

        if (!p)
                return -ENOMEM;
        p->clock = clock;
        r = sd_event_add_time(event, &p->timer, CLOCK_BOOTTIME, USEC_INFINITY, ACCURACY_USEC, on_timer, p);
        if (r < 0)
                return r;
        (void)sd_event_source_set_description(p->timer, "pulse");
        r = sd_event_source_set_prepare(p->timer, on_prepare);
        if (r < 0)
                return r;
        r = sd_event_source_set_enabled(p->timer, SD_EVENT_ON);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(p);
        return 0;
}

Pulse *pulse_free(Pulse *p)
{
        if (!p)
                return NULL;
        for (size_t i = 0; i < p->n_beats; i++)
                log_debug("pulse: %s was ticked %llu times", p->beats[i].ticker.name,
                          (unsigned long long)p->beats[i].ticks);
        log_debug("pulse: %llu wake-ups", (unsigned long long)p->wakeups);
        sd_event_source_disable_unref(p->timer);
        free(p->beats);
        free(p);
        return NULL;
}

int pulse_add(Pulse *p, Ticker ticker)
{
        Beat *beats = reallocarray(p->beats, p->n_beats + 1, sizeof(*beats));

        if (!beats)
                return -ENOMEM;
        p->beats = beats;
        p->beats[p->n_beats++] = (Beat){.ticker = ticker};
        return 0;
}

uint64_t pulse_wakeups(const Pulse *p)
{
        return p->wakeups;
}
