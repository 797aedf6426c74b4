/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <malloc.h>
#include <proton/codec.h>
#include <proton/condition.h>
#include <proton/terminus.h>
#include <stdio.h>
#include <string.h>

#include "devhub/amqp/position.h"

#include "amqp-bench.h"
#include "devhub/hub/event-log.h"

/* ---- positions ---- */

START_TEST(trap_43_positions_are_understood)
{
        static const struct {
                const char *text;
                PositionKind kind;
                int64_t value;
                bool inclusive;
        } cases[] = {
                {"amqp.annotation.x-opt-offset > '-1'", POSITION_OFFSET, -1, false},
                {"amqp.annotation.x-opt-offset > '@latest'", POSITION_LATEST, 0, false},
                {"amqp.annotation.x-opt-offset > '1234'", POSITION_OFFSET, 1234, false},
                {"amqp.annotation.x-opt-offset >= \"1234\"", POSITION_OFFSET, 1234, true},
                {"amqp.annotation.x-opt-sequence-number > '7'", POSITION_SEQUENCE, 7, false},
                {"amqp.annotation.x-opt-sequence-number >= 7", POSITION_SEQUENCE, 7, true},
                {"amqp.annotation.x-opt-enqueued-time > '1767225600000'", POSITION_ENQUEUED, 1767225600000, false},
                {"amqp.annotation.x-opt-enqueuedtimeutc > 1767225600000", POSITION_ENQUEUED, 1767225600000, false},
                {"  amqp.annotation.x-opt-offset>'9223372036854775807' ", POSITION_OFFSET, INT64_MAX, false},
        };
        static const char *const bad[] = {
                "", ">", "amqp.annotation.x-opt-offset", "amqp.annotation.x-opt-offset < '1'",
                "amqp.annotation.x-opt-offset > ", "amqp.annotation.x-opt-offset > '1", "amqp.annotation.x-opt-offset > 1'",
                "amqp.annotation.x-opt-offset > ''", "amqp.annotation.x-opt-offset > '-'", "amqp.annotation.x-opt-offset > 'x'",
                "amqp.annotation.x-opt-offset > '9223372036854775808'", "amqp.annotation.x-opt-partition > '1'",
        };
        Position p;

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                ck_assert_msg(position_parse(cases[i].text, strlen(cases[i].text), &p) == 0, "%s", cases[i].text);
                ck_assert_int_eq(p.kind, cases[i].kind);
                ck_assert_int_eq(p.value, cases[i].value);
                ck_assert(p.inclusive == cases[i].inclusive);
        }
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
                ck_assert_msg(position_parse(bad[i], strlen(bad[i]), &p) < 0, "%s", bad[i]);
}
END_TEST

/* ---- the bench ---- */

#define D1_PARTITION   2 /* test-partitions.c */
#define EVENTS_OF_D1   "devhub/ConsumerGroups/$Default/Partitions/2"
#define EVENTS(p)      "devhub/ConsumerGroups/$Default/Partitions/" p

static void begin(AmqpBench *b)
{
        bench_begin(b);
        bench_open(b);
        bench_allow(b, "service");
}

/* Stored, not yet committed. */
static void store_event(AmqpBench *b, const char *device, const char *bag, const void *body, size_t size)
{
        EventLink facts = {device, NULL, "639000000000000001", "{\"scope\":\"device\"}", "dtmi:com:example:Thermostat;1"};
        EventLog *log;
        int64_t link;

        ck_assert_int_eq(event_log_open(&log, b->store), 0);
        ck_assert_int_ge(event_log_add_link(log, &facts, &link), 0);
        ck_assert_int_ge(event_log_append(log, link, b->clock->wall_usec, bag, strlen(bag), body, size), 0);
        event_log_close(log);
}

static void commit(AmqpBench *b)
{
        ck_assert_int_eq(store_commit(b->store), 0);
        amqp_house_committed(&b->house);
        bench_run(b);
}

static void add_events(AmqpBench *b, int n)
{
        EventLink facts = {"d1", NULL, "1", "{}", NULL};
        EventLog *log;
        int64_t link;

        ck_assert_int_eq(event_log_open(&log, b->store), 0);
        ck_assert_int_ge(event_log_add_link(log, &facts, &link), 0);
        for (int i = 0; i < n; i++)
                if (event_log_append(log, link, b->clock->wall_usec, "", 0, &i, sizeof(i)) < 0)
                        ck_abort_msg("not stored");
        event_log_close(log);
        commit(b);
}

static pn_link_t *read_from(AmqpBench *b, const char *address, const char *filter, int64_t epoch, int credit)
{
        char name[32];
        pn_link_t *link;

        (void)snprintf(name, sizeof(name), "e%" PRIu64, ++b->n_sent);
        link = pn_receiver(b->client_session, name);
        (void)pn_terminus_set_address(pn_link_source(link), address);
        if (filter) {
                pn_data_t *data = pn_terminus_filter(pn_link_source(link));

                (void)pn_data_put_map(data);
                (void)pn_data_enter(data);
                (void)pn_data_put_symbol(data, pn_bytes(33, "apache.org:selector-filter:string"));
                (void)pn_data_put_described(data);
                (void)pn_data_enter(data);
                (void)pn_data_put_ulong(data, 0x0000468C00000004);
                (void)pn_data_put_string(data, pn_bytes(strlen(filter), filter));
                (void)pn_data_exit(data);
                (void)pn_data_exit(data);
        }
        if (epoch >= 0) {
                pn_data_t *data = pn_link_properties(link);

                (void)pn_data_put_map(data);
                (void)pn_data_enter(data);
                (void)pn_data_put_symbol(data, pn_bytes(19, "com.microsoft:epoch"));
                (void)pn_data_put_long(data, epoch);
                (void)pn_data_exit(data);
        }
        pn_link_open(link);
        if (credit > 0)
                pn_link_flow(link, credit);
        bench_run(b);
        return link;
}

static bool annotation(pn_message_t *message, const char *name, pn_atom_t *ret)
{
        pn_data_t *data = pn_message_annotations(message);
        bool found = false;

        pn_data_rewind(data);
        if (!pn_data_next(data) || !pn_data_enter(data))
                return false;
        while (!found && pn_data_next(data)) {
                pn_bytes_t key = pn_data_get_symbol(data);

                found = key.size == strlen(name) && memcmp(key.start, name, key.size) == 0;
                (void)pn_data_next(data);
                if (found)
                        *ret = pn_data_get_atom(data);
        }
        return found;
}

static int64_t number_of(pn_message_t *message)
{
        pn_atom_t value;

        ck_assert(annotation(message, "x-opt-sequence-number", &value));
        ck_assert_int_eq(value.type, PN_LONG);
        return value.u.as_long;
}

static void assert_text(pn_atom_t atom, const char *expected)
{
        ck_assert_int_eq(atom.type, PN_STRING);
        ck_assert_uint_eq(atom.u.as_bytes.size, strlen(expected));
        ck_assert_mem_eq(atom.u.as_bytes.start, expected, strlen(expected));
}

static void assert_annotation(pn_message_t *message, const char *name, const char *expected)
{
        pn_atom_t value;

        ck_assert_msg(annotation(message, name, &value), "%s", name);
        assert_text(value, expected);
}

/* Takes all that has come, in order from that number on; how many. */
static int take_all(pn_link_t *link, int64_t from)
{
        pn_message_t *message = pn_message();
        int n = 0;

        while (bench_receive(link, message)) {
                insist(number_of(message) == from + n);
                n++;
        }
        pn_message_free(message);
        return n;
}

/* ---- a message ---- */

START_TEST(an_event_carries_all_that_the_hub_says_of_it)
{
        AmqpBench b;
        pn_message_t *message = pn_message();
        pn_link_t *link;
        pn_atom_t value;

        begin(&b);
        store_event(&b, "d1",
                    "%24.mid=m%2F1&%24.cid=c1&%24.uid=u1&%24.ct=application%2Fjson&%24.ce=utf-8&level=3&empty=&null"
                    "&%24.ctime=2026-01-01T00%3A00%3A00Z&%24.sub=thermostat1&%24.cdid=forged&level=4",
                    "{\"a\":1}", 7);
        commit(&b);
        link = read_from(&b, EVENTS_OF_D1, NULL, -1, 10);
        ck_assert(bench_receive(link, message));

        ck_assert_int_eq(number_of(message), 0);
        assert_annotation(message, "x-opt-offset", "1"); /* trap 44: a string */
        ck_assert(annotation(message, "x-opt-enqueued-time", &value));
        ck_assert_int_eq(value.type, PN_TIMESTAMP);
        ck_assert_int_eq(value.u.as_timestamp, (int64_t)(b.clock->wall_usec / 1000));
        ck_assert(annotation(message, "iothub-enqueuedtime", &value));
        ck_assert_int_eq(value.type, PN_TIMESTAMP);
        assert_annotation(message, "iothub-connection-device-id", "d1");
        ck_assert(!annotation(message, "iothub-connection-module-id", &value));
        assert_annotation(message, "iothub-connection-auth-generation-id", "639000000000000001");
        assert_annotation(message, "iothub-connection-auth-method", "{\"scope\":\"device\"}");
        assert_annotation(message, "iothub-message-source", "Telemetry");
        assert_annotation(message, "dt-dataschema", "dtmi:com:example:Thermostat;1");
        assert_annotation(message, "dt-subject", "thermostat1");

        assert_text(pn_message_get_id(message), "m/1");
        assert_text(pn_message_get_correlation_id(message), "c1");
        ck_assert_uint_eq(pn_message_get_user_id(message).size, 2);
        ck_assert_str_eq(pn_message_get_content_type(message), "application/json");
        ck_assert_str_eq(pn_message_get_content_encoding(message), "utf-8");
        ck_assert_str_eq(pn_message_get_address(message), "/devices/d1/messages/events");

        ck_assert(bench_property(message, "level", &value));
        assert_text(value, "3");
        ck_assert(bench_property(message, "empty", &value));
        assert_text(value, "");
        ck_assert(bench_property(message, "null", &value));
        ck_assert_int_eq(value.type, PN_NULL);
        ck_assert(bench_property(message, "iothub-creation-time-utc", &value));
        ck_assert(!bench_property(message, "$.cdid", &value));

        ck_assert(pn_message_is_inferred(message));
        pn_data_rewind(pn_message_body(message));
        ck_assert(pn_data_next(pn_message_body(message)));
        ck_assert_uint_eq(pn_data_get_binary(pn_message_body(message)).size, 7);
        pn_message_free(message);
        bench_end(&b);
}
END_TEST

START_TEST(an_event_may_be_as_large_as_the_hub_takes)
{
        static const size_t sizes[] = {0, 1, 900, 1024, 4096, 65000, 65536, 100000, 262143, 262144};
        char *body = malloc(262144);
        pn_message_t *message = pn_message();
        pn_link_t *link;
        AmqpBench b;

        begin(&b);
        for (size_t i = 0; i < 262144; i++)
                body[i] = (char)(i * 7);
        for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
                store_event(&b, "d1", "a=b", body, sizes[i]);
        commit(&b);
        link = read_from(&b, EVENTS_OF_D1, NULL, -1, 100);
        for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
                pn_bytes_t got;

                ck_assert_msg(bench_receive(link, message), "%zu", sizes[i]);
                pn_data_rewind(pn_message_body(message));
                ck_assert(pn_data_next(pn_message_body(message)));
                got = pn_data_get_binary(pn_message_body(message));
                ck_assert_uint_eq(got.size, sizes[i]);
                ck_assert(sizes[i] == 0 || memcmp(got.start, body, got.size) == 0);
                bench_run(&b);
        }
        ck_assert_ptr_null(bench_detached(link));
        pn_message_free(message);
        free(body);
        bench_end(&b);
}
END_TEST

/* ---- reading ---- */

START_TEST(what_is_committed_is_delivered_at_once_and_nothing_else)
{
        AmqpBench b;
        pn_link_t *link;

        begin(&b);
        link = read_from(&b, EVENTS_OF_D1, NULL, -1, 100);
        ck_assert_int_eq(take_all(link, 0), 0);
        store_event(&b, "d1", "", "1", 1);
        bench_run(&b);
        ck_assert_int_eq(take_all(link, 0), 0); /* not committed yet */
        ck_assert_uint_eq(b.n_stirs, 0);
        commit(&b);
        ck_assert_uint_eq(b.n_stirs, 1);
        ck_assert_int_eq(take_all(link, 0), 1);
        store_event(&b, "d1", "", "2", 1);
        store_rollback(b.store);
        amqp_house_committed(&b.house);
        bench_run(&b);
        ck_assert_int_eq(take_all(link, 1), 0);
        add_events(&b, 3);
        ck_assert_int_eq(take_all(link, 1), 3);
        bench_end(&b);
}
END_TEST

START_TEST(no_more_is_sent_than_there_is_credit_for)
{
        AmqpBench b;
        pn_link_t *link;

        begin(&b);
        add_events(&b, 500);
        link = read_from(&b, EVENTS_OF_D1, NULL, -1, 0);
        ck_assert_int_eq(take_all(link, 0), 0);
        pn_link_flow(link, 7);
        bench_run(&b);
        ck_assert_int_eq(take_all(link, 0), 7);
        pn_link_flow(link, 400);
        bench_run(&b);
        ck_assert_int_eq(take_all(link, 7), 400);
        pn_link_drain(link, 1000);
        bench_run(&b);
        ck_assert_int_eq(take_all(link, 407), 93);
        ck_assert_int_eq(pn_link_credit(link), 0); /* given back */
        bench_end(&b);
}
END_TEST

START_TEST(a_reader_begins_where_it_says)
{
        static const struct {
                const char *filter;
                int64_t first;
        } cases[] = {
                {NULL, 0},
                {"amqp.annotation.x-opt-offset > '-1'", 0},
                {"amqp.annotation.x-opt-offset > '4'", 4},
                {"amqp.annotation.x-opt-offset >= '4'", 3},
                {"amqp.annotation.x-opt-offset > '10'", 10}, /* trap 44: as a number, 9 < 10 */
                {"amqp.annotation.x-opt-offset > '9'", 9},
                {"amqp.annotation.x-opt-offset > '@latest'", 20},
                {"amqp.annotation.x-opt-sequence-number > '4'", 5},
                {"amqp.annotation.x-opt-sequence-number >= '4'", 4},
                {"amqp.annotation.x-opt-sequence-number > '-1'", 0},
                {"amqp.annotation.x-opt-sequence-number > '1000'", 20},
                {"amqp.annotation.x-opt-enqueued-time > '1767225600000'", 10},
                {"amqp.annotation.x-opt-enqueued-time >= '1767225600000'", 0},
                {"amqp.annotation.x-opt-enqueuedtimeutc > 1767225599999", 0},
                {"amqp.annotation.x-opt-enqueued-time > '1767225660000'", 20},
                {"amqp.annotation.x-opt-enqueued-time > '1967225600000'", 20},
        };
        AmqpBench b;

        begin(&b);
        add_events(&b, 10);
        fake_clock_advance(b.clock, USEC_PER_MIN);
        add_events(&b, 10);
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                pn_link_t *link = read_from(&b, EVENTS_OF_D1, cases[i].filter, -1, 100);

                ck_assert_msg(take_all(link, cases[i].first) == 20 - (int)cases[i].first, "%s", cases[i].filter);
        }
        ck_assert_str_eq(bench_detached(read_from(&b, EVENTS_OF_D1, "colour = 'red'", -1, 1)), "amqp:invalid-field");
        bench_end(&b);
}
END_TEST

START_TEST(each_device_has_its_partition)
{
        AmqpBench b;
        int n = 0;

        begin(&b);
        for (int i = 0; i < 40; i++) {
                char device[16];

                (void)snprintf(device, sizeof(device), "device%d", i);
                store_event(&b, device, "", device, strlen(device));
        }
        commit(&b);
        n += take_all(read_from(&b, EVENTS("0"), NULL, -1, 100), 0);
        n += take_all(read_from(&b, EVENTS("1"), NULL, -1, 100), 0);
        n += take_all(read_from(&b, "amqps://" BENCH_HOST ":5671/DEVHUB/consumergroups/mine/partitions/2/", NULL, -1, 100), 0);
        n += take_all(read_from(&b, EVENTS("3"), NULL, -1, 100), 0);
        ck_assert_int_eq(n, 40);
        bench_end(&b);
}
END_TEST

START_TEST(what_is_not_there_cannot_be_read)
{
        AmqpBench b;

        begin(&b);
        ck_assert_str_eq(bench_detached(bench_receiver(&b, EVENTS("4"), 1)), "com.microsoft:argument-out-of-range");
        ck_assert_str_eq(bench_detached(bench_receiver(&b, EVENTS("x"), 1)), "com.microsoft:argument-out-of-range");
        ck_assert_str_eq(bench_detached(bench_receiver(&b, EVENTS("00"), 1)), "com.microsoft:argument-out-of-range");
        ck_assert_str_eq(bench_detached(bench_receiver(&b, "other/ConsumerGroups/$Default/Partitions/0", 1)), "amqp:not-found");
        ck_assert_str_eq(bench_detached(bench_sender(&b, EVENTS("0"))), "amqp:not-found");
        for (int i = 0; i < 22; i++) {
                char address[64];
                const char *condition;

                (void)snprintf(address, sizeof(address), "devhub/ConsumerGroups/group%d/Partitions/0", i);
                condition = bench_detached(bench_receiver(&b, address, 1));
                ck_assert_msg(i < 20 ? !condition : strcmp(condition, "amqp:not-found") == 0, "%d", i);
        }
        ck_assert_ptr_null(bench_detached(bench_receiver(&b, EVENTS("0"), 1)));
        bench_end(&b);
}
END_TEST

/* ---- rights ---- */

START_TEST(reading_needs_service_connect)
{
        static const char *const without[] = {"device", "registryRead", "registryReadWrite"};
        AmqpBench b;

        bench_begin(&b);
        bench_open(&b);
        ck_assert_str_eq(bench_detached(bench_receiver(&b, EVENTS("0"), 1)), "amqp:unauthorized-access");
        ck_assert_str_eq(bench_detached(bench_receiver(&b, "$management", 1)), "amqp:unauthorized-access");
        ck_assert_str_eq(bench_detached(bench_sender(&b, "$management")), "amqp:unauthorized-access");
        for (size_t i = 0; i < ARRAY_SIZE(without); i++) {
                bench_allow(&b, without[i]);
                ck_assert_str_eq(bench_detached(bench_receiver(&b, EVENTS("0"), 1)), "amqp:unauthorized-access");
        }
        bench_allow(&b, "iothubowner");
        ck_assert_ptr_null(bench_detached(bench_receiver(&b, EVENTS("0"), 1)));
        bench_end(&b);
}
END_TEST

START_TEST(a_token_opens_what_lies_below_its_resource)
{
        AmqpBench b;
        _cleanup_free_ char *one = NULL, *all = NULL;

        bench_begin(&b);
        bench_open(&b);
        one = bench_event_hubs_token(&b, "service", "sb://" BENCH_HOST "/devhub/ConsumerGroups/$Default/Partitions/1", 60);
        all = bench_event_hubs_token(&b, "service", "sb://" BENCH_HOST "/devhub", 60);
        ck_assert_int_eq(bench_put_token(&b, "sb://" BENCH_HOST "/devhub/x", one), 200);
        ck_assert_ptr_null(bench_detached(bench_receiver(&b, EVENTS("1"), 1)));
        ck_assert_str_eq(bench_detached(bench_receiver(&b, EVENTS("0"), 1)), "amqp:unauthorized-access");
        ck_assert_int_eq(bench_put_token(&b, "sb://" BENCH_HOST "/devhub", all), 200);
        ck_assert_ptr_null(bench_detached(bench_receiver(&b, EVENTS("0"), 1)));
        bench_end(&b);
}
END_TEST

START_TEST(a_link_lives_as_long_as_a_token)
{
        AmqpBench b;
        pn_link_t *link;
        _cleanup_free_ char *second = NULL;

        begin(&b); /* for an hour */
        link = read_from(&b, EVENTS_OF_D1, NULL, -1, 10);
        bench_wait(&b, 50 * USEC_PER_MIN);
        ck_assert_ptr_null(bench_detached(link));
        second = bench_token(&b, "service", BENCH_HOST, 3600);
        ck_assert_int_eq(bench_put_token(&b, BENCH_HOST, second), 200);
        bench_wait(&b, 60 * USEC_PER_MIN); /* long past the end of the first */
        ck_assert_ptr_null(bench_detached(link));
        bench_wait(&b, 9 * USEC_PER_MIN);
        ck_assert_ptr_null(bench_detached(link));
        bench_wait(&b, 2 * USEC_PER_MIN); /* ten minutes past the end of the second */
        ck_assert_str_eq(bench_detached(link), "amqp:unauthorized-access");
        ck_assert(!amqp_session_is_over(b.session));
        bench_end(&b);
}
END_TEST

/* ---- epochs ---- */

START_TEST(a_higher_epoch_steals)
{
        AmqpBench b;
        pn_link_t *plain, *one, *two, *other;

        begin(&b);
        plain = read_from(&b, EVENTS_OF_D1, NULL, -1, 10);
        other = read_from(&b, "devhub/ConsumerGroups/other/Partitions/2", NULL, -1, 10);
        one = read_from(&b, EVENTS_OF_D1, NULL, 1, 10);
        ck_assert_str_eq(bench_detached(plain), "amqp:link:stolen");
        ck_assert_ptr_null(bench_detached(one));
        ck_assert_str_eq(bench_detached(read_from(&b, EVENTS_OF_D1, NULL, -1, 10)), "amqp:link:stolen");
        ck_assert_str_eq(bench_detached(read_from(&b, EVENTS_OF_D1, NULL, 0, 10)), "amqp:link:stolen");
        two = read_from(&b, EVENTS_OF_D1, NULL, 2, 10);
        ck_assert_str_eq(bench_detached(one), "amqp:link:stolen");
        ck_assert_ptr_null(bench_detached(two));
        ck_assert_ptr_null(bench_detached(other));
        ck_assert_ptr_null(bench_detached(read_from(&b, EVENTS("1"), NULL, -1, 10)));
        pn_link_close(two);
        bench_run(&b);
        ck_assert_ptr_null(bench_detached(read_from(&b, EVENTS_OF_D1, NULL, -1, 10)));
        bench_end(&b);
}
END_TEST

/* ---- much ---- */

static size_t in_use(void)
{
        return mallinfo2().uordblks + mallinfo2().hblkhd;
}

START_TEST(many_events_and_many_readers_need_no_more_memory)
{
        AmqpBench b;
        pn_link_t *links[40];
        size_t before;

        begin(&b);
        add_events(&b, 20000);
        before = in_use();
        for (size_t i = 0; i < ARRAY_SIZE(links); i++)
                links[i] = read_from(&b, EVENTS_OF_D1, NULL, -1, 0);
        for (size_t i = 0; i < ARRAY_SIZE(links); i++)
                pn_link_flow(links[i], 1000000);
        /* the client writes, and never reads */
        while (pn_connection_driver_next_event(&b.client))
                ;
        for (int i = 0; i < 20; i++) {
                pn_bytes_t bytes = pn_connection_driver_write_buffer(&b.client);

                bench_feed(&b, bytes.start, bytes.size);
                (void)pn_connection_driver_write_done(&b.client, bytes.size);
                ck_assert_uint_lt(amqp_session_output(b.session)->size, 160 * 1024);
                amqp_house_stir(&b.house);
        }
        ck_assert_uint_lt(in_use(), before + 12 * 1024 * 1024);
        bench_end(&b);
}
END_TEST

START_TEST(who_settles_nothing_is_not_sent_everything)
{
        AmqpBench b;
        pn_link_t *link;
        int n = 0;

        begin(&b);
        add_events(&b, 10000);
        link = read_from(&b, EVENTS_OF_D1, NULL, -1, 100000);
        while (pn_link_current(link) && pn_delivery_readable(pn_link_current(link))) {
                (void)pn_link_advance(link);
                n++;
                bench_run(&b);
        }
        ck_assert_int_eq(n, 2048);
        ck_assert_ptr_null(bench_detached(link));
        bench_end(&b);
}
END_TEST

START_TEST(ten_thousands_of_events_arrive_in_order)
{
        AmqpBench b;
        pn_link_t *link;
        int64_t n = 0;

        begin(&b);
        add_events(&b, 30000);
        link = read_from(&b, EVENTS_OF_D1, NULL, -1, 100);
        while (n < 30000) {
                int k = take_all(link, n);

                insist(k > 0);
                n += k;
                pn_link_flow(link, k);
                bench_run(&b);
        }
        ck_assert_int_eq(take_all(link, n), 0);
        bench_end(&b);
}
END_TEST

/* ---- $management ---- */

static int ask(AmqpBench *b, const char *address, const char *type, const char *name, const char *partition,
               pn_message_t *message)
{
        pn_link_t *out = bench_sender(b, address), *in = bench_receiver(b, address, 10);

        ck_assert_ptr_null(bench_detached(out));
        pn_message_clear(message);
        bench_put_text(message, (const char *const[]){"operation", "READ", "type", type, "name", name,
                                                       partition ? "partition" : NULL, partition, NULL});
        (void)pn_message_set_reply_to(message, pn_link_name(in));
        (void)bench_send(b, out, message);
        ck_assert(bench_receive(in, message));
        return bench_status(message);
}

static pn_data_t *member(pn_message_t *message, const char *name)
{
        pn_data_t *data = pn_message_body(message);

        pn_data_rewind(data);
        ck_assert(pn_data_next(data));
        ck_assert_int_eq(pn_data_type(data), PN_MAP);
        ck_assert(pn_data_enter(data));
        while (pn_data_next(data)) {
                pn_bytes_t key = pn_data_get_string(data);

                ck_assert(pn_data_next(data));
                if (key.size == strlen(name) && memcmp(key.start, name, key.size) == 0)
                        return data;
        }
        ck_abort_msg("%s is not there", name);
}

START_TEST(trap_45_partition_ids_are_strings)
{
        AmqpBench b;
        pn_message_t *message = pn_message();
        pn_data_t *ids;

        begin(&b);
        ck_assert_int_eq(ask(&b, "$management", "com.microsoft:eventhub", "devhub", NULL, message), 200);
        assert_text(pn_data_get_atom(member(message, "name")), "devhub");
        ck_assert_int_eq(pn_data_get_int(member(message, "partition_count")), 4);
        ck_assert_int_eq(pn_data_get_timestamp(member(message, "created_at")), (int64_t)(b.clock->wall_usec / 1000));
        ids = member(message, "partition_ids");
        ck_assert_int_eq(pn_data_type(ids), PN_ARRAY);
        ck_assert_uint_eq(pn_data_get_array(ids), 4);
        ck_assert_int_eq(pn_data_get_array_type(ids), PN_STRING);
        ck_assert(pn_data_enter(ids) && pn_data_next(ids));
        assert_text(pn_data_get_atom(ids), "0");
        pn_message_free(message);
        bench_end(&b);
}
END_TEST

START_TEST(trap_44_the_last_offset_is_a_string)
{
        AmqpBench b;
        pn_message_t *message = pn_message();

        begin(&b);
        ck_assert_int_eq(ask(&b, "devhub/$management", "com.microsoft:partition", "devhub", "2", message), 200);
        ck_assert(pn_data_get_bool(member(message, "is_partition_empty")));
        ck_assert_int_eq(pn_data_get_long(member(message, "last_enqueued_sequence_number")), -1);
        assert_text(pn_data_get_atom(member(message, "last_enqueued_offset")), "-1");
        add_events(&b, 12);
        ck_assert_int_eq(ask(&b, "amqps://" BENCH_HOST "/devhub/$management", "com.microsoft:partition", "DEVHUB", "2", message), 200);
        ck_assert(!pn_data_get_bool(member(message, "is_partition_empty")));
        ck_assert_int_eq(pn_data_get_long(member(message, "begin_sequence_number")), 0);
        ck_assert_int_eq(pn_data_get_long(member(message, "last_enqueued_sequence_number")), 11);
        assert_text(pn_data_get_atom(member(message, "last_enqueued_offset")), "12");
        assert_text(pn_data_get_atom(member(message, "partition")), "2");
        ck_assert_int_eq(pn_data_get_timestamp(member(message, "last_enqueued_time_utc")), (int64_t)(b.clock->wall_usec / 1000));
        pn_message_free(message);
        bench_end(&b);
}
END_TEST

START_TEST(management_says_what_it_does_not_know)
{
        AmqpBench b;
        pn_message_t *message = pn_message();

        begin(&b);
        ck_assert_int_eq(ask(&b, "$management", "com.microsoft:eventhub", "other", NULL, message), 404);
        ck_assert_int_eq(ask(&b, "$management", "com.microsoft:partition", "devhub", "4", message), 404);
        ck_assert_int_eq(ask(&b, "$management", "com.microsoft:partition", "devhub", NULL, message), 404);
        ck_assert_int_eq(ask(&b, "$management", "com.microsoft:queue", "devhub", NULL, message), 400);
        pn_message_free(message);
        bench_end(&b);
}
END_TEST

/* ---- the hub's own address ---- */

START_TEST(the_hub_sends_its_readers_on)
{
        static const struct {
                const char *asked, *given;
        } cases[] = {
                {"/messages/events/ConsumerGroups/$Default/Partitions/0",
                 "amqps://" BENCH_HOST ":5671/devhub/ConsumerGroups/$Default/Partitions/0"},
                {"amqps://" BENCH_HOST "/messages/events/$management", "amqps://" BENCH_HOST ":5671/devhub/$management"},
                {"Messages/Events", "amqps://" BENCH_HOST ":5671/devhub/"},
        };
        AmqpBench b;
        _cleanup_free_ char *token = NULL;

        bench_begin(&b);
        bench_open(&b);
        ck_assert_str_eq(bench_detached(bench_receiver(&b, cases[0].asked, 1)), "amqp:unauthorized-access");
        token = bench_token(&b, "service", BENCH_HOST "/messages/events", 60);
        ck_assert_int_eq(bench_put_token(&b, BENCH_HOST, token), 200);
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                pn_link_t *link = bench_receiver(&b, cases[i].asked, 1);
                pn_condition_t *condition;
                pn_data_t *info;

                ck_assert_str_eq(bench_detached(link), "amqp:link:redirect");
                condition = pn_link_remote_condition(link);
                ck_assert(pn_condition_is_redirect(condition));
                ck_assert_str_eq(pn_condition_redirect_host(condition), BENCH_HOST);
                ck_assert_int_eq(pn_condition_redirect_port(condition), 5671);
                info = pn_condition_info(condition);
                pn_data_rewind(info);
                ck_assert(pn_data_next(info) && pn_data_enter(info));
                while (pn_data_next(info)) {
                        pn_bytes_t key = pn_data_get_symbol(info);

                        ck_assert(pn_data_next(info));
                        if (key.size == 7 && memcmp(key.start, "address", 7) == 0)
                                assert_text(pn_data_get_atom(info), cases[i].given);
                }
        }
        ck_assert_str_eq(bench_detached(bench_receiver(&b, EVENTS("0"), 1)), "amqp:unauthorized-access");
        bench_end(&b);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("devhub/amqp-events");
        TCase *c;

        c = suite_case(s, "reading");
        tcase_add_test(c, trap_43_positions_are_understood);
        tcase_add_test(c, an_event_carries_all_that_the_hub_says_of_it);
        tcase_add_test(c, an_event_may_be_as_large_as_the_hub_takes);
        tcase_add_test(c, what_is_committed_is_delivered_at_once_and_nothing_else);
        tcase_add_test(c, no_more_is_sent_than_there_is_credit_for);
        tcase_add_test(c, a_reader_begins_where_it_says);
        tcase_add_test(c, each_device_has_its_partition);
        tcase_add_test(c, what_is_not_there_cannot_be_read);

        c = suite_case(s, "rights");
        tcase_add_test(c, reading_needs_service_connect);
        tcase_add_test(c, a_token_opens_what_lies_below_its_resource);
        tcase_add_test(c, a_link_lives_as_long_as_a_token);

        c = suite_case(s, "epochs");
        tcase_add_test(c, a_higher_epoch_steals);

        c = suite_case(s, "much");
        tcase_add_test(c, many_events_and_many_readers_need_no_more_memory);
        tcase_add_test(c, who_settles_nothing_is_not_sent_everything);
        tcase_add_test(c, ten_thousands_of_events_arrive_in_order);

        c = suite_case(s, "$management");
        tcase_add_test(c, trap_45_partition_ids_are_strings);
        tcase_add_test(c, trap_44_the_last_offset_is_a_string);
        tcase_add_test(c, management_says_what_it_does_not_know);

        c = suite_case(s, "the hub's own address");
        tcase_add_test(c, the_hub_sends_its_readers_on);
        return suite_run(s);
}
