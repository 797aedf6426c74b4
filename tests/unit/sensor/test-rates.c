/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/rates.h"

#include "suite.h"

#define PER_SECOND 2000
#define STEP       ((usec_t)10)

static Rates rates;

static void setup(void)
{
        rates = (Rates){.per_second = PER_SECOND};
}

typedef struct Sender {
        uint64_t who;
        usec_t every; /* of its tries; a multiple of the step */
        unsigned taken;
} Sender;

static void pass_second(usec_t second, Sender *senders, size_t n)
{
        for (usec_t t = second * USEC_PER_SEC; t < (second + 1) * USEC_PER_SEC; t += STEP)
                for (size_t i = 0; i < n; i++)
                        if (t % senders[i].every == i * STEP % senders[i].every)
                                senders[i].taken += rates_take(&rates, senders[i].who, t);
}

START_TEST(one_alone_has_all)
{
        Sender alone = {1, STEP, 0};
        unsigned at_once = 0;

        while (rates_take(&rates, 1, 0))
                at_once++;
        ck_assert_uint_eq(at_once, PER_SECOND);
        for (unsigned second = 1; second <= 10; second++) {
                pass_second(second, &alone, 1);
                ck_assert_uint_ge(alone.taken + PER_SECOND, second * PER_SECOND);
                ck_assert_uint_le(alone.taken, (second + 1) * PER_SECOND);
        }
}
END_TEST

/* Once in five seconds, in the midst of a flood, at any time of it. */
START_TEST(who_comes_seldom_finds_room)
{
        for (usec_t after = 0; after < USEC_PER_SEC; after += 91230) {
                Sender flood = {1, STEP, 0};

                setup();
                for (usec_t second = 0; second < 13; second++) {
                        pass_second(second, &flood, 1);
                        if (second % 5 == 3) {
                                for (usec_t t = 0; t < after; t += STEP)
                                        (void)rates_take(&rates, 1, (second + 1) * USEC_PER_SEC + t);
                                ck_assert(rates_take(&rates, 2, (second + 1) * USEC_PER_SEC + after));
                                second++;
                        }
                }
        }
}
END_TEST

START_TEST(without_a_limit_there_is_none)
{
        rates.per_second = 0;
        for (int i = 0; i < 10000; i++)
                insist(rates_take(&rates, 1, 0));
}
END_TEST

/* Floods of 100,000 a second, from one sender or from three, and five who want 100 each. */
START_TEST(flood_leaves_the_modest_theirs)
{
        for (size_t n_floods = 1; n_floods <= 3; n_floods++) {
                Sender senders[] = {{1, 10000, 0}, {2, 10000, 0}, {3, 10000, 0}, {4, 10000, 0},
                                    {5, 10000, 0}, {6, STEP, 0},  {7, STEP, 0},  {8, STEP, 0}};
                unsigned all = 0;

                setup();
                for (usec_t second = 0; second < 10; second++)
                        pass_second(second, senders, 5 + n_floods);
                for (size_t i = 0; i < 5; i++)
                        ck_assert_uint_eq(senders[i].taken, 10 * 100);
                for (size_t i = 0; i < ARRAY_SIZE(senders); i++)
                        all += senders[i].taken;
                /* nothing is lost by sharing, and nothing won */
                ck_assert_uint_ge(all, 10 * PER_SECOND);
                ck_assert_uint_le(all, 12 * PER_SECOND);
        }
}
END_TEST

/* Nobody is refused for being one of many. */
START_TEST(more_than_are_told_apart_lose_nothing)
{
        Sender senders[3 * RATES_PEERS];

        for (size_t i = 0; i < ARRAY_SIZE(senders); i++)
                senders[i] = (Sender){i, USEC_PER_SEC, 0};
        for (usec_t second = 0; second < 2; second++)
                pass_second(second, senders, ARRAY_SIZE(senders));
        for (size_t i = 0; i < ARRAY_SIZE(senders); i++)
                ck_assert_uint_eq(senders[i].taken, 2);
}
END_TEST

#define FLOODS_MAX (2 * RATES_PEERS)

/* So many floods of 100 a second (all they get is 2,000), and after five seconds of them one who comes once in `every` seconds. */
static unsigned taken_amid(unsigned n_floods, unsigned every, unsigned n_tries)
{
        unsigned taken = 0;

        setup();
        for (usec_t second = 0; second < 5 + (usec_t)n_tries * every; second++)
                for (usec_t ms = 0; ms < 1000; ms += 10) {
                        usec_t now = second * USEC_PER_SEC + ms * USEC_PER_MSEC;

                        for (unsigned i = 0; i < n_floods; i++)
                                (void)rates_take(&rates, 1000 + i, now);
                        if (second >= 5 && (second - 5) % every == 0 && ms == 500)
                                taken += rates_take(&rates, 7, now);
                }
        return taken;
}

START_TEST(floods_from_many_addresses_leave_the_modest_theirs)
{
        static const unsigned floods[] = {30, 31, 32, 33, 64, RATES_PEERS - 2, RATES_PEERS - 1};

        for (size_t i = 0; i < ARRAY_SIZE(floods); i++)
                ck_assert_uint_eq(taken_amid(floods[i], 1, 20), 20);
        ck_assert_uint_eq(taken_amid(33, 10, 5), 5);
}
END_TEST

/* More than there is room for: it is known after its first try or two, and then none of them takes its place. */
START_TEST(floods_from_more_than_are_told_apart_do_so_too)
{
        for (unsigned n = RATES_PEERS; n <= FLOODS_MAX; n += RATES_PEERS)
                ck_assert_uint_ge(taken_amid(n, 1, 20), 19);
}
END_TEST

/* Each from an address that nobody had before, as can be forged; the other was there before, and comes once in so many seconds. */
START_TEST(forged_addresses_take_nothing_from_who_is_known)
{
        for (unsigned every = 1; every <= 30; every += 14) {
                uint64_t forged = 1000;

                setup();
                for (usec_t second = 0; second < 5 * every; second++)
                        for (usec_t t = 0; t < USEC_PER_SEC; t += 250) {
                                usec_t now = second * USEC_PER_SEC + t;

                                if (second >= 2 * every)
                                        (void)rates_take(&rates, forged++, now);
                                if (t == 500000 && second % every == 0)
                                        ck_assert(rates_take(&rates, 7, now));
                        }
        }
}
END_TEST

START_TEST(who_left_has_no_share)
{
        Sender senders[] = {{1, STEP, 0}, {2, 10000, 0}};

        pass_second(0, senders, 2);
        senders[0].taken = 0;
        for (usec_t second = 10; second < 20; second++)
                pass_second(second, senders, 1);
        ck_assert_uint_ge(senders[0].taken, 9 * PER_SECOND);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("sensor/rates");
        TCase *c = suite_case(s, "rates");

        tcase_add_checked_fixture(c, setup, NULL);
        tcase_add_test(c, one_alone_has_all);
        tcase_add_test(c, who_comes_seldom_finds_room);
        tcase_add_test(c, without_a_limit_there_is_none);
        tcase_add_test(c, flood_leaves_the_modest_theirs);
        tcase_add_test(c, more_than_are_told_apart_lose_nothing);
        tcase_add_test(c, floods_from_many_addresses_leave_the_modest_theirs);
        tcase_add_test(c, floods_from_more_than_are_told_apart_do_so_too);
        tcase_add_test(c, forged_addresses_take_nothing_from_who_is_known);
        tcase_add_test(c, who_left_has_no_share);
        return suite_run(s);
}
