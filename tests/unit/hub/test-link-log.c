/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/link-log.h"

#include <string.h>

#include "base/log-id.h"
#include "log-capture.h"
#include "suite.h"

static LogCapture capture;
static LinkLog story;
static usec_t now;

static void setup(void)
{
        log_capture_begin(&capture);
        now = USEC_PER_HOUR;
        link_log_init(&story, now);
}

static void teardown(void)
{
        log_capture_end(&capture);
}

static LinkNews news(LinkReason reason)
{
        return (LinkNews){
                .state = reason == LINK_REASON_NONE ? LINK_CONNECTED : LINK_WAITING,
                .reason = reason,
                .detail = reason == LINK_REASON_NONE ? "" : "in words",
                .host = "h.example.net",
                .device_id = "gw-17",
                .delay_usec = reason == LINK_REASON_NONE ? 0 : 3 * USEC_PER_SEC,
        };
}

static void connected(void)
{
        LinkNews n = news(LINK_REASON_NONE);

        link_log_connected(&story, &n, now);
}

static void failed(LinkReason reason)
{
        LinkNews n = news(reason);

        link_log_failed(&story, &n, now);
}

static void tick(LinkReason reason)
{
        LinkNews n = news(reason);

        ck_assert_uint_ne(link_log_deadline(&story), USEC_INFINITY);
        now = MAX(now, link_log_deadline(&story));
        link_log_tick(&story, &n, now);
}

static const char *last_line(void)
{
        ck_assert_uint_gt(capture.n_lines, 0);
        return capture.lines[capture.n_lines - 1];
}

static const char *last_id(void)
{
        return capture.ids[capture.n_lines - 1];
}

START_TEST(up_down_up)
{
        connected();
        ck_assert_str_eq(last_line(), "Connected to h.example.net as gw-17.");
        ck_assert_str_eq(last_id(), LOG_ID_LINK_CONNECTED);
        failed(LINK_REASON_SILENT);
        ck_assert_str_eq(last_line(), "Lost the connection to h.example.net (silent): in words. Next try in 3 s.");
        ck_assert_str_eq(last_id(), LOG_ID_LINK_DOWN);
        now += USEC_PER_SEC;
        connected();
        ck_assert_str_eq(last_line(), "Connected to h.example.net as gw-17.");
        ck_assert_uint_eq(capture.n_lines, 3);
        ck_assert_uint_eq(link_log_deadline(&story), USEC_INFINITY);
}
END_TEST

START_TEST(what_repeats_is_said_once_and_counted)
{
        for (int i = 0; i < 411; i++) {
                failed(LINK_REASON_NAME);
                now += 40 * USEC_PER_SEC;
        }
        ck_assert_uint_eq(capture.n_lines, 1);
        ck_assert_str_eq(last_line(), "Cannot connect to h.example.net (name): in words. Next try in 3 s.");
        ck_assert_str_eq(last_id(), LOG_ID_LINK_DOWN);
        failed(LINK_REASON_CREDENTIAL);
        ck_assert_str_eq(last_id(), LOG_ID_LINK_REFUSED);
        ck_assert_str_eq(last_line(), "Cannot connect to h.example.net (credential) after 412 attempts in 4 h 34 min: "
                                      "in words. Next try in 3 s.");
        connected();
        ck_assert_str_eq(last_line(), "Connected to h.example.net as gw-17 after 412 attempts in 4 h 34 min.");
        failed(LINK_REASON_CLOSED); /* a new outage counts from one */
        ck_assert_str_eq(last_line(), "Lost the connection to h.example.net (closed): in words. Next try in 3 s.");
}
END_TEST

START_TEST(a_long_outage_is_recalled)
{
        failed(LINK_REASON_NETWORK);
        ck_assert_uint_eq(link_log_deadline(&story), now + LINK_LOG_RECALL_USEC);
        tick(LINK_REASON_NETWORK);
        ck_assert_uint_eq(capture.n_lines, 2);
        failed(LINK_REASON_NETWORK);
        tick(LINK_REASON_NETWORK);
        ck_assert_str_eq(last_line(), "Cannot connect to h.example.net (network) after 2 attempts in 12 h 0 min: "
                                      "in words. Next try in 3 s.");
}
END_TEST

/* Connected and lost each second for a day. */
START_TEST(a_link_that_flaps_does_not_flood)
{
        usec_t end = now + USEC_PER_DAY;
        unsigned before;

        while (now < end) {
                LinkNews n = news(LINK_REASON_NONE);

                connected();
                if (now >= link_log_deadline(&story))
                        link_log_tick(&story, &n, now);
                now += USEC_PER_SEC / 2;
                failed(LINK_REASON_CLOSED);
                now += USEC_PER_SEC / 2;
        }
        ck_assert_uint_le(capture.n_lines, LINK_LOG_BURST + 24 * 4 + 1);
        ck_assert_uint_ge(capture.n_lines, 24 * 4);

        /* when it calms down, the last word is told */
        connected();
        failed(LINK_REASON_CLOSED);
        before = (unsigned)capture.n_lines;
        connected();
        ck_assert_uint_eq(capture.n_lines, before);
        tick(LINK_REASON_NONE);
        ck_assert_uint_eq(capture.n_lines, before + 1);
        ck_assert_msg(strstr(last_line(), "Connected to h.example.net as gw-17") == last_line(), "%s", last_line());
        ck_assert_msg(strstr(last_line(), "changes of the link since the last line") != NULL, "%s", last_line());
        ck_assert_uint_eq(link_log_deadline(&story), USEC_INFINITY);
}
END_TEST

/* Two reasons in turn, as a flapping network gives them. */
START_TEST(reasons_that_change_do_not_flood)
{
        usec_t end = now + USEC_PER_DAY;

        for (int i = 0; now < end; i++) {
                LinkNews n = news(i % 2 ? LINK_REASON_NAME : LINK_REASON_NETWORK);

                failed(n.reason);
                if (now >= link_log_deadline(&story))
                        link_log_tick(&story, &n, now);
                now += 30 * USEC_PER_SEC;
        }
        ck_assert_uint_le(capture.n_lines, LINK_LOG_BURST + 24 * 4 + 1);
}
END_TEST

START_TEST(a_planned_reconnect_is_no_news)
{
        connected();
        for (int i = 0; i < 30; i++)
                connected();
        ck_assert_uint_eq(capture.n_lines, 1);
        failed(LINK_REASON_NAME); /* but when it fails, it is */
        ck_assert_str_eq(last_id(), LOG_ID_LINK_DOWN);
}
END_TEST

START_TEST(a_stop_begins_a_new_story)
{
        failed(LINK_REASON_NAME);
        link_log_stopped(&story);
        ck_assert_uint_eq(link_log_deadline(&story), USEC_INFINITY);
        failed(LINK_REASON_NAME);
        ck_assert_uint_eq(capture.n_lines, 2);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("hub/link-log");
        TCase *c = suite_case(s, "the story of the link");

        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_test(c, up_down_up);
        tcase_add_test(c, what_repeats_is_said_once_and_counted);
        tcase_add_test(c, a_long_outage_is_recalled);
        tcase_add_test(c, a_link_that_flaps_does_not_flood);
        tcase_add_test(c, reasons_that_change_do_not_flood);
        tcase_add_test(c, a_planned_reconnect_is_no_news);
        tcase_add_test(c, a_stop_begins_a_new_story);
        return suite_run(s);
}
