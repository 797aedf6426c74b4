/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/uplink.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "flow/format.h"
#include "log-capture.h"
#include "suite.h"
#include "toy-edges.h"

#define TELEMETRY 0
#define ALARMS    1
#define WIND      2

static const StreamSettings streams[] = {
        [TELEMETRY] = {.name = "telemetry", .max_latency_usec = 10 * USEC_PER_SEC, .expire_after_usec = USEC_INFINITY},
        [ALARMS] = {.name = "alarms", .urgent = true, .expire_after_usec = USEC_INFINITY},
        [WIND] = {.name = "wind",
                  .format = STREAM_OBJECT,
                  .expire_after_usec = 10 * USEC_PER_SEC,
                  .body = (char *)"{\"v\":${value},\"u\":\"${unit}\",\"n\":${count}}"},
};

static FakeClock the_clock;
static Queue the_queue;
static Hub the_hub;
static Uplink *uplink;
static Ticker ticker;
static LogCapture the_log;
static size_t n_done;
static RequestError last_done;

/* In the place of the real one (--wrap): there is no memory for the next packs. */
static unsigned n_without_memory;
int __real_format_pack(const Format *format, const Cargo *cargo, Message **ret);
int __wrap_format_pack(const Format *format, const Cargo *cargo, Message **ret);

int __wrap_format_pack(const Format *format, const Cargo *cargo, Message **ret)
{
        if (n_without_memory == 0)
                return __real_format_pack(format, cargo, ret);
        n_without_memory--;
        return -ENOMEM;
}

static const char *unit_of(void *userdata, const char *sensor, const char *channel)
{
        return strcmp(sensor, "mast") == 0 && strcmp(channel, "v") == 0 ? "m/s" : NULL;
}

static void configure(unsigned window)
{
        ck_assert_int_eq(uplink_configure(uplink, &(UplinkSettings){window, "gw", unit_of, NULL}, streams,
                                          ARRAY_SIZE(streams)), 0);
}

static void setup(void)
{
        log_capture_begin(&the_log);
        fake_clock_init(&the_clock);
        toy_queue_init(&the_queue, &the_clock.clock);
        toy_hub_init(&the_hub, &the_clock.clock);
        ck_assert_int_eq(uplink_new(&uplink, &the_queue, &the_hub, &the_clock.clock, NULL, NULL), 0);
        configure(16);
        ticker = uplink_ticker(uplink);
        n_done = 0;
}

static void teardown(void)
{
        uplink = uplink_free(uplink);
        toy_hub_done(&the_hub);
        toy_queue_done(&the_queue);
        log_capture_end(&the_log);
}

/* All that is to be done now. */
static void settle_down(void)
{
        for (int i = 0; ticker.deadline(ticker.userdata) <= the_clock.boot_usec; i++) {
                ck_assert_msg(i < 1000, "the uplink turns without doing anything");
                ticker.tick(ticker.userdata, the_clock.boot_usec);
        }
}

static void pass(usec_t usec)
{
        usec_t end = the_clock.boot_usec + usec;

        for (;;) {
                usec_t next;

                settle_down();
                next = ticker.deadline(ticker.userdata);
                if (next > end)
                        break;
                fake_clock_advance(&the_clock, next - the_clock.boot_usec);
        }
        fake_clock_advance(&the_clock, end - the_clock.boot_usec);
        settle_down();
}

static void connect(void)
{
        the_hub.ready = true;
        uplink_ready(uplink);
        settle_down();
}

static void lose(void)
{
        the_hub.ready = false;
        uplink_lost(uplink);
        settle_down();
}

static void readable(void)
{
        uplink_readable(uplink);
        settle_down();
}

static void acknowledge(size_t i)
{
        uplink_delivered(uplink, the_hub.sent[i].ticket);
        settle_down();
}

static void on_done(void *userdata, RequestError error, const char *detail)
{
        n_done++;
        last_done = error;
}

START_TEST(readings_wait_for_company_until_they_are_due)
{
        connect();
        pass(USEC_PER_SEC);
        toy_queue_put(&the_queue, "telemetry", "cpu", 1);
        readable();
        pass(4 * USEC_PER_SEC);
        toy_queue_put(&the_queue, "telemetry", "cpu", 2);
        readable();
        ck_assert_uint_eq(the_hub.n_sent, 0);
        pass(6 * USEC_PER_SEC - 1);
        ck_assert_uint_eq(the_hub.n_sent, 0);
        pass(1);
        ck_assert_uint_eq(the_hub.n_sent, 1);
        ck_assert_str_eq(the_hub.sent[0].id, "telemetry.00000000000000e1.1-2");
        ck_assert(!the_hub.sent[0].backfill);
        ck_assert_uint_eq(uplink_in_flight(uplink), 1);
        acknowledge(0);
        ck_assert_uint_eq(uplink_in_flight(uplink), 0);
        ck_assert_uint_eq(toy_queue_settled(&the_queue, OUTCOME_ACKNOWLEDGED), 2);
        ck_assert_uint_eq(uplink_last_acknowledged(uplink), the_clock.wall_usec);
        ck_assert_uint_eq(ticker.deadline(ticker.userdata), USEC_INFINITY);
}
END_TEST

START_TEST(without_latency_what_is_there_goes_at_once)
{
        connect();
        pass(USEC_PER_SEC);
        toy_queue_put(&the_queue, "alarms", "door", 1);
        toy_queue_put(&the_queue, "alarms", "door", 2);
        readable();
        ck_assert_uint_eq(the_hub.n_sent, 1);
        ck_assert_str_eq(the_hub.sent[0].id, "alarms.00000000000000e1.1-2");
}
END_TEST

START_TEST(an_object_goes_alone_and_at_once)
{
        connect();
        pass(USEC_PER_SEC);
        toy_queue_put(&the_queue, "wind", "mast", 1.5);
        toy_queue_put(&the_queue, "wind", "other", 2);
        readable();
        ck_assert_uint_eq(the_hub.n_sent, 2);
        ck_assert_str_eq(the_hub.sent[0].body, "{\"v\":1.5,\"u\":\"m/s\",\"n\":1}");
        ck_assert_str_eq(the_hub.sent[1].body, "{\"v\":2,\"u\":\"\",\"n\":2}");
        ck_assert_str_eq(the_hub.sent[1].id, "wind.00000000000000e1.2-2");
}
END_TEST

START_TEST(urgent_goes_before_normal)
{
        configure(4);
        connect();
        for (int i = 0; i < 40; i++)
                toy_queue_put(&the_queue, "wind", "mast", i);
        for (int i = 0; i < 3; i++)
                toy_queue_put(&the_queue, "alarms", "door", i);
        readable();
        ck_assert_uint_eq(the_hub.n_sent, 4);
        ck_assert_str_eq(the_hub.sent[0].stream, "alarms");
        ck_assert_str_eq(the_hub.sent[1].stream, "wind");
        /* the window is full of normal ones: the next place is for the urgent one */
        toy_queue_put(&the_queue, "alarms", "door", 9);
        readable();
        acknowledge(1);
        ck_assert_uint_eq(the_hub.n_sent, 5);
        ck_assert_str_eq(the_hub.sent[4].stream, "alarms");
}
END_TEST

START_TEST(an_urgent_flood_leaves_two_places)
{
        Message own = {};
        Buffer record = BUFFER_NULL;
        size_t alarms = 0;

        message_encode(&own, &record);
        connect();
        pass(USEC_PER_SEC);
        for (int i = 0; i < 40; i++)
                toy_queue_put_raw(&the_queue, "alarms", QUEUE_KIND_MESSAGE, record.data, record.size);
        for (int i = 0; i < 40; i++)
                toy_queue_put_raw(&the_queue, "telemetry", QUEUE_KIND_MESSAGE, record.data, record.size);
        readable();
        ck_assert_uint_eq(the_hub.n_sent, 16);
        for (size_t i = 0; i < 16; i++)
                alarms += strcmp(the_hub.sent[i].stream, "alarms") == 0;
        ck_assert_uint_eq(alarms, 14);
        buffer_done(&record);
}
END_TEST

START_TEST(a_lost_link_sends_the_same_again)
{
        connect();
        pass(USEC_PER_SEC);
        for (int i = 0; i < 3; i++)
                toy_queue_put(&the_queue, "wind", "mast", i);
        readable();
        acknowledge(1);
        lose();
        ck_assert_uint_eq(uplink_in_flight(uplink), 2);
        pass(USEC_PER_HOUR);
        ck_assert_uint_eq(the_hub.n_sent, 3);
        connect();
        ck_assert_uint_eq(the_hub.n_sent, 5);
        ck_assert_str_eq(the_hub.sent[3].id, the_hub.sent[0].id);
        ck_assert_str_eq(the_hub.sent[4].id, the_hub.sent[2].id);
        ck_assert_str_eq(the_hub.sent[4].body, the_hub.sent[2].body);
        ck_assert(!the_hub.sent[4].backfill);
        acknowledge(3);
        acknowledge(4);
        ck_assert_uint_eq(toy_queue_settled(&the_queue, OUTCOME_ACKNOWLEDGED), 3);
        uplink_delivered(uplink, 4711); /* nobody's */
}
END_TEST

START_TEST(what_waited_for_the_link_is_marked_and_kept_apart)
{
        connect();
        pass(USEC_PER_SEC);
        toy_queue_put(&the_queue, "telemetry", "cpu", 1); /* open when the link goes */
        readable();
        lose();
        toy_queue_put(&the_queue, "telemetry", "cpu", 2);
        readable();
        pass(20 * USEC_PER_SEC);
        connect();
        /* 1 and 2 waited; 3 did not */
        ck_assert_uint_eq(the_hub.n_sent, 1);
        ck_assert_str_eq(the_hub.sent[0].id, "telemetry.00000000000000e1.1-2");
        ck_assert(the_hub.sent[0].backfill);
        pass(USEC_PER_SEC);
        toy_queue_put(&the_queue, "telemetry", "cpu", 3);
        readable();
        pass(10 * USEC_PER_SEC);
        ck_assert_uint_eq(the_hub.n_sent, 2);
        ck_assert(!the_hub.sent[1].backfill);
}
END_TEST

/* Half the window for the backlog at first, and never its last place; news find one at once. */
START_TEST(news_pass_a_backlog)
{
        size_t n = 0;

        for (int i = 0; i < 200; i++)
                toy_queue_put(&the_queue, "wind", "mast", i);
        pass(USEC_PER_SEC);
        connect();
        ck_assert_uint_eq(the_hub.n_sent, 8);
        for (size_t i = 0; i < 8; i++)
                ck_assert(the_hub.sent[i].backfill);
        for (int round = 0; round < 10; round++) {
                size_t n_sent = the_hub.n_sent;

                toy_queue_put(&the_queue, "wind", "mast", 1000);
                toy_queue_put(&the_queue, "telemetry", "cpu", 1000);
                readable();
                ck_assert_uint_eq(the_hub.n_sent, n_sent + 1);
                ck_assert_uint_eq(the_hub.sent[n_sent].first, 201 + (uint64_t)round);
                ck_assert(!the_hub.sent[n_sent].backfill);
                while (n < n_sent + 1)
                        acknowledge(n++);
                ck_assert_uint_le(uplink_in_flight(uplink), 15);
        }
        ck_assert_uint_eq(uplink_in_flight(uplink), 15);
}
END_TEST

START_TEST(flush_means_the_backlog_too)
{
        size_t n = 0;

        for (int i = 0; i < 100; i++)
                toy_queue_put(&the_queue, "wind", "mast", i);
        connect();
        pass(1);
        toy_queue_put(&the_queue, "telemetry", "cpu", 1);
        uplink_flush(uplink, on_done, NULL);
        settle_down();
        while (n_done == 0) {
                ck_assert_uint_lt(n, the_hub.n_sent);
                acknowledge(n++);
        }
        ck_assert_uint_eq(n, 101);
        ck_assert_uint_eq(toy_queue_settled(&the_queue, OUTCOME_ACKNOWLEDGED), 101);
}
END_TEST

START_TEST(a_slow_hub_gets_the_backlog_slowly_and_wakes_us_when_it_is_time)
{
        Message own = {};
        Buffer record = BUFFER_NULL;

        message_encode(&own, &record);
        for (int i = 0; i < 100; i++)
                toy_queue_put_raw(&the_queue, "telemetry", QUEUE_KIND_MESSAGE, record.data, record.size);
        buffer_done(&record);
        connect();
        for (size_t n = 0; n < 40; n++) { /* quick at first */
                pass(USEC_PER_MSEC);
                acknowledge(n);
        }
        for (size_t n = 40; n < the_hub.n_sent; n++) {
                if (uplink_in_flight(uplink) == 1)
                        pass(2 * USEC_PER_SEC);
                else
                        fake_clock_advance(&the_clock, 2 * USEC_PER_SEC);
                acknowledge(n);
                if (n + 1 == the_hub.n_sent) { /* nothing flies: the next one has its time */
                        ck_assert_uint_gt(ticker.deadline(ticker.userdata), the_clock.boot_usec);
                        pass(11 * USEC_PER_SEC);
                }
        }
        ck_assert_uint_eq(toy_queue_settled(&the_queue, OUTCOME_ACKNOWLEDGED), 100);
        ck_assert_uint_eq(ticker.deadline(ticker.userdata), USEC_INFINITY);
}
END_TEST

START_TEST(a_message_holds_one_unbroken_range)
{
        connect();
        pass(USEC_PER_SEC);
        toy_queue_put(&the_queue, "telemetry", "cpu", 1);
        the_queue.next_n[TELEMETRY] = 5;
        toy_queue_put(&the_queue, "telemetry", "cpu", 2);
        the_queue.epoch = 0xe2;
        toy_queue_put(&the_queue, "telemetry", "cpu", 3);
        readable();
        ck_assert_uint_eq(the_hub.n_sent, 2);
        ck_assert_str_eq(the_hub.sent[0].id, "telemetry.00000000000000e1.1-1");
        ck_assert_str_eq(the_hub.sent[1].id, "telemetry.00000000000000e1.5-5");
        pass(10 * USEC_PER_SEC);
        ck_assert_str_eq(the_hub.sent[2].id, "telemetry.00000000000000e2.6-6");
}
END_TEST

START_TEST(a_services_own_message_does_not_overtake_readings)
{
        Message own = {};
        Buffer record = BUFFER_NULL;

        message_encode(&own, &record);
        connect();
        pass(USEC_PER_SEC);
        toy_queue_put(&the_queue, "telemetry", "cpu", 1);
        toy_queue_put_raw(&the_queue, "telemetry", QUEUE_KIND_MESSAGE, record.data, record.size);
        toy_queue_put(&the_queue, "telemetry", "cpu", 3);
        readable();
        ck_assert_uint_eq(the_hub.n_sent, 2);
        ck_assert_uint_eq(the_hub.sent[0].last, 1);
        ck_assert_uint_eq(the_hub.sent[1].first, 2);
        ck_assert_uint_eq(the_hub.sent[1].created_usec, the_clock.wall_usec);
        buffer_done(&record);
}
END_TEST

START_TEST(a_backlog_fills_its_messages)
{
        for (int i = 0; i < 3000; i++)
                toy_queue_put(&the_queue, "telemetry", "cpu", i);
        pass(USEC_PER_HOUR);
        connect();
        for (size_t i = 0; i < the_hub.n_sent; i++)
                acknowledge(i);
        ck_assert_uint_eq(toy_queue_settled(&the_queue, OUTCOME_ACKNOWLEDGED), 3000);
        for (size_t i = 0; i + 1 < the_hub.n_sent; i++) {
                ck_assert_uint_gt(the_hub.sent[i].size, 8 * 4096 * 99 / 100);
                ck_assert_uint_le(the_hub.sent[i].size, 8 * 4096);
        }
}
END_TEST

START_TEST(a_disk_that_takes_its_time_does_not_make_small_messages)
{
        for (int i = 0; i < 100; i++)
                toy_queue_put(&the_queue, "telemetry", "cpu", i);
        pass(USEC_PER_HOUR);
        the_queue.n_durable = 50;
        the_queue.waits = false;
        the_hub.ready = true;
        uplink_ready(uplink);
        /* the first 50 come, then the next page has to be read */
        the_queue.n_durable = 100;
        for (int i = 50; i < 100; i++)
                the_queue.records[i].taken = true;
        settle_down();
        ck_assert_uint_eq(the_hub.n_sent, 1); /* nothing more to come: overdue, sent */
        for (int i = 50; i < 100; i++)
                the_queue.records[i].taken = false;
        the_queue.waits = true;
        readable();
        pass(5 * USEC_PER_MSEC);
        the_queue.waits = false;
        readable();
        ck_assert_uint_eq(the_hub.n_sent, 2);
        ck_assert_uint_eq(the_hub.sent[1].last, 100);
}
END_TEST

START_TEST(what_is_too_old_is_dropped_unless_it_was_sent)
{
        connect();
        pass(USEC_PER_SEC);
        toy_queue_put(&the_queue, "wind", "mast", 1);
        readable();
        ck_assert_uint_eq(the_hub.n_sent, 1);
        lose();
        toy_queue_put(&the_queue, "wind", "mast", 2);
        readable();
        pass(9 * USEC_PER_SEC);
        ck_assert_uint_eq(toy_queue_settled(&the_queue, OUTCOME_EXPIRED), 0);
        pass(2 * USEC_PER_SEC);
        ck_assert_uint_eq(toy_queue_settled(&the_queue, OUTCOME_EXPIRED), 1);
        ck_assert(log_capture_has(&the_log, "expire_after"));
        pass(USEC_PER_HOUR);
        connect();
        /* the first one may have arrived: it is never called dropped */
        ck_assert_uint_eq(the_hub.n_sent, 2);
        ck_assert_uint_eq(the_hub.sent[1].first, 1);
        acknowledge(1);
        ck_assert_uint_eq(toy_queue_settled(&the_queue, OUTCOME_ACKNOWLEDGED), 1);
        ck_assert_uint_eq(toy_queue_settled(&the_queue, OUTCOME_EXPIRED), 1);
}
END_TEST

/* With a link and without one: others have their turn in between. */
START_TEST(a_crowd_that_has_expired_goes_in_steps)
{
        enum { CROWD = 1000, STEP = 256 };

        for (int i = 0; i < CROWD; i++)
                toy_queue_put(&the_queue, "wind", "mast", i);
        fake_clock_advance(&the_clock, USEC_PER_MIN);
        if (_i == 1) {
                the_hub.ready = true;
                uplink_ready(uplink);
        } else
                uplink_readable(uplink);
        for (uint64_t gone = 0, before = 0; gone < CROWD; before = gone) {
                ck_assert_uint_le(ticker.deadline(ticker.userdata), the_clock.boot_usec);
                ticker.tick(ticker.userdata, the_clock.boot_usec);
                gone = toy_queue_settled(&the_queue, OUTCOME_EXPIRED);
                ck_assert_uint_gt(gone, before);
                ck_assert_uint_le(gone - before, STEP);
        }
        settle_down();
        ck_assert_uint_eq(the_hub.n_sent, 0);
}
END_TEST

START_TEST(an_expired_record_behind_one_that_stays_goes_when_it_is_reached)
{
        toy_queue_put(&the_queue, "telemetry", "cpu", 1);
        toy_queue_put(&the_queue, "wind", "mast", 1);
        readable();
        pass(USEC_PER_MIN);
        ck_assert_uint_eq(toy_queue_settled(&the_queue, OUTCOME_EXPIRED), 0);
        connect();
        ck_assert_uint_eq(toy_queue_settled(&the_queue, OUTCOME_EXPIRED), 1);
        ck_assert_uint_eq(the_hub.n_sent, 1);
        ck_assert_str_eq(the_hub.sent[0].stream, "telemetry");
}
END_TEST

START_TEST(a_record_of_an_earlier_boot_is_as_old_as_this_one_at_least)
{
        toy_queue_put(&the_queue, "wind", "mast", 1);
        the_queue.records[0].record.this_boot = false;
        the_queue.records[0].record.boot_usec = the_clock.boot_usec + USEC_PER_DAY; /* means nothing here */
        the_queue.records[0].record.backlog = true;
        connect();
        ck_assert_uint_eq(toy_queue_settled(&the_queue, OUTCOME_EXPIRED), 1);
        ck_assert_uint_eq(the_hub.n_sent, 0);
}
END_TEST

START_TEST(an_open_pack_expires_with_its_youngest_reading)
{
        StreamSettings brief = streams[TELEMETRY];

        brief.expire_after_usec = 20 * USEC_PER_SEC;
        ck_assert_int_eq(uplink_configure(uplink, &(UplinkSettings){16, "gw"}, &brief, 1), 0);
        connect();
        pass(USEC_PER_SEC);
        toy_queue_put(&the_queue, "telemetry", "cpu", 1);
        readable();
        pass(5 * USEC_PER_SEC);
        toy_queue_put(&the_queue, "telemetry", "cpu", 2);
        readable();
        lose();
        pass(19 * USEC_PER_SEC);
        ck_assert_uint_eq(toy_queue_settled(&the_queue, OUTCOME_EXPIRED), 0);
        pass(USEC_PER_SEC);
        ck_assert_uint_eq(toy_queue_settled(&the_queue, OUTCOME_EXPIRED), 2);
        connect();
        ck_assert_uint_eq(the_hub.n_sent, 0);
        pass(USEC_PER_SEC);
        toy_queue_put(&the_queue, "telemetry", "cpu", 3);
        readable();
        pass(10 * USEC_PER_SEC);
        ck_assert_uint_eq(the_hub.n_sent, 1);
        ck_assert_uint_eq(the_hub.sent[0].first, 3);
}
END_TEST

START_TEST(a_sealed_message_that_never_left_may_expire)
{
        connect();
        pass(USEC_PER_SEC);
        the_hub.refuses = HUB_E_NOT_READY; /* the link broke in this very moment */
        toy_queue_put(&the_queue, "wind", "mast", 1);
        toy_queue_put(&the_queue, "wind", "mast", 2);
        readable();
        ck_assert_uint_eq(uplink_in_flight(uplink), 1);
        lose();
        the_hub.refuses = 0;
        pass(11 * USEC_PER_SEC);
        connect();
        ck_assert_uint_eq(the_hub.n_sent, 0);
        ck_assert_uint_eq(toy_queue_settled(&the_queue, OUTCOME_EXPIRED), 2);
}
END_TEST

START_TEST(want_of_memory_passes)
{
        connect();
        pass(USEC_PER_SEC);
        the_hub.refuses = -ENOMEM;
        toy_queue_put(&the_queue, "wind", "mast", 1);
        toy_queue_put(&the_queue, "wind", "mast", 2);
        readable();
        pass(5 * USEC_PER_SEC);
        ck_assert_uint_eq(uplink_in_flight(uplink), 1);
        the_hub.refuses = 0;
        pass(USEC_PER_SEC);
        ck_assert_uint_eq(the_hub.n_sent, 2);
        ck_assert_uint_eq(the_hub.sent[0].first, 1);
        ck_assert_uint_eq(the_hub.sent[1].first, 2);
}
END_TEST

START_TEST(a_pack_without_memory_waits_its_second)
{
        connect();
        pass(USEC_PER_SEC);
        toy_queue_put(&the_queue, "telemetry", "cpu", 1);
        readable();
        n_without_memory = 4;
        pass(10 * USEC_PER_SEC); /* due, and refused twice in each try */
        ck_assert_uint_eq(n_without_memory, 2);
        pass(USEC_PER_SEC - 1);
        ck_assert_uint_eq(n_without_memory, 2);
        pass(1);
        ck_assert_uint_eq(n_without_memory, 0);
        ck_assert_uint_eq(the_hub.n_sent, 0);
        pass(USEC_PER_SEC);
        ck_assert_uint_eq(the_hub.n_sent, 1);
}
END_TEST

START_TEST(what_can_not_be_decoded_is_damaged)
{
        connect();
        pass(USEC_PER_SEC);
        toy_queue_put_raw(&the_queue, "telemetry", QUEUE_KIND_READING, "rot", 3);
        toy_queue_put_raw(&the_queue, "telemetry", QUEUE_KIND_MESSAGE, "rot", 3);
        toy_queue_put_raw(&the_queue, "wind", QUEUE_KIND_READING, "rot", 3);
        toy_queue_put_raw(&the_queue, "wind", (QueueKind)77, "rot", 3);
        toy_queue_put(&the_queue, "wind", "mast", 2);
        readable();
        ck_assert_uint_eq(toy_queue_settled(&the_queue, OUTCOME_DAMAGED), 4);
        ck_assert_uint_eq(the_hub.n_sent, 1);
        ck_assert_uint_eq(log_capture_count(&the_log, "cannot be decoded"), 1);
        ck_assert(log_capture_has(&the_log, "Record 1 of stream telemetry"));
}
END_TEST

START_TEST(what_the_hub_can_never_take_is_set_aside)
{
        static const struct {
                int refuses;
                Outcome outcome;
        } cases[] = {{HUB_E_TOO_LARGE, OUTCOME_TOO_LARGE}, {HUB_E_BAD_PROPERTY, OUTCOME_BAD_PROPERTY}};

        connect();
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                pass(USEC_PER_HOUR);
                toy_queue_put(&the_queue, "wind", "mast", 2);
                the_hub.refuses = cases[i].refuses;
                readable();
                the_hub.refuses = 0;
                ck_assert_uint_eq(toy_queue_settled(&the_queue, cases[i].outcome), 1);
                ck_assert_uint_eq(uplink_in_flight(uplink), 0);
        }
        ck_assert(log_capture_has(&the_log, "Record 1 of stream wind can never be sent"));
        pass(USEC_PER_SEC);
        toy_queue_put(&the_queue, "wind", "mast", 3);
        readable();
        ck_assert_uint_eq(the_hub.n_sent, 1);
}
END_TEST

/* ---- dead letters ---- */

static bool office_is_full;
static size_t n_moved, n_moving;
static Outcome moved_why;
static uint64_t moved_first, moved_last;

static int office_move(void *userdata, unsigned stream, uint64_t first, uint64_t last, Outcome why, const char *detail)
{
        if (office_is_full)
                return 1;
        n_moved++;
        n_moving += last - first + 1;
        moved_first = first;
        moved_last = last;
        moved_why = why;
        return 0;
}

static bool office_is_reading(void *userdata)
{
        return false;
}

static uint64_t office_moving(void *userdata)
{
        return n_moving;
}

static void open_office(void)
{
        office_is_full = false;
        n_moved = n_moving = 0;
        uplink_set_aside_through(uplink, &(SetAside){office_move, office_is_reading, office_moving, NULL});
}

START_TEST(a_dead_letter_lets_the_others_pass_until_it_is_taken)
{
        open_office();
        office_is_full = true;
        connect();
        pass(USEC_PER_SEC);
        the_hub.refuses = HUB_E_TOO_LARGE;
        toy_queue_put(&the_queue, "wind", "mast", 1);
        readable();
        the_hub.refuses = 0;
        toy_queue_put(&the_queue, "wind", "mast", 2);
        readable();
        ck_assert_uint_eq(the_hub.n_sent, 1);
        ck_assert_uint_eq(the_hub.sent[0].first, 2);
        ck_assert_uint_eq(n_moved, 0);
        /* through a lost link as well */
        acknowledge(0);
        lose();
        connect();
        pass(USEC_PER_HOUR);
        ck_assert_uint_eq(the_hub.n_sent, 1);
        ck_assert_uint_eq(uplink_in_flight(uplink), 0);
        office_is_full = false;
        pass(USEC_PER_SEC);
        ck_assert_uint_eq(n_moved, 1);
        ck_assert_uint_eq(moved_first, 1);
        ck_assert_uint_eq(moved_last, 1);
        ck_assert_int_eq(moved_why, OUTCOME_TOO_LARGE);
        ck_assert_uint_eq(uplink_in_flight(uplink), 0);
        /* who takes it settles it */
        ck_assert_uint_eq(toy_queue_settled(&the_queue, OUTCOME_TOO_LARGE), 0);
        uplink_flush(uplink, on_done, NULL);
        settle_down();
        ck_assert_uint_eq(n_done, 0);
        n_moving = 0;
        pass(USEC_PER_SEC);
        ck_assert_uint_eq(n_done, 1);
        ck_assert_uint_eq(ticker.deadline(ticker.userdata), USEC_INFINITY);
}
END_TEST

/* For as long as it likes: each second record is one that the hub never takes. */
START_TEST(an_office_that_is_full_holds_up_nobody)
{
        open_office();
        office_is_full = true;
        connect();
        for (uint64_t i = 0; i < 1000; i++) {
                the_hub.refuses = i % 2 == 0 ? HUB_E_BAD_PROPERTY : 0;
                toy_queue_put(&the_queue, "wind", "mast", 1);
                readable();
                the_hub.refuses = 0;
                if (i % 20 == 19) /* PUBACKs take their time */
                        for (size_t n = the_hub.n_sent - 10; n < the_hub.n_sent; n++)
                                acknowledge(n);
        }
        ck_assert_uint_eq(the_hub.n_sent, 500);
        ck_assert_uint_eq(n_moved, 0);
        uplink_flush(uplink, on_done, NULL);
        settle_down();
        ck_assert_uint_eq(n_done, 0);
        office_is_full = false;
        pass(USEC_PER_SEC);
        ck_assert_uint_ge(n_moved, 1);
        ck_assert_uint_le(n_moved, 64);
        ck_assert_uint_eq(moved_last, 999);
        n_moving = 0;
        pass(USEC_PER_SEC);
        ck_assert_uint_eq(n_done, 1);
        ck_assert_uint_eq(toy_queue_settled(&the_queue, OUTCOME_ACKNOWLEDGED), 500);
}
END_TEST

static bool sent_holds(const ToySent *sent, const char *stream, uint64_t n)
{
        return strcmp(sent->stream, stream) == 0 && sent->first <= n && n <= sent->last;
}

/* The far side: PUBACKs in their order, but at this record the link breaks. Returns how often it did. */
static unsigned play_with_poison(const char *stream, uint64_t n, size_t until_moved)
{
        size_t i = the_hub.n_sent;
        unsigned breaks = 0;

        connect();
        while (n_moved < until_moved) {
                ck_assert_uint_lt(the_hub.n_sent, TOY_SENT_MAX - 20);
                if (i == the_hub.n_sent) {
                        toy_queue_put(&the_queue, "alarms", "door", 1); /* there is always something new */
                        readable();
                        ck_assert_uint_gt(the_hub.n_sent, i);
                }
                pass(20 * USEC_PER_MSEC);
                if (sent_holds(&the_hub.sent[i], stream, n)) {
                        lose();
                        i = the_hub.n_sent;
                        breaks++;
                        pass(USEC_PER_SEC);
                        connect();
                } else
                        acknowledge(i++);
        }
        while (i < the_hub.n_sent)
                acknowledge(i++);
        return breaks;
}

START_TEST(a_pack_that_breaks_the_link_is_taken_apart)
{
        unsigned breaks;

        open_office();
        for (int i = 0; i < 100; i++)
                toy_queue_put(&the_queue, "telemetry", "cpu", i);
        breaks = play_with_poison("telemetry", 37, 1);
        ck_assert_uint_eq(moved_first, 37);
        ck_assert_uint_eq(moved_last, 37);
        ck_assert_int_eq(moved_why, OUTCOME_BREAKS_LINK);
        ck_assert_uint_le(breaks, 3 + 3 + 7 + 6);
        for (uint64_t n = 1; n <= 100; n++)
                ck_assert(n == 37 || toy_queue_record(&the_queue, "telemetry", n)->outcome == OUTCOME_ACKNOWLEDGED);
        ck_assert(log_capture_has(&the_log, "records 1-100 of stream telemetry"));
        ck_assert(log_capture_has(&the_log, "Record 37 of stream telemetry can never be sent"));
        n_moving = 0;
        pass(10 * USEC_PER_MIN);
        ck_assert_uint_eq(uplink_in_flight(uplink), 0);
        ck_assert_uint_eq(ticker.deadline(ticker.userdata), USEC_INFINITY);
}
END_TEST

START_TEST(what_the_disk_lost_meanwhile_is_damaged)
{
        open_office();
        for (int i = 0; i < 100; i++)
                toy_queue_put(&the_queue, "telemetry", "cpu", i);
        toy_queue_record(&the_queue, "telemetry", 20)->is_gone = true;
        toy_queue_record(&the_queue, "telemetry", 25)->is_gone = true;
        toy_queue_record(&the_queue, "telemetry", 100)->is_gone = true;
        (void)play_with_poison("telemetry", 37, 1);
        ck_assert_uint_eq(moved_first, 37);
        ck_assert_uint_eq(toy_queue_settled(&the_queue, OUTCOME_DAMAGED), 3);
        for (uint64_t n = 1; n <= 100; n++)
                ck_assert(n == 37 || toy_queue_record(&the_queue, "telemetry", n)->settled);
}
END_TEST

START_TEST(times_of_an_unsure_clock_are_made_good_or_told_as_guesses)
{
        Channel channel = {"v", {.kind = VALUE_INTEGER, .integer = 1}};
        Reading reading = {.sensor = "cpu", .wall_usec = 1000 * USEC_PER_SEC, .channels = &channel, .n_channels = 1};
        Buffer b = BUFFER_NULL;
        usec_t when = the_clock.wall_usec;
        char expected[200];

        reading_encode(&reading, &b);
        the_clock.is_synchronised = false;
        toy_queue_put_raw(&the_queue, "telemetry", QUEUE_KIND_READING, b.data, b.size);
        connect();
        ck_assert_str_eq(the_hub.n_sent > 0 ? the_hub.sent[0].body : "", "");
        pass(10 * USEC_PER_SEC);
        ck_assert_str_eq(the_hub.sent[0].body, "[{\"t\":1000000,\"s\":\"cpu\",\"q\":\"unknown\",\"v\":1}]");

        when = the_clock.wall_usec;
        toy_queue_put_raw(&the_queue, "telemetry", QUEUE_KIND_READING, b.data, b.size);
        pass(5 * USEC_PER_SEC);
        the_clock.is_synchronised = true;
        readable();
        pass(5 * USEC_PER_SEC);
        snprintf(expected, sizeof(expected), "[{\"t\":%llu,\"s\":\"cpu\",\"v\":1}]", (unsigned long long)when / 1000);
        ck_assert_str_eq(the_hub.sent[1].body, expected);
        buffer_done(&b);
}
END_TEST

START_TEST(records_of_forgotten_streams_go_up_as_arrays)
{
        toy_queue_put(&the_queue, "forgotten", "cpu", 1);
        pass(USEC_PER_HOUR);
        connect();
        ck_assert_uint_eq(the_hub.n_sent, 1);
        ck_assert_str_eq(the_hub.sent[0].id, "forgotten.00000000000000e1.1-1");
}
END_TEST

START_TEST(flush_seals_now_and_ends_with_the_last_acknowledgement)
{
        uplink_flush(uplink, on_done, NULL);
        ck_assert_uint_eq(n_done, 1);
        ck_assert_int_eq(last_done, REQUEST_NOT_CONNECTED);

        connect();
        uplink_flush(uplink, on_done, NULL);
        settle_down();
        ck_assert_uint_eq(n_done, 2); /* nothing was waiting */
        ck_assert_int_eq(last_done, REQUEST_OK);

        pass(USEC_PER_SEC);
        toy_queue_put(&the_queue, "telemetry", "cpu", 1);
        toy_queue_put(&the_queue, "wind", "mast", 1);
        uplink_flush(uplink, on_done, NULL);
        settle_down();
        ck_assert_uint_eq(the_hub.n_sent, 2);
        /* what comes later is none of its business */
        pass(1);
        toy_queue_put(&the_queue, "wind", "mast", 2);
        readable();
        ck_assert_uint_eq(the_hub.n_sent, 3);
        acknowledge(0);
        ck_assert_uint_eq(n_done, 2);
        acknowledge(1);
        ck_assert_uint_eq(n_done, 3);
        ck_assert_int_eq(last_done, REQUEST_OK);

        uplink_flush(uplink, on_done, NULL);
        settle_down();
        ck_assert_uint_eq(n_done, 3);
        lose();
        ck_assert_uint_eq(n_done, 4);
        ck_assert_int_eq(last_done, REQUEST_NOT_CONNECTED);
}
END_TEST

START_TEST(flush_reaches_through_a_full_window)
{
        connect();
        pass(USEC_PER_SEC);
        for (int i = 0; i < 50; i++)
                toy_queue_put(&the_queue, "wind", "mast", i);
        toy_queue_put(&the_queue, "telemetry", "cpu", 1);
        uplink_flush(uplink, on_done, NULL);
        settle_down();
        for (size_t i = 0; i < 51; i++) {
                ck_assert_uint_le(uplink_in_flight(uplink), 16);
                ck_assert_uint_eq(n_done, 0);
                acknowledge(i);
        }
        ck_assert_uint_eq(n_done, 1);
        ck_assert_uint_eq(toy_queue_settled(&the_queue, OUTCOME_ACKNOWLEDGED), 51);
}
END_TEST

/* The window is always full and a pack always open. */
START_TEST(flush_ends_although_more_comes_all_the_time)
{
        size_t oldest = 0;

        configure(4);
        connect();
        for (int i = 0; i < 20; i++)
                toy_queue_put(&the_queue, "wind", "mast", i);
        toy_queue_put(&the_queue, "telemetry", "cpu", 1);
        uplink_flush(uplink, on_done, NULL);
        while (n_done == 0) {
                ck_assert_uint_lt(oldest, 100);
                pass(USEC_PER_MSEC);
                for (int i = 0; i < 2; i++)
                        toy_queue_put(&the_queue, "wind", "mast", i);
                toy_queue_put(&the_queue, "telemetry", "cpu", 1);
                readable();
                acknowledge(oldest++);
        }
        ck_assert_int_eq(last_done, REQUEST_OK);
        ck_assert(toy_queue_record(&the_queue, "wind", 20)->settled);
        ck_assert(toy_queue_record(&the_queue, "telemetry", 1)->settled);
        ck_assert_uint_le(oldest, 26); /* at once: what was in the window beside them, no more */
}
END_TEST

START_TEST(a_stream_may_change_its_format_under_way)
{
        StreamSettings changed = streams[TELEMETRY];

        connect();
        pass(USEC_PER_SEC);
        toy_queue_put(&the_queue, "telemetry", "cpu", 1);
        readable();
        changed.format = STREAM_OBJECT;
        ck_assert_int_eq(uplink_configure(uplink, &(UplinkSettings){16, "gw"}, &changed, 1), 0);
        toy_queue_put(&the_queue, "telemetry", "cpu", 2);
        readable();
        pass(10 * USEC_PER_SEC);
        ck_assert_uint_eq(the_hub.n_sent, 2);
        acknowledge(0);
        acknowledge(1);
        ck_assert_uint_eq(toy_queue_settled(&the_queue, OUTCOME_ACKNOWLEDGED), 2);
}
END_TEST

START_TEST(without_a_link_nothing_is_read)
{
        for (int i = 0; i < 100; i++)
                toy_queue_put(&the_queue, "telemetry", "cpu", i);
        readable();
        pass(USEC_PER_HOUR);
        for (int i = 0; i < 100; i++)
                ck_assert(!the_queue.records[i].taken);
        ck_assert_uint_eq(ticker.deadline(ticker.userdata), USEC_INFINITY);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("flow/uplink");
        TCase *c = suite_case(s, "queue to hub");

        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_test(c, readings_wait_for_company_until_they_are_due);
        tcase_add_test(c, without_latency_what_is_there_goes_at_once);
        tcase_add_test(c, an_object_goes_alone_and_at_once);
        tcase_add_test(c, urgent_goes_before_normal);
        tcase_add_test(c, an_urgent_flood_leaves_two_places);
        tcase_add_test(c, a_lost_link_sends_the_same_again);
        tcase_add_test(c, what_waited_for_the_link_is_marked_and_kept_apart);
        tcase_add_test(c, news_pass_a_backlog);
        tcase_add_test(c, flush_means_the_backlog_too);
        tcase_add_test(c, a_slow_hub_gets_the_backlog_slowly_and_wakes_us_when_it_is_time);
        tcase_add_test(c, a_message_holds_one_unbroken_range);
        tcase_add_test(c, a_services_own_message_does_not_overtake_readings);
        tcase_add_test(c, a_backlog_fills_its_messages);
        tcase_add_test(c, a_disk_that_takes_its_time_does_not_make_small_messages);
        tcase_add_test(c, what_is_too_old_is_dropped_unless_it_was_sent);
        tcase_add_loop_test(c, a_crowd_that_has_expired_goes_in_steps, 0, 2);
        tcase_add_test(c, an_expired_record_behind_one_that_stays_goes_when_it_is_reached);
        tcase_add_test(c, a_record_of_an_earlier_boot_is_as_old_as_this_one_at_least);
        tcase_add_test(c, an_open_pack_expires_with_its_youngest_reading);
        tcase_add_test(c, a_sealed_message_that_never_left_may_expire);
        tcase_add_test(c, want_of_memory_passes);
        tcase_add_test(c, a_pack_without_memory_waits_its_second);
        tcase_add_test(c, what_can_not_be_decoded_is_damaged);
        tcase_add_test(c, what_the_hub_can_never_take_is_set_aside);
        tcase_add_test(c, a_dead_letter_lets_the_others_pass_until_it_is_taken);
        tcase_add_test(c, an_office_that_is_full_holds_up_nobody);
        tcase_add_test(c, a_pack_that_breaks_the_link_is_taken_apart);
        tcase_add_test(c, what_the_disk_lost_meanwhile_is_damaged);
        tcase_add_test(c, times_of_an_unsure_clock_are_made_good_or_told_as_guesses);
        tcase_add_test(c, records_of_forgotten_streams_go_up_as_arrays);
        tcase_add_test(c, flush_seals_now_and_ends_with_the_last_acknowledgement);
        tcase_add_test(c, flush_reaches_through_a_full_window);
        tcase_add_test(c, flush_ends_although_more_comes_all_the_time);
        tcase_add_test(c, a_stream_may_change_its_format_under_way);
        tcase_add_test(c, without_a_link_nothing_is_read);
        return suite_run(s);
}
