/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/rules-outbox.h"

/* Those that travel together. */
typedef struct Party {
        Channel channels[READING_CHANNELS_MAX];
        Deadband *bands[READING_CHANNELS_MAX];
        uint64_t of;
        size_t n;
} Party;

static bool go_together(const OutboxItem *a, const OutboxItem *b)
{
        return a->quality == b->quality && a->time.boot_usec == b->time.boot_usec &&
               a->time.wall_usec == b->time.wall_usec && a->time.wall_trusted == b->time.wall_trusted;
}

/* Takes the first and its like out of the outbox. What a source gave twice stays together, and is refused. */
static void gather(Outbox *o, Party *p)
{
        const OutboxItem first = o->items[0];
        size_t left = 0;

        p->n = 0;
        p->of = 0;
        for (size_t i = 0; i < o->n; i++) {
                const OutboxItem *item = &o->items[i];

                if (p->n == READING_CHANNELS_MAX || !go_together(&first, item)) {
                        o->items[left++] = *item;
                        continue;
                }
                p->channels[p->n] = (Channel){item->name, item->value};
                p->bands[p->n++] = item->band;
                p->of |= item->of;
        }
        o->n = left;
}

/* Of a value that was held back it is told for how long: what the clock says of that time, others make out. */
static void tell_time(Reading *r, const OutboxTime *time, const OutboxPost *post)
{
        r->wall_usec = time->wall_usec;
        r->wall_trusted = time->wall_trusted;
        if (time->wall_usec == 0 && time->boot_usec > 0)
                r->age_usec = usec_sub(post->now, time->boot_usec);
}

static void tell_source(Reading *r, const OutboxPost *post)
{
        const OutboxSource *source = post->source;

        if (!source->waits)
                return;
        r->source = source->name;
        r->position = source->position;
        post->limit(post->userdata, source->name, &r->position);
}

/* The position goes with the last one: what lies before it is then with the queue; if that took all of it. */
int outbox_empty(Outbox *o, const OutboxPost *post)
{
        int result = 0;
        Party p;

        while (o->n > 0) {
                const OutboxItem first = o->items[0];
                Reading reading = {.sensor = post->sensor, .quality = first.quality};
                int r;

                gather(o, &p);
                tell_time(&reading, &first.time, post);
                reading.channels = p.channels;
                reading.n_channels = p.n;
                if (o->n == 0 && result == 0)
                        tell_source(&reading, post);
                r = post->sink->reading(post->sink->userdata, post->stream, &reading);
                for (size_t i = 0; r != 0 && i < p.n; i++)
                        if (p.bands[i])
                                deadband_forget(p.bands[i]);
                if (r != 0)
                        o->refused |= p.of;
                if (reading.source && r == 0)
                        post->source->waits = reading.position.serial < post->source->position.serial;
                result = r != 0 ? r : result;
        }
        return result;
}
