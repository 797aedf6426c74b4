/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/lines.h"

#include <string.h>

#include "fake-clock.h"
#include "sensor/complaints.h"
#include "sensor/rate.h"
#include "suite.h"

#define MAX_LINE 8

static void feed(Lines *l, const char *data, size_t n)
{
        char *room = lines_room(l, 64);

        ck_assert_ptr_nonnull(room);
        ck_assert_uint_le(n, 64);
        memcpy(room, data, n);
        lines_received(l, 64, n);
}

static void take(Lines *l, bool last, Buffer *out)
{
        char *text;
        size_t n;
        int r;

        while ((r = lines_next(l, last, &text, &n)) != LINES_NONE) {
                if (r == LINES_LINE)
                        buffer_append(out, text, n);
                else
                        buffer_append_string(out, "<long>");
                buffer_append_char(out, '|');
        }
}

static const char stream[] = "one\ntwo\r\n\n  \n12345678\n123456789\nthree\nthis is a very long line\nx\nrest";
static const char wanted[] = "one|two\r|12345678|<long>|three|<long>|x|rest|";

START_TEST(lines_may_be_cut_anywhere)
{
        size_t n = sizeof(stream) - 1;

        for (size_t a = 0; a <= n; a++)
                for (size_t b = a; b <= n; b++) {
                        Lines l = {.max = MAX_LINE};
                        Buffer out = BUFFER_NULL;

                        for (size_t from = 0; from < a; from += MIN(a - from, (size_t)64))
                                feed(&l, stream + from, MIN(a - from, (size_t)64));
                        take(&l, false, &out);
                        for (size_t from = a; from < b; from += MIN(b - from, (size_t)64))
                                feed(&l, stream + from, MIN(b - from, (size_t)64));
                        take(&l, false, &out);
                        for (size_t from = b; from < n; from += MIN(n - from, (size_t)64))
                                feed(&l, stream + from, MIN(n - from, (size_t)64));
                        take(&l, false, &out);
                        take(&l, true, &out);
                        ck_assert_str_eq(out.data, wanted);
                        ck_assert(lines_is_empty(&l));
                        lines_done(&l);
                        buffer_done(&out);
                }
}
END_TEST

START_TEST(long_line_is_told_once_and_holds_nothing)
{
        Lines l = {.max = MAX_LINE};
        Buffer out = BUFFER_NULL;
        char block[64];

        memset(block, 'x', sizeof(block));
        for (int i = 0; i < 1000; i++) {
                feed(&l, block, sizeof(block));
                take(&l, false, &out);
                ck_assert_uint_le(l.held.allocated, 1024);
        }
        feed(&l, "x\ngood\n", 7);
        take(&l, false, &out);
        ck_assert_str_eq(out.data, "<long>|good|");
        lines_done(&l);
        buffer_done(&out);
}
END_TEST

START_TEST(sender_is_told_once_an_hour)
{
        Complaints c = {};
        usec_t now = 5 * USEC_PER_HOUR;
        uint64_t held;

        ck_assert(complaints_admit(&c, REFUSAL_MALFORMED, 10, now, &held));
        ck_assert_uint_eq(held, 0);
        for (int i = 0; i < 1000; i++)
                ck_assert(!complaints_admit(&c, REFUSAL_MALFORMED, 10, now + (usec_t)i, &held));
        ck_assert(complaints_admit(&c, REFUSAL_MALFORMED, 11, now, &held));
        ck_assert_uint_eq(held, 1000);
        ck_assert(complaints_admit(&c, REFUSAL_TOO_LONG, 10, now, &held)); /* another reason, another line */
        ck_assert_uint_eq(held, 0);
        ck_assert(!complaints_admit(&c, REFUSAL_TOO_LONG, 10, now, &held));
        ck_assert(!complaints_admit(&c, REFUSAL_MALFORMED, 10, now + 59 * USEC_PER_MIN, &held));
        ck_assert(complaints_admit(&c, REFUSAL_MALFORMED, 10, now + USEC_PER_HOUR, &held));
        ck_assert_uint_eq(held, 1);
}
END_TEST

START_TEST(new_sender_each_time_does_not_fill_the_log)
{
        Complaints c = {};
        unsigned told = 0;
        uint64_t held;

        /* a bad line a second, each from a process of its own, for a day */
        for (unsigned i = 0; i < 86400; i++)
                told += complaints_admit(&c, REFUSAL_MALFORMED, i + 1, i * USEC_PER_SEC, &held);
        ck_assert_uint_le(told, 24 * COMPLAINTS_PER_HOUR);
        ck_assert_uint_ge(told, 23 * COMPLAINTS_PER_HOUR);
}
END_TEST

START_TEST(rate_is_kept)
{
        Rate r = {.per_second = 100};
        usec_t now = USEC_PER_HOUR;
        unsigned taken = 0;

        for (int i = 0; i < 1000; i++)
                taken += rate_take(&r, now);
        ck_assert_uint_eq(taken, 100); /* at once after a rest */
        taken = 0;
        for (int i = 0; i < 10000; i++)
                taken += rate_take(&r, now += USEC_PER_MSEC);
        ck_assert_uint_eq(taken, 1000); /* 10 s */
        ck_assert(rate_take(&r, now + USEC_PER_DAY));
        r.per_second = 0;
        ck_assert(rate_take(&r, now));
}
END_TEST

int main(void)
{
        Suite *s = suite_create("sensor/lines");
        TCase *c = suite_case(s, "lines");

        tcase_add_test(c, lines_may_be_cut_anywhere);
        tcase_add_test(c, long_line_is_told_once_and_holds_nothing);
        c = suite_case(s, "limits");
        tcase_add_test(c, sender_is_told_once_an_hour);
        tcase_add_test(c, new_sender_each_time_does_not_fill_the_log);
        tcase_add_test(c, rate_is_kept);
        return suite_run(s);
}
