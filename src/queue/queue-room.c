/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "base/log.h"
#include "base/log-id.h"
#include "queue/queue-core.h"

#define FULL_LOG_USEC  USEC_PER_HOUR

static uint64_t bytes_of(const Lane *l)
{
        uint64_t sum = l->making.under_way ? l->making.pages * PAGE_BYTES : 0;

        for (size_t i = 0; i < l->n_slots; i++)
                sum += l->slots[i]->n_pages * PAGE_BYTES;
        return sum;
}

static uint64_t bytes_of_all(const Queue *q)
{
        uint64_t sum = 0;

        for (unsigned i = 0; i < q->host.n_lanes; i++)
                sum += bytes_of(q->lanes[i]);
        return sum;
}

static uint64_t limit(const Queue *q)
{
        return MAX(q->settings.max_bytes, (uint64_t)q->host.n_lanes * LANE_SLOTS_MIN * q->host.slot_pages * PAGE_BYTES);
}

/* What the other lanes are still to be given, so that none finds all the room taken. */
static uint64_t reserved_for_others(const Queue *q, const Lane *lane)
{
        uint64_t sum = 0;

        for (unsigned i = 0; i < q->host.n_lanes; i++) {
                const Lane *l = q->lanes[i];

                if (l != lane && l->wanted && l->n_slots + l->making.under_way < LANE_SLOTS_MIN)
                        sum += (LANE_SLOTS_MIN - l->n_slots - l->making.under_way) * q->host.slot_pages * PAGE_BYTES;
        }
        return sum;
}

bool queue_may_grow(void *userdata, const Lane *lane)
{
        const Queue *q = userdata;

        return queue_space_allows(q, lane) &&
               bytes_of_all(q) + reserved_for_others(q, lane) + q->host.slot_pages * PAGE_BYTES <= limit(q);
}

/* Does the normal lane make way with it for the urgent one? */
static bool is_for_urgent(const Queue *q, const Lane *lane)
{
        return lane->which == QUEUE_LANE_NORMAL && q->slots_promised > 0;
}

bool queue_may_keep(void *userdata, const Lane *lane)
{
        const Queue *q = userdata;

        if (is_for_urgent(q, lane))
                return false;
        return bytes_of_all(q) <= limit(q) && !(q->space_low && lane_has_free(lane));
}

void queue_gives_up_slot(void *userdata, const Lane *lane)
{
        Queue *q = userdata;

        if (!is_for_urgent(q, lane))
                return;
        q->slots_promised--;
        q->slots_given += queue_disk_is_full(q);
}

void queue_prepare_all(Queue *q)
{
        for (unsigned i = 0; i < q->host.n_lanes; i++)
                lane_prepare(q->lanes[i]);
}

void queue_slot_removed(void *userdata, Lane *lane)
{
        Queue *q = userdata;

        if (!q->closing)
                queue_prepare_all(q);
}

/* Its file system gives no room for another slot, or only what others are to have. */
bool queue_disk_is_full(const Queue *q)
{
        if (q->space_low)
                return true;
        for (unsigned i = 0; i < q->host.n_lanes; i++) {
                const Lane *l = q->lanes[i];

                if (l && l->making.full)
                        return true;
        }
        return false;
}

bool queue_is_read_only(const Queue *q)
{
        for (unsigned i = 0; i < q->host.n_lanes && !q->space_low; i++)
                if (q->lanes[i] && q->lanes[i]->making.full && q->lanes[i]->making.failure == -EROFS)
                        return true;
        return false;
}

/* Slots that it may have in the end, as far as the others let it. */
static uint64_t slots_for(const Queue *q, const Lane *lane)
{
        uint64_t others = bytes_of_all(q) - bytes_of(lane) + reserved_for_others(q, lane);
        uint64_t slot = q->host.slot_pages * PAGE_BYTES;

        if (queue_disk_is_full(q))
                return MAX(lane->n_slots, (size_t)LANE_SLOTS_MIN);
        return MAX(limit(q) > others ? (limit(q) - others) / slot : 0, (uint64_t)LANE_SLOTS_MIN);
}

/* What would be dropped next is not dropped before the last slot is nearly at its end: lane_prepare(). */
double queue_fill(const Queue *q, const Lane *lane)
{
        uint64_t room = slots_for(q, lane) * q->host.slot_pages - q->host.slot_pages / 4, used = 0;

        for (size_t i = 0; i < lane->n_slots; i++) {
                const Slot *slot = lane->slots[i];

                if (slot == lane->current)
                        used += slot->n_used;
                else if (slot_holds(slot) && !slot_is_settled(slot, q->host.streams))
                        used += slot->n_pages;
        }
        return MIN((double)used / (double)room, 1.0);
}

/* What is under way may have to be written once more, to another place. */
static size_t room_of_current(const Lane *l)
{
        size_t used = l->current ? l->current->n_used + l->flight.batch.n_pages + l->filling.n_pages : 0;

        used += LANE_RESERVED_PAGES + 2;
        return l->current && l->current->n_pages > used ? l->current->n_pages - used : 0;
}

size_t queue_room(const Queue *q, QueueLane lane)
{
        const Lane *l = q->lanes[lane];
        size_t sum;

        if (!l || l->failed)
                return SIZE_MAX;
        sum = room_of_current(l);
        for (size_t i = 0; i < l->n_slots; i++)
                if (l->slots[i]->state == SLOT_FREE)
                        sum += l->slots[i]->n_pages - 1;
        if (l->making.under_way || (l->making.retry_usec == USEC_INFINITY && queue_may_grow((void *)(uintptr_t)q, l)))
                sum += q->host.slot_pages - 1;
        return sum;
}

size_t queue_pages(size_t size)
{
        return record_pages(size);
}

void queue_log_full(Queue *q)
{
        const char *what = q->settings.drop_newest ? "new records are refused"
                                                : "the oldest records are dropped for new ones";
        usec_t now = queue_now(q);

        if (q->full_logged_usec != 0 && now < usec_add(q->full_logged_usec, FULL_LOG_USEC))
                return;
        q->full_logged_usec = now;
        if (queue_disk_is_full(q))
                log_line(LOG_WARNING, LOG_ID_QUEUE_FULL, NULL,
                         "Queue: %s is full, and its disk %s: %s. Restore the link, or %s.", q->directory,
                         queue_is_read_only(q) ? "lets no other file be made" : "has no room for more", what,
                         queue_is_read_only(q) ? "make it writable" : "free some space");
        else
                log_line(LOG_WARNING, LOG_ID_QUEUE_FULL, NULL,
                         "Queue: %s holds its %llu MiB (queue.max_bytes): %s. Restore the link, or raise the limit.",
                         q->directory, (unsigned long long)(limit(q) >> 20), what);
}

/* What is in somebody's hand or not, as asked. */
static Slot *oldest_to_go(const Queue *q, const Lane *l, bool in_hand)
{
        for (Slot *slot = lane_next_slot(l, NULL); slot; slot = lane_next_slot(l, slot))
                if (slot != l->current && slot_is_in_hand(slot, q->host.streams) == in_hand &&
                    !slot_is_settled(slot, q->host.streams) && (l->current || slot->state != SLOT_BROKEN))
                        return slot;
        return NULL;
}

/* Settles what the lane's oldest slot still holds. What is in somebody's hand stays, for he will soon be done with it;
 * but without a link he may keep it for days, and then it goes too, the last of all. He may send it all the same. */
static bool evict(Queue *q, Lane *l)
{
        Outcome outcome = queue_disk_is_full(q) ? OUTCOME_FREE_SPACE : OUTCOME_QUEUE_FULL;
        Slot *slot = oldest_to_go(q, l, false);

        if (!slot && q->link_is_down)
                slot = oldest_to_go(q, l, true);
        if (!slot)
                return false;
        queue_warn_before_drop(q, l->which);
        queue_log_full(q);
        for (unsigned id = 0; id < RECORD_STREAMS; id++)
                if (slot->first[id] != 0 && slot->end[id] > slot->first[id] &&
                    stream_settle(q->host.streams[id], slot->first[id], slot->end[id] - 1, outcome, queue_settled,
                                  q) < 0)
                        return false;
        l->release = true;
        lane_dirty(l);
        queue_changed(q);
        return true;
}

/* ---- a limit that was lowered ---- */

/* Slots of it that are on their way out of the limit need nothing more done. */
static bool is_leaving(const Queue *q, const Lane *l, const Slot *slot)
{
        return slot->state == SLOT_GOING ||
               (slot_holds(slot) && slot != l->current && slot_is_settled(slot, q->host.streams));
}

static bool is_over(const Queue *q)
{
        uint64_t sum = bytes_of_all(q);

        for (unsigned i = 0; i < q->host.n_lanes; i++)
                for (size_t k = 0; k < q->lanes[i]->n_slots; k++)
                        if (is_leaving(q, q->lanes[i], q->lanes[i]->slots[k]))
                                sum -= q->lanes[i]->slots[k]->n_pages * PAGE_BYTES;
        return sum > limit(q);
}

static bool any_going(const Queue *q)
{
        for (unsigned i = 0; i < q->host.n_lanes; i++)
                for (size_t k = 0; k < q->lanes[i]->n_slots; k++)
                        if (q->lanes[i]->slots[k]->state == SLOT_GOING)
                                return true;
        return false;
}

/* Slots that hold nothing go before anything is written to them; a lane keeps one if it has no other. */
void queue_give_back(Queue *q)
{
        for (unsigned i = 0; i < q->host.n_lanes; i++) {
                Lane *l = q->lanes[i];

                for (size_t k = 0; k < l->n_slots && l->current && is_over(q); k++)
                        if (l->slots[k]->state == SLOT_FREE)
                                lane_remove(l, l->slots[k]);
        }
}

/* All that is over it at once, of the normal lane first. */
static void shed(Queue *q)
{
        while (is_over(q) && (evict(q, q->lanes[QUEUE_LANE_NORMAL]) ||
                              (q->host.n_lanes > 1 && evict(q, q->lanes[QUEUE_LANE_URGENT]))))
                ;
}

/* Does what a checkpoint frees become a slot to write to, or is followed by one? Over the limit it is removed, and with
 * nothing more to drop that is all. */
bool queue_makes_slots(void *userdata, const Lane *lane)
{
        const Queue *q = userdata;

        return !q->settings.drop_newest || queue_may_keep(userdata, lane);
}

/* ---- making room ---- */

/* The normal lane gives before the urgent one does. */
void queue_make_room(void *userdata, Lane *lane)
{
        Queue *q = userdata;
        Lane *normal = q->lanes[QUEUE_LANE_NORMAL];

        if (q->settings.drop_newest)
                return;
        if (any_going(q) && !queue_disk_is_full(q))
                return; /* room is about to come: lanes are asked again then */
        if (is_over(q)) {
                shed(q);
                return;
        }
        if (lane == normal || normal->n_slots <= LANE_SLOTS_MIN || lane->n_slots >= normal->n_slots) {
                (void)evict(q, lane);
                return;
        }
        if (q->slots_promised == 0 && evict(q, normal))
                q->slots_promised++;
        else if (q->slots_promised == 0)
                (void)evict(q, lane);
}
