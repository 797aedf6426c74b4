/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What a lane writes about itself: checkpoints, the table of a new slot, the names of its streams. All of it
 * describes durable state only.
 */

#include <string.h>

#include "queue/lane.h"

static void fill_checkpoint(Lane *l, Checkpoint *c)
{
        const Boots *boots = l->host->boots;

        memset(c, 0, sizeof(*c));
        for (size_t i = boots->n; i-- > 0;)
                c->boots[c->n_boots++] = boots->boots[i];
        c->epoch = l->host->epoch;
        c->previous_epoch = l->host->previous_epoch;
        memcpy(c->boot, l->host->boot, sizeof(c->boot));
        c->sequence = l->host->sequence + 1;
        for (unsigned id = 0; id < RECORD_STREAMS; id++) {
                const Stream *s = l->host->streams[id];

                if (!s)
                        continue;
                memcpy(c->streams[id].name, s->name, sizeof(s->name));
                c->streams[id].next = s->durable;
                c->streams[id].low = s->low;
                memcpy(c->streams[id].counts, s->counts, sizeof(s->counts));
                for (size_t i = 0; i < s->settled.n && c->n_ranges < CHECKPOINT_RANGES; i++) {
                        const Range *r = &s->settled.items[i];

                        c->ranges[c->n_ranges++] = (CheckpointRange){(uint8_t)id, r->tag, r->first, r->last};
                }
        }
        for (size_t i = 0; i < l->host->notices->n_items; i++) {
                Notice n = l->host->notices->items[i];

                if (n.n >= l->host->streams[n.id]->durable)
                        n.n = 0; /* a cut would take the record with it */
                c->notices[c->n_notices++] = n;
        }
}

/* The payload of an EPOCH record, from what was filled in. Of the boots only the present one. */
static size_t encode_opening(Lane *l, unsigned more, uint8_t bytes[static CHECKPOINT_BYTES_MAX])
{
        size_t n_boots = l->scratch->n_boots, size;

        l->scratch->n_boots = MIN(n_boots, (size_t)1);
        size = checkpoint_encode(l->scratch, CHECKPOINT_OPENING | CHECKPOINT_STREAMS | CHECKPOINT_BOOTS | more, bytes,
                                 CHECKPOINT_BYTES_MAX, NULL);
        l->scratch->n_boots = n_boots;
        return size;
}

static size_t count_ranges(const Lane *l)
{
        size_t n = 0;

        for (unsigned id = 0; id < RECORD_STREAMS; id++)
                n += l->host->streams[id] ? l->host->streams[id]->settled.n : 0;
        return n;
}

static bool ends_below_low(const Lane *l, const Slot *slot)
{
        for (unsigned id = 0; id < RECORD_STREAMS; id++)
                if (slot->first[id] != 0 && slot->end[id] > slot->first[id] &&
                    slot->end[id] > l->host->streams[id]->low)
                        return false;
        return true;
}

/* Would a checkpoint free it? Ranges that find no room there settle nothing. */
bool lane_could_release(const Lane *l, const Slot *slot)
{
        return slot != l->current && slot_holds(slot) &&
               (count_ranges(l) <= CHECKPOINT_RANGES ? slot_is_settled(slot, l->host->streams) :
                                                       ends_below_low(l, slot));
}

/* Which slots are free once this checkpoint is durable. */
static void mark_releasing(Lane *l, size_t n_ranges)
{
        bool whole = n_ranges == count_ranges(l);

        for (size_t i = 0; i < l->n_slots; i++)
                l->slots[i]->releasing =
                        lane_could_release(l, l->slots[i]) && (whole || ends_below_low(l, l->slots[i]));
}

static bool put_record(uint8_t *page, uint8_t type, const uint8_t *payload, size_t size, usec_t now)
{
        RecordContext context = {};
        size_t used = page_used(page);

        if (!record_put(page, &used, &context,
                        &(Record){.type = type, .stream = RECORD_NO_STREAM, .boot_usec = now, .payload = payload,
                                  .size = size}))
                return false;
        page_set_used(page, used);
        return true;
}

/* Where the numbers of each stream begin in the slot that this commit begins. */
static void fill_slot_table(Lane *l, Slot *slot, Checkpoint *c)
{
        for (unsigned id = 0; id < RECORD_STREAMS; id++) {
                uint64_t end = l->end[id] ?: 1, first = l->flight.batch.first[id] ?: l->end[id];

                if (first == 0)
                        continue;
                c->streams[id].first = slot->first[id] = slot->end[id] = first;
                c->streams[id].gap = first - MIN(first, end);
        }
}

/* ---- a checkpoint on its way ---- */

void lane_checkpoint_build(Lane *l, LaneCheckpoint *c)
{
        fill_checkpoint(l, l->scratch);
        c->size = checkpoint_encode(l->scratch,
                                    CHECKPOINT_STREAMS | CHECKPOINT_SETTLED | CHECKPOINT_NOTICES |
                                            CHECKPOINT_SETTLED_RANGES | CHECKPOINT_BOOTS,
                                    c->bytes, sizeof(c->bytes), &c->n_ranges);
}

bool lane_checkpoint_put(const LaneCheckpoint *c, uint8_t *page, usec_t now)
{
        return c->size > 0 && put_record(page, RECORD_CHECKPOINT, c->bytes, c->size, now);
}

void lane_checkpoint_took_off(Lane *l, const LaneCheckpoint *c)
{
        l->host->sequence = l->scratch->sequence;
        mark_releasing(l, c->n_ranges);
}

/* ---- page 0 ---- */

static uint32_t named(const Lane *l)
{
        uint32_t all = 0;

        for (unsigned id = 0; id < RECORD_STREAMS; id++)
                if (l->host->streams[id])
                        all |= 1u << id;
        return all;
}

bool lane_head_build(Lane *l, Slot *slot, usec_t now)
{
        LaneCheckpoint c = {};
        size_t size;

        page_begin(l->flight.head, PAGE_HEAD);
        l->flight.announced = named(l);
        fill_checkpoint(l, l->scratch);
        fill_slot_table(l, slot, l->scratch);
        size = encode_opening(l, CHECKPOINT_SLOT, c.bytes);
        (void)put_record(l->flight.head, RECORD_EPOCH, c.bytes, size, batch_since(&l->flight.batch, now));
        c.size = checkpoint_encode(l->scratch,
                                   CHECKPOINT_SETTLED | CHECKPOINT_NOTICES | CHECKPOINT_SETTLED_RANGES |
                                           CHECKPOINT_BOOTS,
                                   c.bytes, PAGE_BYTES - page_used(l->flight.head) - RECORD_FULL, &c.n_ranges);
        if (!lane_checkpoint_put(&c, l->flight.head, now))
                return false; /* served again after a crash, no more */
        lane_checkpoint_took_off(l, &c);
        return true;
}

/* ---- names ---- */

void lane_renamed(Lane *l, unsigned id)
{
        l->announced &= ~(1u << id);
        l->flight.announced &= ~(1u << id);
        lane_dirty(l);
}

int lane_announce(Lane *l, unsigned id, usec_t now)
{
        uint8_t bytes[CHECKPOINT_BYTES_MAX];
        size_t size;
        int r;

        if (l->open_announced && (l->announced & 1u << id))
                return 0;
        fill_checkpoint(l, l->scratch);
        size = encode_opening(l, 0, bytes);
        r = batch_put(&l->filling, &(Record){.type = RECORD_EPOCH, .stream = RECORD_NO_STREAM, .boot_usec = now,
                                             .payload = bytes, .size = size},
                      NULL);
        if (r < 0)
                return r;
        l->open_announced = true;
        l->announced |= named(l);
        return 0;
}
