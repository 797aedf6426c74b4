/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/stream.h"

#include <errno.h>
#include <string.h>

#define MARK_APART_USEC (USEC_PER_SEC / 2)

void stream_init(Stream *s, const char *name, unsigned handle, uint8_t id, QueueLane lane)
{
        *s = (Stream){.handle = handle, .id = id, .lane = lane, .next = 1, .durable = 1, .low = 1};
        memcpy(s->name, name, strlen(name));
}

void stream_done(Stream *s)
{
        ranges_done(&s->settled);
        ranges_done(&s->in_hand);
}

bool stream_is_spare(const Stream *s)
{
        return !s->asked && s->expired && s->low == s->next && s->durable == s->next;
}

int stream_hand_on(Stream *s, const char *name)
{
        int r = stream_settle(s, s->next, s->next, CHECKPOINT_TORN, NULL, NULL);

        if (r < 0)
                return r;
        s->durable = ++s->next;
        memset(s->name, 0, sizeof(s->name));
        memcpy(s->name, name, strlen(name));
        return 0;
}

/* What has become contiguous with the prefix joins it. */
static void raise_low(Stream *s)
{
        size_t i = 0;

        for (; i < s->settled.n && s->settled.items[i].first == s->low; i++) {
                const Range *r = &s->settled.items[i];

                s->counts[r->tag] += r->last - r->first + 1;
                s->low = r->last + 1;
        }
        if (i > 0) {
                ranges_cut(&s->settled, s->low);
                ranges_cut(&s->in_hand, s->low);
        }
}

int stream_settle(Stream *s, uint64_t first, uint64_t last, unsigned tag, StreamSettledFn fn, void *userdata)
{
        uint64_t a, b;
        int r;

        first = MAX(first, s->low);
        /* each gap that is filled adds one range at most, and there is one more gap than ranges */
        r = ranges_reserve(&s->settled, s->settled.n + 1);
        if (r < 0)
                return r;
        for (; ranges_gap(&s->settled, first, last, &a, &b); first = b + 1) {
                ranges_put(&s->settled, a, b, (uint8_t)tag);
                if (fn)
                        fn(userdata, s, a, b, tag);
                if (b == last)
                        break;
        }
        raise_low(s);
        return 0;
}

bool stream_is_settled(const Stream *s, uint64_t n)
{
        return n < s->low || ranges_contains(&s->settled, n);
}

bool stream_all_settled(const Stream *s, uint64_t first, uint64_t end)
{
        uint64_t a, b;

        return first >= end || end <= s->low || !ranges_gap(&s->settled, MAX(first, s->low), end - 1, &a, &b);
}

bool stream_any_in_hand(const Stream *s, uint64_t first, uint64_t end)
{
        uint64_t a, b, c, d;

        for (first = MAX(first, s->low); first < end && ranges_overlap(&s->in_hand, first, end - 1, &a, &b);
             first = b + 1)
                if (ranges_gap(&s->settled, a, b, &c, &d))
                        return true;
        return false;
}

bool stream_missing(const Stream *s, uint64_t first, uint64_t end, uint64_t *ret_first, uint64_t *ret_last)
{
        uint64_t a, b;

        for (first = MAX(first, s->low); first < end && ranges_gap(&s->settled, first, end - 1, &a, &b);
             first = b + 1)
                if (ranges_gap(&s->in_hand, a, b, ret_first, ret_last))
                        return true;
        return false;
}

/* For one mark more. Those below what waits go; else the oldest stays, and of the others every second one goes. */
static void thin_out_marks(Stream *s)
{
        size_t keep = 1;

        if (s->n_marks < STREAM_MARKS)
                return;
        while (keep < s->n_marks && s->marks[keep].n <= s->low)
                keep++;
        if (keep > 1) {
                memmove(s->marks, s->marks + keep - 1, (s->n_marks - keep + 1) * sizeof(s->marks[0]));
                s->n_marks -= keep - 1;
        } else {
                for (size_t i = 2; i < s->n_marks; i += 2)
                        s->marks[i / 2] = s->marks[i];
                s->n_marks = (s->n_marks + 1) / 2;
        }
}

/* The one before tells nearly the same. */
static bool is_told(const StreamMark *before, Moment appended)
{
        return before->moment.boot == appended.boot &&
               usec_sub(appended.usec, before->moment.usec) < MARK_APART_USEC;
}

void stream_mark(Stream *s, uint64_t n, Moment appended)
{
        size_t i;

        thin_out_marks(s);
        for (i = s->n_marks; i > 0 && s->marks[i - 1].n >= n; i--)
                ;
        if (i > 0 && is_told(&s->marks[i - 1], appended))
                return;
        if (i == s->n_marks || s->marks[i].n != n) {
                memmove(s->marks + i + 1, s->marks + i, (s->n_marks - i) * sizeof(s->marks[0]));
                s->n_marks++;
        }
        s->marks[i] = (StreamMark){n, appended};
}

void stream_rest(Stream *s, uint64_t end, Moment appended)
{
        if (end <= s->durable)
                return;
        stream_mark(s, s->durable, appended);
        s->durable = end;
}

int stream_lose(Stream *s, uint64_t n, Moment appended, StreamSettledFn fn, void *userdata)
{
        stream_rest(s, n + 1, appended);
        return stream_settle(s, n, n, OUTCOME_DISK, fn, userdata);
}

bool stream_oldest(const Stream *s, Moment *ret)
{
        if (s->low >= s->durable)
                return false;
        *ret = (Moment){};
        for (size_t i = 0; i < s->n_marks && s->marks[i].n <= s->low; i++)
                *ret = s->marks[i].moment;
        return true;
}

void stream_ledger(const Stream *s, Ledger *ret)
{
        uint64_t settled[CHECKPOINT_TAGS];

        memcpy(settled, s->counts, sizeof(settled));
        for (size_t i = 0; i < s->settled.n; i++)
                settled[s->settled.items[i].tag] += s->settled.items[i].last - s->settled.items[i].first + 1;
        *ret = (Ledger){.accepted = s->durable - 1 - settled[CHECKPOINT_TORN]};
        for (size_t o = 0; o < _OUTCOME_MAX; o++)
                ret->settled[o] = settled[o];
}
