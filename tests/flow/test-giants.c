/* SPDX-License-Identifier: Apache-2.0 */

/* Messages of the size that the hub takes at most, after breaks of the link: two of them are the whole window. */

#include <stdio.h>
#include <string.h>

#include "poison-world.h"
#include "suite.h"

#define GIANTS 22

static void make_ready(void)
{
        while (!queue_make_ready(w.queue))
                world_run(&w, 100 * USEC_PER_MSEC);
}

static void read_giant(size_t n_texts)
{
        static char text[4001];
        char names[READING_CHANNELS_MAX][8];
        Channel channels[READING_CHANNELS_MAX];
        Reading reading = {.sensor = "socket", .channels = channels, .n_channels = n_texts};

        memset(text, 'x', sizeof(text) - 1);
        for (size_t i = 0; i < n_texts; i++) {
                (void)snprintf(names[i], sizeof(names[i]), "c%zu", i);
                channels[i] = (Channel){names[i], {.kind = VALUE_TEXT, .text = text}};
        }
        make_ready();
        ck_assert_int_eq(w.sink.reading(w.sink.userdata, "telemetry", &reading), 0);
}

/* It comes up, and goes before any PUBACK. */
static void break_link(void)
{
        world_link(&w, false);
        world_link(&w, true);
        while (!hub_is_ready(w.hub))
                world_run(&w, 10 * USEC_PER_MSEC);
        world_run(&w, 20 * USEC_PER_MSEC);
}

/* How long the longest silence of a link was that stood, while there was something to send. */
static usec_t longest_idle(usec_t at_most)
{
        usec_t end = w.clock.boot_usec + at_most, since = w.clock.boot_usec, longest = 0;
        size_t n_published = w.far.n_published;

        while (w.clock.boot_usec < end && ledger_waiting(&world_ask(&w)->ledger) > 0) {
                world_run(&w, 100 * USEC_PER_MSEC);
                if (w.far.n_published > n_published || !hub_is_ready(w.hub))
                        since = w.clock.boot_usec;
                n_published = w.far.n_published;
                longest = MAX(longest, w.clock.boot_usec - since);
        }
        return longest;
}

static void assert_all_arrived(void)
{
        ck_assert_uint_eq(dead_letters(), 0);
        ck_assert_uint_eq(ledger_dropped(&world_ask(&w)->ledger), 0);
        ck_assert_uint_eq(ledger_waiting(&world_ask(&w)->ledger), 0);
        ck_assert_uint_eq(missing("telemetry"), 0);
        ck_assert(world_balances(&w));
}

/* Whoever is accused, and whoever broke the link in its place: a link that is well again carries what waits. */
START_TEST(a_link_that_was_cut_goes_on_at_once)
{
        static const size_t texts[] = {16, 32, 60, 63};

        for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
                for (unsigned breaks = 1; breaks <= 14; breaks++) {
                        usec_t idle;

                        world_link(&w, false);
                        world_start(&w);
                        for (int n = 0; n < GIANTS; n++)
                                read_giant(texts[i]);
                        world_run(&w, 5 * USEC_PER_SEC);
                        for (unsigned k = 0; k < breaks; k++)
                                break_link();
                        idle = longest_idle(USEC_PER_HOUR);
                        ck_assert_msg(idle <= 15 * USEC_PER_SEC, "%zu texts, %u breaks: the link was idle for %llu s",
                                      texts[i], breaks, (unsigned long long)(idle / USEC_PER_SEC));
                        assert_all_arrived();
                        poison_world_end();
                        poison_world_begin();
                }
}
END_TEST

/* Some break the link, and those in between are no hindrance to finding them. */
START_TEST(poisons_among_giants_are_found)
{
        for (unsigned each = 3; each <= 11; each += 4) {
                unsigned n_poisons = 0;

                w.poison = "666.66";
                world_link(&w, false);
                world_start(&w);
                for (unsigned n = 1; n <= GIANTS; n++) {
                        read_giant(60);
                        if (n % each != 0)
                                continue;
                        n_poisons++;
                        make_ready();
                        world_read(&w, "wind", "mast", 666.66);
                }
                add_others();
                world_run(&w, 5 * USEC_PER_SEC);
                world_link(&w, true);
                run_until_dead(n_poisons, 6 * USEC_PER_HOUR);
                world_run(&w, USEC_PER_HOUR);
                ck_assert_uint_eq(dead_letters(), n_poisons);
                ck_assert_uint_eq(ledger_dropped(&world_ask(&w)->ledger), 0);
                ck_assert_uint_le(ledger_waiting(&world_ask(&w)->ledger), 40);
                ck_assert(world_balances(&w));
                poison_world_end();
                poison_world_begin();
        }
}
END_TEST

int main(void)
{
        Suite *s = suite_create("flow/giants");
        TCase *c = suite_case(s, "two are the whole window");

        tcase_add_checked_fixture(c, poison_world_begin, poison_world_end);
        tcase_set_timeout(c, 60);
        tcase_add_test(c, a_link_that_was_cut_goes_on_at_once);
        tcase_add_test(c, poisons_among_giants_are_found);
        return suite_run(s);
}
