/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/device/c2d.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "devhub-house.h"
#include "suite.h"

/* ---- links that write down what is sent ---- */

typedef struct Sent {
        char *topic;
        char body[8];
        uint8_t qos;
        uint64_t tag;
} Sent;

struct Link {
        Verdict verdict;
        bool is_open, is_subscribed;
        uint8_t qos;
        size_t ends_after; /* the socket breaks with that publish; 0: never */
        Sent sent[256];
        size_t n_sent;
};

static Desk desk;

const char *link_peer(const Link *link)
{
        return link->is_open ? "open" : "ended";
}

const Verdict *link_verdict(const Link *link)
{
        return &link->verdict;
}

bool link_is_open(const Link *link)
{
        return link->is_open;
}

bool link_is_subscribed(const Link *link, SubscriptionKind kind, uint8_t *ret_qos)
{
        *ret_qos = link->qos;
        return kind == SUBSCRIPTION_C2D && link->is_subscribed;
}

bool link_is_of(const Link *link, const char *device_id, const char *module_id)
{
        const char *own = link->verdict.module_id;

        return strcmp(link->verdict.device_id, device_id) == 0 && !own == !module_id &&
               (!own || strcmp(own, module_id) == 0);
}

static void end_link(Link *link)
{
        link->is_open = false;
        desk.ended(desk.userdata, link);
}

int link_publish(Link *link, const char *topic, const void *body, size_t size, uint8_t qos, uint64_t tag)
{
        Sent *sent = &link->sent[link->n_sent];

        if (strlen(topic) > UINT16_MAX)
                return -ENAMETOOLONG;
        insist(link->is_open && link->n_sent < ARRAY_SIZE(link->sent) && size < sizeof(sent->body));
        *sent = (Sent){.topic = strdup(topic), .qos = qos, .tag = tag};
        memcpy(sent->body, body, size);
        link->n_sent++;
        if (link->n_sent == link->ends_after)
                end_link(link);
        return 0;
}

static void link_done(Link *link)
{
        for (size_t i = 0; i < link->n_sent; i++)
                free(link->sent[i].topic);
}

/* ---- the bench ---- */

typedef struct Bench {
        DevhubHouse house;
        Hub hub;
        Faults faults;
        C2d *c2d;
        Ticker ticker;
        int commit_error;
} Bench;

static int on_commit(void *userdata)
{
        Bench *b = userdata;

        if (b->commit_error < 0)
                store_rollback(&b->house.store);
        return b->commit_error < 0 ? b->commit_error : store_commit(&b->house.store);
}

static void open_bench(Bench *b)
{
        *b = (Bench){};
        devhub_house_open(&b->house);
        b->hub = (Hub){.store = &b->house.store, .clock = &b->house.time.clock, .faults = &b->faults, .commit = on_commit,
                       .userdata = b};
        ck_assert_int_eq(feedback_prepare(&b->house.store), 0);
        ck_assert_int_eq(mailbox_prepare(&b->house.store), 0);
        ck_assert_int_eq(feedback_new(&b->hub.feedback, &b->house.store, b->hub.clock), 0);
        ck_assert_int_eq(mailbox_new(&b->hub.mailbox, &b->house.store, b->hub.clock, b->hub.feedback), 0);
        ck_assert_int_eq(c2d_new(&b->c2d, &b->hub), 0);
        desk = c2d_desk(b->c2d);
        b->ticker = c2d_ticker(b->c2d);
}

static void close_bench(Bench *b)
{
        c2d_free(b->c2d);
        mailbox_free(b->hub.mailbox);
        feedback_free(b->hub.feedback);
        faults_done(&b->faults);
        devhub_house_close(&b->house);
}

static usec_t boot_now(const Bench *b)
{
        return b->house.time.boot_usec;
}

/* What the loop does before it sleeps. */
static void turn(Bench *b)
{
        unsigned n = 0;

        while (b->ticker.deadline(b->ticker.userdata) <= boot_now(b)) {
                ck_assert_uint_lt(n++, 10); /* it does not spin */
                b->ticker.tick(b->ticker.userdata, boot_now(b));
        }
        ck_assert(!b->house.store.in_transaction);
}

static void pass(Bench *b, usec_t usec)
{
        fake_clock_advance(&b->house.time, usec);
        turn(b);
}

static void put(Bench *b, const char *body)
{
        CloudMessage m = {.message_id = (char *)body, .ack = ACK_FULL, .body = (char *)body, .body_size = strlen(body)};

        ck_assert_int_eq(mailbox_put(b->hub.mailbox, "d1", NULL, &m), 0);
        ck_assert_int_eq(hub_commit(&b->hub), 0);
}

static Link connected(void)
{
        return (Link){.verdict = {.device_id = (char *)"d1"}, .is_open = true};
}

static void subscribe(Bench *b, Link *link, uint8_t qos)
{
        link->is_subscribed = true;
        link->qos = qos;
        desk.subscribed(desk.userdata, link);
        turn(b);
}

static void acknowledge(Bench *b, Link *link, size_t i)
{
        desk.acknowledged(desk.userdata, link, link->sent[i].tag);
        turn(b);
}

static unsigned count(Bench *b)
{
        unsigned n;

        ck_assert_int_eq(mailbox_count(&b->house.store, "d1", NULL, &n), 0);
        return n;
}

/* How many records of feedback there are. */
static int n_records(Bench *b)
{
        _cleanup_statement_ sqlite3_stmt *s = NULL;

        ck_assert_int_eq(store_prepare(&b->house.store, "SELECT count(*) FROM feedback_records", &s), 0);
        ck_assert_int_eq(store_step(&b->house.store, s), 1);
        return sqlite3_column_int(s, 0);
}

static void check_sent(const Link *link, const char *bodies)
{
        char all[512] = "";

        for (size_t i = 0; i < link->n_sent; i++)
                strcat(all, link->sent[i].body);
        ck_assert_str_eq(all, bodies);
}

/* ---- delivery ---- */

START_TEST(trap_23_a_puback_completes)
{
        _cleanup_(link_done) Link link = connected();
        _cleanup_(close_bench) Bench b;

        open_bench(&b);
        subscribe(&b, &link, 1);
        put(&b, "1");
        put(&b, "2");
        turn(&b);
        check_sent(&link, "12");
        ck_assert_uint_eq(link.sent[0].qos, 1);
        ck_assert_uint_ne(link.sent[0].tag, link.sent[1].tag);
        ck_assert_uint_eq(count(&b), 2);
        acknowledge(&b, &link, 1);
        ck_assert_uint_eq(count(&b), 1);
        acknowledge(&b, &link, 0);
        ck_assert_uint_eq(count(&b), 0);
        ck_assert_int_eq(n_records(&b), 2);
}
END_TEST

START_TEST(trap_4_the_topic_has_a_bag_always)
{
        static const char expected[] = "devices/d1/messages/devicebound/%24.to=%2Fdevices%2Fd1%2Fmessages%2FdeviceBound";
        CloudMessage bare = {};
        _cleanup_(link_done) Link link = connected();
        _cleanup_(close_bench) Bench b;

        open_bench(&b);
        ck_assert_int_eq(mailbox_put(b.hub.mailbox, "d1", NULL, &bare), 0);
        subscribe(&b, &link, 1);
        ck_assert_str_eq(link.sent[0].topic, expected);
}
END_TEST

START_TEST(at_qos_0_it_is_complete_once_it_is_written)
{
        _cleanup_(link_done) Link link = connected();
        _cleanup_(close_bench) Bench b;

        open_bench(&b);
        put(&b, "1");
        subscribe(&b, &link, 0);
        check_sent(&link, "1");
        ck_assert_uint_eq(link.sent[0].qos, 0);
        ck_assert_uint_eq(count(&b), 0);
        ck_assert_int_eq(n_records(&b), 1);
}
END_TEST

START_TEST(by_a_fault_it_is_sent_twice)
{
        Fault fault = {.kind = FAULT_DUPLICATE, .until_usec = USEC_INFINITY, .strikes_left = 1};
        _cleanup_(link_done) Link link = connected();
        _cleanup_(close_bench) Bench b;

        open_bench(&b);
        ck_assert_int_eq(faults_set(&b.faults, &fault), 0);
        put(&b, "1");
        put(&b, "2");
        subscribe(&b, &link, (uint8_t)_i);
        check_sent(&link, "112");
        ck_assert_uint_eq(link.sent[1].tag, link.sent[0].tag);
}
END_TEST

START_TEST(without_a_subscription_nothing_is_sent)
{
        _cleanup_(link_done) Link link = connected(), module = connected(), other = connected();
        _cleanup_(close_bench) Bench b;

        open_bench(&b);
        module.verdict.module_id = (char *)"m1";
        other.verdict.device_id = (char *)"d2";
        subscribe(&b, &module, 1);
        subscribe(&b, &other, 1);
        desk.subscribed(desk.userdata, &link); /* to something else */
        put(&b, "1");
        turn(&b);
        ck_assert_uint_eq(link.n_sent + module.n_sent + other.n_sent, 0);
        subscribe(&b, &link, 1);
        check_sent(&link, "1");
        link.is_subscribed = false;
        put(&b, "2");
        turn(&b);
        check_sent(&link, "1");
        ck_assert_uint_eq(count(&b), 2);
}
END_TEST

START_TEST(a_module_gets_its_own)
{
        CloudMessage m = {.body = (char *)"m", .body_size = 1};
        _cleanup_(link_done) Link module = connected();
        _cleanup_(close_bench) Bench b;

        open_bench(&b);
        module.verdict.module_id = (char *)"m1";
        subscribe(&b, &module, 1);
        ck_assert_int_eq(mailbox_put(b.hub.mailbox, "d1", "m1", &m), 0);
        turn(&b);
        check_sent(&module, "m");
        ck_assert_int_eq(strncmp(module.sent[0].topic, "devices/d1/modules/m1/messages/devicebound/%24.to=", 50), 0);
}
END_TEST

/* ---- again ---- */

START_TEST(without_a_puback_it_comes_again_under_its_tag)
{
        _cleanup_(link_done) Link link = connected();
        _cleanup_(close_bench) Bench b;

        open_bench(&b);
        subscribe(&b, &link, 1);
        put(&b, "1");
        put(&b, "2");
        turn(&b);
        pass(&b, USEC_PER_MIN - 1);
        check_sent(&link, "12");
        ck_assert_uint_eq(b.ticker.deadline(b.ticker.userdata), boot_now(&b) + 1);
        pass(&b, 1);
        check_sent(&link, "1212");
        ck_assert_uint_eq(link.sent[2].tag, link.sent[0].tag);
        acknowledge(&b, &link, 0);
        acknowledge(&b, &link, 0); /* once more, for both have one tag */
        ck_assert_uint_eq(count(&b), 1);
}
END_TEST

START_TEST(a_puback_after_the_lock_is_too_late)
{
        _cleanup_(link_done) Link link = connected();
        _cleanup_(close_bench) Bench b;

        open_bench(&b);
        subscribe(&b, &link, 1);
        put(&b, "1");
        turn(&b);
        fake_clock_advance(&b.house.time, USEC_PER_MIN); /* and no tick before the PUBACK */
        acknowledge(&b, &link, 0);
        check_sent(&link, "11");
        ck_assert_uint_eq(count(&b), 1);
        acknowledge(&b, &link, 1);
        ck_assert_uint_eq(count(&b), 0);
        ck_assert_int_eq(n_records(&b), 1);
}
END_TEST

/* It acknowledges nothing, and round by round all of it is purged: only what can still be completed is remembered. */
START_TEST(no_more_is_under_way_than_a_mailbox_holds)
{
        Link link = connected();
        unsigned n;
        Bench b;

        open_bench(&b);
        subscribe(&b, &link, 1);
        for (int round = 0; round < 4; round++) {
                for (int i = 0; i < MAILBOX_DEPTH_MAX; i++)
                        put(&b, "1");
                turn(&b);
                ck_assert_uint_eq(c2d_n_parcels(b.c2d), MAILBOX_DEPTH_MAX);
                ck_assert_uint_eq(link.n_sent, (size_t)(round + 1) * MAILBOX_DEPTH_MAX);
                if (round == 3)
                        break;
                ck_assert_int_eq(mailbox_purge(b.hub.mailbox, "d1", NULL, &n), 0);
                ck_assert_int_eq(hub_commit(&b.hub), 0);
        }
        acknowledge(&b, &link, 0); /* of a message that is gone */
        ck_assert_uint_eq(count(&b), MAILBOX_DEPTH_MAX);
        for (size_t i = 3 * MAILBOX_DEPTH_MAX; i < 4 * MAILBOX_DEPTH_MAX; i++)
                acknowledge(&b, &link, i);
        ck_assert_uint_eq(count(&b), 0);
        link_done(&link);
        close_bench(&b);
}
END_TEST

START_TEST(trap_21_what_a_link_held_goes_to_the_next)
{
        _cleanup_(link_done) Link first = connected(), second = connected();
        _cleanup_(close_bench) Bench b;

        open_bench(&b);
        put(&b, "1");
        put(&b, "2");
        subscribe(&b, &first, 1);
        acknowledge(&b, &first, 0);
        end_link(&first);
        turn(&b);
        put(&b, "3");
        subscribe(&b, &second, 1);
        check_sent(&second, "23");
}
END_TEST

START_TEST(a_half_open_link_holds_nothing_back)
{
        _cleanup_(link_done) Link silent = connected(), link = connected();
        _cleanup_(close_bench) Bench b;

        open_bench(&b);
        put(&b, "1");
        subscribe(&b, &silent, 1);
        silent.is_open = false; /* and it never ends */
        subscribe(&b, &link, 1);
        check_sent(&link, "1");
        acknowledge(&b, &link, 0);
        ck_assert_uint_eq(count(&b), 0);
}
END_TEST

START_TEST(a_link_may_break_amid_the_delivery)
{
        _cleanup_(link_done) Link first = connected(), second = connected();
        _cleanup_(close_bench) Bench b;

        open_bench(&b);
        for (int i = 0; i < 4; i++)
                put(&b, "m");
        first.ends_after = 2;
        subscribe(&b, &first, (uint8_t)_i);
        ck_assert_uint_eq(first.n_sent, 2);
        subscribe(&b, &second, 1);
        ck_assert_uint_eq(second.n_sent, _i == 0 ? 2 : 4);
}
END_TEST

/* ---- what goes wrong ---- */

START_TEST(one_too_long_for_a_topic_holds_up_no_other)
{
        _cleanup_free_ char *value = malloc(30001);
        BagEntry property = {(char *)"p", value};
        CloudMessage m = {.properties = {&property, 1}};
        _cleanup_(link_done) Link link = connected();
        _cleanup_(close_bench) Bench b;

        ck_assert_ptr_nonnull(value);
        memset(value, '+', 30000); /* three characters each in a topic */
        value[30000] = 0;
        open_bench(&b);
        ck_assert_int_eq(mailbox_put(b.hub.mailbox, "d1", NULL, &m), 0);
        put(&b, "2");
        subscribe(&b, &link, 1);
        check_sent(&link, "2");
        acknowledge(&b, &link, 0);
        pass(&b, USEC_PER_MIN);
        pass(&b, USEC_PER_HOUR);
        ck_assert_uint_eq(link.n_sent, 1);
        ck_assert_uint_eq(count(&b), 0);
}
END_TEST

START_TEST(a_commit_that_fails_loses_nothing)
{
        _cleanup_(link_done) Link link = connected();
        _cleanup_(close_bench) Bench b;

        open_bench(&b);
        put(&b, "1");
        subscribe(&b, &link, 1);
        b.commit_error = -EIO;
        acknowledge(&b, &link, 0);
        ck_assert_uint_eq(count(&b), 1);
        b.commit_error = 0;
        pass(&b, USEC_PER_MIN);
        check_sent(&link, "11");
        acknowledge(&b, &link, 0);
        ck_assert_uint_eq(count(&b), 0);
}
END_TEST

START_TEST(a_store_that_fails_is_tried_again_each_second)
{
        _cleanup_(link_done) Link link = connected();
        _cleanup_(close_bench) Bench b;

        open_bench(&b);
        put(&b, "1");
        ck_assert_int_eq(store_run(&b.house.store, "ALTER TABLE mail RENAME TO away"), 0);
        subscribe(&b, &link, 1);
        ck_assert_uint_eq(link.n_sent, 0);
        ck_assert_int_eq(store_run(&b.house.store, "ALTER TABLE away RENAME TO mail"), 0);
        pass(&b, USEC_PER_SEC - 1);
        ck_assert_uint_eq(link.n_sent, 0);
        pass(&b, 1);
        check_sent(&link, "1");
}
END_TEST

START_TEST(a_deadline_is_that_of_mail_or_feedback)
{
        _cleanup_(link_done) Link link = connected();
        _cleanup_(close_bench) Bench b;

        open_bench(&b);
        turn(&b);
        ck_assert_uint_eq(b.ticker.deadline(b.ticker.userdata), USEC_INFINITY);
        put(&b, "1");
        turn(&b);
        ck_assert_uint_eq(b.ticker.deadline(b.ticker.userdata), boot_now(&b) + USEC_PER_HOUR);
        subscribe(&b, &link, 1);
        acknowledge(&b, &link, 0);
        pass(&b, 15 * USEC_PER_SEC - 1);
        ck_assert_int_eq(n_records(&b), 1);
        pass(&b, 1);
        ck_assert_int_eq(n_records(&b), 0); /* now in a batch */
}
END_TEST

static usec_t boot_that_goes_on(const Clock *clock)
{
        return ((FakeClock *)clock)->boot_usec++;
}

/* Who asks has looked at the clock before: that is when it must be due. */
START_TEST(what_is_due_is_due_now_though_the_clock_goes_on)
{
        _cleanup_(close_bench) Bench b;
        usec_t now;

        open_bench(&b);
        put(&b, "1");
        turn(&b);
        fake_clock_advance(&b.house.time, USEC_PER_HOUR);
        b.house.time.clock.boot = boot_that_goes_on;
        now = clock_boot(&b.house.time.clock);
        ck_assert_uint_le(b.ticker.deadline(b.ticker.userdata), now);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("devhub/c2d");
        TCase *c = suite_case(s, "delivery");

        tcase_add_test(c, trap_23_a_puback_completes);
        tcase_add_test(c, trap_4_the_topic_has_a_bag_always);
        tcase_add_test(c, at_qos_0_it_is_complete_once_it_is_written);
        tcase_add_loop_test(c, by_a_fault_it_is_sent_twice, 0, 2);
        tcase_add_test(c, without_a_subscription_nothing_is_sent);
        tcase_add_test(c, a_module_gets_its_own);

        c = suite_case(s, "again");
        tcase_add_test(c, without_a_puback_it_comes_again_under_its_tag);
        tcase_add_test(c, a_puback_after_the_lock_is_too_late);
        tcase_add_test(c, no_more_is_under_way_than_a_mailbox_holds);
        tcase_add_test(c, trap_21_what_a_link_held_goes_to_the_next);
        tcase_add_test(c, a_half_open_link_holds_nothing_back);
        tcase_add_loop_test(c, a_link_may_break_amid_the_delivery, 0, 2);

        c = suite_case(s, "what goes wrong");
        tcase_add_test(c, one_too_long_for_a_topic_holds_up_no_other);
        tcase_add_test(c, a_commit_that_fails_loses_nothing);
        tcase_add_test(c, a_store_that_fails_is_tried_again_each_second);
        tcase_add_test(c, a_deadline_is_that_of_mail_or_feedback);
        tcase_add_test(c, what_is_due_is_due_now_though_the_clock_goes_on);
        return suite_run(s);
}
