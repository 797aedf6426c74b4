/* SPDX-License-Identifier: Apache-2.0 */
#include "explorer/event-position.h"

#include <errno.h>

#include "suite.h"

#define NOW ((usec_t)1767225600 * USEC_PER_SEC) /* 2026-01-01 */

START_TEST(every_position_has_its_filter)
{
        static const struct {
                const char *text, *filter;
        } cases[] = {
                {"start", "amqp.annotation.x-opt-offset > '-1'"},
                {"end", "amqp.annotation.x-opt-offset > '@latest'"},
                {"0", "amqp.annotation.x-opt-sequence-number > '-1'"},
                {"1", "amqp.annotation.x-opt-sequence-number > '0'"},
                {"sequence:12345678901", "amqp.annotation.x-opt-sequence-number > '12345678900'"},
                {"offset:4294967296", "amqp.annotation.x-opt-offset > '4294967296'"},
                {"offset:1:20:300", "amqp.annotation.x-opt-offset > '1:20:300'"},
                {"2026-01-01T00:00:00Z", "amqp.annotation.x-opt-enqueued-time > '1767225599999'"},
                {"2026-01-01T01:00:00.5+01:00", "amqp.annotation.x-opt-enqueued-time > '1767225600499'"},
                {"1h", "amqp.annotation.x-opt-enqueued-time > '1767221999999'"},
                {"10min", "amqp.annotation.x-opt-enqueued-time > '1767224999999'"},
                {"1970-01-01T00:00Z", "amqp.annotation.x-opt-enqueued-time > '0'"},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                EventPosition p;
                Buffer b = BUFFER_NULL;

                ck_assert_msg(event_position_parse(cases[i].text, NOW, &p) == 0, "%s", cases[i].text);
                event_position_filter(&p, &b);
                ck_assert_str_eq(b.data, cases[i].filter);
                buffer_done(&b);
        }
}
END_TEST

START_TEST(all_else_is_none)
{
        static const char *const bad[] = {"",         "begin", "-1",      "1x",         "offset:",     "offset:1' or '1",
                                          "sequence:", "sequence:-1", "sequence:99999999999999999999", "Tuesday",
                                          "2026-01-01", "2026-01-01T00:00:00", "@latest", "start "};
        EventPosition p;

        for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
                ck_assert_msg(event_position_parse(bad[i], NOW, &p) == -EINVAL, "%s", bad[i]);
}
END_TEST

/* What a peer calls an offset becomes part of a filter's text. */
START_TEST(an_offset_cannot_end_the_filter)
{
        EventPosition p = {.kind = EVENT_FROM_START};
        char giant[EVENT_OFFSET_MAX + 2];

        memset(giant, '1', sizeof(giant) - 1);
        giant[sizeof(giant) - 1] = 0;
        ck_assert(!event_position_after(&p, "1' OR '1"));
        ck_assert(!event_position_after(&p, ""));
        ck_assert(!event_position_after(&p, giant));
        ck_assert_int_eq(p.kind, EVENT_FROM_START);
        ck_assert(event_position_after(&p, "77"));
        ck_assert_str_eq(p.offset, "77");
}
END_TEST

int main(void)
{
        Suite *s = suite_create("explorer/event-position");
        TCase *c = suite_case(s, "from where");

        tcase_add_test(c, every_position_has_its_filter);
        tcase_add_test(c, all_else_is_none);
        tcase_add_test(c, an_offset_cannot_end_the_filter);
        return suite_run(s);
}
