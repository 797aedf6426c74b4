/* SPDX-License-Identifier: Apache-2.0 */
#include <proton/condition.h>
#include <proton/codec.h>
#include <stdio.h>
#include <string.h>

#include "amqp-bench.h"

#define IS_OPEN (PN_LOCAL_ACTIVE | PN_REMOTE_ACTIVE)

static const char header_plain[] = "AMQP\0\1\0\0", header_sasl[] = "AMQP\3\1\0\0";

static void assert_output_begins(AmqpBench *b, const void *expected, size_t size)
{
        Buffer *output = amqp_session_output(b->session);

        ck_assert_uint_ge(output->size, size);
        ck_assert_mem_eq(output->data, expected, size);
}

/* ---- SASL ---- */

START_TEST(trap_39_a_bare_header_is_accepted)
{
        AmqpBench b;

        bench_begin(&b);
        bench_open(&b);
        ck_assert_int_eq(pn_connection_state(b.client.connection), IS_OPEN);
        ck_assert_int_eq(pn_session_state(b.client_session), IS_OPEN);
        ck_assert_str_eq(pn_connection_remote_container(b.client.connection), BENCH_HOST);
        ck_assert(!amqp_session_is_over(b.session));
        bench_end(&b);
}
END_TEST

START_TEST(trap_39_sasl_anonymous_is_accepted)
{
        AmqpBench b;

        bench_begin(&b);
        bench_meet(&b);
        pn_sasl_allowed_mechs(pn_sasl(b.client.transport), "ANONYMOUS");
        pn_connection_open(b.client.connection);
        bench_run(&b);
        ck_assert_int_eq(pn_connection_state(b.client.connection), IS_OPEN);
        ck_assert_int_eq(pn_sasl_outcome(pn_sasl(b.client.transport)), PN_SASL_OK);
        bench_end(&b);
}
END_TEST

/* Frames as the clients write them that Proton does not know to play. */
static void feed_sasl_init(AmqpBench *b, const char *mechanism, const char *response, size_t response_size)
{
        Buffer frame = BUFFER_NULL;
        size_t mechanism_size = strlen(mechanism);
        uint8_t size = (uint8_t)(8 + 3 + 3 + 2 + mechanism_size + (response ? 2 + response_size : 1));

        buffer_append(&frame, (uint8_t[]){0, 0, 0, size, 2, 1, 0, 0, 0, 0x53, 0x41, 0xc0, (uint8_t)(size - 13), 2, 0xa3,
                                          (uint8_t)mechanism_size}, 16);
        buffer_append_string(&frame, mechanism);
        if (response) {
                buffer_append(&frame, (uint8_t[]){0xa0, (uint8_t)response_size}, 2);
                buffer_append(&frame, response, response_size);
        } else {
                buffer_append_char(&frame, 0x40);
        }
        ck_assert_uint_eq(frame.size, size);
        bench_feed(b, header_sasl, 8);
        bench_feed(b, frame.data, frame.size);
        buffer_done(&frame);
}

/* The outcome's code; -1: there is none. */
static int sasl_outcome(AmqpBench *b)
{
        static const uint8_t outcome[] = {0x00, 0x53, 0x44};
        Buffer *output = amqp_session_output(b->session);
        const uint8_t *found = memmem(output->data, output->size, outcome, sizeof(outcome));

        if (!found)
                return -1;
        /* list8, size, count, ubyte, code */
        ck_assert_int_eq(found[6], 0x50);
        return found[7];
}

START_TEST(trap_39_the_mechanisms_of_the_hub_are_offered)
{
        static const char *const words[] = {"MSSBCBS", "PLAIN", "ANONYMOUS", "EXTERNAL"};
        AmqpBench b;
        Buffer *output;

        bench_begin(&b);
        bench_meet(&b);
        bench_feed(&b, header_sasl, 8);
        output = amqp_session_output(b.session);
        for (size_t i = 0; i < ARRAY_SIZE(words); i++)
                ck_assert_ptr_nonnull(memmem(output->data, output->size, words[i], strlen(words[i])));
        bench_end(&b);
}
END_TEST

START_TEST(trap_39_each_mechanism_that_carries_nothing_is_let_in)
{
        static const char *const mechanisms[] = {"MSSBCBS", "EXTERNAL", "ANONYMOUS"};
        static const uint8_t open_frame[] = {0, 0, 0, 16, 2, 0, 0, 0, 0, 0x53, 0x10, 0xc0, 3, 1, 0xa1, 0};

        for (size_t i = 0; i < ARRAY_SIZE(mechanisms); i++)
                for (int with_response = 0; with_response < 2; with_response++) {
                        AmqpBench b;

                        bench_begin(&b);
                        bench_meet(&b);
                        feed_sasl_init(&b, mechanisms[i], with_response ? "" : NULL, 0);
                        ck_assert_int_eq(sasl_outcome(&b), 0);
                        buffer_clear(amqp_session_output(b.session));
                        bench_feed(&b, header_plain, 8);
                        bench_feed(&b, open_frame, sizeof(open_frame));
                        assert_output_begins(&b, header_plain, 8);
                        ck_assert_uint_gt(amqp_session_output(b.session)->size, 8 + 16);
                        ck_assert(!amqp_session_is_over(b.session));
                        bench_end(&b);
                }
}
END_TEST

static int plain_outcome(const char *user, const char *policy, const char *resource, int64_t seconds)
{
        AmqpBench b;
        _cleanup_free_ char *token = NULL;
        int outcome;

        bench_begin(&b);
        bench_meet(&b);
        token = bench_token(&b, policy, resource, seconds);
        pn_connection_set_user(b.client.connection, user);
        pn_connection_set_password(b.client.connection, token);
        pn_sasl_allowed_mechs(pn_sasl(b.client.transport), "PLAIN");
        pn_sasl_set_allow_insecure_mechs(pn_sasl(b.client.transport), true);
        pn_connection_open(b.client.connection);
        bench_run(&b);
        outcome = (int)pn_sasl_outcome(pn_sasl(b.client.transport));
        if (outcome == PN_SASL_OK)
                ck_assert_int_eq(pn_connection_state(b.client.connection), IS_OPEN);
        else
                ck_assert(amqp_session_is_over(b.session));
        bench_end(&b);
        return outcome;
}

START_TEST(trap_39_plain_is_judged_by_its_token)
{
        ck_assert_int_eq(plain_outcome("service@sas.root.devhub", "service", BENCH_HOST, 60), PN_SASL_OK);
        ck_assert_int_eq(plain_outcome("iothubowner@sas.root.devhub", "iothubowner", BENCH_HOST, 60), PN_SASL_OK);
        ck_assert_int_eq(plain_outcome("service@sas.root.DEVHUB", "service", BENCH_HOST "/messages/events", 60),
                         PN_SASL_OK);
        ck_assert_int_eq(plain_outcome("service@sas.root.devhub", "service", BENCH_HOST, -600), PN_SASL_AUTH);
        ck_assert_int_eq(plain_outcome("service@sas.root.other", "service", BENCH_HOST, 60), PN_SASL_AUTH);
        ck_assert_int_eq(plain_outcome("iothubowner@sas.root.devhub", "service", BENCH_HOST, 60), PN_SASL_AUTH);
        ck_assert_int_eq(plain_outcome("service", "service", BENCH_HOST, 60), PN_SASL_AUTH);
        ck_assert_int_eq(plain_outcome("service@sas.root.devhub", "service", "other.example.net", 60), PN_SASL_AUTH);
}
END_TEST

START_TEST(plain_that_is_malformed_is_refused)
{
        static const struct {
                const char *text;
                size_t size;
        } cases[] = {
                {"", 0}, {"\0", 1}, {"\0u", 2}, {"u", 1}, {"\0\0", 2}, {"\0u\0p\0q", 6}, {"a\0u", 3},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                AmqpBench b;

                bench_begin(&b);
                bench_meet(&b);
                feed_sasl_init(&b, "PLAIN", cases[i].text, cases[i].size);
                ck_assert_int_eq(sasl_outcome(&b), 1);
                bench_end(&b);
        }
}
END_TEST

START_TEST(an_unknown_mechanism_is_refused)
{
        AmqpBench b;

        bench_begin(&b);
        bench_meet(&b);
        feed_sasl_init(&b, "GSSAPI", "x", 1);
        ck_assert_int_eq(sasl_outcome(&b), 1);
        bench_end(&b);
}
END_TEST

START_TEST(no_mechanism_at_all_is_refused)
{
        static const uint8_t frame[] = {0, 0, 0, 16, 2, 1, 0, 0, 0, 0x53, 0x41, 0xc0, 3, 2, 0x40, 0x40};
        AmqpBench b;

        bench_begin(&b);
        bench_meet(&b);
        bench_feed(&b, header_sasl, 8);
        bench_feed(&b, frame, sizeof(frame));
        ck_assert_int_eq(sasl_outcome(&b), 1);
        bench_end(&b);
}
END_TEST

/* ---- time ---- */

START_TEST(who_does_not_open_within_a_minute_is_closed)
{
        AmqpBench b;

        bench_begin(&b);
        bench_meet(&b);
        bench_feed(&b, header_plain, 8);
        fake_clock_advance(b.clock, 59 * USEC_PER_SEC);
        amqp_session_tick(b.session, b.clock->boot_usec);
        ck_assert(!amqp_session_is_over(b.session));
        ck_assert_uint_eq(amqp_session_deadline(b.session), b.clock->boot_usec + USEC_PER_SEC);
        fake_clock_advance(b.clock, USEC_PER_SEC);
        amqp_session_tick(b.session, b.clock->boot_usec);
        ck_assert_str_eq(amqp_session_reason(b.session),
                         "amqp:connection:forced: it did not open the connection within 60 s");
        fake_clock_advance(b.clock, 2 * USEC_PER_SEC);
        amqp_session_tick(b.session, b.clock->boot_usec);
        ck_assert(amqp_session_is_over(b.session));
        bench_end(&b);
}
END_TEST

START_TEST(who_asks_for_it_is_sent_empty_frames)
{
        AmqpBench b;
        bench_begin(&b);
        bench_meet(&b);
        pn_transport_set_idle_timeout(b.client.transport, 60000); /* Proton asks for half of it */
        pn_connection_open(b.client.connection);
        bench_run(&b);
        bench_wait(&b, 10 * USEC_PER_MIN); /* ticks the client too: it would give up */
        ck_assert_int_eq(pn_connection_state(b.client.connection), IS_OPEN);
        ck_assert(!amqp_session_is_over(b.session));
        bench_end(&b);
}
END_TEST

START_TEST(who_falls_silent_is_closed)
{
        AmqpBench b;

        bench_begin(&b);
        bench_open(&b);
        for (int i = 0; i < 8 && !amqp_session_is_over(b.session); i++) {
                fake_clock_advance(b.clock, USEC_PER_MIN);
                amqp_session_tick(b.session, b.clock->boot_usec);
                buffer_clear(amqp_session_output(b.session)); /* lost on the way */
        }
        ck_assert(amqp_session_is_over(b.session));
        ck_assert_ptr_nonnull(strstr(amqp_session_reason(b.session), "local-idle-timeout"));
        bench_end(&b);
}
END_TEST

/* ---- addresses ---- */

START_TEST(an_address_that_is_not_known_is_not_found)
{
        static const char *const addresses[] = {"nowhere", "", "/", "a/b/c/d/e/f/g/h", "messages", "messages/x",
                                                "devhub/ConsumerGroups/x/Partitions"};
        AmqpBench b;

        bench_begin(&b);
        bench_open(&b);
        bench_allow(&b, "service"); /* a stranger may not try that often */
        for (size_t i = 0; i < ARRAY_SIZE(addresses); i++) {
                ck_assert_str_eq(bench_detached(bench_sender(&b, addresses[i])), "amqp:not-found");
                ck_assert_str_eq(bench_detached(bench_receiver(&b, addresses[i], 1)), "amqp:not-found");
        }
        bench_end(&b);
}
END_TEST

/* ---- hostile bytes ---- */

START_TEST(what_is_no_amqp_gets_the_header_that_we_know)
{
        static const char *const first[] = {"GET / HTTP/1.1\r\n\r\n", "AMQP\0\0\11\1", "AMQP\2\1\0\0", "\26\3\1\0\0\0\0\0", "A B"};
        static const size_t sizes[] = {18, 8, 8, 8, 3};

        for (size_t i = 0; i < ARRAY_SIZE(first); i++) {
                AmqpBench b;

                bench_begin(&b);
                bench_meet(&b);
                for (size_t k = 0; k < sizes[i]; k++)
                        bench_feed(&b, first[i] + k, 1);
                ck_assert(amqp_session_is_over(b.session));
                assert_output_begins(&b, header_plain, 8);
                ck_assert_uint_eq(amqp_session_output(b.session)->size, 8);
                bench_end(&b);
        }
}
END_TEST

static uint64_t draw(FakeRandom *dice)
{
        return dice->random.draw(dice->random.userdata);
}

/* What a client says that does it all. */
static void record(AmqpBench *b, Buffer *ret)
{
        pn_bytes_t bytes;

        while (pn_connection_driver_next_event(&b->client))
                ;
        bytes = pn_connection_driver_write_buffer(&b->client);
        buffer_append(ret, bytes.start, bytes.size);
        (void)pn_connection_driver_write_done(&b->client, bytes.size);
}

static void record_client(Buffer *ret)
{
        AmqpBench b;
        pn_link_t *in, *out;
        pn_message_t *message = pn_message();

        bench_begin(&b);
        bench_meet(&b);
        pn_connection_open(b.client.connection);
        b.client_session = pn_session(b.client.connection);
        pn_session_open(b.client_session);
        in = pn_receiver(b.client_session, "in");
        pn_link_open(in);
        pn_link_flow(in, 10);
        out = pn_sender(b.client_session, "out");
        pn_link_open(out);
        record(&b, ret);
        pn_session_close(b.client_session);
        record(&b, ret);
        pn_connection_close(b.client.connection);
        record(&b, ret);
        pn_message_free(message);
        bench_end(&b);
}

START_TEST(damaged_bytes_do_no_harm)
{
        _cleanup_(buffer_done) Buffer good = BUFFER_NULL;
        FakeRandom dice;
        AmqpBench b;

        record_client(&good);
        ck_assert_uint_gt(good.size, 100);
        fake_random_init(&dice, (uint64_t)_i + 1);
        bench_begin(&b);
        for (int round = 0; round < 300; round++) {
                _cleanup_free_ char *copy = malloc(good.size);
                unsigned n = 1 + (unsigned)(draw(&dice) % 4);

                memcpy(copy, good.data, good.size);
                for (unsigned i = 0; i < n; i++)
                        copy[8 + draw(&dice) % (good.size - 8)] = (char)draw(&dice);
                bench_meet(&b);
                for (size_t at = 0; at < good.size;) {
                        size_t piece = MIN(1 + draw(&dice) % 64, good.size - at);

                        bench_feed(&b, copy + at, piece);
                        buffer_clear(amqp_session_output(b.session));
                        at += piece;
                }
                amqp_session_tick(b.session, b.clock->boot_usec + USEC_PER_HOUR);
                bench_part(&b);
        }
        bench_end(&b);
}
END_TEST

/* ---- $cbs ---- */

START_TEST(trap_41_a_name_has_many_forms)
{
        static const char *const names[] = {
                BENCH_HOST,
                "https://" BENCH_HOST,
                "amqps://" BENCH_HOST ":5671/",
                "sb://" BENCH_HOST "/devhub/$management",
                "sb://" BENCH_HOST "/devhub/ConsumerGroups/$Default/Partitions/0",
                "SB://DEVHUB.example.NET/devhub",
                "sb://localhost:6672/devhub/",
                BENCH_HOST "/messages/events",
        };
        AmqpBench b;
        _cleanup_free_ char *token = NULL;

        bench_begin(&b);
        bench_open(&b);
        token = bench_token(&b, "service", BENCH_HOST, 60);
        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                ck_assert_int_eq(bench_put_token(&b, names[i], token), 200);
        ck_assert_int_eq(bench_put_token(&b, "other.example.net", token), 401);
        ck_assert_int_eq(bench_put_token(&b, "sb://" BENCH_HOST ".example.com/devhub", token), 401);
        ck_assert_int_eq(bench_put_token(&b, "", token), 401);
        bench_end(&b);
}
END_TEST

START_TEST(trap_02_event_hubs_tokens_are_signed_with_the_text_of_the_key)
{
        AmqpBench b;
        _cleanup_free_ char *good = NULL, *decoded = NULL, *text = NULL;

        bench_begin(&b);
        bench_open(&b);
        good = bench_event_hubs_token(&b, "service", "sb://" BENCH_HOST "/devhub", 60);
        decoded = bench_token(&b, "service", "sb://" BENCH_HOST "/devhub", 60);
        text = bench_event_hubs_token(&b, "service", BENCH_HOST, 60);
        ck_assert_int_eq(bench_put_token(&b, "sb://" BENCH_HOST "/devhub", good), 200);
        ck_assert_int_eq(bench_put_token(&b, "sb://" BENCH_HOST "/devhub", decoded), 401);
        ck_assert_int_eq(bench_put_token(&b, BENCH_HOST, text), 401);
        bench_end(&b);
}
END_TEST

START_TEST(a_token_that_is_wrong_is_refused)
{
        AmqpBench b;
        _cleanup_free_ char *late = NULL, *elsewhere = NULL, *broken = NULL, *device = NULL;

        bench_begin(&b);
        bench_open(&b);
        late = bench_token(&b, "service", BENCH_HOST, -600);
        elsewhere = bench_token(&b, "service", "other.example.net", 60);
        broken = bench_token(&b, "service", BENCH_HOST, 60);
        strstr(broken, "&se=")[4] ^= 1;
        device = bench_token(&b, "service", BENCH_HOST, 60);
        *strstr(device, "&skn=") = 0;
        ck_assert_int_eq(bench_put_token(&b, BENCH_HOST, late), 401);
        ck_assert_int_eq(bench_put_token(&b, BENCH_HOST, elsewhere), 401);
        ck_assert_int_eq(bench_put_token(&b, BENCH_HOST, broken), 401);
        ck_assert_int_eq(bench_put_token(&b, BENCH_HOST, device), 401);
        ck_assert_int_eq(bench_put_token(&b, BENCH_HOST, "hello"), 401);
        bench_end(&b);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("devhub/amqp-session");
        TCase *c;

        c = suite_case(s, "the ways in");
        tcase_add_test(c, trap_39_a_bare_header_is_accepted);
        tcase_add_test(c, trap_39_sasl_anonymous_is_accepted);
        tcase_add_test(c, trap_39_the_mechanisms_of_the_hub_are_offered);
        tcase_add_test(c, trap_39_each_mechanism_that_carries_nothing_is_let_in);
        tcase_add_test(c, trap_39_plain_is_judged_by_its_token);
        tcase_add_test(c, plain_that_is_malformed_is_refused);
        tcase_add_test(c, an_unknown_mechanism_is_refused);
        tcase_add_test(c, no_mechanism_at_all_is_refused);

        c = suite_case(s, "patience");
        tcase_add_test(c, who_does_not_open_within_a_minute_is_closed);
        tcase_add_test(c, who_asks_for_it_is_sent_empty_frames);
        tcase_add_test(c, who_falls_silent_is_closed);

        c = suite_case(s, "addresses");
        tcase_add_test(c, an_address_that_is_not_known_is_not_found);

        c = suite_case(s, "hostile bytes");
        tcase_add_test(c, what_is_no_amqp_gets_the_header_that_we_know);
        tcase_add_loop_test(c, damaged_bytes_do_no_harm, 0, 20);

        c = suite_case(s, "tokens put");
        tcase_add_test(c, trap_41_a_name_has_many_forms);
        tcase_add_test(c, trap_02_event_hubs_tokens_are_signed_with_the_text_of_the_key);
        tcase_add_test(c, a_token_that_is_wrong_is_refused);
        return suite_run(s);
}
