/* SPDX-License-Identifier: Apache-2.0 */

/* Who else wants the link, another with our id or our own urgent messages: it breaks, and condemns nobody. */

#include <stdio.h>

#include "poison-world.h"
#include "suite.h"

/* More urgent messages than the hub takes, and a link that breaks: what is normal comes through, new and old. */
START_TEST(an_urgent_flood_starves_and_condemns_nobody)
{
        StreamSettings streams[] = {world_streams[0], world_streams[1], world_streams[2]};
        uint64_t most = 0;

        streams[2].urgent = true;
        w.streams = streams;
        w.puback_delay_usec = 2 * USEC_PER_SEC;
        world_link(&w, false);
        world_start(&w);
        read_many(5000, 0);
        world_run(&w, USEC_PER_MIN);
        world_link(&w, true);
        world_add_sensor(&w, "mast", "wind", 100 * USEC_PER_MSEC);
        world_add_sensor(&w, "cpu", "telemetry", USEC_PER_SEC);
        for (unsigned i = 0; i < 120; i++) {
                w.break_at = i % 4 == 0 ? 40 : 0;
                world_run(&w, USEC_PER_MIN);
                if (i >= 30) /* the backlog had its time */
                        most = MAX(most, missing("telemetry"));
        }
        (void)printf("# flood: %u links, %llu wait; at most %llu readings of telemetry had not arrived\n", w.n_links,
                     (unsigned long long)ledger_waiting(&world_ask(&w)->ledger), (unsigned long long)most);
        (void)fflush(stdout);
        ck_assert_uint_gt(ledger_waiting(&world_ask(&w)->ledger), 1000); /* it was a flood */
        ck_assert_uint_le(most, 120);
        w.n_sensors = 0;
        assert_nobody_is_condemned();
        ck_assert_uint_eq(world_missing(&w, "telemetry", 5000), 0);
}
END_TEST

/* The other one with our id has the link half of the time. */
START_TEST(a_takeover_condemns_nobody)
{
        static const usec_t lives[] = {20 * USEC_PER_MSEC, 60 * USEC_PER_MSEC, USEC_PER_SEC, 7 * USEC_PER_SEC};

        for (size_t i = 0; i < ARRAY_SIZE(lives); i++) {
                world_start(&w);
                add_sensors();
                for (int k = 0; k < 400; k++) {
                        world_link(&w, false);
                        world_link(&w, true);
                        while (!hub_is_ready(w.hub))
                                world_run(&w, 10 * USEC_PER_MSEC);
                        world_run(&w, lives[i]);
                }
                assert_nobody_is_condemned();
                poison_world_end();
                poison_world_begin();
        }
}
END_TEST

int main(void)
{
        Suite *s = suite_create("flow/rivals");
        TCase *c = suite_case(s, "others want the link");

        tcase_add_checked_fixture(c, poison_world_begin, poison_world_end);
        tcase_set_timeout(c, 60);
        tcase_add_test(c, an_urgent_flood_starves_and_condemns_nobody);
        tcase_add_test(c, a_takeover_condemns_nobody);
        return suite_run(s);
}
