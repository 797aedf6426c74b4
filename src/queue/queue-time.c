/* SPDX-License-Identifier: Apache-2.0 */

/*
 * When things were, across reboots: the queue's table of boots, kept up to date and asked.
 *
 * The clock is looked at with each commit and whenever something is read, so that the moment at which it becomes
 * right is not missed however quiet the queue is; nothing ever waits for it. What it said then is worth a checkpoint
 * with the very next commit: lost with the power it would never come back.
 */

#include <string.h>

#include "queue/queue-core.h"

static bool is_zero(const uint8_t id[static 16])
{
        static const uint8_t zero[16];

        return memcmp(id, zero, sizeof(zero)) == 0;
}

/* A system that does not tell its boots apart: every opening counts as one of its own. */
static void draw_boot_id(Queue *q)
{
        const Random *random = q->host.random;

        for (size_t i = 0; i < sizeof(q->host.boot); i++)
                q->host.boot[i] = (uint8_t)(random->draw(random->userdata) | 1);
}

void queue_begin_time(Queue *q, const Opening *o)
{
        memcpy(q->host.boot, o->host.boot, sizeof(q->host.boot));
        if (is_zero(q->host.boot))
                draw_boot_id(q);
        opening_boots(o, &q->boots);
        boots_begin(&q->boots, q->host.boot, q->host.epoch);
        (void)boots_look(&q->boots, q->host.clock);
}

/* Boots of which nothing waits any more are of no use. */
void queue_forget_boots(Queue *q)
{
        uint32_t oldest = boots_present(&q->boots);
        Moment m;

        for (unsigned h = 0; h < q->n_streams; h++)
                if (stream_oldest(q->streams[h], &m))
                        oldest = MIN(oldest, m.boot);
        boots_forget_before(&q->boots, oldest);
}

void queue_look_at_clock(Queue *q)
{
        bool learnt = boots_look(&q->boots, q->host.clock);

        for (unsigned i = 0; i < q->host.n_lanes && learnt; i++) {
                lane_dirty(q->lanes[i]);
                q->lanes[i]->checkpoint_usec = 0;
        }
}

Moment queue_moment(const Queue *q)
{
        return (Moment){boots_present(&q->boots), queue_now(q)};
}

/* Of whose boot nothing is known may be of this one: what is certain is that this opening found it. */
usec_t queue_age_of(const Queue *q, Moment appended, usec_t now)
{
        return appended.boot == 0 ? usec_sub(now, q->opened_usec) : boots_age(&q->boots, appended, now);
}

usec_t queue_oldest_age(const Queue *q)
{
        usec_t age = 0, now = queue_now(q);
        Moment m;

        for (unsigned h = 0; h < q->n_streams; h++)
                if (stream_oldest(q->streams[h], &m))
                        age = MAX(age, queue_age_of(q, m, now));
        return age;
}
