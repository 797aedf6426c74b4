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
