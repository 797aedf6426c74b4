/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Messages without a message id: what the hub may have delivered twice is marked, what was sent twice is not.
 */

#include <errno.h>
#include <string.h>

#include "inbox-house.h"
#include "suite.h"

#define ANN ":1.7"
#define BOB ":1.8"

/* And begins again on what the disk had by then. */
static void kill_house(InboxHouse *h)
{
        FakeDisk *after = fake_disk_copy(h->disk);

        h->disk->held = false;
        inbox_house_close(h);
        fake_disk_free(h->disk);
        h->disk = after;
        inbox_house_open(h);
        inbox_house_run(h, USEC_PER_SEC);
}

START_TEST(two_are_two)
{
        const InboxItem *items;
        InboxHouse h;

        inbox_house_begin(&h);
        inbox_listening(h.inbox);
        ck_assert_int_eq(inbox_house_deliver(&h, NULL, "hello"), TOLD_STORED);
        ck_assert_int_eq(inbox_house_deliver(&h, NULL, "hello"), TOLD_STORED);
        ck_assert_int_eq(inbox_house_deliver(&h, "", "hello"), TOLD_STORED);
        ck_assert_int_eq(inbox_house_deliver(&h, "", "hello"), TOLD_STORED);
        ck_assert_uint_eq(inbox_house_list(&h, &items), 4);
        for (size_t i = 0; i < 4; i++)
                ck_assert_uint_eq(items[i].times_taken, 0);
        inbox_house_end(&h);
}
END_TEST

/* How often one was taken, by what is listed of it. */
static unsigned taken_of(const InboxHouse *h, uint64_t id)
{
        const InboxItem *items;
        size_t n = inbox_house_list(h, &items);

        for (size_t i = 0; i < n; i++)
                if (items[i].id == id)
                        return items[i].times_taken;
        ck_abort_msg("message %u is not there", (unsigned)id);
}

typedef enum Break {
        BREAK_LINK,
        BREAK_DAEMON,
        _BREAK_MAX,
} Break;

static void break_off(InboxHouse *h, Break what)
{
        if (what == BREAK_LINK)
                inbox_link_lost(h->inbox);
        else
                kill_house(h);
}

/* What became of the first: it waits, it is taken, it is done. */
static void go_on(InboxHouse *h, int stage)
{
        if (stage >= 1)
                ck_assert_int_eq(inbox_house_take(h, 1, BOB).error, REQUEST_OK);
        if (stage >= 2)
                ck_assert_int_eq(inbox_house_complete(h, 1, BOB), REQUEST_OK);
}

/* The hub did not hear of the first: whatever became of it, the second is not handed out as new. The third was meant. */
START_TEST(what_comes_again_is_marked)
{
        for (int what = 0; what < _BREAK_MAX; what++) {
                for (int stage = 0; stage <= 2; stage++) {
                        for (int before_the_grant = 0; before_the_grant <= 1; before_the_grant++) {
                                InboxHouse h;

                                inbox_house_begin(&h);
                                inbox_listening(h.inbox);
                                ck_assert_int_eq(inbox_house_deliver(&h, NULL, "hello"), TOLD_STORED);
                                go_on(&h, stage);
                                break_off(&h, what);
                                if (!before_the_grant)
                                        inbox_listening(h.inbox);
                                ck_assert_int_eq(inbox_house_deliver(&h, NULL, "hello"), TOLD_STORED);
                                ck_assert_uint_eq(taken_of(&h, 2), 1);
                                ck_assert_int_eq(inbox_house_deliver(&h, NULL, "hello"), TOLD_STORED);
                                ck_assert_int_eq(inbox_house_deliver(&h, NULL, "other"), TOLD_STORED);
                                ck_assert_uint_eq(taken_of(&h, 3), 0);
                                ck_assert_uint_eq(taken_of(&h, 4), 0);
                                kill_house(&h); /* the mark is on the disk */
                                ck_assert_uint_eq(taken_of(&h, 2), 1);
                                ck_assert_uint_eq(inbox_house_take(&h, 2, ANN).times_taken, 1);
                                inbox_house_end(&h);
                        }
                }
        }
}
END_TEST

/* And again, and again: each is the one before once more. */
START_TEST(each_of_many_redeliveries_is_marked)
{
        InboxHouse h;

        for (int what = 0; what < _BREAK_MAX; what++) {
                inbox_house_begin(&h);
                ck_assert_int_eq(inbox_house_deliver(&h, NULL, "hello"), TOLD_STORED);
                for (uint64_t id = 2; id <= 6; id++) {
                        break_off(&h, what);
                        inbox_listening(h.inbox);
                        ck_assert_int_eq(inbox_house_deliver(&h, NULL, "hello"), TOLD_STORED);
                        ck_assert_uint_eq(taken_of(&h, id), 1);
                }
                inbox_house_end(&h);
        }
}
END_TEST

/* The link is lost while the first is on its way to the disk, and the second comes meanwhile. */
START_TEST(what_comes_again_while_the_first_is_written_is_marked)
{
        for (int fails = 0; fails <= 1; fails++) {
                const InboxItem *items;
                InboxHouse h;

                inbox_house_begin(&h);
                inbox_listening(h.inbox);
                h.disk->held = true;
                (void)inbox_house_send(&h, NULL, "hello", 0);
                inbox_link_lost(h.inbox);
                (void)inbox_house_send(&h, NULL, "hello", 0);
                if (fails) {
                        h.disk->fail_at = h.disk->n_calls + 1;
                        h.disk->fail_count = 100;
                        h.disk->fail_errno = EIO;
                }
                h.disk->held = false;
                inbox_house_run(&h, USEC_PER_MIN);
                h.disk->fail_at = 0;
                inbox_house_run(&h, USEC_PER_MIN);
                (void)inbox_house_deliver(&h, NULL, "hello");
                ck_assert_uint_eq(inbox_house_list(&h, &items), fails ? 1 : 3);
                ck_assert_uint_eq(items[0].times_taken, 0);
                if (!fails) {
                        ck_assert_uint_eq(items[1].times_taken, 1);
                        ck_assert_uint_eq(items[2].times_taken, 0);
                }
                inbox_house_end(&h);
        }
}
END_TEST

/* A mark that did not get to the disk is made again. */
START_TEST(a_mark_that_cannot_be_stored_is_not_forgotten)
{
        InboxHouse h;

        inbox_house_begin(&h);
        (void)inbox_house_deliver(&h, NULL, "hello");
        inbox_link_lost(h.inbox);
        h.disk->fail_at = h.disk->n_calls + 1;
        h.disk->fail_count = 1000;
        h.disk->fail_errno = EIO;
        ck_assert_int_eq(inbox_house_deliver(&h, NULL, "hello"), TOLD_FAILED);
        h.disk->fail_at = 0;
        inbox_house_run(&h, USEC_PER_MIN);
        inbox_link_lost(h.inbox);
        inbox_listening(h.inbox);
        ck_assert_int_eq(inbox_house_deliver(&h, NULL, "hello"), TOLD_STORED);
        ck_assert_uint_eq(taken_of(&h, h.last_arrived), 1);
        inbox_house_end(&h);
}
END_TEST

/* An order that is given twice, and meant, is no older one: long after it the link was lost, or long after that it
 * comes. */
START_TEST(time_ends_the_doubt)
{
        static const struct {
                usec_t before, after; /* the link is lost */
                unsigned taken;
        } cases[] = {
                {29 * USEC_PER_MIN, 9 * USEC_PER_MIN, 1},
                {31 * USEC_PER_MIN, 9 * USEC_PER_MIN, 0},
                {29 * USEC_PER_MIN, 11 * USEC_PER_MIN, 0},
        };

        for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
                InboxHouse h;

                inbox_house_begin(&h);
                inbox_listening(h.inbox);
                (void)inbox_house_deliver(&h, NULL, "hello");
                inbox_house_run(&h, cases[i].before);
                inbox_link_lost(h.inbox);
                inbox_house_run(&h, USEC_PER_HOUR); /* without a link time tells nothing */
                inbox_listening(h.inbox);
                inbox_house_run(&h, cases[i].after);
                (void)inbox_house_deliver(&h, NULL, "hello");
                ck_assert_uint_eq(taken_of(&h, 2), cases[i].taken);
                inbox_link_lost(h.inbox); /* the second's turn; the first is over or was matched */
                (void)inbox_house_deliver(&h, NULL, "hello");
                ck_assert_uint_eq(taken_of(&h, 3), 1);
                (void)inbox_house_deliver(&h, NULL, "hello");
                ck_assert_uint_eq(taken_of(&h, 4), 0);
                inbox_house_end(&h);
        }
}
END_TEST

/* While the hub is asked to keep what it has, it cannot deliver again either. */
START_TEST(a_full_inbox_keeps_the_doubt)
{
        InboxHouse h;

        inbox_house_begin(&h);
        h.settings.max_messages = 4;
        inbox_house_close(&h);
        inbox_house_open(&h);
        inbox_house_run(&h, USEC_PER_SEC);
        (void)inbox_house_deliver(&h, NULL, "hello");
        inbox_link_lost(h.inbox);
        inbox_listening(h.inbox);
        for (int i = 0; i < 3; i++)
                (void)inbox_house_deliver(&h, NULL, "other");
        ck_assert(!h.wanted);
        inbox_house_run(&h, USEC_PER_HOUR);
        for (uint64_t id = 1; id <= 4; id++) {
                ck_assert_int_eq(inbox_house_take(&h, id, BOB).error, REQUEST_OK);
                ck_assert_int_eq(inbox_house_complete(&h, id, BOB), REQUEST_OK);
        }
        ck_assert(h.wanted);
        (void)inbox_house_deliver(&h, NULL, "hello");
        ck_assert_uint_eq(taken_of(&h, 5), 1);
        inbox_house_end(&h);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("flow/inbox-doubt");
        TCase *c = suite_case(s, "without a message id");

        tcase_add_test(c, two_are_two);
        tcase_add_test(c, what_comes_again_is_marked);
        tcase_add_test(c, each_of_many_redeliveries_is_marked);
        tcase_add_test(c, what_comes_again_while_the_first_is_written_is_marked);
        tcase_add_test(c, a_mark_that_cannot_be_stored_is_not_forgotten);
        tcase_add_test(c, time_ends_the_doubt);
        tcase_add_test(c, a_full_inbox_keeps_the_doubt);
        return suite_run(s);
}
