/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/pace.h"

#include "fake-clock.h"
#include "suite.h"

#define WINDOW 15
#define PACK   ((size_t)32 * 1024)

/* A hub at the end of a line, and a backlog without an end. What a message takes: the round trip, the time that the
 * line needs for its bytes behind those that are before it, and what the hub adds. */
typedef struct Line {
        Pace pace;
        FakeRandom dice;
        usec_t now, line_free_usec;
        usec_t round_trip_usec, hub_usec, jitter_usec;
        double bytes_per_usec; /* 0: no limit */
        size_t small_every;    /* each so many-eth message is a small one; 0: none */
        size_t hiccup_every;   /* each so many-eth takes 400 ms more */
        struct {
                usec_t sent, due;
                size_t size;
        } flying[WINDOW];
        unsigned n_flying;
        size_t n_sent, n_arrived;
        usec_t last_latency;
} Line;

static void line_init(Line *l)
{
        *l = (Line){.now = USEC_PER_HOUR, .round_trip_usec = 50 * USEC_PER_MSEC};
        fake_random_init(&l->dice, 5);
        pace_begin(&l->pace, WINDOW, l->now);
}

static void line_send(Line *l)
{
        size_t size = l->small_every > 0 && l->n_sent % l->small_every == 0 ? 200 : PACK;
        usec_t due;

        l->line_free_usec = MAX(l->line_free_usec, l->now);
        if (l->bytes_per_usec > 0)
                l->line_free_usec += (usec_t)((double)size / l->bytes_per_usec);
        due = l->line_free_usec + l->round_trip_usec + l->hub_usec;
        if (l->jitter_usec > 0)
                due += l->dice.random.draw(&l->dice) % l->jitter_usec;
        if (l->hiccup_every > 0 && l->n_sent % l->hiccup_every == 0)
                due += 400 * USEC_PER_MSEC;
        /* PUBACKs come in order */
        if (l->n_flying > 0)
                due = MAX(due, l->flying[l->n_flying - 1].due);
        l->flying[l->n_flying].sent = l->now;
        l->flying[l->n_flying].due = due;
        l->flying[l->n_flying++].size = size;
        l->n_sent++;
        pace_sent(&l->pace, l->now);
}

static void line_arrive(Line *l)
{
        l->last_latency = l->now - l->flying[0].sent;
        pace_acknowledged(&l->pace, l->flying[0].size, l->flying[0].sent, l->now);
        l->n_flying--;
        for (unsigned i = 0; i < l->n_flying; i++)
                l->flying[i] = l->flying[i + 1];
        l->n_arrived++;
}

/* Returns how many arrived. */
static size_t line_run(Line *l, usec_t usec)
{
        usec_t end = l->now + usec;
        size_t before = l->n_arrived;

        for (;;) {
                usec_t next = USEC_INFINITY;

                while (l->n_flying < WINDOW && pace_admits(&l->pace, l->n_flying, l->now))
                        line_send(l);
                if (l->n_flying > 0)
                        next = l->flying[0].due;
                if (l->n_flying < l->pace.limit)
                        next = MIN(next, l->pace.next_usec);
                insist(next > l->now || (l->n_flying > 0 && l->flying[0].due <= l->now));
                if (next > end)
                        break;
                l->now = next;
                if (l->n_flying > 0 && l->flying[0].due <= l->now)
                        line_arrive(l);
        }
        l->now = end;
        return l->n_arrived - before;
}

START_TEST(a_good_line_is_used_to_the_full)
{
        static const usec_t trips[] = {USEC_PER_MSEC, 20 * USEC_PER_MSEC, 50 * USEC_PER_MSEC, 600 * USEC_PER_MSEC};

        for (size_t i = 0; i < ARRAY_SIZE(trips); i++) {
                Line l;
                size_t n, possible;

                line_init(&l);
                l.round_trip_usec = trips[i];
                ck_assert_uint_eq(l.pace.limit, WINDOW / 2);
                (void)line_run(&l, 20 * trips[i]);
                ck_assert_uint_eq(l.pace.limit, WINDOW);
                n = line_run(&l, 20 * USEC_PER_MIN);
                possible = (size_t)(20 * USEC_PER_MIN / trips[i]) * WINDOW;
                ck_assert_uint_ge(n * 100, possible * 99);
        }
}
END_TEST

/* Each message takes its own time, and each two hundredth is lost once and sent again: it holds up those behind it. */
START_TEST(noise_is_no_sign_of_a_slow_hub)
{
        Line l;
        size_t n;

        line_init(&l);
        l.jitter_usec = 80 * USEC_PER_MSEC;
        l.hiccup_every = 200;
        (void)line_run(&l, USEC_PER_MIN);
        n = line_run(&l, 20 * USEC_PER_MIN);
        ck_assert_uint_eq(l.pace.space_usec, 0);
        ck_assert_uint_ge(n, 20 * 60 * 1000 / 130 * WINDOW * 7 / 10);
}
END_TEST

START_TEST(a_slow_hub_halves_it_down_to_one_and_a_quick_one_lets_it_grow)
{
        Line l;
        unsigned before = WINDOW;

        line_init(&l);
        (void)line_run(&l, 10 * USEC_PER_SEC);
        l.hub_usec = 2 * USEC_PER_SEC;
        for (int i = 0; i < 4; i++) {
                (void)line_run(&l, 2200 * USEC_PER_MSEC);
                ck_assert_uint_le(l.pace.limit, MAX(before / 2, 1u));
                before = l.pace.limit;
        }
        ck_assert_uint_eq(l.pace.limit, 1);
        /* one at a time, and not even that */
        (void)line_run(&l, 30 * USEC_PER_SEC);
        ck_assert_uint_gt(l.pace.space_usec, 2 * USEC_PER_SEC);
        ck_assert_uint_ge(line_run(&l, USEC_PER_MIN), 5);

        l.hub_usec = 0;
        (void)line_run(&l, 40 * USEC_PER_SEC);
        ck_assert_uint_eq(l.pace.limit, WINDOW);
        ck_assert_uint_eq(l.pace.space_usec, 0);
        ck_assert_uint_ge(line_run(&l, 10 * USEC_PER_SEC), 10 * 20 * WINDOW * 99 / 100);
}
END_TEST

/* A satellite took over. */
START_TEST(what_stays_slow_is_the_new_normal)
{
        Line l;

        line_init(&l);
        (void)line_run(&l, USEC_PER_MIN);
        l.round_trip_usec = 700 * USEC_PER_MSEC;
        (void)line_run(&l, 10 * USEC_PER_MIN);
        ck_assert_uint_eq(l.pace.limit, WINDOW);
        ck_assert_uint_ge(line_run(&l, USEC_PER_MIN), 60 * 1000 / 700 * WINDOW * 95 / 100);
        /* and back on the ground */
        l.round_trip_usec = 50 * USEC_PER_MSEC;
        (void)line_run(&l, USEC_PER_MIN);
        ck_assert_uint_eq(l.pace.limit, WINDOW);
}
END_TEST

/* The line is full with two or three packs: more of them would only stand in the way of news. It stays so for hours,
 * although each PUBACK that was learned from while others flew would have made the next a little slower. */
START_TEST(a_narrow_line_is_full_but_not_jammed)
{
        for (size_t small_every = 0; small_every <= 5; small_every += 5) {
                Line l;
                size_t n, possible;

                line_init(&l);
                l.small_every = small_every;
                l.bytes_per_usec = (double)PACK / (400 * USEC_PER_MSEC);
                (void)line_run(&l, USEC_PER_MIN);
                for (int hour = 0; hour < 3; hour++) {
                        n = line_run(&l, USEC_PER_HOUR);
                        possible = 3600 * 10 / 4;
                        ck_assert_uint_ge(n * 100, possible * 85);
                        ck_assert_uint_le(l.pace.limit, 6);
                        ck_assert_uint_le(l.last_latency, 2500 * USEC_PER_MSEC);
                }
        }
}
END_TEST

START_TEST(a_window_of_one_is_a_window)
{
        Pace p;

        pace_begin(&p, 1, 0);
        ck_assert_uint_eq(p.limit, 1);
        ck_assert(pace_admits(&p, 0, 0));
        ck_assert(!pace_admits(&p, 1, 0));
        pace_begin(&p, 0, 0);
        ck_assert(pace_admits(&p, 0, 0));
        pace_begin(&p, 15, 0);
        pace_configure(&p, 3);
        ck_assert_uint_eq(p.limit, 3);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("flow/pace");
        TCase *c = suite_case(s, "a backlog's share of the line");

        tcase_add_test(c, a_good_line_is_used_to_the_full);
        tcase_add_test(c, noise_is_no_sign_of_a_slow_hub);
        tcase_add_test(c, a_slow_hub_halves_it_down_to_one_and_a_quick_one_lets_it_grow);
        tcase_add_test(c, what_stays_slow_is_the_new_normal);
        tcase_add_test(c, a_narrow_line_is_full_but_not_jammed);
        tcase_add_test(c, a_window_of_one_is_a_window);
        return suite_run(s);
}
