/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/notes.h"

#include <errno.h>
#include <string.h>

#include "suite.h"

static TransportEvent next(const Notes *n, size_t *at)
{
        TransportEvent e;

        ck_assert(notes_next(n, at, &e));
        return e;
}

START_TEST(what_came_is_told_in_order)
{
        static const char binary[] = "a\0b";
        static const int codes[] = {0, 1, 0x80};
        TransportEvent e;
        Notes n = {};
        size_t at = 0;

        ck_assert(!notes_any(&n));
        ck_assert(!notes_next(&n, &at, &e));
        notes_published(&n, 7);
        notes_message(&n, &(TransportMessage){"devices/d/x", binary, 3, 1, true});
        notes_subscribed(&n, 8, codes, 3);
        notes_message(&n, &(TransportMessage){"t", NULL, 0, 0, false});
        notes_unsubscribed(&n, 65535);
        ck_assert(notes_any(&n));

        e = next(&n, &at);
        ck_assert_int_eq(e.kind, TRANSPORT_PUBLISHED);
        ck_assert_int_eq(e.mid, 7);
        e = next(&n, &at);
        ck_assert_int_eq(e.kind, TRANSPORT_MESSAGE);
        ck_assert_str_eq(e.message.topic, "devices/d/x");
        ck_assert_uint_eq(e.message.size, 3);
        ck_assert_mem_eq(e.message.payload, "a\0b\0", 4); /* with a NUL of its own */
        ck_assert_int_eq(e.message.qos, 1);
        ck_assert(e.message.retained);
        e = next(&n, &at);
        ck_assert_int_eq(e.kind, TRANSPORT_SUBSCRIBED);
        ck_assert_int_eq(e.mid, 8);
        ck_assert_uint_eq(e.n_codes, 3);
        ck_assert_mem_eq(e.codes, "\0\1\x80", 3);
        e = next(&n, &at);
        ck_assert_int_eq(e.kind, TRANSPORT_MESSAGE);
        ck_assert_str_eq(e.message.payload, "");
        ck_assert_uint_eq(e.message.size, 0);
        e = next(&n, &at);
        ck_assert_int_eq(e.kind, TRANSPORT_UNSUBSCRIBED);
        ck_assert_int_eq(e.mid, 65535);
        ck_assert(!notes_next(&n, &at, &e));
        notes_done(&n);
}
END_TEST

START_TEST(room_is_kept_but_not_that_of_a_large_message)
{
        static char large[256 * 1024];
        Notes n = {};

        notes_published(&n, 1);
        notes_clear(&n);
        ck_assert(!notes_any(&n));
        ck_assert_uint_gt(n.book.allocated, 0);
        notes_message(&n, &(TransportMessage){"t", large, sizeof(large), 1, false});
        ck_assert(notes_any(&n));
        notes_clear(&n);
        ck_assert_uint_eq(n.book.allocated, 0);
        notes_done(&n);
}
END_TEST

START_TEST(what_did_not_fit_into_memory_is_never_told_by_halves)
{
        TransportEvent e;
        Notes n = {};
        size_t at = 0;

        notes_published(&n, 1);
        n.book.error = -ENOMEM;
        ck_assert(notes_any(&n));
        ck_assert(!notes_next(&n, &at, &e));
        ck_assert_int_eq(notes_error(&n), -ENOMEM);
        notes_done(&n);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("hub/notes");
        TCase *c = suite_case(s, "what the callbacks heard");

        tcase_add_test(c, what_came_is_told_in_order);
        tcase_add_test(c, room_is_kept_but_not_that_of_a_large_message);
        tcase_add_test(c, what_did_not_fit_into_memory_is_never_told_by_halves);
        return suite_run(s);
}
