/* SPDX-License-Identifier: Apache-2.0 */

/* The parts of a rule one by one, each held against what it promises over many seeded walks. */

#include <float.h>
#include <math.h>

#include "flow/rules-alarm.h"
#include "flow/rules-deadband.h"
#include "flow/rules-summary.h"
#include "flow/rules-watch.h"
#include "suite.h"

#define SEEDS 200
#define STEPS 2000

static uint64_t dice_state;

static void dice_begin(uint64_t seed)
{
        dice_state = seed * UINT64_C(0x9E3779B97F4A7C15) + 1;
}

static uint64_t dice(uint64_t n)
{
        dice_state = dice_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        return (dice_state >> 33) % n;
}

/* Steps, noise, and now and then a leap. */
static double walk(double x)
{
        switch (dice(10)) {
        case 0:
                return x + (double)dice(2000) / 100 - 10;
        case 1:
        case 2:
                return x;
        default:
                return x + (double)dice(100) / 100 - 0.5;
        }
}

/* ---- deadband ---- */

static DeadbandSettings some_deadband(void)
{
        return (DeadbandSettings){
                .width = {.is_set = dice(4) > 0, .value = (double)dice(300) / 100},
                .max_silence_usec = dice(2) ? USEC_PER_MIN * (1 + dice(5)) : 0,
        };
}

START_TEST(what_is_known_far_away_is_right_to_within_the_deadband)
{
        for (uint64_t seed = 0; seed < SEEDS; seed++) {
                usec_t now = USEC_PER_HOUR;
                Deadband d = {};
                double x = 20, known = NAN;
                DeadbandSettings s;

                dice_begin(seed);
                s = some_deadband();
                for (unsigned i = 0; i < STEPS; i++) {
                        now += USEC_PER_SEC * (1 + dice(20));
                        x = walk(x);
                        if (deadband_take(&d, &s, x, QUALITY_GOOD, now))
                                known = x;
                        if (s.width.is_set)
                                insist(fabs(known - x) <= s.width.value);
                        else
                                insist(known == x);
                }
        }
}
END_TEST

/* As the rules do it: ticks at the deadline, readings in between. */
START_TEST(no_silence_is_longer_than_it_may_be_as_long_as_readings_come)
{
        for (uint64_t seed = 0; seed < SEEDS; seed++) {
                usec_t now = USEC_PER_HOUR, sent = 0, read;
                Deadband d = {};
                DeadbandSettings s;

                dice_begin(seed);
                s = some_deadband();
                s.width = (NumberLimit){true, 1000};
                s.max_silence_usec = USEC_PER_MIN * (1 + dice(5));
                for (unsigned i = 0; i < STEPS; i++) {
                        read = now + USEC_PER_SEC * (1 + dice(20));
                        if (deadband_deadline(&d, &s) <= read) {
                                now = deadband_deadline(&d, &s);
                                insist(now > sent);
                                deadband_sent(&d, d.sent, QUALITY_GOOD, now);
                                insist(now - sent <= s.max_silence_usec + DEADBAND_LENIENCE);
                                sent = now;
                        }
                        now = read;
                        if (deadband_take(&d, &s, walk(20), QUALITY_GOOD, now)) {
                                insist(sent == 0 || now - sent <= s.max_silence_usec + DEADBAND_LENIENCE);
                                sent = now;
                        }
                }
        }
}
END_TEST

START_TEST(without_a_new_value_the_silence_goes_on)
{
        const DeadbandSettings s = {.width = {true, 1}, .max_silence_usec = USEC_PER_MIN};
        Deadband d = {};

        ck_assert(deadband_deadline(&d, &s) == USEC_INFINITY);
        ck_assert(deadband_take(&d, &s, 20, QUALITY_GOOD, 1));
        ck_assert(deadband_deadline(&d, &s) == USEC_INFINITY);
        ck_assert(!deadband_take(&d, &s, 20.5, QUALITY_GOOD, 2));
        ck_assert(deadband_deadline(&d, &s) == 1 + USEC_PER_MIN + DEADBAND_LENIENCE);
}
END_TEST

/* A sensor that is read each ten seconds, a little sooner or later, costs no wake-up for the silence. */
START_TEST(a_read_at_about_the_right_time_ends_the_silence)
{
        const DeadbandSettings s = {.width = {true, 1}, .max_silence_usec = USEC_PER_MIN};
        unsigned n = 0;
        Deadband d = {};

        dice_begin(1);
        for (unsigned i = 1; i <= 6000; i++) {
                usec_t now = i * 10 * USEC_PER_SEC + dice(20 * USEC_PER_MSEC);

                insist(deadband_deadline(&d, &s) > now);
                n += deadband_take(&d, &s, 20, QUALITY_GOOD, now);
        }
        ck_assert_uint_eq(n, 1000);
}
END_TEST

START_TEST(none_goes_too_soon_after_the_last_and_the_last_one_goes_in_the_end)
{
        for (uint64_t seed = 0; seed < SEEDS; seed++) {
                DeadbandSettings s = {.min_interval_usec = 30 * USEC_PER_SEC};
                usec_t now = USEC_PER_HOUR, sent = 0, read;
                double x = 20, known = NAN;
                Deadband d = {};

                dice_begin(seed);
                if (dice(2))
                        s.width = (NumberLimit){true, 0.5};
                for (unsigned i = 0; i < STEPS; i++) {
                        read = now + USEC_PER_SEC * (1 + dice(dice(10) == 0 ? 100 : 5));
                        if (deadband_deadline(&d, &s) <= read) {
                                now = deadband_deadline(&d, &s);
                                deadband_sent(&d, x, QUALITY_GOOD, now);
                                insist(now - sent >= s.min_interval_usec - DEADBAND_LENIENCE);
                                sent = now;
                                known = x;
                        }
                        insist(now - sent < s.min_interval_usec || !(fabs(known - x) > s.width.value));
                        now = read;
                        x = walk(x);
                        if (deadband_take(&d, &s, x, QUALITY_GOOD, now)) {
                                insist(now - sent >= s.min_interval_usec - DEADBAND_LENIENCE);
                                sent = now;
                                known = x;
                        }
                }
        }
}
END_TEST

START_TEST(another_quality_goes_at_once)
{
        const DeadbandSettings s = {.width = {true, 5}, .min_interval_usec = USEC_PER_HOUR};
        Deadband d = {};

        ck_assert(deadband_take(&d, &s, 1, QUALITY_GOOD, 1));
        ck_assert(!deadband_take(&d, &s, 1, QUALITY_GOOD, 2));
        ck_assert(deadband_take(&d, &s, 1, QUALITY_STALE, 3));
        ck_assert(!deadband_take(&d, &s, 1, QUALITY_STALE, 4));
        ck_assert(deadband_take(&d, &s, 1, QUALITY_GOOD, 5));
        deadband_forget(&d);
        ck_assert(deadband_take(&d, &s, 1, QUALITY_GOOD, 6));
}
END_TEST

/* ---- summary ---- */

START_TEST(a_window_is_told_as_if_all_its_values_were_kept)
{
        for (uint64_t seed = 0; seed < SEEDS; seed++) {
                static double values[STEPS];
                usec_t now = USEC_PER_HOUR + seed;
                WindowSettings window;
                uint64_t counted = 0;
                size_t first = 0;
                Summary s = {};
                double x = 20;

                dice_begin(seed);
                window.length_usec = USEC_PER_SEC * (1 + dice(120));
                for (size_t i = 0; i < STEPS; i++) {
                        now += dice(30 * USEC_PER_SEC);
                        if (now >= summary_deadline(&s)) {
                                double low = INFINITY, high = -INFINITY, sum = 0;

                                insist(summary_deadline(&s) % window.length_usec == 0);
                                for (size_t k = first; k < i; k++) {
                                        low = fmin(low, values[k]);
                                        high = fmax(high, values[k]);
                                        sum += values[k];
                                }
                                insist(summary_get(&s, WINDOW_MIN) == low && summary_get(&s, WINDOW_MAX) == high);
                                insist(summary_get(&s, WINDOW_COUNT) == (double)(i - first));
                                insist(fabs(summary_get(&s, WINDOW_MEAN) - sum / (double)(i - first)) < 1e-9);
                                counted += s.n;
                                first = i;
                                s = (Summary){};
                        }
                        values[i] = x = walk(x);
                        summary_add(&s, &window, x, now);
                        insist(summary_deadline(&s) > now && summary_deadline(&s) - now <= window.length_usec);
                }
                insist(counted + s.n == STEPS);
        }
}
END_TEST

START_TEST(a_mean_lies_between_the_lowest_and_the_highest_of_whatever_comes)
{
        static const double odd[] = {0, -0.0, DBL_MAX, -DBL_MAX, DBL_MIN, 1e-320, 1, -1, 0.1, 1e16, 3};
        const WindowSettings window = {.length_usec = USEC_PER_HOUR};

        for (uint64_t seed = 0; seed < SEEDS; seed++) {
                Summary s = {};

                dice_begin(seed);
                for (size_t i = 0; i < 100; i++) {
                        summary_add(&s, &window, odd[dice(ARRAY_SIZE(odd))], i);
                        insist(isfinite(s.mean) && s.mean >= s.min && s.mean <= s.max);
                }
        }
}
END_TEST

static double mean_of(const double *values, size_t n)
{
        const WindowSettings window = {.length_usec = USEC_PER_HOUR};
        Summary s = {};

        for (size_t i = 0; i < n; i++)
                summary_add(&s, &window, values[i], i);
        return summary_told(&s, WINDOW_MEAN);
}

START_TEST(a_mean_has_the_digits_that_its_values_justify)
{
        static const struct {
                double values[4];
                size_t n;
                const char *text;
        } cases[] = {
                {{21, 21, 22}, 3, "21.3"},          {{21.5, 21.5, 22}, 3, "21.67"}, {{21.25}, 1, "21.25"},
                {{0, 0, 1}, 3, "0.3"},              {{-1, 0, 0}, 3, "-0.3"},
                {{48312 * 0.001, 48.313}, 2, "48.3125"},
                {{1e17, 3e17}, 2, "2e17"},
                {{64 / 3.0, 64 / 3.0}, 2, "21.333333333333332"}, /* they have no fewer themselves */
                {{1e-20, 3e-20}, 2, "2.0000000000000002e-20"},
        };
        char text[NUMBER_TEXT_MAX];

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                (void)number_format(mean_of(cases[i].values, cases[i].n), text);
                ck_assert_str_eq(text, cases[i].text);
        }
}
END_TEST

/* So nothing is lost by it. */
START_TEST(a_mean_and_its_count_tell_the_sum)
{
        static const double power[] = {1, 10, 100, 1000};
        static const size_t sizes[] = {1, 2, 3, 7, 9, 10, 11, 59, 60, 99, 100, 999, 1000, 3600};

        for (uint64_t seed = 0; seed < SEEDS * ARRAY_SIZE(sizes); seed++) {
                const size_t n = sizes[seed % ARRAY_SIZE(sizes)];
                const double unit = power[seed % ARRAY_SIZE(power)];
                static double values[3600];
                char text[NUMBER_TEXT_MAX];
                int64_t sum = 0;
                double mean;

                dice_begin(seed);
                for (size_t i = 0; i < n; i++) {
                        int64_t whole = (int64_t)dice(200000) - 40000;

                        sum += whole;
                        values[i] = (double)whole / unit;
                }
                mean = mean_of(values, n);
                insist(llround(mean * (double)n * unit) == sum);
                insist(number_format(mean, text) <= strlen("-199999.9999")); /* six digits, and as many as 3600 has */
        }
}
END_TEST

/* ---- watch ---- */

START_TEST(it_is_stale_when_nothing_came_and_only_then)
{
        for (uint64_t seed = 0; seed < SEEDS; seed++) {
                const WatchSettings s = {.stale_after_usec = USEC_PER_MIN};
                usec_t now = USEC_PER_HOUR, came = now;
                Watch w;

                dice_begin(seed);
                watch_begin(&w, now, now);
                for (unsigned i = 0; i < STEPS; i++) {
                        bool was = w.is_stale;

                        now += dice(30 * USEC_PER_SEC);
                        if (dice(4) == 0) {
                                came = now;
                                if (dice(8))
                                        watch_value(&w, &s, walk(20), now, now);
                                else
                                        watch_came(&w, now);
                                insist(!w.is_stale);
                                continue;
                        }
                        insist(watch_tick(&w, &s, now) == (!was && now - came >= USEC_PER_MIN));
                        insist(w.is_stale == (now - came >= USEC_PER_MIN));
                        insist(watch_deadline(&w, &s) == (w.is_stale ? USEC_INFINITY : came + USEC_PER_MIN));
                }
        }
}
END_TEST

START_TEST(it_is_frozen_when_the_same_value_came_for_so_long_and_only_then)
{
        for (uint64_t seed = 0; seed < SEEDS; seed++) {
                const WatchSettings s = {.frozen_after_usec = USEC_PER_MIN};
                usec_t now = USEC_PER_HOUR, changed = now;
                double x = 0;
                Watch w;

                dice_begin(seed);
                watch_begin(&w, now, now);
                for (unsigned i = 0; i < STEPS; i++) {
                        now += dice(10 * USEC_PER_SEC);
                        if (i == 0 || dice(10) == 0) {
                                x++;
                                changed = now;
                        }
                        watch_value(&w, &s, x, now, now);
                        insist(w.is_frozen == (now - changed >= USEC_PER_MIN));
                        insist(watch_deadline(&w, &s) == USEC_INFINITY);
                }
        }
}
END_TEST

START_TEST(silence_does_not_count_as_frozen)
{
        const WatchSettings s = {.stale_after_usec = 10, .frozen_after_usec = 20};
        Watch w;

        watch_begin(&w, 0, 0);
        watch_value(&w, &s, 1, 1, 1);
        ck_assert(watch_tick(&w, &s, 11));
        watch_value(&w, &s, 1, 30, 30);
        ck_assert(!w.is_stale && !w.is_frozen);
        for (usec_t now = 31; now < 50; now++) {
                watch_value(&w, &s, 1, now, now);
                ck_assert(!w.is_frozen);
        }
        watch_value(&w, &s, 1, 50, 50);
        ck_assert(w.is_frozen);
        watch_value(&w, &s, 2, 51, 51);
        ck_assert(!w.is_frozen);
}
END_TEST

/* ---- alarm ---- */

/* Mirrored, an alarm below is one above. */
static void run_alarm(const AlarmSettings *s, double sign, double limit, double clear)
{
        usec_t now = USEC_PER_HOUR, beyond_since = USEC_INFINITY;
        double x = 0;
        bool raised = false;
        Alarm a = {};

        for (unsigned i = 0; i < STEPS; i++) {
                usec_t next = now + dice(20 * USEC_PER_SEC);
                AlarmChange change;

                if (a.is_told != a.is_raised)
                        alarm_told(&a, true, now);
                if (alarm_deadline(&a) <= next && a.is_beyond) {
                        now = alarm_deadline(&a);
                        insist(!raised && now - beyond_since == s->hold_usec);
                        insist(alarm_tick(&a, now) == ALARM_RAISED);
                        insist(alarm_tick(&a, now) == ALARM_NOTHING);
                        raised = true;
                }
                now = next;
                x = walk(x * 0.98);
                change = alarm_take(&a, s, x * sign, now);
                if (!(x > limit))
                        beyond_since = USEC_INFINITY;
                else if (beyond_since == USEC_INFINITY)
                        beyond_since = now;
                if (raised) {
                        insist(change == (x <= clear ? ALARM_CLEARED : ALARM_NOTHING));
                        raised = x > clear;
                        if (!raised)
                                beyond_since = USEC_INFINITY;
                } else {
                        insist(change == (x > limit && now - beyond_since >= s->hold_usec ? ALARM_RAISED
                                                                                          : ALARM_NOTHING));
                        raised = change == ALARM_RAISED;
                }
                insist(a.is_raised == raised);
        }
}

START_TEST(an_alarm_is_raised_beyond_its_limit_and_cleared_behind_it)
{
        for (uint64_t seed = 0; seed < SEEDS; seed++) {
                AlarmSettings s = {.hold_usec = seed % 3 * 10 * USEC_PER_SEC};
                double clear = 5;

                if (seed % 2) {
                        clear = 2;
                        s.clear = (NumberLimit){true, 2};
                }
                s.above = (NumberLimit){true, 5};
                dice_begin(seed);
                run_alarm(&s, 1, 5, clear);

                s.above.is_set = false;
                s.below = (NumberLimit){true, -5};
                s.clear.value = -s.clear.value;
                dice_begin(seed);
                run_alarm(&s, -1, 5, clear);
        }
}
END_TEST

START_TEST(a_value_that_trembles_at_the_limit_raises_one_alarm)
{
        const AlarmSettings s = {.above = {true, 80}, .clear = {true, 75}};
        unsigned n = 0;
        Alarm a = {};

        dice_begin(3);
        for (usec_t now = 1; now < 1000; now++)
                n += alarm_take(&a, &s, 80 + (double)dice(100) / 50 - 1, now) != ALARM_NOTHING;
        ck_assert_uint_eq(n, 1);
        ck_assert_str_eq(alarm_state(&a, &s), "above");
        ck_assert(alarm_take(&a, &s, 75, 1000) == ALARM_CLEARED);
        ck_assert_str_eq(alarm_state(&a, &s), "clear");
}
END_TEST

START_TEST(what_did_not_arrive_is_owed_until_it_does)
{
        const AlarmSettings s = {.below = {true, 0}};
        Alarm a = {};

        ck_assert(!alarm_owes(&a, 1));
        ck_assert(alarm_take(&a, &s, -1, 1) == ALARM_RAISED);
        for (usec_t now = 1; now < 10 * USEC_PER_SEC; now += USEC_PER_SEC) {
                ck_assert(alarm_owes(&a, now));
                alarm_told(&a, false, now);
                ck_assert(!alarm_owes(&a, now));
                ck_assert(alarm_owed_at(&a) == now + USEC_PER_SEC);
        }
        alarm_told(&a, true, 20 * USEC_PER_SEC);
        ck_assert(!alarm_owes(&a, USEC_PER_HOUR) && alarm_owed_at(&a) == USEC_INFINITY);
        ck_assert(alarm_take(&a, &s, 1, USEC_PER_HOUR) == ALARM_CLEARED);
        ck_assert(alarm_owes(&a, USEC_PER_HOUR));
}
END_TEST

int main(void)
{
        Suite *s = suite_create("flow/rules-parts");
        TCase *c = suite_case(s, "a deadband");

        tcase_add_test(c, what_is_known_far_away_is_right_to_within_the_deadband);
        tcase_add_test(c, no_silence_is_longer_than_it_may_be_as_long_as_readings_come);
        tcase_add_test(c, without_a_new_value_the_silence_goes_on);
        tcase_add_test(c, a_read_at_about_the_right_time_ends_the_silence);
        tcase_add_test(c, none_goes_too_soon_after_the_last_and_the_last_one_goes_in_the_end);
        tcase_add_test(c, another_quality_goes_at_once);
        c = suite_case(s, "a window's summary");
        tcase_add_test(c, a_window_is_told_as_if_all_its_values_were_kept);
        tcase_add_test(c, a_mean_has_the_digits_that_its_values_justify);
        tcase_add_test(c, a_mean_and_its_count_tell_the_sum);
        tcase_add_test(c, a_mean_lies_between_the_lowest_and_the_highest_of_whatever_comes);
        c = suite_case(s, "a watch");
        tcase_add_test(c, it_is_stale_when_nothing_came_and_only_then);
        tcase_add_test(c, it_is_frozen_when_the_same_value_came_for_so_long_and_only_then);
        tcase_add_test(c, silence_does_not_count_as_frozen);
        c = suite_case(s, "an alarm");
        tcase_add_test(c, an_alarm_is_raised_beyond_its_limit_and_cleared_behind_it);
        tcase_add_test(c, a_value_that_trembles_at_the_limit_raises_one_alarm);
        tcase_add_test(c, what_did_not_arrive_is_owed_until_it_does);
        return suite_run(s);
}
