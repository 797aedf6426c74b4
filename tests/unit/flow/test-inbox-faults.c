/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The inbox when the power goes, when the disk fails, when there is no memory: nothing that the hub was told is stored
 * gets lost, and nothing is handed out as new that somebody may have had.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fail-alloc.h"
#include "inbox-house.h"
#include "suite.h"

#define ANN ":1.7"
#define BOB ":1.8"

/* ---- the power goes ---- */

/* When what was promised, in changes on the disk. m-1 is completed, m-2 taken and left, m-3 waits. */
typedef struct Story {
        size_t stored[4];
        size_t asked_take[4], taken[4];
        size_t asked_complete, completed;
} Story;

static void tell(InboxHouse *h, Story *s)
{
        char name[8];

        inbox_house_begin(h);
        for (unsigned i = 1; i <= 3; i++) {
                (void)snprintf(name, sizeof(name), "m-%u", i);
                ck_assert_int_eq(inbox_house_deliver(h, name, "x"), TOLD_STORED);
                s->stored[i] = h->told_at;
        }
        for (unsigned i = 1; i <= 2; i++) {
                s->asked_take[i] = h->disk->n_entries;
                s->taken[i] = inbox_house_take(h, i, ANN).at;
        }
        s->asked_complete = h->disk->n_entries;
        ck_assert_int_eq(inbox_house_complete(h, 1, ANN), REQUEST_OK);
        s->completed = h->disk->n_entries;
        h->desk.left(h->desk.userdata, ANN);
        inbox_house_run(h, 40 * USEC_PER_SEC); /* a checkpoint */
}

static void check_first(InboxHouse *h, const Story *s, size_t at)
{
        const InboxItem *m = inbox_house_find(h, "m-1");

        insist(m || at < s->stored[1] || at > s->asked_complete);
        insist(!m || at < s->completed);
        if (m && at >= s->taken[1])
                insist(m->times_taken > 0);
        if (m && at <= s->asked_take[1])
                insist(m->times_taken == 0);
        /* the hub delivers again what it was not told of, and what it forgot that it was */
        insist(inbox_house_deliver(h, "m-1", "x") == TOLD_STORED);
        m = inbox_house_find(h, "m-1");
        insist(at < s->completed ? at > s->asked_complete || m != NULL : m == NULL);
}

static void check_others(InboxHouse *h, const Story *s, size_t at)
{
        const InboxItem *m = inbox_house_find(h, "m-2");
        InboxGot g;

        insist(m || at < s->stored[2]);
        if (m && at >= s->taken[2])
                insist(m->times_taken > 0);
        insist(inbox_house_find(h, "m-3") || at < s->stored[3]);
        m = inbox_house_find(h, "m-3");
        if (!m)
                return;
        insist(m->times_taken == 0);
        g = inbox_house_take(h, m->id, ANN);
        insist(g.error == REQUEST_OK && strcmp(g.body, "x") == 0);
}

START_TEST(at_every_moment_it_is_what_was_promised)
{
        Story s = {};
        InboxHouse h;
        size_t n;

        tell(&h, &s);
        n = h.disk->n_entries;
        for (size_t at = 0; at <= n; at++)
                for (FakeCut cut = 0; cut < _FAKE_CUT_MAX; cut++) {
                        InboxHouse after = {.clock = h.clock, .random = h.random, .settings = h.settings,
                                            .disk = fake_disk_after_cut(h.disk, at, cut, at)};

                        inbox_house_open(&after);
                        inbox_house_run(&after, 2 * USEC_PER_SEC);
                        check_first(&after, &s, at);
                        check_others(&after, &s, at);
                        inbox_house_end(&after);
                }
        (void)printf("# %zu moments, %d ways each\n", n + 1, (int)_FAKE_CUT_MAX);
        inbox_house_end(&h);
}
END_TEST

/* The machine goes on, the program was killed: after each change that it made. */
START_TEST(a_kill_is_survived_as_well)
{
        Story s = {};
        InboxHouse h;

        tell(&h, &s);
        for (size_t at = 0; at <= h.disk->n_entries; at++) {
                InboxHouse after = {.clock = h.clock, .random = h.random, .settings = h.settings,
                                    .disk = fake_disk_after_cut(h.disk, at, FAKE_CUT_KEPT, 1)};

                inbox_house_open(&after);
                inbox_house_run(&after, 2 * USEC_PER_SEC);
                check_first(&after, &s, at);
                check_others(&after, &s, at);
                inbox_house_end(&after);
        }
        inbox_house_end(&h);
}
END_TEST

/* ---- the disk fails ---- */

/* The hub delivers it until it is told that it is stored. */
static void deliver_at_last(InboxHouse *h, const char *name)
{
        for (int i = 0; i < 100; i++) {
                uint64_t ticket = inbox_house_send(h, name, "x", 0);

                for (int k = 0; k < 100 && inbox_house_told(h, ticket) == TOLD_NOTHING; k++)
                        inbox_house_run(h, USEC_PER_SEC);
                if (inbox_house_told(h, ticket) == TOLD_STORED)
                        return;
                insist(inbox_house_told(h, ticket) == TOLD_FAILED);
                inbox_house_run(h, 30 * USEC_PER_SEC);
        }
        ck_abort_msg("%s is never stored", name);
}

static void take_at_last(InboxHouse *h, InboxGot *ret)
{
        for (int i = 0; i < 200; i++) {
                *ret = (InboxGot){};
                inbox_house_ask_take(h, 0, ANN, ret);
                for (int k = 0; k < 100 && ret->n_answers == 0; k++)
                        inbox_house_run(h, USEC_PER_SEC);
                insist(ret->n_answers == 1);
                if (ret->error == REQUEST_OK)
                        return;
                inbox_house_run(h, 30 * USEC_PER_SEC);
        }
        ck_abort_msg("it is never taken: %s", ret->detail);
}

static void complete_at_last(InboxHouse *h, uint64_t id)
{
        for (int i = 0; i < 200; i++) {
                InboxGot g = {};

                inbox_house_ask_complete(h, id, ANN, &g);
                for (int k = 0; k < 100 && g.n_answers == 0; k++)
                        inbox_house_run(h, 100 * USEC_PER_MSEC);
                insist(g.n_answers == 1);
                if (g.error == REQUEST_OK)
                        return;
                inbox_house_run(h, 10 * USEC_PER_SEC);
                if (g.error == REQUEST_NOT_OWNER) { /* his lock has run out meanwhile */
                        take_at_last(h, &g);
                        insist(g.id == id && g.times_taken > 0);
                }
        }
        ck_abort_msg("%llu is never completed", (unsigned long long)id);
}

static void live(InboxHouse *h)
{
        InboxGot g;

        deliver_at_last(h, "m-1");
        deliver_at_last(h, "m-2");
        take_at_last(h, &g);
        insist(strcmp(g.message_id, "m-1") == 0);
        complete_at_last(h, g.id);
}

static void check_end(InboxHouse *h)
{
        const InboxItem *items;

        inbox_house_run(h, 5 * USEC_PER_SEC);
        insist(h->wanted);
        insist(inbox_house_list(h, &items) == 1 && strcmp(items[0].message->message_id, "m-2") == 0);
}

START_TEST(each_call_to_the_disk_may_fail_once_or_for_a_while)
{
        uint64_t n_calls;
        InboxHouse h;

        inbox_house_begin(&h);
        live(&h);
        check_end(&h);
        n_calls = h.disk->n_calls;
        inbox_house_end(&h);
        for (uint64_t at = 2; at <= n_calls; at++)
                for (unsigned count = 1; count <= 40; count += 39) {
                        InboxHouse sick = {.settings = {.max_messages = 1000, .max_bytes = 1 << 20}};

                        fake_clock_init(&sick.clock);
                        sick.clock.is_synchronised = true;
                        fake_random_init(&sick.random, 1);
                        sick.disk = fake_disk_new();
                        sick.audit = audit_new();
                        insist(disk_mkdir(&sick.disk->disk, "/queue") == 0); /* the queue's */
                        sick.disk->fail_at = at;
                        sick.disk->fail_count = count;
                        if (count > 1) /* what cannot be read for long is damage */
                                sick.disk->fail_mask = FAKE_ANY & ~FAKE_READ;
                        sick.disk->fail_errno = EIO;
                        inbox_house_open(&sick);
                        inbox_house_run(&sick, USEC_PER_SEC);
                        live(&sick);
                        check_end(&sick);
                        inbox_house_close(&sick);
                        inbox_house_open(&sick);
                        check_end(&sick);
                        inbox_house_end(&sick);
                }
}
END_TEST

START_TEST(while_the_disk_fails_the_hub_keeps_its_messages)
{
        InboxHouse h;

        inbox_house_begin(&h);
        ck_assert(h.wanted);
        h.disk->fail_at = h.disk->n_calls + 1;
        h.disk->fail_count = 100000;
        h.disk->fail_errno = EIO;
        ck_assert_int_eq(inbox_house_deliver(&h, "m-1", "x"), TOLD_FAILED);
        ck_assert(!h.wanted);
        h.disk->fail_at = 0;
        inbox_house_run(&h, 2 * USEC_PER_MIN);
        ck_assert(h.wanted);
        ck_assert_int_eq(inbox_house_deliver(&h, "m-1", "x"), TOLD_STORED);
        inbox_house_end(&h);
}
END_TEST

static void fail_writes(InboxHouse *h)
{
        h->disk->fail_at = h->disk->n_calls + 1;
        h->disk->fail_count = 1000;
        h->disk->fail_mask = FAKE_WRITE | FAKE_SYNC | FAKE_ALLOCATE | FAKE_OPEN;
        h->disk->fail_errno = EIO;
}

/* BOB hears of it and is refused, for ANN was quicker; her taking fails. */
START_TEST(a_take_that_fails_is_told_to_the_others)
{
        InboxGot ann = {}, bob = {};
        InboxHouse h;

        inbox_house_begin(&h);
        ck_assert_int_eq(inbox_house_deliver(&h, "m-1", "x"), TOLD_STORED);
        fail_writes(&h);
        inbox_house_ask_take(&h, 1, ANN, &ann);
        inbox_house_ask_take(&h, 1, BOB, &bob);
        inbox_house_run(&h, 10 * USEC_PER_SEC);
        ck_assert_int_eq(bob.error, REQUEST_NOT_OWNER);
        ck_assert_int_eq(ann.error, REQUEST_DISK_ERROR);
        ck_assert_uint_eq(h.n_arrived, 1); /* he could not take it now */
        h.disk->fail_at = 0;
        inbox_house_run(&h, 2 * USEC_PER_MIN);
        ck_assert_uint_eq(h.n_arrived, 2);
        bob = inbox_house_take(&h, 1, BOB);
        ck_assert_int_eq(bob.error, REQUEST_OK);
        ck_assert_uint_eq(bob.times_taken, 0);
        inbox_house_end(&h);
}
END_TEST

START_TEST(a_second_take_that_fails_leaves_it_to_its_taker)
{
        InboxHouse h;
        InboxGot g = {};

        inbox_house_begin(&h);
        ck_assert_int_eq(inbox_house_deliver(&h, "m-1", "x"), TOLD_STORED);
        ck_assert_int_eq(inbox_house_take(&h, 1, ANN).error, REQUEST_OK);
        ck_assert_int_eq(inbox_house_extend(&h, 1, ANN, USEC_PER_HOUR), REQUEST_OK);
        fail_writes(&h);
        inbox_house_ask_take(&h, 1, ANN, &g);
        inbox_house_run(&h, 10 * USEC_PER_SEC);
        ck_assert_int_eq(g.error, REQUEST_DISK_ERROR);
        h.disk->fail_at = 0;
        inbox_house_run(&h, 2 * USEC_PER_MIN);
        ck_assert_uint_eq(h.n_arrived, 1); /* it is hers */
        g = inbox_house_take(&h, 1, ANN);
        ck_assert_int_eq(g.error, REQUEST_OK);
        ck_assert_uint_eq(g.times_taken, 1);
        ck_assert_int_eq(inbox_house_complete(&h, 1, ANN), REQUEST_OK);
        inbox_house_end(&h);
}
END_TEST

START_TEST(who_leaves_while_a_second_take_fails_gives_back)
{
        InboxHouse h;
        InboxGot g = {};

        inbox_house_begin(&h);
        ck_assert_int_eq(inbox_house_deliver(&h, "m-1", "x"), TOLD_STORED);
        ck_assert_int_eq(inbox_house_take(&h, 1, ANN).error, REQUEST_OK);
        h.disk->held = true;
        inbox_house_ask_take(&h, 1, ANN, &g);
        h.desk.left(h.desk.userdata, ANN);
        fail_writes(&h);
        h.disk->held = false;
        inbox_house_run(&h, 10 * USEC_PER_SEC);
        h.disk->fail_at = 0;
        inbox_house_run(&h, 2 * USEC_PER_MIN);
        g = inbox_house_take(&h, 1, BOB);
        ck_assert_int_eq(g.error, REQUEST_OK);
        ck_assert_uint_eq(g.times_taken, 1);
        inbox_house_end(&h);
}
END_TEST

/* ---- the end of the day ---- */

START_TEST(whoever_waits_at_the_end_is_answered)
{
        InboxGot take = {}, complete = {};
        InboxHouse h;
        InboxGot g;

        inbox_house_begin(&h);
        (void)inbox_house_deliver(&h, "m-1", "x");
        (void)inbox_house_deliver(&h, "m-2", "x");
        g = inbox_house_take(&h, 0, ANN);
        inbox_house_ask_complete(&h, g.id, ANN, &complete);
        inbox_house_ask_take(&h, 0, ANN, &take);
        (void)inbox_house_send(&h, "m-3", "x", 0);
        inbox_house_close(&h);
        ck_assert_uint_eq(complete.n_answers, 1);
        ck_assert_int_eq(complete.error, REQUEST_OK);
        ck_assert_uint_eq(take.n_answers, 1);
        inbox_house_open(&h);
        inbox_house_run(&h, USEC_PER_SEC);
        ck_assert_ptr_null(inbox_house_find(&h, "m-1"));
        ck_assert_ptr_nonnull(inbox_house_find(&h, "m-2"));
        inbox_house_end(&h);
}
END_TEST

/* ---- there is no memory ---- */

START_TEST(each_allocation_may_fail)
{
        const InboxItem *items = NULL;
        size_t listed = 0;
        unsigned done = 0;

        for (uint64_t n = 1; done == 0 && n < 400; n++) {
                InboxHouse h;
                InboxGot take = {}, complete = {};
                uint64_t ticket;

                inbox_house_begin(&h);
                fail_alloc(n, 1);
                ticket = inbox_house_send(&h, "m-1", "x", 0);
                inbox_house_run(&h, 5 * USEC_PER_SEC);
                inbox_house_ask_take(&h, 0, ANN, &take);
                inbox_house_run(&h, 5 * USEC_PER_SEC);
                inbox_house_ask_complete(&h, take.id, ANN, &complete);
                inbox_house_run(&h, 5 * USEC_PER_SEC);
                (void)h.desk.list(h.desk.userdata, &items, &listed);
                done = !fail_alloc_stop();
                insist(inbox_house_told(&h, ticket) != TOLD_NOTHING);
                insist(take.n_answers == 1 && complete.n_answers == 1);
                if (inbox_house_told(&h, ticket) == TOLD_STORED && complete.error != REQUEST_OK)
                        insist(inbox_house_find(&h, "m-1"));
                inbox_house_end(&h);
        }
        ck_assert_uint_eq(done, 1);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("flow/inbox-faults");
        TCase *c = suite_case(s, "the power goes");

        tcase_add_test(c, at_every_moment_it_is_what_was_promised);
        tcase_add_test(c, a_kill_is_survived_as_well);
        c = suite_case(s, "the disk fails");
        tcase_add_test(c, each_call_to_the_disk_may_fail_once_or_for_a_while);
        tcase_add_test(c, while_the_disk_fails_the_hub_keeps_its_messages);
        tcase_add_test(c, a_take_that_fails_is_told_to_the_others);
        tcase_add_test(c, a_second_take_that_fails_leaves_it_to_its_taker);
        tcase_add_test(c, who_leaves_while_a_second_take_fails_gives_back);
        c = suite_case(s, "the end of the day");
        tcase_add_test(c, whoever_waits_at_the_end_is_answered);
        c = suite_case(s, "there is no memory");
        tcase_add_test(c, each_allocation_may_fail);
        return suite_run(s);
}
