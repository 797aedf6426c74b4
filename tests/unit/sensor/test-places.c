/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/places.h"

#include <string.h>

#include "fake-clock.h"
#include "suite.h"

#define MAX_PLACES 8

static Places places;
static Place room[256];
static bool taken[ARRAY_SIZE(room)];
static unsigned n_left;    /* of those who had a place */
static uint64_t last_left; /* its peer */

static void setup(void)
{
        places = (Places){.max = MAX_PLACES};
        memset(taken, 0, sizeof(taken));
        n_left = 0;
        last_left = 0;
}

static void leave(Place *place)
{
        taken[place - room] = false;
        places_leave(&places, place);
}

/* NULL: turned away. */
static Place *come(uint64_t peer, usec_t now)
{
        Place *leaver;
        size_t i = 0;

        if (!places_find(&places, peer, now, &leaver))
                return NULL;
        if (leaver) {
                n_left++;
                last_left = leaver->peer;
                leave(leaver);
        }
        while (taken[i])
                i++;
        taken[i] = true;
        places_enter(&places, &room[i], peer, now);
        return &room[i];
}

START_TEST(whoever_comes_has_a_free_place)
{
        for (unsigned i = 0; i < MAX_PLACES; i++)
                ck_assert_ptr_nonnull(come(1, 0));
        ck_assert_ptr_null(come(1, 0));
        ck_assert_uint_eq(places_share(&places, 1), MAX_PLACES);
        ck_assert_uint_eq(n_left, 0);
}
END_TEST

/* 500 connections of one peer; others come before, meanwhile and afterwards. */
START_TEST(greedy_peer_gives_way_at_once)
{
        for (int i = 0; i < 500; i++) {
                (void)come(1, 0);
                if (i == 0 || i == 3 || i == 250 || i == 499)
                        ck_assert_ptr_nonnull(come(10 + (uint64_t)i, 0));
        }
        ck_assert_uint_eq(places_share(&places, 1), MAX_PLACES - 4);
        ck_assert_uint_eq(places.n, MAX_PLACES);
}
END_TEST

START_TEST(its_quietest_goes)
{
        Place *mine[MAX_PLACES];

        for (unsigned i = 0; i < MAX_PLACES; i++)
                mine[i] = come(1, i);
        for (unsigned i = 0; i < MAX_PLACES; i++)
                if (i != 5) /* never sent a good line, though it came later than some did */
                        place_prove(mine[i], 100 - i);
        ck_assert_ptr_eq(come(2, 200), mine[5]);
        ck_assert_ptr_eq(come(2, 200), mine[7]);
        ck_assert_ptr_eq(come(2, 200), mine[6]);
}
END_TEST

START_TEST(equals_do_not_drive_each_other_out)
{
        for (int i = 0; i < 1000; i++)
                for (uint64_t peer = 1; peer <= 3; peer++)
                        (void)come(peer, 0);
        /* 8 by 3: once shared, it stays so */
        ck_assert_uint_le(n_left, 4);
        for (uint64_t peer = 1; peer <= 3; peer++)
                ck_assert(places_share(&places, peer) == 2 || places_share(&places, peer) == 3);
}
END_TEST

START_TEST(quiet_one_makes_room)
{
        static const struct {
                bool proved;
                usec_t after;
        } cases[] = {{true, PLACES_QUIET_USEC}, {false, PLACES_FIRST_USEC}};

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                Place *quiet = NULL;

                setup();
                for (uint64_t peer = 1; peer <= MAX_PLACES; peer++) {
                        Place *place = come(peer, 0);

                        if (peer == 3)
                                quiet = place;
                        if (peer != 3 || cases[i].proved)
                                place_prove(place, peer == 3 ? 0 : cases[i].after);
                }
                ck_assert_ptr_null(come(100, cases[i].after - 1));
                quiet->held = true; /* it is we who do not listen */
                ck_assert_ptr_null(come(100, cases[i].after));
                quiet->held = false;
                ck_assert_ptr_null(come(2, cases[i].after)); /* has one; that one is not quiet */
                ck_assert_ptr_eq(come(100, cases[i].after), quiet);
                ck_assert_uint_eq(last_left, 3);
        }
}
END_TEST

START_TEST(who_has_some_drives_out_only_its_own)
{
        for (uint64_t peer = 1; peer <= MAX_PLACES; peer++)
                (void)come(peer, 0);
        for (int i = 0; i < 20; i++)
                ck_assert_ptr_nonnull(come(5, USEC_PER_HOUR * (usec_t)(i + 1)));
        for (uint64_t peer = 1; peer <= MAX_PLACES; peer++)
                ck_assert_uint_eq(places_share(&places, peer), 1);
}
END_TEST

/* Whoever comes and goes: never more than there are, shares counted right, nobody left with less than who came. */
START_TEST(any_coming_and_going)
{
        FakeRandom dice;

        fake_random_init(&dice, 7);
        for (usec_t now = 0; now < 200000; now++) {
                uint64_t draw = dice.random.draw(&dice);
                unsigned counts[6] = {};
                uint64_t peer = 1 + draw % 5;
                Place *place = &room[(draw >> 8) % MAX_PLACES];

                if (draw >> 63 && taken[place - room]) {
                        leave(place);
                } else {
                        unsigned before = n_left, mine = places_share(&places, peer);

                        (void)come(peer, now * USEC_PER_SEC);
                        insist(n_left == before || last_left == peer || mine == 0 ||
                               places_share(&places, last_left) >= mine + 1);
                }
                for (Place *p = places.first; p; p = p->next)
                        counts[p->peer]++;
                for (uint64_t p = 1; p <= 5; p++)
                        insist(places_share(&places, p) == counts[p]);
                insist(places.n <= MAX_PLACES);
        }
        ck_assert_uint_gt(n_left, 1000);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("sensor/places");
        TCase *c = suite_case(s, "places");

        tcase_add_checked_fixture(c, setup, NULL);
        tcase_add_test(c, whoever_comes_has_a_free_place);
        tcase_add_test(c, greedy_peer_gives_way_at_once);
        tcase_add_test(c, its_quietest_goes);
        tcase_add_test(c, equals_do_not_drive_each_other_out);
        tcase_add_test(c, quiet_one_makes_room);
        tcase_add_test(c, who_has_some_drives_out_only_its_own);
        tcase_add_test(c, any_coming_and_going);
        return suite_run(s);
}
