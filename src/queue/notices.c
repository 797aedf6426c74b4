/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/notices.h"

#include <string.h>

#include "base/bytes.h"

#define URGENT_RANGES (NOTICES_MAX * 3 / 4) /* untold: then it is time, whatever the clock says */

void notices_init(Notices *n)
{
        n->n_items = 0;
        n->due_usec = USEC_INFINITY;
}

static void remove_at(Notices *n, size_t i)
{
        n->n_items--;
        memmove(&n->items[i], &n->items[i + 1], (n->n_items - i) * sizeof(n->items[0]));
}

static size_t count_untold(const Notices *n)
{
        size_t untold = 0;

        for (size_t i = 0; i < n->n_items; i++)
                untold += n->items[i].n == 0;
        return untold;
}

bool notices_are_many(const Notices *n)
{
        return count_untold(n) >= URGENT_RANGES;
}

static void arm(Notices *n, usec_t now)
{
        size_t untold = count_untold(n);

        if (untold == 0)
                n->due_usec = USEC_INFINITY;
        else if (n->due_usec == USEC_INFINITY)
                n->due_usec = usec_add(now, NOTICES_USEC);
        if (untold >= URGENT_RANGES)
                n->due_usec = MIN(n->due_usec, now);
}

/* Two ranges of one kind without a number between them. */
static bool are_one(const Notice *a, const Notice *b)
{
        return a->id == b->id && a->outcome == b->outcome && a->first <= usec_add(b->last, 1) &&
               b->first <= usec_add(a->last, 1);
}

/* What is larger now has to be told anew, save for a range that is in a record as it stands. */
static void join(Notice *a, const Notice *b)
{
        if (b->first < a->first || b->last > a->last)
                a->n = 0;
        a->first = MIN(a->first, b->first);
        a->last = MAX(a->last, b->last);
}

static void join_neighbours(Notices *n, size_t i)
{
        for (size_t k = n->n_items; k-- > 0;)
                if (k != i && are_one(&n->items[i], &n->items[k])) {
                        join(&n->items[i], &n->items[k]);
                        remove_at(n, k);
                        i -= k < i;
                }
}

static bool make_room(Notices *n)
{
        size_t oldest = NOTICES_MAX;

        if (n->n_items < NOTICES_MAX)
                return true;
        for (size_t i = 0; i < n->n_items; i++)
                if (n->items[i].n != 0 && (oldest == NOTICES_MAX || n->items[i].n < n->items[oldest].n))
                        oldest = i;
        if (oldest == NOTICES_MAX)
                return false;
        remove_at(n, oldest);
        return true;
}

static bool add(Notices *n, const Notice *notice)
{
        for (size_t i = 0; i < n->n_items; i++)
                if (are_one(&n->items[i], notice)) {
                        join(&n->items[i], notice);
                        join_neighbours(n, i);
                        return true;
                }
        if (!make_room(n))
                return false;
        n->items[n->n_items++] = *notice;
        return true;
}

bool notices_settled(Notices *n, uint8_t id, uint64_t first, uint64_t last, Outcome outcome, usec_t now)
{
        bool room = true;

        for (size_t i = n->n_items; i-- > 0;) {
                Notice *notice = &n->items[i];

                if (notice->id != id || notice->n < first || notice->n > last)
                        continue;
                if (outcome_is_drop(outcome))
                        notice->n = 0;
                else
                        remove_at(n, i); /* its consumer has been told, or cannot be */
        }
        if (outcome_is_drop(outcome) || outcome_is_dead_letter(outcome))
                room = add(n, &(Notice){.id = id, .outcome = (uint8_t)outcome, .first = first, .last = last});
        arm(n, now);
        return room;
}

bool notices_restore(Notices *n, const Notice *notice, usec_t now)
{
        bool room = add(n, notice);

        arm(n, now);
        return room;
}

bool notices_has(const Notices *n, uint8_t id)
{
        for (size_t i = 0; i < n->n_items; i++)
                if (n->items[i].id == id)
                        return true;
        return false;
}

size_t notices_untold(const Notices *n, uint8_t *ret_id, Outcome *ret_outcome, NoticeRange ret[static NOTICES_MAX])
{
        const Notice *first = NULL;
        size_t n_ranges = 0;

        for (size_t i = 0; i < n->n_items; i++) {
                const Notice *notice = &n->items[i];

                if (notice->n != 0 || (first && (notice->id != first->id || notice->outcome != first->outcome)))
                        continue;
                if (!first)
                        first = notice;
                ret[n_ranges++] = (NoticeRange){notice->first, notice->last};
        }
        if (first) {
                *ret_id = first->id;
                *ret_outcome = (Outcome)first->outcome;
        }
        return n_ranges;
}

static bool is_in(const Notice *notice, const NoticeRange *ranges, size_t n_ranges)
{
        for (size_t i = 0; i < n_ranges; i++)
                if (ranges[i].first == notice->first && ranges[i].last == notice->last)
                        return true;
        return false;
}

void notices_told(Notices *n, uint8_t id, Outcome outcome, const NoticeRange *ranges, size_t n_ranges, uint64_t record)
{
        for (size_t i = 0; i < n->n_items; i++) {
                Notice *notice = &n->items[i];

                if (notice->n == 0 && notice->id == id && notice->outcome == (uint8_t)outcome &&
                    is_in(notice, ranges, n_ranges))
                        notice->n = record;
        }
        if (count_untold(n) == 0)
                n->due_usec = USEC_INFINITY;
}

void notices_wait(Notices *n, usec_t until_usec)
{
        n->due_usec = until_usec;
}

size_t notice_encode(Outcome outcome, const NoticeRange *ranges, size_t n_ranges,
                     uint8_t bytes[static NOTICE_BYTES_MAX])
{
        memset(bytes, 0, NOTICE_HEADER);
        bytes[0] = (uint8_t)outcome;
        bytes_put32(bytes + 4, (uint32_t)n_ranges);
        for (size_t i = 0; i < n_ranges; i++) {
                bytes_put64(bytes + NOTICE_HEADER + i * NOTICE_RANGE_BYTES, ranges[i].first);
                bytes_put64(bytes + NOTICE_HEADER + i * NOTICE_RANGE_BYTES + 8, ranges[i].last);
        }
        return NOTICE_HEADER + n_ranges * NOTICE_RANGE_BYTES;
}

bool notice_decode(const void *bytes, size_t size, Outcome *ret_outcome, NoticeRange ret[static NOTICES_MAX],
                   size_t *ret_n_ranges)
{
        const uint8_t *b = bytes;
        size_t n;

        if (size < NOTICE_HEADER || b[0] >= _OUTCOME_MAX)
                return false;
        n = bytes_get32(b + 4);
        if (n == 0 || n > NOTICES_MAX || size != NOTICE_HEADER + n * NOTICE_RANGE_BYTES)
                return false;
        for (size_t i = 0; i < n; i++) {
                ret[i].first = bytes_get64(b + NOTICE_HEADER + i * NOTICE_RANGE_BYTES);
                ret[i].last = bytes_get64(b + NOTICE_HEADER + i * NOTICE_RANGE_BYTES + 8);
                if (ret[i].first == 0 || ret[i].last < ret[i].first)
                        return false;
        }
        *ret_outcome = (Outcome)b[0];
        *ret_n_ranges = n;
        return true;
}
