/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <proton/codec.h>
#include <proton/condition.h>
#include <proton/disposition.h>
#include <proton/terminus.h>
#include <stdio.h>
#include <string.h>

#include "devhub/amqp/cloud-mail.h"

#include "amqp-bench.h"

#define DEVICEBOUND "/messages/devicebound"
#define FEEDBACK    "/messages/serviceBound/feedback"
#define TO_D1       "/devices/d1/messages/devicebound"

static void begin(AmqpBench *b)
{
        bench_begin(b);
        bench_open(b);
        bench_allow(b, "service");
}

static pn_message_t *message_to(const char *to, const char *body)
{
        pn_message_t *message = pn_message();

        (void)pn_message_set_address(message, to);
        (void)pn_message_set_inferred(message, true);
        (void)pn_data_put_binary(pn_message_body(message), pn_bytes(strlen(body), body));
        return message;
}

/* What became of it: NULL accepted, else the condition. */
static const char *send_message(AmqpBench *b, pn_link_t *link, pn_message_t *message)
{
        pn_delivery_t *delivery = bench_send(b, link, message);
        const char *name;

        ck_assert(pn_delivery_settled(delivery));
        if (pn_delivery_remote_state(delivery) == PN_ACCEPTED)
                return NULL;
        ck_assert_uint_eq(pn_delivery_remote_state(delivery), PN_REJECTED);
        name = pn_condition_get_name(pn_disposition_condition(pn_delivery_remote(delivery)));
        ck_assert_ptr_nonnull(name);
        return name;
}

static const char *send_to(AmqpBench *b, pn_link_t *link, const char *to)
{
        pn_message_t *message = message_to(to, "hello");
        const char *condition = send_message(b, link, message);

        pn_message_free(message);
        return condition;
}

static void take(AmqpBench *b, const char *device_id, const char *module_id, Mail *ret)
{
        ck_assert_int_eq(mailbox_take(b->mailbox, device_id, module_id, &(MailHold){}, ret), 0);
}

/* ---- devicebound ---- */

START_TEST(trap_40_addresses_differ_by_case_and_by_host)
{
        static const char *const addresses[] = {
                "/messages/devicebound", "/messages/deviceBound", "messages/devicebound", "/MESSAGES/DEVICEBOUND/",
                "amqps://" BENCH_HOST "/messages/devicebound", "amqps://" BENCH_HOST ":5671/messages/deviceBound",
        };
        AmqpBench b;

        begin(&b);
        for (size_t i = 0; i < ARRAY_SIZE(addresses); i++) {
                pn_link_t *link = bench_sender(&b, addresses[i]);
                Mail mail = {};

                ck_assert_ptr_null(bench_detached(link));
                ck_assert_ptr_null(send_to(&b, link, TO_D1));
                take(&b, "d1", NULL, &mail);
                ck_assert_str_eq(mail.message.body, "hello");
                ck_assert_int_eq(mailbox_complete(b.mailbox, "d1", NULL, mail.token), 0);
                mail_done(&mail);
        }
        ck_assert_str_eq(bench_detached(bench_receiver(&b, DEVICEBOUND, 1)), "amqp:not-found");
        bench_end(&b);
}
END_TEST

static void put_value(pn_data_t *data, const char *name)
{
        (void)pn_data_put_string(data, pn_bytes(strlen(name), name));
}

START_TEST(a_message_keeps_all_that_it_carries)
{
        AmqpBench b;
        pn_message_t *message = message_to("/devices/d1/modules/m1/messages/deviceBound", "{}");
        pn_data_t *data = pn_message_properties(message);
        const CloudMessage *m;
        Mail mail = {};

        begin(&b);
        (void)pn_message_set_id(message, (pn_atom_t){.type = PN_UUID, .u.as_uuid = {"\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17\20"}});
        (void)pn_message_set_correlation_id(message, (pn_atom_t){.type = PN_ULONG, .u.as_ulong = 42});
        (void)pn_message_set_user_id(message, pn_bytes(2, "me"));
        (void)pn_message_set_content_type(message, "application/json");
        (void)pn_message_set_content_encoding(message, "utf-8");
        (void)pn_message_set_creation_time(message, 1767225600000);
        (void)pn_message_set_expiry_time(message, 1767229200000);
        (void)pn_data_put_map(data);
        (void)pn_data_enter(data);
        put_value(data, "iothub-ack");
        put_value(data, "full");
        put_value(data, "text");
        put_value(data, "K\xc3\xbc" "che");
        put_value(data, "number");
        (void)pn_data_put_int(data, -7);
        put_value(data, "flag");
        (void)pn_data_put_bool(data, true);
        put_value(data, "real");
        (void)pn_data_put_double(data, 21.5);
        put_value(data, "nothing");
        (void)pn_data_put_null(data);
        (void)pn_data_exit(data);
        ck_assert_ptr_null(send_message(&b, bench_sender(&b, DEVICEBOUND), message));
        ck_assert_uint_ge(b.n_commits, 1);
        ck_assert(!b.store->in_transaction);

        take(&b, "d1", "m1", &mail);
        m = &mail.message;
        ck_assert_str_eq(m->message_id, "01020304-0506-0708-090a-0b0c0d0e0f10");
        ck_assert_str_eq(m->correlation_id, "42");
        ck_assert_str_eq(m->user_id, "me");
        ck_assert_str_eq(m->to, "/devices/d1/modules/m1/messages/deviceBound");
        ck_assert_str_eq(m->content_type, "application/json");
        ck_assert_str_eq(m->content_encoding, "utf-8");
        ck_assert_uint_eq(m->creation_usec, 1767225600000000);
        ck_assert_uint_eq(m->expiry_usec, 1767229200000000);
        ck_assert_int_eq(m->ack, ACK_FULL);
        ck_assert_ptr_null(bag_find(&m->properties, "iothub-ack"));
        ck_assert_str_eq(bag_find(&m->properties, "text")->value, "K\xc3\xbc" "che");
        ck_assert_str_eq(bag_find(&m->properties, "number")->value, "-7");
        ck_assert_str_eq(bag_find(&m->properties, "flag")->value, "true");
        ck_assert_str_eq(bag_find(&m->properties, "real")->value, "21.5");
        ck_assert_ptr_null(bag_find(&m->properties, "nothing")->value);
        ck_assert_uint_eq(m->body_size, 2);
        mail_done(&mail);
        pn_message_free(message);
        bench_end(&b);
}
END_TEST

START_TEST(whom_a_message_is_for_stands_in_its_to)
{
        static const struct {
                const char *to, *device, *module;
        } cases[] = {
                {TO_D1, "d1", NULL},
                {"/devices/a%20b%2Fc/messages/deviceBound", "a b/c", NULL},
                {"devices/x/messages/devicebound", "x", NULL},
                {"amqps://" BENCH_HOST "/devices/x/modules/y/messages/devicebound", "x", "y"},
                {"/Devices/modules/Modules/messages/Messages/DeviceBound/", "modules", "messages"},
        };
        static const char *const bad[] = {
                "", "/", "d1", "/devices/d1", "/devices//messages/devicebound", "/devices/d1/messages/events",
                "/devices/d1/messages/devicebound/x", "/devices/%00/messages/devicebound",
                "/devices/d1/modules//messages/devicebound", "/devices/%ff/messages/devicebound",
        };
        const char *error;

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                pn_message_t *message = message_to(cases[i].to, "");
                CloudMail mail = {};

                ck_assert_msg(cloud_mail_read(message, &mail, &error) == 0, "%s", cases[i].to);
                ck_assert_str_eq(mail.device_id, cases[i].device);
                ck_assert_pstr_eq(mail.module_id, cases[i].module);
                cloud_mail_done(&mail);
                pn_message_free(message);
        }
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                pn_message_t *message = message_to(bad[i], "");
                CloudMail mail = {};

                ck_assert_msg(cloud_mail_read(message, &mail, &error) == -EINVAL, "%s", bad[i]);
                pn_message_free(message);
        }
}
END_TEST

START_TEST(what_cannot_be_delivered_is_rejected_with_its_reason)
{
        AmqpBench b;
        pn_link_t *link;
        pn_message_t *message;
        char *large = calloc(1, 70000);

        begin(&b);
        link = bench_sender(&b, DEVICEBOUND);
        ck_assert_str_eq(send_to(&b, link, "/devices/nobody/messages/devicebound"), "amqp:not-found");
        ck_assert_str_eq(send_to(&b, link, "/devices/d1/modules/none/messages/devicebound"), "amqp:not-found");
        ck_assert_str_eq(send_to(&b, link, "nowhere"), "com.microsoft:argument-error");
        message = message_to(TO_D1, "x");
        bench_put_text(message, (const char *const[]){"iothub-ack", "perhaps", NULL});
        ck_assert_str_eq(send_message(&b, link, message), "com.microsoft:argument-error");
        pn_message_free(message);
        memset(large, 'x', 69999);
        message = message_to(TO_D1, large);
        ck_assert_str_eq(send_message(&b, link, message), "amqp:link:message-size-exceeded");
        pn_message_free(message);
        for (int i = 0; i < 50; i++)
                ck_assert_ptr_null(send_to(&b, link, TO_D1));
        ck_assert_str_eq(send_to(&b, link, TO_D1), "amqp:resource-limit-exceeded");
        b.disk_full = true;
        ck_assert_str_eq(send_to(&b, link, "/devices/d2/messages/devicebound"), "amqp:internal-error");
        b.disk_full = false;
        ck_assert_ptr_null(send_to(&b, link, "/devices/d2/messages/devicebound"));
        ck_assert_ptr_null(bench_detached(link));
        free(large);
        bench_end(&b);
}
END_TEST

START_TEST(faults_strike_those_who_send)
{
        AmqpBench b;
        pn_link_t *link;

        begin(&b);
        link = bench_sender(&b, DEVICEBOUND);
        ck_assert_int_ge(faults_set(&b.faults, &(Fault){.kind = FAULT_THROTTLE, .strikes_left = 1, .until_usec = USEC_INFINITY}), 0);
        ck_assert_str_eq(send_to(&b, link, TO_D1), "com.microsoft:device-container-throttled");
        ck_assert_ptr_null(send_to(&b, link, TO_D1));
        ck_assert_int_ge(faults_set(&b.faults, &(Fault){.kind = FAULT_QUOTA, .strikes_left = 1, .until_usec = USEC_INFINITY}), 0);
        ck_assert_str_eq(send_to(&b, link, TO_D1), "com.microsoft:quota-exceeded");
        bench_end(&b);
}
END_TEST

START_TEST(sending_needs_service_connect)
{
        AmqpBench b;

        bench_begin(&b);
        bench_open(&b);
        bench_allow(&b, "device");
        ck_assert_str_eq(bench_detached(bench_sender(&b, DEVICEBOUND)), "amqp:unauthorized-access");
        ck_assert_str_eq(bench_detached(bench_receiver(&b, FEEDBACK, 1)), "amqp:unauthorized-access");
        bench_allow(&b, "service");
        ck_assert_ptr_null(bench_detached(bench_sender(&b, DEVICEBOUND)));
        bench_end(&b);
}
END_TEST

/* ---- feedback ---- */

static void record(AmqpBench *b)
{
        ck_assert_int_ge(feedback_record(b->feedback, ACK_FULL, OUTCOME_SUCCESS, "m1", "d1", "1"), 0);
        ck_assert_int_eq(store_commit(b->store), 0);
}

/* A batch closes 15 s after its first record. */
static void close_batch(AmqpBench *b)
{
        fake_clock_advance(b->clock, 16 * USEC_PER_SEC);
        ck_assert_int_ge(feedback_tick(b->feedback), 0);
        ck_assert_int_eq(store_commit(b->store), 0);
        amqp_house_stir(&b->house);
        bench_run(b);
}

static pn_delivery_t *current(pn_link_t *link)
{
        pn_delivery_t *delivery = pn_link_current(link);

        return delivery && pn_delivery_readable(delivery) ? delivery : NULL;
}

static int in_hand(AmqpBench *b)
{
        FeedbackBatch batch = {};
        int r = feedback_take(b->feedback, &batch);

        if (r == 0)
                ck_assert_int_eq(feedback_release(b->feedback, batch.tag), 0);
        feedback_batch_done(&batch);
        ck_assert_int_eq(store_commit(b->store), 0);
        return r;
}

START_TEST(trap_42_feedback_has_a_tag_of_16_bytes_and_a_timestamp)
{
        AmqpBench b;
        pn_link_t *link;
        pn_message_t *message = pn_message();
        pn_data_t *notes;

        begin(&b);
        link = bench_receiver(&b, FEEDBACK, 10);
        ck_assert_ptr_null(bench_detached(link));
        record(&b);
        close_batch(&b);
        ck_assert_ptr_nonnull(current(link));
        ck_assert_uint_eq(pn_delivery_tag(current(link)).size, 16);
        ck_assert(bench_receive(link, message));
        bench_run(&b);
        ck_assert_str_eq(pn_message_get_content_type(message), "application/vnd.microsoft.iothub.feedback.json");
        ck_assert_uint_eq(pn_message_get_user_id(message).size, 6);
        ck_assert_mem_eq(pn_message_get_user_id(message).start, "devhub", 6);
        notes = pn_message_annotations(message);
        pn_data_rewind(notes);
        ck_assert(pn_data_next(notes) && pn_data_enter(notes) && pn_data_next(notes) && pn_data_next(notes));
        ck_assert_int_eq(pn_data_type(notes), PN_TIMESTAMP);
        ck_assert_int_gt(pn_data_get_timestamp(notes), 1767225600000);
        pn_data_rewind(pn_message_body(message));
        ck_assert(pn_data_next(pn_message_body(message)));
        ck_assert_ptr_nonnull(memmem(pn_data_get_binary(pn_message_body(message)).start,
                                     pn_data_get_binary(pn_message_body(message)).size, "\"Success\"", 9));
        /* accepted: it is gone */
        fake_clock_advance(b.clock, 2 * USEC_PER_MIN);
        ck_assert_int_eq(in_hand(&b), FEEDBACK_E_EMPTY);
        pn_message_free(message);
        bench_end(&b);
}
END_TEST

START_TEST(trap_42_who_settles_second_is_answered)
{
        AmqpBench b;
        pn_link_t *link;
        pn_delivery_t *delivery;

        begin(&b);
        link = pn_receiver(b.client_session, "second");
        (void)pn_terminus_set_address(pn_link_source(link), FEEDBACK);
        pn_link_set_rcv_settle_mode(link, PN_RCV_SECOND);
        pn_link_open(link);
        pn_link_flow(link, 1);
        bench_run(&b);
        ck_assert_int_eq(pn_link_remote_rcv_settle_mode(link), PN_RCV_SECOND);
        record(&b);
        close_batch(&b);
        delivery = current(link);
        ck_assert_ptr_nonnull(delivery);
        (void)pn_link_advance(link);
        pn_delivery_update(delivery, PN_ACCEPTED);
        ck_assert(!pn_delivery_settled(delivery));
        bench_run(&b);
        ck_assert(pn_delivery_settled(delivery));
        ck_assert_uint_eq(pn_delivery_remote_state(delivery), PN_ACCEPTED);
        fake_clock_advance(b.clock, 2 * USEC_PER_MIN);
        ck_assert_int_eq(in_hand(&b), FEEDBACK_E_EMPTY);
        bench_end(&b);
}
END_TEST

START_TEST(the_outcome_says_what_becomes_of_a_batch)
{
        static const struct {
                uint64_t outcome;
                bool gone;
        } cases[] = {{PN_ACCEPTED, true}, {PN_REJECTED, true}, {PN_MODIFIED, false}, {PN_RELEASED, false}};

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                AmqpBench b;
                pn_link_t *link;
                pn_delivery_t *delivery;

                begin(&b);
                link = bench_receiver(&b, "/messages/servicebound/feedback", 1);
                record(&b);
                close_batch(&b);
                delivery = current(link);
                ck_assert_ptr_nonnull(delivery);
                (void)pn_link_advance(link);
                ck_assert_int_eq(in_hand(&b), FEEDBACK_E_EMPTY); /* locked */
                pn_delivery_update(delivery, cases[i].outcome);
                pn_delivery_settle(delivery);
                bench_run(&b);
                ck_assert_int_eq(in_hand(&b), cases[i].gone ? FEEDBACK_E_EMPTY : 0);
                ck_assert(!b.store->in_transaction);
                bench_end(&b);
        }
}
END_TEST

START_TEST(who_goes_leaves_its_batches_behind)
{
        AmqpBench b;
        pn_link_t *link;

        for (int how = 0; how < 3; how++) {
                begin(&b);
                link = bench_receiver(&b, FEEDBACK, 1);
                record(&b);
                close_batch(&b);
                ck_assert_ptr_nonnull(current(link));
                ck_assert_int_eq(in_hand(&b), FEEDBACK_E_EMPTY);
                if (how == 0) {
                        pn_link_close(link);
                        bench_run(&b);
                } else if (how == 1) {
                        pn_session_close(b.client_session);
                        bench_run(&b);
                } else {
                        bench_part(&b);
                }
                ck_assert_int_eq(in_hand(&b), 0);
                bench_end(&b);
        }
}
END_TEST

START_TEST(an_outcome_that_comes_too_late_is_told)
{
        AmqpBench b;
        pn_link_t *link;
        pn_delivery_t *delivery;

        begin(&b);
        link = pn_receiver(b.client_session, "late");
        (void)pn_terminus_set_address(pn_link_source(link), FEEDBACK);
        pn_link_set_rcv_settle_mode(link, PN_RCV_SECOND);
        pn_link_open(link);
        pn_link_flow(link, 1);
        bench_run(&b);
        record(&b);
        close_batch(&b);
        delivery = current(link);
        (void)pn_link_advance(link);
        fake_clock_advance(b.clock, 61 * USEC_PER_SEC);
        ck_assert_int_ge(feedback_tick(b.feedback), 0);
        pn_delivery_update(delivery, PN_ACCEPTED);
        bench_run(&b);
        ck_assert_uint_eq(pn_delivery_remote_state(delivery), PN_REJECTED);
        ck_assert_str_eq(pn_condition_get_name(pn_disposition_condition(pn_delivery_remote(delivery))),
                         "com.microsoft:message-lock-lost");
        bench_end(&b);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("devhub/amqp-mail");
        TCase *c;

        c = suite_case(s, "devicebound");
        tcase_add_test(c, trap_40_addresses_differ_by_case_and_by_host);
        tcase_add_test(c, a_message_keeps_all_that_it_carries);
        tcase_add_test(c, whom_a_message_is_for_stands_in_its_to);
        tcase_add_test(c, what_cannot_be_delivered_is_rejected_with_its_reason);
        tcase_add_test(c, faults_strike_those_who_send);
        tcase_add_test(c, sending_needs_service_connect);

        c = suite_case(s, "feedback");
        tcase_add_test(c, trap_42_feedback_has_a_tag_of_16_bytes_and_a_timestamp);
        tcase_add_test(c, trap_42_who_settles_second_is_answered);
        tcase_add_test(c, the_outcome_says_what_becomes_of_a_batch);
        tcase_add_test(c, who_goes_leaves_its_batches_behind);
        tcase_add_test(c, an_outcome_that_comes_too_late_is_told);
        return suite_run(s);
}
