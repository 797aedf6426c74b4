/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The one unit test on a real loop: sd-event itself is what is to be proved here. Short times, generous
 * limits.
 */

#include "base/pulse.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "suite.h"

typedef struct Metronome {
        sd_event *event;
        usec_t next;
        usec_t period;
        unsigned ticks;
        unsigned enough; /* then the loop ends; 0: never */
} Metronome;

static usec_t deadline(void *userdata)
{
        const Metronome *m = userdata;

        return m->next;
}

static void tick(void *userdata, usec_t now)
{
        Metronome *m = userdata;

        ck_assert_uint_ge(now, m->next);
        m->ticks++;
        m->next = m->period == USEC_INFINITY ? USEC_INFINITY : usec_add(m->next, m->period);
        if (m->enough > 0 && m->ticks >= m->enough)
                (void)sd_event_exit(m->event, 0);
}

static Ticker ticker_of(Metronome *m)
{
        return (Ticker){"metronome", deadline, tick, m};
}

typedef struct Bed {
        sd_event *event;
        Pulse *pulse;
        usec_t begun;
} Bed;

static void bed_init(Bed *bed)
{
        ck_assert_int_ge(sd_event_new(&bed->event), 0);
        ck_assert_int_eq(pulse_new(&bed->pulse, bed->event, &clock_system), 0);
        bed->begun = clock_boot(&clock_system);
}

static void bed_done(Bed *bed)
{
        pulse_free(bed->pulse);
        sd_event_unref(bed->event);
}

START_TEST(each_is_ticked_at_its_times)
{
        Bed bed;
        Metronome quick, slow, never;

        bed_init(&bed);
        quick = (Metronome){bed.event, bed.begun + 5000, 5000, 0, 0};
        slow = (Metronome){bed.event, bed.begun + 20000, 20000, 0, 5};
        never = (Metronome){bed.event, USEC_INFINITY, 1, 0, 0};
        ck_assert_int_eq(pulse_add(bed.pulse, ticker_of(&never)), 0);
        ck_assert_int_eq(pulse_add(bed.pulse, ticker_of(&quick)), 0);
        ck_assert_int_eq(pulse_add(bed.pulse, ticker_of(&slow)), 0);
        ck_assert_int_eq(sd_event_loop(bed.event), 0);
        ck_assert_uint_eq(slow.ticks, 5);
        ck_assert_uint_ge(quick.ticks, 5); /* may have fallen behind on a busy machine */
        ck_assert_uint_eq(never.ticks, 0);
        ck_assert_uint_ge(clock_boot(&clock_system), bed.begun + 100000);
        bed_done(&bed);
}
END_TEST

START_TEST(equal_deadlines_cost_one_wakeup)
{
        Bed bed;
        Metronome m[8];

        bed_init(&bed);
        for (int i = 0; i < 8; i++) {
                m[i] = (Metronome){bed.event, bed.begun + 10000, USEC_INFINITY, 0, i == 7};
                ck_assert_int_eq(pulse_add(bed.pulse, ticker_of(&m[i])), 0);
        }
        ck_assert_int_eq(sd_event_loop(bed.event), 0);
        for (int i = 0; i < 8; i++)
                ck_assert_uint_eq(m[i].ticks, 1);
        ck_assert_uint_eq(pulse_wakeups(bed.pulse), 1);
        bed_done(&bed);
}
END_TEST

/* A deadline that comes nearer while something else is dispatched is seen before the next sleep. */
static int on_other(sd_event_source *source, uint64_t usec, void *userdata)
{
        Metronome *m = userdata;

        m->next = clock_boot(&clock_system);
        return 0;
}

START_TEST(a_new_deadline_needs_no_rearming)
{
        sd_event_source *other = NULL;
        Metronome m;
        Bed bed;

        bed_init(&bed);
        m = (Metronome){bed.event, USEC_INFINITY, USEC_INFINITY, 0, 1};
        ck_assert_int_eq(pulse_add(bed.pulse, ticker_of(&m)), 0);
        ck_assert_int_ge(sd_event_add_time(bed.event, &other, CLOCK_BOOTTIME, bed.begun + 10000, 1,
                                           on_other, &m), 0);
        ck_assert_int_eq(sd_event_loop(bed.event), 0);
        ck_assert_uint_eq(m.ticks, 1);
        sd_event_source_disable_unref(other);
        bed_done(&bed);
}
END_TEST

START_TEST(without_deadlines_nothing_wakes)
{
        Metronome m;
        Bed bed;

        bed_init(&bed);
        m = (Metronome){bed.event, USEC_INFINITY, USEC_INFINITY, 0, 0};
        ck_assert_int_eq(pulse_add(bed.pulse, ticker_of(&m)), 0);
        for (int i = 0; i < 5; i++)
                ck_assert_int_eq(sd_event_run(bed.event, 10000), 0);
        ck_assert_uint_eq(pulse_wakeups(bed.pulse), 0);
        bed_done(&bed);
}
END_TEST

static int on_ready(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
        return 0; /* and it is ready again */
}

/* Sources that always have something are served in turns, and the pulse has its turn among them. */
START_TEST(sources_that_never_rest_starve_nobody)
{
        sd_event_source *sources[3] = {};
        Metronome m;
        int fd;
        Bed bed;

        bed_init(&bed);
        m = (Metronome){bed.event, bed.begun, 0, 0, 0};
        ck_assert_int_eq(pulse_add(bed.pulse, ticker_of(&m)), 0);
        for (size_t i = 0; i < ARRAY_SIZE(sources); i++) {
                fd = eventfd(1, EFD_CLOEXEC);
                ck_assert_int_ge(sd_event_add_io(bed.event, &sources[i], fd, EPOLLIN, on_ready, NULL), 0);
                (void)sd_event_source_set_io_fd_own(sources[i], true);
        }
        for (int i = 0; i < 4000; i++)
                ck_assert_int_gt(sd_event_run(bed.event, 0), 0);
        ck_assert_uint_ge(m.ticks, 900);
        ck_assert_uint_le(m.ticks, 1100); /* nor do the others starve for it */
        for (size_t i = 0; i < ARRAY_SIZE(sources); i++)
                sd_event_source_disable_unref(sources[i]);
        bed_done(&bed);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("base/pulse");
        TCase *c = suite_case(s, "one timer for all");

        tcase_add_test(c, each_is_ticked_at_its_times);
        tcase_add_test(c, equal_deadlines_cost_one_wakeup);
        tcase_add_test(c, a_new_deadline_needs_no_rearming);
        tcase_add_test(c, without_deadlines_nothing_wakes);
        tcase_add_test(c, sources_that_never_rest_starve_nobody);
        return suite_run(s);
}
