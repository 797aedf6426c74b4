/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "base/log-id.h"
#include "bench.h"
#include "log-capture.h"
#include "suite.h"

#define EVENTS_MAX 4096

/* What was told, in its order. */
typedef struct Watcher {
        Bench bench;
        LogCapture log;
        struct {
                QueueLane lane;
                double fill; /* of a pressure; 0: records were dropped */
        } events[EVENTS_MAX];
        size_t n_events;
        bool dropped; /* since the last look */
} Watcher;

static void on_pressure(void *userdata, QueueLane lane, double fill)
{
        Watcher *w = userdata;

        insist(w->n_events < EVENTS_MAX);
        insist(fill > 0.8 && fill <= 1);
        w->events[w->n_events].lane = lane;
        w->events[w->n_events++].fill = fill;
}

static void on_settled(void *userdata, const Settled *settled)
{
        Watcher *w = userdata;

        if (!outcome_is_drop(settled->outcome))
                return;
        insist(w->n_events < EVENTS_MAX);
        w->events[w->n_events].lane = strcmp(settled->stream, "alarms") == 0 ? QUEUE_LANE_URGENT : QUEUE_LANE_NORMAL;
        w->events[w->n_events++].fill = 0;
        w->dropped = true;
}

static void watcher_init(Watcher *w)
{
        memset(w, 0, sizeof(*w));
        log_capture_begin(&w->log);
        bench_init(&w->bench);
        w->bench.on_pressure = on_pressure;
        w->bench.on_settled = on_settled;
        w->bench.on_pressure_userdata = w->bench.on_settled_userdata = w;
}

static void watcher_done(Watcher *w)
{
        bench_done(&w->bench);
        log_capture_end(&w->log);
}

/* Nothing of a lane goes before the last level was told. */
static void assert_told_before_the_first_drop(const Watcher *w, QueueLane lane)
{
        double latest = 0;
        size_t i = 0;

        while (i < w->n_events && (w->events[i].fill > 0 || w->events[i].lane != lane)) {
                if (w->events[i].lane == lane)
                        latest = w->events[i].fill;
                i++;
        }
        ck_assert_uint_lt(i, w->n_events); /* something went at last */
        ck_assert_msg(latest > 0.95, "what was told last is %g", latest);
}

/* However large the limit, a slot, or what one commit brings. */
START_TEST(it_is_told_before_the_first_drop)
{
        static const uint64_t limits[] = {1 << 20, 2 << 20, 3 << 20, 8 << 20};
        static const size_t sizes[] = {100, 3000, 20000, 100000, 256000};
        static Watcher w;

        for (size_t i = 0; i < ARRAY_SIZE(limits); i++)
                for (size_t k = 0; k < ARRAY_SIZE(sizes); k++)
                        for (unsigned per_commit = 1; per_commit <= 8; per_commit *= 8) {
                                unsigned s;

                                watcher_init(&w);
                                w.bench.settings.max_bytes = limits[i];
                                bench_open(&w.bench);
                                s = bench_stream(&w.bench, "telemetry", QUEUE_LANE_NORMAL);
                                for (int n = 0; !w.dropped; n++) {
                                        unsigned more = sizes[k] < 1000 ? per_commit * 100 : per_commit;

                                        insist(n < 3000);
                                        for (; more > 0; more--)
                                                (void)bench_append_big(&w.bench, s, sizes[k]);
                                        bench_run(&w.bench, USEC_PER_SEC);
                                }
                                assert_told_before_the_first_drop(&w, QUEUE_LANE_NORMAL);
                                ck_assert_uint_eq(log_capture_count(&w.log, "Restore the link, or raise"), 2);
                                ck_assert_str_eq(w.log.ids[0], LOG_ID_QUEUE_PRESSURE);
                                ck_assert_str_eq(w.log.ids[1], LOG_ID_QUEUE_FULL);
                                watcher_done(&w);
                        }
}
END_TEST

START_TEST(both_levels_and_again_after_relief)
{
        static Watcher w;
        QueueStatus status;
        unsigned s;

        watcher_init(&w);
        bench_open(&w.bench);
        s = bench_stream(&w.bench, "telemetry", QUEUE_LANE_NORMAL);
        for (unsigned round = 1; round <= 3; round++) {
                do {
                        for (int i = 0; i < 10; i++)
                                insist(bench_append_big(&w.bench, s, 3000) == 0);
                        bench_run(&w.bench, USEC_PER_SEC);
                        queue_status(w.bench.queue, &status);
                        insist(w.n_events >= 2 * round - 2 + (status.fill > 0.8) + (status.fill > 0.95));
                } while (status.fill < 0.97);
                ck_assert_uint_eq(w.n_events, 2 * round);
                ck_assert(w.events[w.n_events - 2].fill < 0.9);
                ck_assert(w.events[w.n_events - 1].fill < 0.99);
                ck_assert_uint_eq(log_capture_count(&w.log, "% full"), 1); /* an hour has not gone by */
                (void)bench_read_and_settle(&w.bench, QUEUE_LANE_NORMAL);
                queue_status(w.bench.queue, &status);
                ck_assert(status.fill < 0.7);
                bench_run(&w.bench, USEC_PER_MIN);
        }
        ck_assert(!w.dropped);
        watcher_done(&w);
}
END_TEST

START_TEST(each_lane_for_itself)
{
        static Watcher w;
        unsigned s, a;

        watcher_init(&w);
        bench_open(&w.bench);
        s = bench_stream(&w.bench, "telemetry", QUEUE_LANE_NORMAL);
        a = bench_stream(&w.bench, "alarms", QUEUE_LANE_URGENT);
        ck_assert_int_eq(bench_append_big(&w.bench, s, 3000), 0);
        ck_assert(queue_stream_waits(w.bench.queue, s, QUEUE_LANE_NORMAL));
        ck_assert(!queue_stream_waits(w.bench.queue, s, QUEUE_LANE_URGENT));
        ck_assert(!queue_stream_waits(w.bench.queue, a, QUEUE_LANE_URGENT));
        /* the urgent lane takes room from the normal one, whose oldest go */
        while (w.bench.settled[OUTCOME_QUEUE_FULL] == 0) {
                for (int i = 0; i < 10; i++)
                        (void)bench_append_big(&w.bench, s, 3000);
                bench_run(&w.bench, USEC_PER_SEC);
        }
        assert_told_before_the_first_drop(&w, QUEUE_LANE_NORMAL);
        for (size_t i = 0; i < w.n_events; i++)
                ck_assert_int_eq(w.events[i].lane, QUEUE_LANE_NORMAL);
        w.n_events = 0;
        for (int n = 0; n < 600; n++) {
                for (int i = 0; i < 10; i++)
                        (void)bench_append_big(&w.bench, a, 3000);
                bench_run(&w.bench, USEC_PER_SEC);
        }
        assert_told_before_the_first_drop(&w, QUEUE_LANE_URGENT);
        watcher_done(&w);
}
END_TEST

START_TEST(before_the_first_refusal)
{
        static Watcher w;
        unsigned s;
        int r;

        watcher_init(&w);
        w.bench.settings.max_bytes = 2 << 20;
        w.bench.settings.drop_newest = true;
        bench_open(&w.bench);
        s = bench_stream(&w.bench, "telemetry", QUEUE_LANE_NORMAL);
        do {
                r = bench_append_big(&w.bench, s, 3000);
                bench_run(&w.bench, USEC_PER_SEC);
        } while (r != QUEUE_E_FULL);
        ck_assert_uint_eq(w.n_events, 2);
        ck_assert(w.events[1].fill > 0.95);
        ck_assert(log_capture_has(&w.log, "new records are refused"));
        watcher_done(&w);
}
END_TEST

/* The ring in memory, when the disk fails and when it cannot be opened at all. */
START_TEST(of_the_memory_in_place_of_a_disk)
{
        for (int opened = 0; opened < 2; opened++)
                for (size_t size = 100; size <= 100000; size *= 10) {
                        static Watcher w;
                        unsigned s;

                        watcher_init(&w);
                        if (opened) {
                                bench_open(&w.bench);
                                s = bench_stream(&w.bench, "telemetry", QUEUE_LANE_NORMAL);
                                ck_assert_int_eq(bench_append(&w.bench, s, "first"), 0);
                                bench_run(&w.bench, USEC_PER_SEC);
                        }
                        w.bench.disk->fail_at = w.bench.disk->n_calls + 1;
                        w.bench.disk->fail_count = UINT64_MAX;
                        w.bench.disk->fail_errno = EIO;
                        if (!opened) {
                                bench_open(&w.bench);
                                s = bench_stream(&w.bench, "telemetry", QUEUE_LANE_NORMAL);
                        }
                        for (int i = 0; !w.dropped; i++) {
                                insist(i < 10000);
                                ck_assert_int_eq(bench_append_big(&w.bench, s, size), 0);
                                if (i % 100 == 0)
                                        bench_run(&w.bench, USEC_PER_SEC);
                        }
                        assert_told_before_the_first_drop(&w, QUEUE_LANE_NORMAL);
                        ck_assert(queue_stream_waits(w.bench.queue, s, QUEUE_LANE_NORMAL));
                        ck_assert(!log_capture_has(&w.log, "% full"));
                        watcher_done(&w);
                }
}
END_TEST

int main(void)
{
        Suite *s = suite_create("queue/pressure");
        TCase *c = suite_case(s, "who is told before something goes");

        tcase_add_test(c, it_is_told_before_the_first_drop);
        tcase_add_test(c, both_levels_and_again_after_relief);
        tcase_add_test(c, each_lane_for_itself);
        tcase_add_test(c, before_the_first_refusal);
        tcase_add_test(c, of_the_memory_in_place_of_a_disk);
        return suite_run(s);
}
