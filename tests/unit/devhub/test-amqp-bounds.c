/* SPDX-License-Identifier: Apache-2.0 */
#include <malloc.h>
#include <proton/codec.h>
#include <proton/condition.h>
#include <stdio.h>
#include <string.h>

#include "amqp-bench.h"

#define REQUEST_MAX ((size_t)16 * 1024)

/* ---- links and sessions ---- */

static void assert_closed_for(AmqpBench *b, const char *condition)
{
        ck_assert(pn_connection_state(b->client.connection) & PN_REMOTE_CLOSED);
        ck_assert_str_eq(pn_condition_get_name(pn_connection_remote_condition(b->client.connection)), condition);
}

START_TEST(too_many_links_close_the_connection)
{
        AmqpBench b;

        bench_begin(&b);
        bench_open(&b);
        bench_allow(&b, "service");
        for (int i = 0; i < 256; i++)
                ck_assert_ptr_null(bench_detached(bench_sender(&b, "$cbs")));
        (void)bench_sender(&b, "$cbs");
        assert_closed_for(&b, "amqp:resource-limit-exceeded");
        bench_end(&b);
}
END_TEST

START_TEST(a_stranger_has_few_links)
{
        AmqpBench b;

        bench_begin(&b);
        bench_open(&b);
        for (int i = 0; i < 8; i++)
                (void)bench_sender(&b, i % 2 ? "$cbs" : "nowhere"); /* refused, and not detached by the peer */
        ck_assert(!(pn_connection_state(b.client.connection) & PN_REMOTE_CLOSED));
        (void)bench_sender(&b, "$cbs");
        assert_closed_for(&b, "amqp:resource-limit-exceeded");
        bench_end(&b);
}
END_TEST

START_TEST(a_stranger_writes_no_long_frames)
{
        AmqpBench b;
        char *address = calloc(1, REQUEST_MAX + 4096);

        memset(address, 'a', REQUEST_MAX + 4095);
        for (int known = 0; known < 2; known++) {
                bench_begin(&b);
                bench_open(&b);
                if (known)
                        bench_allow(&b, "service");
                (void)bench_sender(&b, address);
                if (known)
                        ck_assert(!(pn_connection_state(b.client.connection) & PN_REMOTE_CLOSED));
                else
                        assert_closed_for(&b, "amqp:resource-limit-exceeded");
                bench_end(&b);
        }
        free(address);
}
END_TEST

START_TEST(the_number_of_sessions_is_announced)
{
        AmqpBench b;

        bench_begin(&b);
        bench_open(&b);
        ck_assert_uint_eq(pn_transport_remote_channel_max(b.client.transport), 63);
        ck_assert_uint_eq(pn_transport_get_remote_max_frame(b.client.transport), 65536);
        bench_end(&b);
}
END_TEST

START_TEST(a_frame_that_is_too_large_ends_it)
{
        AmqpBench b;
        static const uint8_t frame[] = {0, 1, 0, 1, 2, 0, 0, 0};

        bench_begin(&b);
        bench_open(&b);
        bench_feed(&b, frame, sizeof(frame));
        (void)amqp_session_output(b.session);
        ck_assert_ptr_nonnull(strstr(amqp_session_reason(b.session), "amqp:connection:framing-error"));
        ck_assert(amqp_session_is_over(b.session));
        bench_end(&b);
}
END_TEST

START_TEST(links_that_come_and_go_leave_nothing)
{
        AmqpBench b;
        size_t before = 0;

        bench_begin(&b);
        bench_open(&b);
        for (int i = 0; i < 5000; i++) {
                pn_link_t *link = bench_sender(&b, i % 2 ? "$cbs" : "nowhere");

                pn_link_close(link);
                bench_run(&b);
                pn_link_free(link);
                bench_run(&b);
                if (i == 500)
                        before = mallinfo2().uordblks;
        }
        ck_assert_uint_lt(mallinfo2().uordblks, before + 200000);
        bench_end(&b);
}
END_TEST

/* ---- messages ---- */

static pn_delivery_t *send_bytes(AmqpBench *b, pn_link_t *link, size_t size)
{
        pn_message_t *message = pn_message();
        char *body = calloc(1, size);
        pn_delivery_t *delivery;

        (void)pn_data_put_binary(pn_message_body(message), pn_bytes(size, body));
        delivery = bench_send(b, link, message);
        free(body);
        pn_message_free(message);
        return delivery;
}

static void part_with(AmqpBench *b, pn_link_t *link)
{
        pn_link_close(link);
        bench_run(b);
        pn_link_free(link);
        bench_run(b);
}

/* The session's window, which is smaller than each of them, opens again. */
START_TEST(a_message_that_is_too_large_detaches_its_link_alone)
{
        static const struct {
                const char *address;
                size_t size;
        } cases[] = {
                {"$cbs", REQUEST_MAX},
                {"$cbs", 900 * 1024},
                {"/messages/devicebound", 400 * 1024},
                {"/messages/devicebound", 900 * 1024},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                AmqpBench b;

                bench_begin(&b);
                bench_open(&b);
                bench_allow(&b, "service");
                for (int k = 0; k < 4; k++) {
                        pn_link_t *link = bench_sender(&b, cases[i].address);

                        (void)send_bytes(&b, link, cases[i].size);
                        ck_assert_str_eq(bench_detached(link), "amqp:link:message-size-exceeded");
                        part_with(&b, link);
                        ck_assert_str_eq(amqp_session_reason(b.session), "");
                        bench_allow(&b, "service");
                }
                bench_end(&b);
        }
}
END_TEST

/* Not whole: the delivery is never advanced. */
static void send_part(AmqpBench *b, pn_link_t *link, size_t size)
{
        char *bytes = calloc(1, size);

        b->n_sent++;
        (void)pn_delivery(link, pn_dtag((const char *)&b->n_sent, sizeof(b->n_sent)));
        ck_assert_int_eq(pn_link_send(link, bytes, size), (ssize_t)size);
        bench_run(b);
        free(bytes);
}

START_TEST(a_link_that_ends_within_a_message_leaves_nothing)
{
        AmqpBench b;

        bench_begin(&b);
        bench_open(&b);
        bench_allow(&b, "service");
        for (int k = 0; k < 8; k++) {
                pn_link_t *link = bench_sender(&b, "/messages/devicebound");

                send_part(&b, link, 256 * 1024);
                part_with(&b, link);
                bench_allow(&b, "service");
        }
        bench_end(&b);
}
END_TEST

START_TEST(what_is_not_whole_has_one_bound_for_the_connection)
{
        AmqpBench b;
        int n = 0;

        bench_begin(&b);
        bench_open(&b);
        bench_allow(&b, "service");
        for (; n < 40 && !(pn_connection_state(b.client.connection) & PN_REMOTE_CLOSED); n++) {
                b.client_session = pn_session(b.client.connection);
                pn_session_open(b.client_session);
                send_part(&b, bench_sender(&b, "/messages/devicebound"), 256 * 1024);
        }
        ck_assert_int_eq(n, 4 * 4 + 1);
        assert_closed_for(&b, "amqp:resource-limit-exceeded");
        bench_end(&b);
}
END_TEST

START_TEST(answers_that_nobody_fetches_do_not_pile_up)
{
        AmqpBench b;
        pn_link_t *out, *in;
        pn_message_t *message = pn_message();
        char *id = calloc(1, 8000);
        size_t before;

        bench_begin(&b);
        bench_open(&b);
        out = bench_sender(&b, "$cbs");
        in = bench_receiver(&b, "$cbs", 0);
        (void)pn_message_set_reply_to(message, pn_link_name(in));
        (void)pn_message_set_id(message, (pn_atom_t){.type = PN_STRING, .u.as_bytes = pn_bytes(8000, id)});
        pn_delivery_settle(bench_send(&b, out, message));
        before = mallinfo2().uordblks;
        for (int i = 0; i < 100; i++)
                pn_delivery_settle(bench_send(&b, out, message));
        ck_assert_uint_lt(mallinfo2().uordblks, before + 300000);
        free(id);
        pn_message_free(message);
        bench_end(&b);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("devhub/amqp-bounds");
        TCase *c;

        c = suite_case(s, "links and frames");
        tcase_add_test(c, too_many_links_close_the_connection);
        tcase_add_test(c, a_stranger_has_few_links);
        tcase_add_test(c, a_stranger_writes_no_long_frames);
        tcase_add_test(c, the_number_of_sessions_is_announced);
        tcase_add_test(c, a_frame_that_is_too_large_ends_it);
        tcase_add_test(c, links_that_come_and_go_leave_nothing);

        c = suite_case(s, "messages");
        tcase_add_test(c, a_message_that_is_too_large_detaches_its_link_alone);
        tcase_add_test(c, a_link_that_ends_within_a_message_leaves_nothing);
        tcase_add_test(c, what_is_not_whole_has_one_bound_for_the_connection);
        tcase_add_test(c, answers_that_nobody_fetches_do_not_pile_up);
        return suite_run(s);
}
