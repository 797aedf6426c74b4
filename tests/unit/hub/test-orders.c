/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/orders.h"

#include <stdio.h>
#include <string.h>

#include "base/iso-time.h"
#include "fake-clock.h"
#include "suite.h"

static int parse(const char *topic, const char *payload, size_t size, Order *ret)
{
        const char *fault = NULL;
        int r = order_parse(&(TransportMessage){.topic = topic, .payload = payload, .size = size, .qos = 1}, ret,
                            &fault);

        insist((r == 0) == (fault == NULL));
        return r;
}

static int parse_text(const char *topic, const char *payload, Order *ret)
{
        return parse(topic, payload, strlen(payload), ret);
}

#define DEVICEBOUND "devices/dev1/messages/devicebound/"

/* ---- cloud messages ---- */

START_TEST(a_cloud_message_has_its_properties)
{
        static const char body[] = {'a', 0, (char)0xff};
        _cleanup_(order_done) Order o;
        usec_t created, expiry;
        const C2dMessage *m;

        ck_assert_int_eq(iso_time_parse("2026-01-31T12:00:00.1234567Z", &created), 0);
        ck_assert_int_eq(iso_time_parse("2026-02-01T00:00:00Z", &expiry), 0);
        ck_assert_int_eq(parse(DEVICEBOUND "%24.mid=m%2F1&%24.cid=c&%24.uid=u&%24.ct=text%2Fplain&%24.ce=utf-8&"
                                           "%24.ctime=2026-01-31T12%3A00%3A00.1234567Z&%24.exp=2026-02-01T00:00:00Z&"
                                           "%24.to=%2Fdevices%2Fdev1%2Fmessages%2FdeviceBound&iothub-ack=full&"
                                           "a%3Db=%C3%A4&alone&empty=",
                               body, sizeof(body), &o),
                         0);
        ck_assert_int_eq(o.kind, ORDER_MESSAGE);
        m = o.message;
        ck_assert_str_eq(m->message_id, "m/1");
        ck_assert_str_eq(m->correlation_id, "c");
        ck_assert_str_eq(m->user_id, "u");
        ck_assert_str_eq(m->content_type, "text/plain");
        ck_assert_str_eq(m->content_encoding, "utf-8");
        ck_assert_uint_eq(m->created_usec, created);
        ck_assert_uint_eq(m->expiry_usec, expiry);
        ck_assert_uint_eq(m->n_properties, 5);
        ck_assert_str_eq(m->properties[0].name, "$.to");
        ck_assert_str_eq(m->properties[0].value, "/devices/dev1/messages/deviceBound");
        ck_assert_str_eq(m->properties[1].name, "iothub-ack");
        ck_assert_str_eq(m->properties[2].name, "a=b");
        ck_assert_str_eq(m->properties[2].value, "\xc3\xa4");
        ck_assert_str_eq(m->properties[3].name, "alone");
        ck_assert_str_eq(m->properties[3].value, "");
        ck_assert_str_eq(m->properties[4].value, "");
        ck_assert_uint_eq(m->body.size, sizeof(body));
        ck_assert_mem_eq(m->body.data, body, sizeof(body));
}
END_TEST

START_TEST(a_bare_one_is_good_and_what_is_no_time_is_none)
{
        static const char *const topics[] = {
                "devices/dev1/messages/devicebound",
                DEVICEBOUND,
                "devices/dev1/modules/m/messages/devicebound/",
                DEVICEBOUND "%24.exp=soon&%24.ctime",
        };

        for (size_t i = 0; i < ARRAY_SIZE(topics); i++) {
                _cleanup_(order_done) Order o;

                ck_assert_int_eq(parse_text(topics[i], "", &o), 0);
                ck_assert_int_eq(o.kind, ORDER_MESSAGE);
                ck_assert_ptr_null(o.message->message_id);
                ck_assert_uint_eq(o.message->expiry_usec, 0);
                ck_assert_uint_eq(o.message->created_usec, 0);
                ck_assert_uint_eq(o.message->n_properties, 0);
                ck_assert_uint_eq(o.message->body.size, 0);
        }
}
END_TEST

START_TEST(a_name_that_comes_twice_loses_nothing)
{
        _cleanup_(order_done) Order o;

        ck_assert_int_eq(parse_text(DEVICEBOUND "%24.mid=1&%24.mid=2&a=1&a=2", "", &o), 0);
        ck_assert_str_eq(o.message->message_id, "1");
        ck_assert_uint_eq(o.message->n_properties, 3);
        ck_assert_str_eq(o.message->properties[0].name, "$.mid");
        ck_assert_str_eq(o.message->properties[0].value, "2");
        ck_assert_str_eq(o.message->properties[2].value, "2");
}
END_TEST

/* ---- methods ---- */

START_TEST(a_call_has_name_rid_and_payload)
{
        _cleanup_(order_done) Order o;

        ck_assert_int_eq(parse_text("$iothub/methods/POST/room*getMaxMinReport/?$rid=a%20b&x=1", "\"2026\"", &o), 0);
        ck_assert_int_eq(o.kind, ORDER_CALL);
        ck_assert_str_eq(o.call.name, "room*getMaxMinReport");
        ck_assert_str_eq(o.call.rid, "a%20b"); /* not decoded: it goes back as it came */
        ck_assert_str_eq(o.call.payload, "\"2026\"");
        ck_assert_uint_eq(o.call.payload_size, 6);
}
END_TEST

static void check_limit(size_t name_size, size_t rid_size, size_t payload_size, int expected)
{
        _cleanup_free_ char *payload = calloc(1, payload_size + 1);
        _cleanup_(order_done) Order o;
        char topic[1024];

        ck_assert_ptr_nonnull(payload);
        memset(payload, ' ', payload_size);
        (void)snprintf(topic, sizeof(topic), "$iothub/methods/POST/%0*d/?$rid=%0*d", (int)name_size, 0, (int)rid_size, 0);
        ck_assert_msg(parse(topic, payload, payload_size, &o) == expected, "%zu %zu %zu", name_size, rid_size,
                      payload_size);
        if (expected == ORDER_E_BAD_CALL)
                ck_assert_uint_eq(strlen(o.rid), rid_size);
}

START_TEST(a_call_with_a_fault_can_be_answered_unless_its_rid_is_at_fault)
{
        static const struct {
                const char *topic, *payload;
                size_t size;
                int expected;
        } cases[] = {
                {"$iothub/methods/POST/a b/?$rid=1", "", 0, ORDER_E_BAD_CALL},
                {"$iothub/methods/POST/a(b/?$rid=1", "", 0, ORDER_E_BAD_CALL},
                {"$iothub/methods/POST/a$b/?$rid=1", "", 0, ORDER_E_BAD_CALL},
                {"$iothub/methods/POST/a$b/?$rid=1", "", 0, ORDER_E_BAD_CALL},
                {"$iothub/methods/POST/\xc3\xa4/?$rid=1", "", 0, ORDER_E_BAD_CALL},
                {"$iothub/methods/POST/a/?$rid=1", "\xff", 1, ORDER_E_BAD_CALL},
                {"$iothub/methods/POST/a/?$rid=1", "\0", 1, ORDER_E_BAD_CALL},
                {"$iothub/methods/POST/a/?$rid=1#", "", 0, ORDER_E_MALFORMED}, /* no topic can be made of it */
                {"$iothub/methods/POST/a/?$rid=+", "", 0, ORDER_E_MALFORMED},
                {"$iothub/methods/POST/a/?$rid=", "", 0, ORDER_E_MALFORMED},
                {"$iothub/methods/POST//?$rid=1", "", 0, ORDER_E_MALFORMED},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_(order_done) Order o;

                ck_assert_msg(parse(cases[i].topic, cases[i].payload, cases[i].size, &o) == cases[i].expected, "%s",
                              cases[i].topic);
                if (cases[i].expected == ORDER_E_BAD_CALL)
                        ck_assert_str_eq(o.rid, "1");
        }
        check_limit(METHOD_NAME_MAX, METHOD_RID_MAX, METHOD_PAYLOAD_MAX, 0);
        check_limit(METHOD_NAME_MAX + 1, METHOD_RID_MAX, 1, ORDER_E_BAD_CALL);
        check_limit(1, 1, METHOD_PAYLOAD_MAX + 1, ORDER_E_BAD_CALL);
        check_limit(1, METHOD_RID_MAX + 1, 1, ORDER_E_MALFORMED);
}
END_TEST

/* ---- the twin ---- */

START_TEST(the_twin_answers_and_changes)
{
        _cleanup_(order_done) Order get, report, desired;

        ck_assert_int_eq(parse_text("$iothub/twin/res/200/?$rid=17", "{\"desired\":{}}", &get), 0);
        ck_assert_int_eq(get.kind, ORDER_TWIN);
        ck_assert_uint_eq(get.twin.request, 17);
        ck_assert_int_eq(get.twin.status, 200);
        ck_assert_str_eq(get.twin.body, "{\"desired\":{}}");
        ck_assert_int_eq(parse_text("$iothub/twin/res/204/?$rid=18446744073709551615&$version=6", "", &report), 0);
        ck_assert_uint_eq(report.twin.request, UINT64_MAX);
        ck_assert_uint_eq(report.twin.version, 6);
        ck_assert_int_eq(report.twin.status, 204);
        ck_assert_int_eq(parse_text("$iothub/twin/PATCH/properties/desired/?$version=9", "{}", &desired), 0);
        ck_assert_int_eq(desired.kind, ORDER_DESIRED);
        ck_assert_uint_eq(desired.twin.version, 9);
        ck_assert_uint_eq(desired.twin.body_size, 2);
}
END_TEST

START_TEST(of_a_twin_that_is_no_text_there_is_all_but_the_body)
{
        _cleanup_(order_done) Order o, p;

        ck_assert_int_eq(parse("$iothub/twin/PATCH/properties/desired/?$version=9", "{}\0", 3, &o), ORDER_E_BAD_TWIN);
        ck_assert_int_eq(o.kind, ORDER_DESIRED);
        ck_assert_uint_eq(o.twin.version, 9);
        ck_assert_str_eq(o.twin.body, "");
        ck_assert_uint_eq(o.twin.body_size, 0);
        ck_assert_int_eq(parse("$iothub/twin/res/200/?$rid=17", "\xc3", 1, &p), ORDER_E_BAD_TWIN);
        ck_assert_int_eq(p.kind, ORDER_TWIN);
        ck_assert_uint_eq(p.twin.request, 17);
        ck_assert_int_eq(p.twin.status, 200);
        ck_assert_str_eq(p.twin.body, "");
}
END_TEST

START_TEST(what_is_no_order_is_none)
{
        static const struct {
                const char *topic, *payload;
        } cases[] = {
                {"", ""},
                {"$iothub/twin/res/200/?$rid=17a", "{}"},
                {"$iothub/twin/res/200/?$rid=18446744073709551616", "{}"},
                {"$iothub/twin/res/200/?$rid=x", "\xc3"},
                {"$iothub/twin/res/abc/?$rid=1", ""},
                {"$iothub/twin/PATCH/properties/desired/", "{}"},
                {"$iothub/twin/GET/?$rid=1", ""},
                {"devices/dev1/messages/events/", ""},
                {"devices/dev1/messages/other/", ""},
                {DEVICEBOUND "a=%ff", ""},
                {DEVICEBOUND "a=%00", ""},
                {DEVICEBOUND "=a", ""},
                {"$dps/registrations/res/200/?$rid=1", ""},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_(order_done) Order o;

                ck_assert_msg(parse_text(cases[i].topic, cases[i].payload, &o) == ORDER_E_MALFORMED, "%s",
                              cases[i].topic);
        }
}
END_TEST

/* Whatever a broker in between makes of a topic. */
START_TEST(truncations_and_mutations_do_no_harm)
{
        static const char *const topics[] = {
                DEVICEBOUND "%24.mid=1&%24.exp=2026-02-01T00%3A00%3A00Z&a=b&alone",
                "$iothub/methods/POST/name/?$rid=17",
                "$iothub/twin/res/204/?$rid=17&$version=6",
                "$iothub/twin/PATCH/properties/desired/?$version=9",
        };
        FakeRandom dice;
        unsigned n_good = 0;

        fake_random_init(&dice, 11);
        for (unsigned i = 0; i < 20000; i++) {
                const char *original = topics[i % ARRAY_SIZE(topics)];
                size_t n = strlen(original), size = i % 7 ? n : dice.random.draw(&dice) % (n + 1);
                _cleanup_(order_done) Order o = {};
                char topic[256];
                int r;

                memcpy(topic, original, size);
                topic[size] = 0;
                for (unsigned k = 0; size > 0 && k < i % 4; k++)
                        topic[dice.random.draw(&dice) % size] = (char)(dice.random.draw(&dice) % 255 + 1);
                r = parse(topic, "{}", 2, &o);
                insist(r == 0 || r == ORDER_E_MALFORMED || r == ORDER_E_BAD_CALL);
                insist(r != ORDER_E_BAD_CALL || o.rid[0]);
                n_good += r == 0;
        }
        ck_assert_uint_gt(n_good, 1000);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("hub/orders");
        TCase *c = suite_case(s, "orders");

        tcase_add_test(c, a_cloud_message_has_its_properties);
        tcase_add_test(c, a_bare_one_is_good_and_what_is_no_time_is_none);
        tcase_add_test(c, a_name_that_comes_twice_loses_nothing);
        tcase_add_test(c, a_call_has_name_rid_and_payload);
        tcase_add_test(c, a_call_with_a_fault_can_be_answered_unless_its_rid_is_at_fault);
        tcase_add_test(c, the_twin_answers_and_changes);

        c = suite_case(s, "bad input");
        tcase_add_test(c, of_a_twin_that_is_no_text_there_is_all_but_the_body);
        tcase_add_test(c, what_is_no_order_is_none);
        tcase_add_test(c, truncations_and_mutations_do_no_harm);
        return suite_run(s);
}
