/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/hub/mailbox.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "devhub-house.h"
#include "devhub/hub/registry.h"
#include "suite.h"

typedef struct Bench {
        DevhubHouse house;
        Feedback *feedback;
        Mailbox *mailbox;
        unsigned n_arrived;
        char arrived[64]; /* who was last told of */
} Bench;

static const MailHold by_hand = {};
static const MailHold by_link = {.by_link = true};

static void on_arrived(void *userdata, const char *device_id, const char *module_id)
{
        Bench *b = userdata;

        b->n_arrived++;
        (void)snprintf(b->arrived, sizeof(b->arrived), "%s%s%s", device_id, module_id ? "/" : "",
                       module_id ? module_id : "");
}

static void come_to_life(Bench *b)
{
        ck_assert_int_eq(feedback_prepare(&b->house.store), 0);
        ck_assert_int_eq(mailbox_prepare(&b->house.store), 0);
        ck_assert_int_eq(feedback_new(&b->feedback, &b->house.store, &b->house.time.clock), 0);
        ck_assert_int_eq(mailbox_new(&b->mailbox, &b->house.store, &b->house.time.clock, b->feedback), 0);
        mailbox_set_sink(b->mailbox, on_arrived, b);
}

static void open_bench(Bench *b)
{
        *b = (Bench){};
        devhub_house_open(&b->house);
        come_to_life(b);
}

static void end_life(Bench *b)
{
        b->mailbox = mailbox_free(b->mailbox);
        b->feedback = feedback_free(b->feedback);
}

static void close_bench(Bench *b)
{
        end_life(b);
        devhub_house_close(&b->house);
}

static void restart(Bench *b)
{
        end_life(b);
        devhub_house_reopen(&b->house);
        come_to_life(b);
}

static void commit(Bench *b)
{
        ck_assert_int_eq(store_commit(&b->house.store), 0);
}

static usec_t now(const Bench *b)
{
        return b->house.time.wall_usec;
}

static void pass(Bench *b, usec_t usec)
{
        fake_clock_advance(&b->house.time, usec);
        ck_assert_int_eq(mailbox_tick(b->mailbox), 0);
}

static void put(Bench *b, const char *id, AckMode ack)
{
        CloudMessage m = {.message_id = (char *)id, .ack = ack, .body = (char *)"body", .body_size = 4};

        ck_assert_int_eq(mailbox_put(b->mailbox, "d1", NULL, &m), 0);
}

static void put_until(Bench *b, const char *id, AckMode ack, usec_t expiry_usec)
{
        CloudMessage m = {.message_id = (char *)id, .ack = ack, .expiry_usec = expiry_usec};

        ck_assert_int_eq(mailbox_put(b->mailbox, "d1", NULL, &m), 0);
}

/* Takes the first, which must be called so. */
static Mail take_as(Bench *b, const char *id, const MailHold *hold)
{
        Mail mail = {};

        ck_assert_int_eq(mailbox_take(b->mailbox, "d1", NULL, hold, &mail), 0);
        ck_assert_str_eq(mail.message.message_id, id);
        return mail;
}

static Mail take(Bench *b, const char *id)
{
        return take_as(b, id, &by_hand);
}

static void check_nothing_to_take(Bench *b)
{
        Mail mail = {};

        ck_assert_int_eq(mailbox_take(b->mailbox, "d1", NULL, &by_hand, &mail), MAILBOX_E_EMPTY);
}

static unsigned count(Bench *b)
{
        unsigned n;

        ck_assert_int_eq(mailbox_count(&b->house.store, "d1", NULL, &n), 0);
        return n;
}

/* The one record of feedback that has been gathered, as "id status"; "" for none. */
static char *feedback_of(Bench *b)
{
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        char *text = NULL;

        ck_assert_int_eq(store_prepare(&b->house.store, "SELECT message_id, outcome, device_id, generation_id"
                                                        " FROM feedback_records", &s), 0);
        if (store_step(&b->house.store, s) == 0)
                return strdup("");
        ck_assert_int_gt(asprintf(&text, "%s %s", sqlite3_column_text(s, 0),
                                  outcome_to_string((Outcome)sqlite3_column_int(s, 1))), 0);
        ck_assert_str_eq((const char *)sqlite3_column_text(s, 2), "d1");
        ck_assert_uint_ge(strlen((const char *)sqlite3_column_text(s, 3)), 18);
        ck_assert_int_eq(store_step(&b->house.store, s), 0);
        return text;
}

/* ---- in and out ---- */

START_TEST(a_message_comes_out_as_it_went_in)
{
        BagEntry properties[] = {{(char *)"k e/y", (char *)"v+l=\xc3\xbc&"}, {(char *)"empty", (char *)""},
                                 {(char *)"null", NULL}};
        CloudMessage in = {
                .message_id = (char *)"m-1",
                .correlation_id = (char *)"c/1",
                .user_id = (char *)"u",
                .to = (char *)"/devices/d1/messages/devicebound",
                .content_type = (char *)"application/json",
                .content_encoding = (char *)"utf-8",
                .creation_usec = 1767225600000001,
                .ack = ACK_FULL,
                .properties = {properties, ARRAY_SIZE(properties)},
                .body = (char *)"a\0b",
                .body_size = 3,
        };
        Mail mail = {};
        _cleanup_(close_bench) Bench b;

        open_bench(&b);
        in.expiry_usec = now(&b) + USEC_PER_MIN;
        ck_assert_int_eq(mailbox_put(b.mailbox, "d1", NULL, &in), 0);
        ck_assert_uint_eq(b.n_arrived, 1);
        ck_assert_str_eq(b.arrived, "d1");
        fake_clock_advance(&b.house.time, USEC_PER_SEC);
        ck_assert_int_eq(mailbox_take(b.mailbox, "d1", NULL, &by_hand, &mail), 0);
        ck_assert_str_eq(mail.message.message_id, "m-1");
        ck_assert_str_eq(mail.message.correlation_id, "c/1");
        ck_assert_str_eq(mail.message.user_id, "u");
        ck_assert_str_eq(mail.message.to, "/devices/d1/messages/devicebound");
        ck_assert_str_eq(mail.message.content_type, "application/json");
        ck_assert_str_eq(mail.message.content_encoding, "utf-8");
        ck_assert_uint_eq(mail.message.creation_usec, in.creation_usec);
        ck_assert_uint_eq(mail.message.expiry_usec, in.expiry_usec);
        ck_assert_int_eq(mail.message.ack, ACK_FULL);
        ck_assert_uint_eq(mail.message.properties.n_entries, 3);
        ck_assert_str_eq(mail.message.properties.entries[0].name, "k e/y");
        ck_assert_str_eq(mail.message.properties.entries[0].value, "v+l=\xc3\xbc&");
        ck_assert_str_eq(mail.message.properties.entries[1].value, "");
        ck_assert_ptr_null(mail.message.properties.entries[2].value);
        ck_assert_uint_eq(mail.message.body_size, 3);
        ck_assert_mem_eq(mail.message.body, "a\0b", 3);
        ck_assert_uint_eq(mail.enqueued_usec, now(&b) - USEC_PER_SEC);
        ck_assert_uint_eq(mail.locked_until_usec, now(&b) + USEC_PER_MIN);
        ck_assert_uint_eq(mail.delivery_count, 0);
        ck_assert_uint_eq(strlen(mail.token), 36);
        mail_done(&mail);
}
END_TEST

START_TEST(a_bare_message_gets_a_destination_and_no_more)
{
        CloudMessage bare = {};
        Mail mail = {};
        _cleanup_(close_bench) Bench b;

        open_bench(&b);
        ck_assert_int_eq(mailbox_put(b.mailbox, "d1", "m1", &bare), 0);
        ck_assert_str_eq(b.arrived, "d1/m1");
        check_nothing_to_take(&b); /* the device's own queue is another */
        ck_assert_int_eq(mailbox_take(b.mailbox, "d1", "m1", &by_hand, &mail), 0);
        ck_assert_ptr_null(mail.message.message_id);
        ck_assert_ptr_null(mail.message.content_type);
        ck_assert_str_eq(mail.message.to, "/devices/d1/modules/m1/messages/deviceBound");
        ck_assert_uint_eq(mail.message.expiry_usec, 0);
        ck_assert_uint_eq(mail.message.body_size, 0);
        ck_assert_int_eq(mailbox_complete(b.mailbox, "d1", NULL, mail.token), MAILBOX_E_LOCK_LOST);
        ck_assert_int_eq(mailbox_complete(b.mailbox, "d1", "m1", mail.token), 0);
        mail_done(&mail);
}
END_TEST

START_TEST(they_are_taken_in_order_of_arrival)
{
        Mail first, second, again;
        _cleanup_(close_bench) Bench b;

        open_bench(&b);
        put(&b, "1", ACK_NONE);
        put(&b, "2", ACK_NONE);
        first = take(&b, "1");
        second = take(&b, "2");
        ck_assert_uint_gt(second.sequence, first.sequence);
        check_nothing_to_take(&b);
        ck_assert_int_eq(mailbox_abandon(b.mailbox, "d1", NULL, second.token), 0);
        ck_assert_int_eq(mailbox_abandon(b.mailbox, "d1", NULL, first.token), 0);
        again = take(&b, "1"); /* it stands where it stood */
        ck_assert_uint_eq(again.sequence, first.sequence);
        mail_done(&first);
        mail_done(&second);
        mail_done(&again);
}
END_TEST

/* ---- refusals ---- */

START_TEST(nobody_is_there)
{
        CloudMessage m = {};
        _cleanup_(close_bench) Bench b;

        open_bench(&b);
        ck_assert_int_eq(mailbox_put(b.mailbox, "d9", NULL, &m), MAILBOX_E_NO_DEVICE);
        ck_assert_int_eq(mailbox_put(b.mailbox, "D1", NULL, &m), MAILBOX_E_NO_DEVICE); /* case counts */
        ck_assert_int_eq(mailbox_put(b.mailbox, "d9", "m1", &m), MAILBOX_E_NO_DEVICE);
        ck_assert_int_eq(mailbox_put(b.mailbox, "d1", "m9", &m), MAILBOX_E_NO_MODULE);
        ck_assert_uint_eq(b.n_arrived, 0);
}
END_TEST

START_TEST(the_51st_finds_it_full)
{
        CloudMessage m = {};
        Mail mail;
        _cleanup_(close_bench) Bench b;

        open_bench(&b);
        for (unsigned i = 0; i < MAILBOX_DEPTH_MAX; i++)
                put(&b, "m", ACK_NONE);
        ck_assert_int_eq(mailbox_put(b.mailbox, "d1", NULL, &m), MAILBOX_E_FULL);
        ck_assert_int_eq(mailbox_put(b.mailbox, "d2", NULL, &m), 0);
        mail = take(&b, "m"); /* a locked one takes room */
        ck_assert_int_eq(mailbox_put(b.mailbox, "d1", NULL, &m), MAILBOX_E_FULL);
        ck_assert_int_eq(mailbox_complete(b.mailbox, "d1", NULL, mail.token), 0);
        ck_assert_int_eq(mailbox_put(b.mailbox, "d1", NULL, &m), 0);
        ck_assert_uint_eq(count(&b), MAILBOX_DEPTH_MAX);
        pass(&b, USEC_PER_HOUR); /* those that have expired take none */
        ck_assert_int_eq(mailbox_put(b.mailbox, "d1", NULL, &m), 0);
        ck_assert_uint_eq(count(&b), 1);
        mail_done(&mail);
}
END_TEST

START_TEST(body_and_properties_may_be_64_kib)
{
        BagEntry property = {(char *)"name", (char *)"value"};
        CloudMessage m = {.message_id = (char *)"id", .to = (char *)"/to", .properties = {&property, 1}};
        _cleanup_free_ char *body = calloc(1, CLOUD_MESSAGE_SIZE_MAX);
        _cleanup_(close_bench) Bench b;

        open_bench(&b);
        ck_assert_ptr_nonnull(body);
        m.body = body;
        m.body_size = CLOUD_MESSAGE_SIZE_MAX - strlen("namevalueid/to");
        ck_assert_uint_eq(cloud_message_size(&m), CLOUD_MESSAGE_SIZE_MAX);
        ck_assert_int_eq(mailbox_put(b.mailbox, "d1", NULL, &m), 0);
        m.body_size++;
        ck_assert_int_eq(mailbox_put(b.mailbox, "d1", NULL, &m), MAILBOX_E_TOO_LARGE);
}
END_TEST

START_TEST(what_no_bag_can_hold_is_refused)
{
        BagEntry nameless = {(char *)"", (char *)"v"}, no_text = {(char *)"n", (char *)"\xff"};
        CloudMessage m = {.message_id = (char *)"\xc3"};
        _cleanup_(close_bench) Bench b;

        open_bench(&b);
        ck_assert_int_eq(mailbox_put(b.mailbox, "d1", NULL, &m), MAILBOX_E_BAD_PROPERTY);
        m = (CloudMessage){.properties = {&nameless, 1}};
        ck_assert_int_eq(mailbox_put(b.mailbox, "d1", NULL, &m), MAILBOX_E_BAD_PROPERTY);
        m = (CloudMessage){.properties = {&no_text, 1}};
        ck_assert_int_eq(mailbox_put(b.mailbox, "d1", NULL, &m), MAILBOX_E_BAD_PROPERTY);
        ck_assert_uint_eq(count(&b), 0);
}
END_TEST

/* ---- every end, for every mode ---- */

static void succeed(Bench *b)
{
        Mail mail = take(b, "m");

        ck_assert_int_eq(mailbox_complete(b->mailbox, "d1", NULL, mail.token), 0);
        ck_assert_int_eq(mailbox_complete(b->mailbox, "d1", NULL, mail.token), MAILBOX_E_LOCK_LOST);
        mail_done(&mail);
}

static void reject(Bench *b)
{
        Mail mail = take(b, "m");

        ck_assert_int_eq(mailbox_reject(b->mailbox, "d1", NULL, mail.token), 0);
        mail_done(&mail);
}

static void expire(Bench *b)
{
        pass(b, USEC_PER_HOUR);
}

static void exceed(Bench *b)
{
        for (unsigned i = 0; i < MAIL_RULES_USUAL.deliveries_max; i++) {
                Mail mail = take(b, "m");

                ck_assert_uint_eq(mail.delivery_count, i);
                ck_assert_int_eq(mailbox_abandon(b->mailbox, "d1", NULL, mail.token), 0);
                mail_done(&mail);
        }
}

static void purge(Bench *b)
{
        unsigned n = 99;

        ck_assert_int_eq(mailbox_purge(b->mailbox, "d1", NULL, &n), 0);
        ck_assert_uint_eq(n, 1);
}

static const struct {
        void (*run)(Bench *b);
        const char *record;
        bool positive;
} ends[] = {
        {succeed, "m Success", true},
        {reject, "m Rejected", false},
        {expire, "m Expired", false},
        {exceed, "m DeliveryCountExceeded", false},
        {purge, "m Purged", false},
};

START_TEST(every_end_is_told_to_who_asked_for_it)
{
        AckMode mode = (AckMode)(_i % _ACK_MODE_MAX);
        size_t which = (size_t)_i / _ACK_MODE_MAX;
        bool told = mode == ACK_FULL || (mode == ACK_POSITIVE && ends[which].positive) ||
                    (mode == ACK_NEGATIVE && !ends[which].positive);
        _cleanup_free_ char *record = NULL;
        _cleanup_(close_bench) Bench b;

        open_bench(&b);
        put(&b, "m", mode);
        ends[which].run(&b);
        ck_assert_uint_eq(count(&b), 0);
        record = feedback_of(&b);
        ck_assert_str_eq(record, told ? ends[which].record : "");
}
END_TEST

/* ---- locks and time ---- */

START_TEST(trap_22_a_lock_that_ends_is_not_counted)
{
        Mail mail, again;
        _cleanup_(close_bench) Bench b;

        open_bench(&b);
        put(&b, "m", ACK_FULL);
        for (unsigned i = 0; i < 2 * MAIL_RULES_USUAL.deliveries_max; i++) {
                mail = take(&b, "m");
                ck_assert_uint_eq(mail.delivery_count, 0);
                ck_assert_uint_le(mailbox_deadline(b.mailbox), now(&b) + USEC_PER_MIN);
                pass(&b, USEC_PER_MIN - 1);
                check_nothing_to_take(&b);
                pass(&b, 1);
                ck_assert_int_eq(mailbox_complete(b.mailbox, "d1", NULL, mail.token), MAILBOX_E_LOCK_LOST);
                mail_done(&mail);
        }
        ck_assert_uint_eq(b.n_arrived, 1 + 2 * MAIL_RULES_USUAL.deliveries_max);
        mail = take(&b, "m");
        ck_assert_int_eq(mailbox_abandon(b.mailbox, "d1", NULL, mail.token), 0);
        again = take(&b, "m");
        ck_assert_uint_eq(again.delivery_count, 1);
        mail_done(&mail);
        mail_done(&again);
}
END_TEST

START_TEST(a_lock_lasts_as_long_as_asked_but_300_s_at_most)
{
        MailHold hold = {.lock_usec = 5 * USEC_PER_SEC};
        Mail mail;
        _cleanup_(close_bench) Bench b;

        open_bench(&b);
        put(&b, "m", ACK_NONE);
        mail = take_as(&b, "m", &hold);
        ck_assert_uint_eq(mail.locked_until_usec, now(&b) + hold.lock_usec);
        mail_done(&mail);
        pass(&b, hold.lock_usec);
        hold.lock_usec = USEC_PER_HOUR;
        mail = take_as(&b, "m", &hold);
        ck_assert_uint_eq(mail.locked_until_usec, now(&b) + 300 * USEC_PER_SEC);
        mail_done(&mail);
}
END_TEST

START_TEST(a_message_lives_an_hour_or_as_long_as_it_says)
{
        _cleanup_free_ char *record = NULL;
        _cleanup_(close_bench) Bench b;

        open_bench(&b);
        put(&b, "hub", ACK_NONE);
        ck_assert_uint_eq(mailbox_deadline(b.mailbox), now(&b) + USEC_PER_HOUR);
        put_until(&b, "own", ACK_NEGATIVE, now(&b) + USEC_PER_MIN);
        ck_assert_uint_eq(mailbox_deadline(b.mailbox), now(&b) + USEC_PER_MIN);
        put_until(&b, "day", ACK_NONE, now(&b) + USEC_PER_DAY);
        pass(&b, USEC_PER_MIN - 1);
        ck_assert_uint_eq(count(&b), 3);
        pass(&b, 1);
        ck_assert_uint_eq(count(&b), 2);
        record = feedback_of(&b);
        ck_assert_str_eq(record, "own Expired");
        pass(&b, USEC_PER_HOUR - USEC_PER_MIN);
        ck_assert_uint_eq(count(&b), 1);
        pass(&b, USEC_PER_DAY);
        ck_assert_uint_eq(count(&b), 0);
        pass(&b, USEC_PER_SEC);
        ck_assert_uint_eq(mailbox_deadline(b.mailbox), USEC_INFINITY);
}
END_TEST

START_TEST(one_that_has_expired_on_arrival_is_never_taken)
{
        _cleanup_free_ char *record = NULL;
        _cleanup_(close_bench) Bench b;

        open_bench(&b);
        put_until(&b, "late", ACK_FULL, now(&b));
        check_nothing_to_take(&b);
        record = feedback_of(&b);
        ck_assert_str_eq(record, "late Expired");
}
END_TEST

START_TEST(a_hub_may_have_other_rules)
{
        static const MailRules rules = {.time_to_live_usec = 5 * USEC_PER_MIN, .deliveries_max = 1};
        Mail mail;
        _cleanup_(close_bench) Bench b;

        open_bench(&b);
        mailbox_set_rules(b.mailbox, &rules);
        put(&b, "m", ACK_NONE);
        put_until(&b, "n", ACK_NONE, now(&b) + USEC_PER_HOUR); /* its own time counts */
        pass(&b, 5 * USEC_PER_MIN - 1);
        ck_assert_uint_eq(count(&b), 2);
        pass(&b, 1);
        ck_assert_uint_eq(count(&b), 1);
        mail = take(&b, "n");
        ck_assert_int_eq(mailbox_abandon(b.mailbox, "d1", NULL, mail.token), 0);
        ck_assert_uint_eq(count(&b), 0);
        mail_done(&mail);
}
END_TEST

START_TEST(under_its_lock_it_may_be_completed_beyond_its_time)
{
        _cleanup_free_ char *record = NULL;
        Mail mail;
        _cleanup_(close_bench) Bench b;

        open_bench(&b);
        put_until(&b, "m", ACK_FULL, now(&b) + 10 * USEC_PER_SEC);
        mail = take(&b, "m");
        pass(&b, 20 * USEC_PER_SEC);
        ck_assert_uint_eq(count(&b), 1);
        ck_assert_int_eq(mailbox_complete(b.mailbox, "d1", NULL, mail.token), 0);
        record = feedback_of(&b);
        ck_assert_str_eq(record, "m Success");
        mail_done(&mail);
}
END_TEST

START_TEST(it_expires_when_it_comes_back_too_late)
{
        bool abandoned = _i == 1;
        _cleanup_free_ char *record = NULL;
        Mail mail;
        _cleanup_(close_bench) Bench b;

        open_bench(&b);
        put_until(&b, "m", ACK_FULL, now(&b) + 10 * USEC_PER_SEC);
        mail = take(&b, "m");
        pass(&b, abandoned ? 20 * USEC_PER_SEC : USEC_PER_MIN);
        if (abandoned)
                ck_assert_int_eq(mailbox_abandon(b.mailbox, "d1", NULL, mail.token), 0);
        ck_assert_uint_eq(count(&b), 0);
        record = feedback_of(&b);
        ck_assert_str_eq(record, "m Expired");
        ck_assert_uint_eq(b.n_arrived, 1);
        mail_done(&mail);
}
END_TEST

START_TEST(what_is_given_back_is_not_counted)
{
        Mail first, second, again;
        _cleanup_(close_bench) Bench b;

        open_bench(&b);
        put(&b, "1", ACK_NONE);
        put(&b, "2", ACK_NONE);
        first = take(&b, "1");
        second = take(&b, "2");
        ck_assert_int_eq(mailbox_release(b.mailbox, "d1", NULL, first.token), 0);
        ck_assert_uint_eq(b.n_arrived, 3);
        ck_assert_int_eq(mailbox_complete(b.mailbox, "d1", NULL, first.token), MAILBOX_E_LOCK_LOST);
        ck_assert_int_eq(mailbox_release(b.mailbox, "d1", NULL, first.token), MAILBOX_E_LOCK_LOST);
        again = take(&b, "1");
        ck_assert_uint_eq(again.delivery_count, 0);
        ck_assert_str_ne(again.token, first.token);
        ck_assert_int_eq(mailbox_complete(b.mailbox, "d1", NULL, second.token), 0);
        mail_done(&first);
        mail_done(&second);
        mail_done(&again);
}
END_TEST

START_TEST(a_purge_takes_the_locked_ones_too_and_only_this_queue)
{
        CloudMessage m = {};
        unsigned n;
        Mail mail;
        _cleanup_(close_bench) Bench b;

        open_bench(&b);
        for (int i = 0; i < 3; i++)
                put(&b, "m", ACK_NONE);
        ck_assert_int_eq(mailbox_put(b.mailbox, "d2", NULL, &m), 0);
        ck_assert_int_eq(mailbox_put(b.mailbox, "d1", "m1", &m), 0);
        mail = take(&b, "m");
        ck_assert_int_eq(mailbox_purge(b.mailbox, "d1", NULL, &n), 0);
        ck_assert_uint_eq(n, 3);
        ck_assert_int_eq(mailbox_complete(b.mailbox, "d1", NULL, mail.token), MAILBOX_E_LOCK_LOST);
        ck_assert_int_eq(mailbox_purge(b.mailbox, "d1", NULL, &n), 0);
        ck_assert_uint_eq(n, 0);
        ck_assert_int_eq(mailbox_purge(b.mailbox, "d2", NULL, &n), 0);
        ck_assert_uint_eq(n, 1);
        ck_assert_int_eq(mailbox_count(&b.house.store, "d1", "m1", &n), 0);
        ck_assert_uint_eq(n, 1);
        mail_done(&mail);
}
END_TEST

/* ---- what lasts ---- */

START_TEST(a_restart_keeps_all_and_frees_what_a_link_held)
{
        Mail linked, held, again;
        _cleanup_(close_bench) Bench b;

        open_bench(&b);
        put(&b, "1", ACK_FULL);
        put(&b, "2", ACK_NONE);
        linked = take_as(&b, "1", &by_link);
        held = take(&b, "2");
        commit(&b);
        put(&b, "3", ACK_NONE); /* nobody was told that it is there */
        restart(&b);
        ck_assert_uint_eq(count(&b), 2);
        ck_assert_int_eq(mailbox_complete(b.mailbox, "d1", NULL, linked.token), MAILBOX_E_LOCK_LOST);
        again = take_as(&b, "1", &by_link);
        ck_assert_uint_eq(again.sequence, linked.sequence);
        ck_assert_int_eq(again.message.ack, ACK_FULL);
        ck_assert_int_eq(mailbox_complete(b.mailbox, "d1", NULL, held.token), 0);
        mail_done(&linked);
        mail_done(&held);
        mail_done(&again);
}
END_TEST

START_TEST(time_goes_on_while_it_is_down)
{
        Mail mail;
        _cleanup_(close_bench) Bench b;

        open_bench(&b);
        put(&b, "1", ACK_NONE);
        put_until(&b, "2", ACK_NONE, now(&b) + USEC_PER_MIN);
        mail = take(&b, "1");
        commit(&b);
        fake_clock_advance(&b.house.time, USEC_PER_MIN);
        restart(&b);
        pass(&b, 0);
        ck_assert_uint_eq(count(&b), 1);
        mail_done(&mail);
        mail = take(&b, "1");
        mail_done(&mail);
}
END_TEST

START_TEST(what_is_undone_is_done_again)
{
        _cleanup_free_ char *record = NULL;
        _cleanup_(close_bench) Bench b;

        open_bench(&b);
        put_until(&b, "m", ACK_FULL, now(&b) + USEC_PER_MIN);
        commit(&b);
        pass(&b, USEC_PER_MIN);
        store_rollback(&b.house.store); /* the commit failed */
        ck_assert_uint_eq(count(&b), 1);
        ck_assert_uint_le(mailbox_deadline(b.mailbox), now(&b) + USEC_PER_SEC);
        pass(&b, USEC_PER_SEC);
        ck_assert_uint_eq(count(&b), 0);
        record = feedback_of(&b);
        ck_assert_str_eq(record, "m Expired");
}
END_TEST

START_TEST(mail_goes_with_its_identity_and_nobody_is_told)
{
        _cleanup_(identity_done) Identity d1 = {};
        _cleanup_free_ char *record = NULL;
        CloudMessage m = {};
        unsigned n;
        _cleanup_(close_bench) Bench b;

        open_bench(&b);
        put(&b, "m", ACK_FULL);
        ck_assert_int_eq(mailbox_put(b.mailbox, "d1", "m1", &m), 0);
        ck_assert_int_eq(mailbox_put(b.mailbox, "d2", NULL, &m), 0);
        ck_assert_int_eq(registry_delete(&b.house.store, "d1", NULL), 0);
        ck_assert_int_eq(registry_create(&b.house.store, "d1", NULL, &d1), 0);
        ck_assert_uint_eq(count(&b), 0);
        ck_assert_int_eq(mailbox_count(&b.house.store, "d1", "m1", &n), 0);
        ck_assert_uint_eq(n, 0);
        ck_assert_int_eq(mailbox_count(&b.house.store, "d2", NULL, &n), 0);
        ck_assert_uint_eq(n, 1);
        record = feedback_of(&b);
        ck_assert_str_eq(record, "");
}
END_TEST

/* ---- the bag of a topic ---- */

START_TEST(trap_3_names_of_the_hub_are_written_encoded)
{
        _cleanup_(buffer_done) Buffer bag = BUFFER_NULL;
        CloudMessage m = {.message_id = (char *)"id/1", .to = (char *)"/devices/d1/messages/deviceBound"};

        cloud_message_bag(&m, &bag);
        ck_assert_str_eq(bag.data, "%24.mid=id%2F1&%24.to=%2Fdevices%2Fd1%2Fmessages%2FdeviceBound");
}
END_TEST

START_TEST(trap_5_times_have_seven_digits)
{
        _cleanup_(buffer_done) Buffer bag = BUFFER_NULL;
        CloudMessage m = {.to = (char *)"t", .creation_usec = 1767225600123456, .expiry_usec = 1767225660000000};

        cloud_message_bag(&m, &bag);
        ck_assert_str_eq(bag.data, "%24.to=t&%24.ctime=2026-01-01T00%3A00%3A00.1234560Z"
                                   "&%24.exp=2026-01-01T00%3A01%3A00.0000000Z");
}
END_TEST

START_TEST(trap_7_a_plus_and_all_else_is_encoded)
{
        BagEntry properties[] = {{(char *)"k e/y", (char *)"v+l=\xc3\xbc#"}, {(char *)"empty", (char *)""},
                                 {(char *)"null", NULL}};
        _cleanup_(buffer_done) Buffer bag = BUFFER_NULL;
        CloudMessage m = {
                .to = (char *)"t",
                .correlation_id = (char *)"c",
                .user_id = (char *)"u",
                .content_type = (char *)"application/json",
                .content_encoding = (char *)"utf-8",
                .ack = ACK_FULL,
                .properties = {properties, ARRAY_SIZE(properties)},
        };

        cloud_message_bag(&m, &bag);
        ck_assert_str_eq(bag.data, "%24.to=t&%24.cid=c&%24.uid=u&%24.ct=application%2Fjson&%24.ce=utf-8"
                                   "&iothub-ack=full&k%20e%2Fy=v%2Bl%3D%C3%BC%23&empty=&null");
}
END_TEST

START_TEST(trap_52_a_tilde_is_encoded_for_the_c_sdk)
{
        BagEntry property = {(char *)"~a~", (char *)"~"};
        CloudMessage m = {.to = (char *)"t", .properties = {&property, 1}};
        _cleanup_(buffer_done) Buffer bag = BUFFER_NULL;

        buffer_append_string(&bag, "before~");
        cloud_message_bag(&m, &bag);
        ck_assert_str_eq(bag.data, "before~%24.to=t&%7Ea%7E=%7E");
}
END_TEST

int main(void)
{
        Suite *s = suite_create("devhub/mailbox");
        TCase *c = suite_case(s, "in and out");

        tcase_add_test(c, a_message_comes_out_as_it_went_in);
        tcase_add_test(c, a_bare_message_gets_a_destination_and_no_more);
        tcase_add_test(c, they_are_taken_in_order_of_arrival);

        c = suite_case(s, "what is refused");
        tcase_add_test(c, nobody_is_there);
        tcase_add_test(c, the_51st_finds_it_full);
        tcase_add_test(c, body_and_properties_may_be_64_kib);
        tcase_add_test(c, what_no_bag_can_hold_is_refused);

        c = suite_case(s, "how it ends");
        tcase_add_loop_test(c, every_end_is_told_to_who_asked_for_it, 0, ARRAY_SIZE(ends) * _ACK_MODE_MAX);

        c = suite_case(s, "locks and time");
        tcase_add_test(c, trap_22_a_lock_that_ends_is_not_counted);
        tcase_add_test(c, a_lock_lasts_as_long_as_asked_but_300_s_at_most);
        tcase_add_test(c, a_message_lives_an_hour_or_as_long_as_it_says);
        tcase_add_test(c, one_that_has_expired_on_arrival_is_never_taken);
        tcase_add_test(c, a_hub_may_have_other_rules);
        tcase_add_test(c, under_its_lock_it_may_be_completed_beyond_its_time);
        tcase_add_loop_test(c, it_expires_when_it_comes_back_too_late, 0, 2);
        tcase_add_test(c, what_is_given_back_is_not_counted);
        tcase_add_test(c, a_purge_takes_the_locked_ones_too_and_only_this_queue);

        c = suite_case(s, "what lasts");
        tcase_add_test(c, a_restart_keeps_all_and_frees_what_a_link_held);
        tcase_add_test(c, time_goes_on_while_it_is_down);
        tcase_add_test(c, what_is_undone_is_done_again);
        tcase_add_test(c, mail_goes_with_its_identity_and_nobody_is_told);

        c = suite_case(s, "the bag of a topic");
        tcase_add_test(c, trap_3_names_of_the_hub_are_written_encoded);
        tcase_add_test(c, trap_5_times_have_seven_digits);
        tcase_add_test(c, trap_7_a_plus_and_all_else_is_encoded);
        tcase_add_test(c, trap_52_a_tilde_is_encoded_for_the_c_sdk);
        return suite_run(s);
}
