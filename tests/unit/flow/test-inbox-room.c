/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The inbox on a disk that others have filled: the hub is asked to keep its messages before one of them finds no room,
 * and those that are here can all be brought to their end.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "inbox-house.h"
#include "log-capture.h"
#include "suite.h"

#define ANN ":1.7"
#define BOB ":1.8"

static char *text_of(size_t size)
{
        char *text = malloc(size + 1);

        insist(text);
        memset(text, 'x', size);
        text[size] = 0;
        return text;
}

static void fill_the_disk(InboxHouse *h)
{
        h->disk->fail_at = h->disk->n_calls + 1;
        h->disk->fail_count = UINT64_MAX / 2;
        h->disk->fail_mask = FAKE_ALLOCATE;
        h->disk->fail_errno = ENOSPC;
}

static void begin(InboxHouse *h)
{
        inbox_house_begin(h);
        h->settings.max_bytes = 16 << 20;
        inbox_house_close(h);
        inbox_house_open(h);
        inbox_house_run(h, USEC_PER_SEC);
        fill_the_disk(h);
}

/* One after another, as long as they are asked for. */
static unsigned deliver_what_is_asked_for(InboxHouse *h, size_t size, usec_t expiry_usec)
{
        char *text = text_of(size), name[16];
        unsigned n;

        for (n = 0; h->wanted; n++) {
                uint64_t ticket;

                insist(n < 10000);
                (void)snprintf(name, sizeof(name), "m-%u", n);
                ticket = inbox_house_send(h, name, text, expiry_usec);
                inbox_house_run(h, 200 * USEC_PER_MSEC);
                insist(inbox_house_told(h, ticket) == TOLD_STORED);
        }
        free(text);
        return n;
}

static void bring_all_to_their_end(InboxHouse *h, unsigned n)
{
        for (unsigned i = 0; i < n; i++) {
                InboxGot g = inbox_house_take(h, 0, ANN);

                insist(g.error == REQUEST_OK);
                insist(i % 3 > 0 ? inbox_house_complete(h, g.id, ANN) == REQUEST_OK
                                 : inbox_house_reject(h, g.id, ANN, "no") == REQUEST_OK);
        }
        insist(inbox_house_status(h).waiting == 0);
}

static const size_t sizes[] = {1, 100, 1000, 3500, 5000, 60000};

START_TEST(before_there_is_no_room_the_hub_keeps_the_rest)
{
        for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
                InboxHouse h;
                unsigned n;

                begin(&h);
                ck_assert(h.wanted);
                n = deliver_what_is_asked_for(&h, sizes[i], 0);
                ck_assert_uint_gt(n, 0);
                inbox_house_run(&h, USEC_PER_HOUR); /* not a try that fails */
                ck_assert(!h.wanted);
                (void)printf("# %u of %zu bytes\n", n, sizes[i]);
                inbox_house_end(&h);
        }
}
END_TEST

START_TEST(from_a_full_store_all_are_taken_and_brought_to_their_end)
{
        for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
                InboxHouse h;
                unsigned n;

                begin(&h);
                n = deliver_what_is_asked_for(&h, sizes[i], 0);
                bring_all_to_their_end(&h, n);
                inbox_house_end(&h);
        }
}
END_TEST

START_TEST(a_full_store_is_emptied_by_the_next_daemon_as_well)
{
        for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
                InboxHouse h;
                unsigned n;

                begin(&h);
                n = deliver_what_is_asked_for(&h, sizes[i], 0);
                for (unsigned k = 0; k < 5; k++) {
                        inbox_house_close(&h);
                        inbox_house_open(&h);
                        inbox_house_run(&h, USEC_PER_SEC);
                }
                bring_all_to_their_end(&h, n);
                inbox_house_end(&h);
        }
}
END_TEST

START_TEST(what_expires_in_a_full_store_is_gone)
{
        InboxHouse h;

        begin(&h);
        (void)deliver_what_is_asked_for(&h, 3500, h.clock.wall_usec + USEC_PER_HOUR);
        inbox_house_run(&h, 2 * USEC_PER_HOUR);
        ck_assert_uint_eq(inbox_house_status(&h).waiting, 0);
        inbox_house_end(&h);
}
END_TEST

/* What is on its way when they are no longer asked for: as many as the hub keeps for a device, all large. */
START_TEST(what_comes_all_the_same_stays_with_the_hub_and_harms_none)
{
        char *text = text_of(60000), name[16];
        unsigned n, more = 0;
        InboxHouse h;

        begin(&h);
        n = deliver_what_is_asked_for(&h, 60000, 0);
        for (unsigned i = 0; i < 50; i++) {
                uint64_t ticket;

                (void)snprintf(name, sizeof(name), "late-%u", i);
                ticket = inbox_house_send(&h, name, text, 0);
                inbox_house_run(&h, USEC_PER_SEC);
                insist(inbox_house_told(&h, ticket) != TOLD_NOTHING);
                more += inbox_house_told(&h, ticket) == TOLD_STORED;
        }
        ck_assert_uint_gt(more, 0);
        ck_assert_uint_lt(more, 50);
        ck_assert(!h.wanted);
        bring_all_to_their_end(&h, n + more);
        free(text);
        inbox_house_end(&h);
}
END_TEST

/* A service that takes and leaves for ever does not take from others what they need to end theirs. */
START_TEST(who_takes_for_ever_leaves_room_for_the_ends)
{
        unsigned n, refused = 0;
        InboxHouse h;

        begin(&h);
        n = deliver_what_is_asked_for(&h, 3500, 0);
        for (unsigned id = 1; id <= 50; id++) {
                ck_assert_int_eq(inbox_house_take(&h, id, BOB).error, REQUEST_OK);
                ck_assert_int_eq(inbox_house_extend(&h, id, BOB, 24 * USEC_PER_HOUR), REQUEST_OK);
        }
        for (unsigned i = 0; i < 20000 && refused < 10; i++) {
                refused += inbox_house_take(&h, 51 + i % (n - 50), ANN).error == REQUEST_DISK_ERROR;
                h.desk.left(h.desk.userdata, ANN);
        }
        ck_assert_uint_eq(refused, 10);
        for (unsigned id = 1; id <= 50; id++)
                ck_assert_int_eq(inbox_house_complete(&h, id, BOB), REQUEST_OK);
        inbox_house_end(&h);
}
END_TEST

START_TEST(when_there_is_room_again_they_are_asked_for)
{
        unsigned n;
        InboxHouse h;

        begin(&h);
        n = deliver_what_is_asked_for(&h, 3500, 0);
        h.disk->fail_at = 0;
        inbox_house_run(&h, 3 * USEC_PER_MIN);
        ck_assert(h.wanted);
        ck_assert_int_eq(inbox_house_deliver(&h, "more", "x"), TOLD_STORED);
        bring_all_to_their_end(&h, n + 1);
        inbox_house_end(&h);
}
END_TEST

/* Some file systems promise room that they do not give: then it is full and well by turns. */
START_TEST(of_a_disk_that_is_full_by_turns_a_few_lines_are_told)
{
        LogCapture log;
        InboxHouse h;

        log_capture_begin(&log);
        begin(&h);
        (void)deliver_what_is_asked_for(&h, 3500, 0);
        inbox_house_run(&h, USEC_PER_HOUR);
        ck_assert_uint_gt(log_capture_count(&log, "Until then its store does not grow"), 0);
        ck_assert_uint_le(log_capture_count(&log, "Until then its store does not grow"), 6);
        ck_assert_uint_le(log_capture_count(&log, "can be written to again"), 6);
        inbox_house_end(&h);
        log_capture_end(&log);
}
END_TEST

/* However long the hub was to wait for the next try. */
START_TEST(when_there_is_room_again_those_refused_before_do_not_have_to_wait)
{
        char *text = text_of(60000), name[16];
        InboxHouse h;

        begin(&h);
        (void)deliver_what_is_asked_for(&h, 60000, 0);
        for (unsigned i = 0; i < 50; i++) {
                (void)snprintf(name, sizeof(name), "late-%u", i);
                (void)inbox_house_send(&h, name, text, 0);
                inbox_house_run(&h, i < 40 ? 2 * USEC_PER_MIN : USEC_PER_SEC);
        }
        ck_assert(!h.wanted);
        h.disk->fail_at = 0;
        inbox_house_run(&h, 30 * USEC_PER_SEC);
        ck_assert(h.wanted);
        free(text);
        inbox_house_end(&h);
}
END_TEST

START_TEST(a_disk_that_was_full_at_the_first_start_takes_none)
{
        InboxHouse h;

        inbox_house_begin(&h);
        inbox_house_close(&h);
        h.disk = fake_disk_free(h.disk);
        h.disk = fake_disk_new();
        fill_the_disk(&h);
        h.wanted = false;
        inbox_house_open(&h);
        inbox_house_run(&h, USEC_PER_HOUR);
        ck_assert(!h.wanted);
        h.disk->fail_at = 0;
        inbox_house_run(&h, 3 * USEC_PER_MIN);
        ck_assert(h.wanted);
        inbox_house_end(&h);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("flow/inbox-room");
        TCase *c = suite_case(s, "others filled the disk");

        tcase_add_test(c, before_there_is_no_room_the_hub_keeps_the_rest);
        tcase_add_test(c, from_a_full_store_all_are_taken_and_brought_to_their_end);
        tcase_add_test(c, a_full_store_is_emptied_by_the_next_daemon_as_well);
        tcase_add_test(c, what_expires_in_a_full_store_is_gone);
        tcase_add_test(c, what_comes_all_the_same_stays_with_the_hub_and_harms_none);
        tcase_add_test(c, who_takes_for_ever_leaves_room_for_the_ends);
        c = suite_case(s, "there is room again");
        tcase_add_test(c, of_a_disk_that_is_full_by_turns_a_few_lines_are_told);
        tcase_add_test(c, when_there_is_room_again_they_are_asked_for);
        tcase_add_test(c, when_there_is_room_again_those_refused_before_do_not_have_to_wait);
        tcase_add_test(c, a_disk_that_was_full_at_the_first_start_takes_none);
        return suite_run(s);
}
