/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/pace.h"

#include "azure/billing.h"

#define LATE_ADDEND (50 * USEC_PER_MSEC)
/* So many in a row that come late are no noise. */
#define LATE_ENOUGH 4u
#define FLOOR_LIFE  (5 * USEC_PER_MIN)
#define SPACE_MAX   (5 * USEC_PER_SEC)
#define SPACE_MIN   (100 * USEC_PER_MSEC)

void pace_begin(Pace *p, unsigned max, usec_t now)
{
        *p = (Pace){.since_usec = now};
        pace_configure(p, max);
        p->limit = MAX(p->max / 2, 1u);
        for (size_t i = 0; i < PACE_SIZES; i++)
                p->floors[i].least_usec = USEC_INFINITY;
}

void pace_configure(Pace *p, unsigned max)
{
        p->max = MAX(max, 1u);
        p->limit = CLAMP(p->limit, 1u, p->max);
        p->resume = MIN(p->resume, p->max);
}

bool pace_admits(const Pace *p, unsigned n_in_flight, usec_t now)
{
        return n_in_flight < p->limit && now >= p->next_usec;
}

void pace_sent(Pace *p, usec_t now)
{
        p->next_usec = p->space_usec > 0 ? usec_add(now, p->space_usec) : 0;
}

/* ---- the limit ---- */

static void begin_round(Pace *p, usec_t now)
{
        p->n_timely = p->n_late = 0;
        p->since_usec = now;
}

static void slow_down(Pace *p, usec_t latency, usec_t now)
{
        if (p->limit > 1)
                p->limit /= 2;
        else
                p->space_usec = CLAMP(2 * MAX(latency, p->space_usec), SPACE_MIN, SPACE_MAX);
        begin_round(p, now);
}

static void speed_up(Pace *p)
{
        p->n_timely = 0;
        if (p->space_usec > 0)
                p->space_usec = p->space_usec >= 4 * SPACE_MIN ? p->space_usec / 4 : 0;
        else if (p->limit < p->max)
                p->limit++;
        p->next_usec = 0;
}

static void judge(Pace *p, bool late, usec_t latency, usec_t now)
{
        if (!late) {
                p->n_late = 0;
                if (++p->n_timely >= p->limit)
                        speed_up(p);
        } else if (++p->n_late >= MIN(p->limit, LATE_ENOUGH))
                slow_down(p, latency, now);
}

/* ---- the floor ---- */

static PaceFloor *floor_of(Pace *p, size_t size)
{
        size_t units = size / BILLING_CHUNK, i = 0;

        for (; units > 0 && i < PACE_SIZES - 1; units /= 2)
                i++;
        return &p->floors[i];
}

static void learn(PaceFloor *f, usec_t latency, usec_t now)
{
        *f = (PaceFloor){latency, usec_add(now, FLOOR_LIFE)};
}

/* From now on one at a time, until one that was sent so came back. */
static void begin_to_learn(Pace *p, usec_t now)
{
        p->resume = p->limit;
        p->limit = 1;
        begin_round(p, now);
}

static void end_learning(Pace *p, usec_t now)
{
        p->limit = p->resume;
        p->resume = 0;
        begin_round(p, now);
}

void pace_acknowledged(Pace *p, size_t size, usec_t sent, usec_t now)
{
        PaceFloor *f = floor_of(p, size);
        usec_t latency = usec_sub(now, sent);

        if (p->resume > 0) {
                if (sent < p->since_usec)
                        return;
                learn(f, latency, now);
                end_learning(p, now);
                return;
        }
        if (latency <= f->least_usec)
                learn(f, latency, now);
        else if (now >= f->until_usec) {
                learn(f, latency, now);
                begin_to_learn(p, now);
                return;
        }
        if (sent >= p->since_usec)
                judge(p, latency > usec_add(2 * f->least_usec, LATE_ADDEND), latency, now);
}
