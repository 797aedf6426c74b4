/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/hub/bucket.h"

#include "devhub/hub/tier.h"
#include "suite.h"

#define START    (20000 * USEC_PER_DAY)
#define PATIENCE (30 * USEC_PER_SEC)

static const uint64_t rates[] = {1, 7, 20, 100, 1000, 6000, 360000, 3600000}; /* a minute */

/* The n-th of those who come at the same moment, from 0: it waits until the ones in front have run out over the brim,
 * and is refused when that takes too long. */
START_TEST(a_burst_then_the_rate_then_no_more)
{
        for (size_t i = 0; i < ARRAY_SIZE(rates); i++) {
                uint64_t burst = rates[i], n;
                usec_t wait = 0;
                Bucket b;

                bucket_init(&b, rates[i], USEC_PER_MIN);
                for (n = 0; bucket_take(&b, 1, PATIENCE, START, &wait) == 0; n++)
                        insist(wait == (n < burst ? 0 : ((n + 1 - burst) * USEC_PER_MIN + rates[i] - 1) / rates[i]));
                ck_assert_uint_eq(n, burst + rates[i] / 2);
                ck_assert_uint_gt(wait, PATIENCE);
        }
}
END_TEST

/* Whoever is refused at any place in the row leaves nothing behind, and is let in as soon as it was told. */
START_TEST(who_is_refused_may_come_when_it_was_told)
{
        for (size_t i = 0; i < ARRAY_SIZE(rates); i++) {
                usec_t wait, now = START;
                Bucket b;

                bucket_init(&b, rates[i], USEC_PER_SEC);
                for (int n = 0; n < 10000; n++) {
                        if (bucket_take(&b, 1, 0, now, &wait) == 0)
                                continue;
                        insist(wait > 0);
                        insist(bucket_take(&b, 1, 0, now + wait - 1, &(usec_t){0}) == BUCKET_E_FULL);
                        now += wait;
                        if (rates[i] >= 60) /* else the burst has not even room for one */
                                insist(bucket_take(&b, 1, 0, now, &wait) == 0);
                }
        }
}
END_TEST

/* However the requests are spread over time, no more get in than the burst and what has run out. */
START_TEST(the_limit_holds_in_the_long_run)
{
        static const usec_t steps[] = {1, 16, 1000, 9999, 10001, 600000};

        for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
                uint64_t n_admitted = 0;
                usec_t now = START, wait;
                Bucket b;

                bucket_init(&b, 6000, USEC_PER_SEC); /* 100 a second */
                for (int n = 0; n < 50000; n++, now += steps[i]) {
                        n_admitted += bucket_take(&b, 1, 0, now, &wait) == 0;
                        insist(n_admitted <= 100 + (now - START) / 10000 + 1);
                }
                if (steps[i] < 10000) /* and not fewer either, as long as there are enough who ask */
                        ck_assert_uint_ge(n_admitted + 1, MIN(50000u, 100 + (now - START) / 10000));
                else
                        ck_assert_uint_eq(n_admitted, 50000);
        }
}
END_TEST

START_TEST(time_that_steps_back_empties_nothing)
{
        usec_t wait;
        Bucket b;

        bucket_init(&b, 60, USEC_PER_MIN);
        for (int n = 0; n < 60; n++)
                ck_assert_int_eq(bucket_take(&b, 1, 0, START, &wait), 0);
        ck_assert_int_eq(bucket_take(&b, 1, 0, START - USEC_PER_HOUR, &wait), BUCKET_E_FULL);
        ck_assert_uint_eq(wait, USEC_PER_SEC);
        ck_assert_int_eq(bucket_take(&b, 1, 0, START - USEC_PER_HOUR + USEC_PER_SEC, &wait), 0);
        ck_assert_int_eq(bucket_take(&b, 1, 0, START + 40 * USEC_PER_DAY, &wait), 0);
        ck_assert_uint_eq(b.level, USEC_PER_MIN);
}
END_TEST

START_TEST(no_rate_is_no_limit)
{
        usec_t wait;
        Bucket b;

        bucket_init(&b, 0, USEC_PER_MIN);
        for (int n = 0; n < 1000; n++)
                ck_assert(bucket_take(&b, UINT64_MAX, 0, START, &wait) == 0 && wait == 0);
}
END_TEST

/* In halves that do not run over: 32-bit compilers know no longer integer. */
static uint64_t within(uint64_t rate, usec_t burst)
{
        return rate / USEC_PER_MIN * burst + rate % USEC_PER_MIN * burst / USEC_PER_MIN;
}

/* The largest numbers that tiers have do not run over. */
START_TEST(the_largest_limits_are_exact)
{
        for (int t = TIER_F1; t < _TIER_MAX; t++)
                for (int o = OPERATION_CONNECT; o < _OPERATION_MAX; o++) {
                        uint64_t rate = tier_per_minute((Tier)t, tier_units_max((Tier)t), (Operation)o);
                        usec_t wait, burst = operation_burst((Operation)o);
                        uint64_t in_burst = within(rate, burst);
                        Bucket b;

                        bucket_init(&b, rate, burst);
                        ck_assert_int_eq(bucket_take(&b, in_burst, 0, START, &wait), 0);
                        ck_assert_int_eq(bucket_take(&b, rate / 2, PATIENCE, START, &wait), 0);
                        ck_assert_uint_le(wait, PATIENCE);
                        ck_assert_uint_ge(wait, PATIENCE - USEC_PER_MIN / rate - 1);
                        ck_assert_int_eq(bucket_take(&b, rate / 10 + 1, PATIENCE, START, &wait), BUCKET_E_FULL);
                }
}
END_TEST

int main(void)
{
        Suite *s = suite_create("devhub/bucket");
        TCase *c = suite_case(s, "one limit");

        tcase_add_test(c, a_burst_then_the_rate_then_no_more);
        tcase_add_test(c, who_is_refused_may_come_when_it_was_told);
        tcase_add_test(c, the_limit_holds_in_the_long_run);
        tcase_add_test(c, time_that_steps_back_empties_nothing);
        tcase_add_test(c, no_rate_is_no_limit);
        tcase_add_test(c, the_largest_limits_are_exact);
        return suite_run(s);
}
