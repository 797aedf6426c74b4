/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Alarms over a power cut, with the queue and the state file on one disk: wherever in a day of alarms the power goes, the
 * next value after the start sets right what the hub knows.
 */

#include <stdio.h>
#include <string.h>

#include "flow/alarm-book.h"
#include "flow/rules.h"
#include "flow/state-file.h"
#include "suite.h"
#include "world.h"

#define PATH "/alarms"
#define HIGH 90.0
#define LOW  20.0

static World w;
static StateFile *file;
static AlarmBook *book;
static Rules *rules;
static unsigned n_signals;

/* ---- the rules among the others, as the daemon joins them ---- */

static int on_store(void *userdata, const char *text, size_t size)
{
        return state_file_store(file, text, size);
}

static void on_stored(void *userdata, int error)
{
        alarm_book_stored(book, error);
        if (rules)
                rules_alarms_stored(rules);
}

static bool has_arrived(void *userdata, const char *stream)
{
        return collector_has_stored(w.collector, stream);
}

static void on_alarm(void *userdata, const char *channel, const char *state, double value)
{
        n_signals++;
}

static void on_stale(void *userdata, const char *sensor, const char *why, bool is_news)
{
}

static Ticker start(void *userdata)
{
        static const RuleSettings settings = {
                .channel = (char *)"cpu.temperature",
                .alarm = {.above = {true, 80}, .clear = {true, 75}, .stream = "alarms"},
        };
        size_t size = 0;
        const char *text = (const char *)fake_disk_file(w.disk, PATH, &size);

        ck_assert_int_eq(state_file_new(&file, PATH, &w.disk->disk, on_stored, NULL), 0);
        ck_assert_int_eq(alarm_book_new(&book, text ?: "", size, &w.clock.clock,
                                        &(AlarmBookPort){on_store, has_arrived, NULL}),
                         0);
        ck_assert_int_eq(rules_new(&rules, &w.clock.clock, &(RulesSink){w.sink, on_alarm, on_stale, NULL}), 0);
        rules_keep_alarms(rules, book);
        ck_assert_int_eq(rules_configure(rules, &settings, 1), 0);
        w.sink = rules_reading_sink(rules);
        return rules_ticker(rules);
}

static void stop(void *userdata)
{
        rules = rules_free(rules);
        file = state_file_free(file);
        book = alarm_book_free(book);
}

static void link_changed(void *userdata)
{
}

/* The queue tells of each commit; to be asked more often does no harm. */
static bool play(void *userdata)
{
        alarm_book_queue_changed(book);
        return false;
}

static usec_t never(void *userdata)
{
        return USEC_INFINITY;
}

static void begin(World *world)
{
        world_init(world);
        world->guest = (WorldGuest){start, stop, link_changed, play, never, NULL};
}

/* ---- what the hub knows ---- */

static bool is_known_raised(void)
{
        uint64_t last = 0;
        bool raised = false;

        for (size_t i = 0; i < w.n_events; i++) {
                const char *body = w.events[i].body;

                if (strcmp(w.events[i].stream, "alarms") != 0 || w.events[i].first < last)
                        continue;
                last = w.events[i].first;
                /* of several in one message the last one counts */
                for (const char *p = body; (p = strstr(p, "\"alarm\":\"")); p++)
                        raised = strncmp(p + 9, "clear\"", 6) != 0;
        }
        return raised;
}

/* First quicker than the disk may be flushed for each, so that alarms come at all distances from a commit. The link is down: what is on the disk is what the hub will know. */
static void live(void)
{
        begin(&w);
        world_link(&w, false);
        world_start(&w);
        for (unsigned i = 0; i < 34; i++) {
                world_read(&w, "telemetry", "cpu", i % 2 ? LOW : HIGH);
                world_run(&w, i < 28 ? 70 * USEC_PER_MSEC : 700 * USEC_PER_MSEC);
        }
        world_run(&w, 5 * USEC_PER_SEC);
}

static void start_again(FakeDisk *disk)
{
        begin(&w);
        fake_disk_free(w.disk);
        w.disk = disk;
        for (size_t i = 0; i < sizeof(disk->boot); i++)
                disk->boot[i] ^= 0x5a;
        world_start(&w);
        world_run(&w, USEC_PER_SEC);
}

START_TEST(wherever_the_power_goes_the_next_value_sets_right_what_the_hub_knows)
{
        unsigned n_cuts = 0, n_raised = 0;
        FakeDisk *day;

        live();
        ck_assert_uint_eq(n_signals, 34);
        day = w.disk;
        w.disk = fake_disk_copy(day); /* which ends with that world */
        world_done(&w);
        for (size_t n = 1; n <= day->n_entries; n++)
                for (unsigned high = 0; high < 2; high++) {
                        FakeDisk *disk = fake_disk_after_cut(day, n, (FakeCut)(n % _FAKE_CUT_MAX), n);

                        start_again(disk);
                        n_raised += alarm_book_count(book) > 0;
                        world_read(&w, "telemetry", "cpu", high ? HIGH : LOW);
                        world_run(&w, 15 * USEC_PER_SEC);
                        if (is_known_raised() != high)
                                ck_abort_msg("after a cut at %zu the hub takes it for %s", n, high ? "well" : "raised");
                        ck_assert(world_balances(&w));
                        ck_assert_uint_eq(alarm_book_count(book), high);
                        n_cuts++;
                        world_done(&w);
                }
        printf("# %u cuts; at %u of them an alarm stood in the book\n", n_cuts, n_raised);
        ck_assert_uint_gt(n_raised, n_cuts / 10);
        fake_disk_free(day);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("flow/alarms");
        TCase *c = suite_case(s, "alarms over a power cut");

        tcase_set_timeout(c, 120);
        tcase_add_test(c, wherever_the_power_goes_the_next_value_sets_right_what_the_hub_knows);
        return suite_run(s);
}
