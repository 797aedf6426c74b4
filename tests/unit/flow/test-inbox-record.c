/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/inbox-record.h"

#include <errno.h>
#include <string.h>

#include "suite.h"

START_TEST(each_comes_back)
{
        InboxMessageRecord m = {
                .id = 7, .times_taken = 3, .received_usec = 1763647200123000, .message = "abc", .size = 3};
        InboxDone done[2] = {{.id = 7, .outcome = INBOX_COMPLETED, .key = {{1, 2}}},
                             {.id = 9, .outcome = INBOX_EXPIRED}};
        _cleanup_(buffer_done) Buffer a = BUFFER_NULL, b = BUFFER_NULL, c = BUFFER_NULL;
        InboxMessageRecord back;
        uint64_t id;

        inbox_message_record_encode(&m, &a);
        ck_assert_int_eq(inbox_message_record_decode(a.data, a.size, &back), 0);
        ck_assert_uint_eq(back.id, 7);
        ck_assert_uint_eq(back.times_taken, 3);
        ck_assert_uint_eq(back.received_usec, m.received_usec);
        ck_assert_uint_eq(back.size, 3);
        ck_assert_mem_eq(back.message, "abc", 3);

        inbox_taken_record_encode(7, &b);
        ck_assert_int_eq(inbox_taken_record_decode(b.data, b.size, &id), 0);
        ck_assert_uint_eq(id, 7);

        inbox_done_record_encode(done, 2, &c);
        ck_assert_int_eq(inbox_done_record_count(c.data, c.size), 2);
        for (size_t i = 0; i < 2; i++) {
                InboxDone one = inbox_done_record_get(c.data, i);

                ck_assert_uint_eq(one.id, done[i].id);
                ck_assert_int_eq(one.outcome, done[i].outcome);
                ck_assert_mem_eq(&one.key, &done[i].key, sizeof(one.key));
        }
}
END_TEST

START_TEST(more_takings_than_a_record_can_say_are_many)
{
        InboxMessageRecord m = {.times_taken = 1000000, .message = "", .size = 0}, back;
        _cleanup_(buffer_done) Buffer b = BUFFER_NULL;

        inbox_message_record_encode(&m, &b);
        ck_assert_int_eq(inbox_message_record_decode(b.data, b.size, &back), 0);
        ck_assert_uint_eq(back.times_taken, UINT16_MAX);
}
END_TEST

START_TEST(what_nobody_wrote_is_refused)
{
        InboxDone done[2] = {{.id = 7, .outcome = INBOX_COMPLETED}, {.id = 9, .outcome = INBOX_REJECTED}};
        _cleanup_(buffer_done) Buffer a = BUFFER_NULL, b = BUFFER_NULL, c = BUFFER_NULL;
        InboxMessageRecord m = {.message = "", .size = 0};
        uint64_t id;

        inbox_message_record_encode(&m, &a);
        inbox_taken_record_encode(7, &b);
        inbox_done_record_encode(done, 2, &c);
        for (size_t size = 0; size < a.size; size++)
                insist(inbox_message_record_decode(a.data, size, &m) == -EBADMSG);
        for (size_t size = 0; size < b.size; size++)
                insist(inbox_taken_record_decode(b.data, size, &id) == -EBADMSG);
        for (size_t size = 0; size < c.size; size++)
                insist(inbox_done_record_count(c.data, size) == (size == (c.size - 1) / 2 + 1 ? 1 : -EBADMSG));
        for (int outcome = 0; outcome < 256; outcome++) {
                c.data[1] = (char)outcome;
                insist(inbox_done_record_count(c.data, c.size) == ((outcome & 127) >= 1 && (outcome & 127) <= 3 ? 2 : -EBADMSG));
        }
        a.data[0] = b.data[0] = c.data[0] = 2;
        ck_assert_int_eq(inbox_message_record_decode(a.data, a.size, &m), -EBADMSG);
        ck_assert_int_eq(inbox_taken_record_decode(b.data, b.size, &id), -EBADMSG);
        ck_assert_int_eq(inbox_done_record_count(c.data, c.size), -EBADMSG);
}
END_TEST

START_TEST(a_key_is_of_the_id_and_all_it_says)
{
        C2dMessage m = {.message_id = (char *)"m-1"};
        InboxKey a, b, nameless, other;

        ck_assert_int_eq(inbox_key_of(&m, "abc", 3, &a), 0);
        ck_assert_int_eq(inbox_key_of(&m, "abc", 3, &b), 0);
        ck_assert(inbox_key_equals(&a, &b));
        ck_assert_int_eq(inbox_key_of(&m, "abd", 3, &b), 0);
        ck_assert(!inbox_key_equals(&a, &b));
        m.message_id = NULL;
        ck_assert_int_eq(inbox_key_of(&m, "abc", 3, &nameless), 0);
        ck_assert(!inbox_key_equals(&nameless, &nameless));
        ck_assert(inbox_key_resembles(&nameless, &nameless));
        ck_assert(!inbox_key_resembles(&a, &a));
        ck_assert(!inbox_key_resembles(&a, &nameless));
        ck_assert_int_eq(inbox_key_of(&m, "abd", 3, &other), 0);
        ck_assert(!inbox_key_resembles(&nameless, &other));
}
END_TEST

int main(void)
{
        Suite *s = suite_create("flow/inbox-record");
        TCase *c = suite_case(s, "the records");

        tcase_add_test(c, each_comes_back);
        tcase_add_test(c, more_takings_than_a_record_can_say_are_many);
        tcase_add_test(c, what_nobody_wrote_is_refused);
        tcase_add_test(c, a_key_is_of_the_id_and_all_it_says);
        return suite_run(s);
}
