/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "fake-clock.h"
#include "queue/boots.h"
#include "suite.h"

#define DAY1  (1767225600 * USEC_PER_SEC)
#define H     USEC_PER_HOUR

/* A machine that is switched off and on, with a true time of which its clock may know nothing. */
static FakeClock fake;
static Boots boots;
static usec_t truth;
static uint8_t id[16];

static void boot(usec_t off, bool synchronised, usec_t claims)
{
        id[3]++;
        truth += off;
        fake.boot_usec = 0;
        fake.wall_usec = synchronised ? truth : claims;
        fake.is_synchronised = synchronised;
        boots_begin(&boots, id, 77);
        (void)boots_look(&boots, &fake.clock);
}

static void live(usec_t usec)
{
        truth += usec;
        fake_clock_advance(&fake, usec);
        (void)boots_look(&boots, &fake.clock);
}

static Moment now(void)
{
        return (Moment){boots_present(&boots), fake.boot_usec};
}

static void setup(void)
{
        fake_clock_init(&fake);
        boots = (Boots){};
        memset(id, 0, sizeof(id));
        truth = DAY1;
}

static QueueTime time_of(Moment m, usec_t *ret_wall)
{
        return boots_wall(&boots, m, ret_wall);
}

START_TEST(what_came_before_the_clock_was_set_is_made_out_by_it)
{
        Moment early;
        usec_t wall, true_then;

        boot(0, false, 5 * H); /* 1970 */
        live(H);
        early = now();
        true_then = truth;
        ck_assert_int_eq(time_of(early, &wall), QUEUE_TIME_UNKNOWN);
        live(H);
        fake.wall_usec = truth;
        fake.is_synchronised = true;
        live(USEC_PER_SEC);
        ck_assert_int_eq(time_of(early, &wall), QUEUE_TIME_GOOD);
        ck_assert_uint_eq(wall, true_then);

        /* steps of days that follow, forwards and backwards, change nothing of it */
        for (int i = 0; i < 2; i++) {
                fake.wall_usec += i == 0 ? 3 * USEC_PER_DAY : -5 * USEC_PER_DAY;
                live(H);
                ck_assert_int_eq(time_of(early, &wall), QUEUE_TIME_GOOD);
                ck_assert_uint_eq(wall, true_then);
        }
}
END_TEST

START_TEST(a_boot_between_two_lies_between_them)
{
        static const struct {
                usec_t claims;
                bool right; /* else the nearer bound */
        } clocks[] = {{0, false}, {DAY1 + 3 * H, true}, {DAY1 + 900 * H, false}};

        for (size_t i = 0; i < ARRAY_SIZE(clocks); i++) {
                usec_t end_of_first, wall, start_of_last;
                Moment m;

                setup();
                boot(0, true, 0);
                live(2 * H);
                end_of_first = truth;
                boot(H, false, clocks[i].claims); /* DAY1 + 3 H is right */
                live(30 * USEC_PER_MIN);
                m = now();
                live(30 * USEC_PER_MIN);
                ck_assert_int_eq(time_of(m, &wall), QUEUE_TIME_UNKNOWN);
                boot(2 * H, true, 0);
                start_of_last = truth;
                live(USEC_PER_SEC);

                ck_assert_int_eq(time_of(m, &wall), QUEUE_TIME_BOUNDED);
                ck_assert_uint_ge(wall, end_of_first + 30 * USEC_PER_MIN);
                ck_assert_uint_le(wall, start_of_last - 30 * USEC_PER_MIN);
                if (clocks[i].right)
                        ck_assert_uint_eq(wall, DAY1 + 3 * H + 30 * USEC_PER_MIN);
                else
                        ck_assert_uint_eq(wall, clocks[i].claims == 0 ? end_of_first + 30 * USEC_PER_MIN :
                                                                        start_of_last - 30 * USEC_PER_MIN);
        }
}
END_TEST

START_TEST(several_in_a_row_follow_one_another)
{
        usec_t wall, before = 0, end;
        Moment m[5];

        boot(0, true, 0);
        live(H);
        end = truth;
        for (int i = 0; i < 5; i++) {
                boot(H, false, 0);
                live(H);
                m[i] = now();
        }
        boot(H, true, 0);
        for (int i = 0; i < 5; i++) {
                ck_assert_int_eq(time_of(m[i], &wall), QUEUE_TIME_BOUNDED);
                ck_assert_uint_ge(wall, end + (usec_t)(i + 1) * H);
                ck_assert_uint_le(wall, truth - (usec_t)(4 - i) * H);
                ck_assert_uint_ge(wall, before + H);
                before = wall;
        }
}
END_TEST

START_TEST(bounds_outlive_the_boots_that_gave_them)
{
        usec_t wall;
        Moment m;

        boot(0, true, 0);
        live(H);
        boot(H, false, 0);
        m = now();
        boots_forget_before(&boots, m.boot);
        ck_assert_uint_eq(boots.n, 1);
        boot(H, true, 0);
        boot(H, false, 0);
        ck_assert_int_eq(time_of(m, &wall), QUEUE_TIME_BOUNDED);
        ck_assert_uint_eq(wall, DAY1 + H);
        boots_forget_before(&boots, UINT32_MAX); /* the present one stays */
        ck_assert_uint_eq(boots.n, 1);
        ck_assert_uint_eq(boots.boots[0].ordinal, 4);
        ck_assert_int_eq(time_of(m, &wall), QUEUE_TIME_UNKNOWN);
        ck_assert_uint_eq(wall, 0);
}
END_TEST

START_TEST(a_table_that_is_full_gives_up_what_it_knows_least_of)
{
        Moment first, second;
        usec_t wall;

        boot(0, true, 0);
        first = now();
        boot(H, false, 0);
        second = now();
        for (size_t i = 0; i + 2 < BOOTS_MAX; i++)
                boot(H, true, 0);
        ck_assert_uint_eq(boots.n, BOOTS_MAX);
        ck_assert_int_eq(time_of(second, &wall), QUEUE_TIME_BOUNDED);
        boot(H, true, 0);
        ck_assert_uint_eq(boots.n, BOOTS_MAX);
        ck_assert_int_eq(time_of(second, &wall), QUEUE_TIME_UNKNOWN);
        ck_assert_int_eq(time_of(first, &wall), QUEUE_TIME_GOOD);
        boot(H, true, 0); /* of equals the oldest */
        ck_assert_int_eq(time_of(first, &wall), QUEUE_TIME_UNKNOWN);
        ck_assert_uint_eq(boots_present(&boots), BOOTS_MAX + 2);
}
END_TEST

START_TEST(bounds_that_cross_bound_nothing)
{
        usec_t wall;
        Moment m;

        boot(0, true, 0);
        live(10 * H);
        boot(H, false, 77 * H);
        m = now();
        fake.wall_usec = truth -= 9 * H; /* the first one's clock was wrong, synchronised or not */
        boot(0, true, 0);
        ck_assert_int_eq(time_of(m, &wall), QUEUE_TIME_UNKNOWN);
        ck_assert_uint_eq(wall, 77 * H);
}
END_TEST

START_TEST(the_same_boot_goes_on)
{
        boot(0, true, 0);
        live(H);
        fake.wall_usec += USEC_PER_DAY;
        boots_begin(&boots, id, 77);
        live(H);
        ck_assert_uint_eq(boots.n, 1);
        ck_assert_uint_eq(boots.boots[0].ordinal, 1);
        ck_assert_uint_eq(boots.boots[0].start_usec, DAY1);
        ck_assert_uint_eq(boots.boots[0].last_usec, 2 * H);
}
END_TEST

START_TEST(the_clock_is_asked_once_a_second_at_most)
{
        boot(0, false, 0);
        fake.is_synchronised = true;
        fake.boot_usec = 0;
        live(1);
        ck_assert(boots_get(&boots, 1)->good); /* time 0 is no time to have asked at */
        setup();
        boot(0, false, 0);
        live(USEC_PER_SEC);
        fake.is_synchronised = true;
        live(USEC_PER_SEC - 1);
        ck_assert(!boots_get(&boots, 1)->good);
        live(1);
        ck_assert(boots_get(&boots, 1)->good);
}
END_TEST

START_TEST(ages_are_certain)
{
        Moment a, b, c;

        boot(0, true, 0);
        a = now();
        live(H);
        boot(USEC_PER_DAY, false, 0);
        b = now();
        live(H);
        boot(USEC_PER_DAY, false, 0);
        c = now();
        live(H);

        /* what the machine was off for, nobody knows yet */
        ck_assert_uint_eq(boots_age(&boots, c, fake.boot_usec), H);
        ck_assert_uint_eq(boots_age(&boots, b, fake.boot_usec), 2 * H);
        ck_assert_uint_eq(boots_age(&boots, a, fake.boot_usec), 3 * H);
        ck_assert_uint_eq(boots_age(&boots, (Moment){0, 5}, fake.boot_usec), H);

        fake.wall_usec = truth;
        fake.is_synchronised = true;
        live(USEC_PER_SEC);
        ck_assert_uint_eq(boots_age(&boots, c, fake.boot_usec), H + USEC_PER_SEC);
        ck_assert_uint_eq(boots_age(&boots, a, fake.boot_usec), 2 * USEC_PER_DAY + 3 * H + USEC_PER_SEC);
        /* of the one between two: not more than it may be */
        ck_assert_uint_eq(boots_age(&boots, b, fake.boot_usec), 2 * H + USEC_PER_SEC);

        /* the clock may do what it likes */
        for (int i = 0; i < 2; i++) {
                fake.wall_usec += i == 0 ? 3 * USEC_PER_DAY : -9 * USEC_PER_DAY;
                live(USEC_PER_SEC);
                ck_assert_uint_eq(boots_age(&boots, a, fake.boot_usec),
                                  2 * USEC_PER_DAY + 3 * H + (usec_t)(2 + i) * USEC_PER_SEC);
                ck_assert_uint_eq(boots_age(&boots, c, fake.boot_usec), H + (usec_t)(2 + i) * USEC_PER_SEC);
        }
}
END_TEST

START_TEST(epochs_lead_to_boots)
{
        for (uint64_t e = 1; e <= 3 * BOOTS_EPOCHS; e++)
                boots_learn_epoch(&boots, e, (uint32_t)(e / 10 + 1));
        for (uint64_t e = 1; e <= 3 * BOOTS_EPOCHS; e++)
                ck_assert_uint_eq(boots_of_epoch(&boots, e), e > 2 * BOOTS_EPOCHS ? e / 10 + 1 : 0);
        boots_learn_epoch(&boots, 3, 7);
        boots_learn_epoch(&boots, 3, 9);
        ck_assert_uint_eq(boots_of_epoch(&boots, 3), 9);
        boots_learn_epoch(&boots, 3, 0);
        ck_assert_uint_eq(boots_of_epoch(&boots, 3), 9);
        boot(0, false, 0); /* that of this opening is never pushed out */
        ck_assert_uint_eq(boots_of_epoch(&boots, 77), 1);
        boots_saw(&boots, 77, 12345);
        boots_saw(&boots, 78, 99999);
        ck_assert_uint_eq(boots.boots[0].last_usec, 12345);
}
END_TEST

/* 2^32 seconds are over in 2106; a boot clock of as many is only a big number. */
START_TEST(no_second_is_too_late)
{
        usec_t far = ((usec_t)1 << 32) * USEC_PER_SEC, wall;
        Moment m;

        truth = 2 * far;
        boot(0, true, 0);
        live(far + 7);
        m = now();
        ck_assert_int_eq(time_of(m, &wall), QUEUE_TIME_GOOD);
        ck_assert_uint_eq(wall, 3 * far + 7);
        boot(far, true, 0);
        live(1);
        ck_assert_uint_eq(boots_age(&boots, m, fake.boot_usec), far + 1);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("queue/boots");
        TCase *c = suite_case(s, "times are made out, boot by boot");

        tcase_add_checked_fixture(c, setup, NULL);
        tcase_add_test(c, what_came_before_the_clock_was_set_is_made_out_by_it);
        tcase_add_test(c, a_boot_between_two_lies_between_them);
        tcase_add_test(c, several_in_a_row_follow_one_another);
        tcase_add_test(c, bounds_outlive_the_boots_that_gave_them);
        tcase_add_test(c, a_table_that_is_full_gives_up_what_it_knows_least_of);
        tcase_add_test(c, bounds_that_cross_bound_nothing);
        tcase_add_test(c, the_same_boot_goes_on);
        tcase_add_test(c, the_clock_is_asked_once_a_second_at_most);
        tcase_add_test(c, ages_are_certain);
        tcase_add_test(c, epochs_lead_to_boots);
        tcase_add_test(c, no_second_is_too_late);
        return suite_run(s);
}
