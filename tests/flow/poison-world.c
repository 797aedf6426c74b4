/* SPDX-License-Identifier: Apache-2.0 */
#include "poison-world.h"

#include <check.h>
#include <string.h>

World w;

void poison_world_begin(void)
{
        world_init(&w);
        w.forget_events = true;
        w.keep_outcomes = true;
        w.puback_delay_usec = 50 * USEC_PER_MSEC;
}

void poison_world_end(void)
{
        world_done(&w);
}

void add_others(void)
{
        world_add_sensor(&w, "cpu", "telemetry", USEC_PER_SEC);
        world_add_sensor(&w, "door", "alarms", 3 * USEC_PER_SEC);
}

void add_sensors(void)
{
        add_others();
        world_add_sensor(&w, "mast", "wind", 5 * USEC_PER_SEC);
}

void read_many(int n, int poison)
{
        for (int i = 1; i <= n; i++) {
                if (!queue_make_ready(w.queue))
                        world_run(&w, 100 * USEC_PER_MSEC);
                world_read(&w, "telemetry", i == poison ? "poison" : "cpu", i);
        }
}

uint64_t dead_letters(void)
{
        return ledger_dead_lettered(&world_ask(&w)->ledger);
}

Ledger ledger_of(const char *stream)
{
        Ledger ledger;
        unsigned id;

        ck_assert_int_eq(queue_stream(w.queue, stream, strcmp(stream, "alarms") == 0, &id), 0);
        queue_ledger(w.queue, id, &ledger);
        return ledger;
}

uint64_t missing(const char *stream)
{
        return world_missing(&w, stream, ledger_of(stream).accepted);
}

void run_until_dead(uint64_t n, usec_t at_most)
{
        usec_t end = w.clock.boot_usec + at_most;

        while (dead_letters() < n && w.clock.boot_usec < end)
                world_run(&w, USEC_PER_SEC);
        ck_assert_uint_eq(dead_letters(), n);
}

void assert_nobody_is_condemned(void)
{
        w.break_at = 0;
        w.withhold_pubacks = false;
        world_link(&w, true);
        world_run(&w, 2 * USEC_PER_HOUR);
        ck_assert_uint_eq(dead_letters(), 0);
        ck_assert_uint_eq(ledger_dropped(&world_ask(&w)->ledger), 0);
        ck_assert_uint_le(ledger_waiting(&world_ask(&w)->ledger), 40);
        ck_assert(world_balances(&w));
}
