/* SPDX-License-Identifier: Apache-2.0 */
#include "azure/topic.h"

#include <string.h>

#include "fake-clock.h"
#include "suite.h"

START_TEST(events_are_named)
{
        _cleanup_(buffer_done) Buffer b = BUFFER_NULL;

        topic_events(&b, "dev1", NULL);
        ck_assert_str_eq(b.data, "devices/dev1/messages/events/");
        buffer_clear(&b);
        topic_events(&b, "dev%201", "mod$1");
        ck_assert_str_eq(b.data, "devices/dev%201/modules/mod$1/messages/events/");
        buffer_clear(&b);
        topic_devicebound(&b, "dev1", NULL);
        ck_assert_str_eq(b.data, "devices/dev1/messages/devicebound/");
        buffer_clear(&b);
        topic_devicebound(&b, "dev1", "m");
        ck_assert_str_eq(b.data, "devices/dev1/modules/m/messages/devicebound/");
}
END_TEST

START_TEST(topics_are_taken_apart)
{
        static const struct {
                const char *topic;
                const char *device_id; /* NULL: unknown */
                const char *module_id;
                const char *bag;
        } cases[] = {
                {"devices/d/messages/events", "d", NULL, ""},
                {"devices/d/messages/events/", "d", NULL, ""},
                {"devices/d/messages/events/a=b", "d", NULL, "a=b"},
                {"devices/d/messages/events/a=b/", "d", NULL, "a=b"},
                {"devices/d/messages/events/a=b//", "d", NULL, "a=b/"},
                {"devices/d/messages/events/p=/etc/x&q=1", "d", NULL, "p=/etc/x&q=1"},
                {"devices/d/messages/events//", "d", NULL, ""},
                {"devices/d/modules/m/messages/events/a=b", "d", "m", "a=b"},
                {"devices/d/modules/m/messages/events", "d", "m", ""},
                {"devices/modules/messages/events/", "modules", NULL, ""},
                {"devices/d%2Fe/messages/events/", "d%2Fe", NULL, ""},

                {"", NULL, NULL, NULL},
                {"/", NULL, NULL, NULL},
                {"devices", NULL, NULL, NULL},
                {"devices/", NULL, NULL, NULL},
                {"devices/d", NULL, NULL, NULL},
                {"devices/d/", NULL, NULL, NULL},
                {"devices//messages/events/", NULL, NULL, NULL},
                {"devices/d/messages/eventsx", NULL, NULL, NULL},
                {"devices/d/messages/event", NULL, NULL, NULL},
                {"devices/d/x/messages/events/", NULL, NULL, NULL},
                {"devices/d/modules/messages/events/", NULL, NULL, NULL},
                {"devices/d/modules//messages/events/", NULL, NULL, NULL},
                {"devices/d/modules/m/modules/n/messages/events/", NULL, NULL, NULL},
                {"Devices/d/messages/events/", NULL, NULL, NULL},
                {"/devices/d/messages/events/", NULL, NULL, NULL},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                TopicParts parts = topic_parse(cases[i].topic, strlen(cases[i].topic));
                const char *topic = cases[i].topic;

                ck_assert_msg(parts.kind == (cases[i].device_id ? TOPIC_EVENTS : TOPIC_UNKNOWN), "%s", topic);
                if (!cases[i].device_id)
                        continue;
                ck_assert_uint_eq(parts.device_id_size, strlen(cases[i].device_id));
                ck_assert_mem_eq(parts.device_id, cases[i].device_id, parts.device_id_size);
                ck_assert_uint_eq(parts.module_id_size, cases[i].module_id ? strlen(cases[i].module_id) : 0);
                if (cases[i].module_id)
                        ck_assert_mem_eq(parts.module_id, cases[i].module_id, parts.module_id_size);
                else
                        ck_assert_ptr_null(parts.module_id);
                ck_assert_msg(parts.bag_size == strlen(cases[i].bag), "%s", topic);
                ck_assert_mem_eq(parts.bag, cases[i].bag, parts.bag_size);
        }
}
END_TEST

START_TEST(cloud_messages_are_known_by_their_bag)
{
        static const struct {
                const char *topic, *device_id, *module_id, *bag;
        } cases[] = {
                {"devices/d/messages/devicebound/%24.mid=1&a=b", "d", NULL, "%24.mid=1&a=b"},
                {"devices/d/messages/devicebound/", "d", NULL, ""},
                {"devices/d/messages/devicebound", "d", NULL, ""},
                {"devices/d/messages/devicebound/a=b/c/", "d", NULL, "a=b/c/"},
                {"devices/d/modules/m/messages/devicebound/a=b", "d", "m", "a=b"},
                {"devices/d/messages/deviceboundx", NULL, NULL, NULL},
                {"devices/d/messages/deviceBound/", NULL, NULL, NULL},
                {"devices//messages/devicebound/", NULL, NULL, NULL},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                TopicParts parts = topic_parse(cases[i].topic, strlen(cases[i].topic));

                if (!cases[i].device_id) {
                        ck_assert_msg(parts.kind == TOPIC_UNKNOWN, "%s", cases[i].topic);
                        continue;
                }
                ck_assert_msg(parts.kind == TOPIC_DEVICEBOUND, "%s", cases[i].topic);
                ck_assert_uint_eq(parts.device_id_size, strlen(cases[i].device_id));
                ck_assert_mem_eq(parts.device_id, cases[i].device_id, parts.device_id_size);
                ck_assert_int_eq(parts.module_id != NULL, cases[i].module_id != NULL);
                ck_assert_uint_eq(parts.bag_size, strlen(cases[i].bag));
                ck_assert_mem_eq(parts.bag, cases[i].bag, parts.bag_size);
        }
}
END_TEST

START_TEST(what_is_written_is_read)
{
        _cleanup_(buffer_done) Buffer b = BUFFER_NULL;
        TopicParts parts;

        topic_events(&b, "a$b", "c'd");
        parts = topic_parse(b.data, b.size);
        ck_assert_int_eq(parts.kind, TOPIC_EVENTS);
        ck_assert_mem_eq(parts.device_id, "a$b", 3);
        ck_assert_mem_eq(parts.module_id, "c'd", 3);
        ck_assert_uint_eq(parts.bag_size, 0);
}
END_TEST

static void check_built(Buffer *b, const char *expected)
{
        ck_assert_int_eq(buffer_error(b), 0);
        ck_assert_str_eq(b->data, expected);
        buffer_clear(b);
}

START_TEST(requests_and_answers_are_named)
{
        _cleanup_(buffer_done) Buffer b = BUFFER_NULL;

        topic_twin_get(&b, "1a");
        check_built(&b, "$iothub/twin/GET/?$rid=1a");
        topic_twin_reported(&b, "2");
        check_built(&b, "$iothub/twin/PATCH/properties/reported/?$rid=2");
        topic_method_response(&b, -1, "abc", 2);
        check_built(&b, "$iothub/methods/res/-1/?$rid=ab");
        topic_twin_response(&b, 429, "x%20y", 5);
        check_built(&b, "$iothub/twin/res/429/?$rid=x%20y");
        topic_twin_desired(&b, 18446744073709551615u);
        check_built(&b, "$iothub/twin/PATCH/properties/desired/?$version=18446744073709551615");
        topic_method_call(&b, "re-boot", "7");
        check_built(&b, "$iothub/methods/POST/re-boot/?$rid=7");
}
END_TEST

/* One client reads the request id only where it stands first. */
START_TEST(trap_15_rid_stands_before_version)
{
        _cleanup_(buffer_done) Buffer b = BUFFER_NULL;

        topic_twin_updated(&b, "r1", 2, 12);
        check_built(&b, "$iothub/twin/res/204/?$rid=r1&$version=12");
}
END_TEST

START_TEST(requests_and_answers_are_taken_apart)
{
        static const struct {
                const char *topic;
                TopicKind kind;
                const char *rid; /* NULL: none */
                int status;
                uint64_t version;
                const char *name;
        } cases[] = {
                {"$iothub/twin/GET/?$rid=1", TOPIC_TWIN_GET, "1", 0, 0, NULL},
                {"$iothub/twin/GET/?$rid=a-b%20c=d", TOPIC_TWIN_GET, "a-b%20c=d", 0, 0, NULL},
                {"$iothub/twin/GET/?x=y&$rid=1&z", TOPIC_TWIN_GET, "1", 0, 0, NULL},
                {"$iothub/twin/PATCH/properties/reported/?$rid=9", TOPIC_TWIN_REPORTED, "9", 0, 0, NULL},
                {"$iothub/twin/PATCH/properties/reported/?$version=3&$rid=9", TOPIC_TWIN_REPORTED, "9", 0, 3, NULL},
                {"$iothub/twin/PATCH/properties/desired/?$version=5", TOPIC_TWIN_DESIRED, NULL, 0, 5, NULL},
                {"$iothub/twin/res/204/?$rid=1&$version=6", TOPIC_TWIN_RESPONSE, "1", 204, 6, NULL},
                {"$iothub/twin/res/404/?$rid=1", TOPIC_TWIN_RESPONSE, "1", 404, 0, NULL},
                {"$iothub/methods/POST/stop!/?$rid=1", TOPIC_METHOD_CALL, "1", 0, 0, "stop!"},
                {"$iothub/methods/res/200/?$rid=af", TOPIC_METHOD_RESPONSE, "af", 200, 0, NULL},
                {"$iothub/methods/res/0/?$rid=1", TOPIC_METHOD_RESPONSE, "1", 0, 0, NULL},
                {"$iothub/methods/res/-5/?$rid=1", TOPIC_METHOD_RESPONSE, "1", -5, 0, NULL},
                {"$iothub/methods/res/2147483647/?$rid=1", TOPIC_METHOD_RESPONSE, "1", 2147483647, 0, NULL},

                {"$iothub/methods/res/-2147483648/?$rid=1", TOPIC_METHOD_RESPONSE, "1", -2147483647 - 1, 0, NULL},
                {"$iothub/methods/res/-2147483649/?$rid=1", TOPIC_UNKNOWN, NULL, 0, 0, NULL},
                {"$iothub/methods/res/2147483648/?$rid=1", TOPIC_UNKNOWN, NULL, 0, 0, NULL},
                {"$iothub/methods/res//?$rid=1", TOPIC_UNKNOWN, NULL, 0, 0, NULL},
                {"$iothub/methods/res/-/?$rid=1", TOPIC_UNKNOWN, NULL, 0, 0, NULL},
                {"$iothub/methods/res/2x/?$rid=1", TOPIC_UNKNOWN, NULL, 0, 0, NULL},
                {"$iothub/methods/res/200?$rid=1", TOPIC_UNKNOWN, NULL, 0, 0, NULL},
                {"$iothub/methods/res/200/?$rid=", TOPIC_UNKNOWN, NULL, 0, 0, NULL},
                {"$iothub/methods/res/200/", TOPIC_UNKNOWN, NULL, 0, 0, NULL},
                {"$iothub/methods/POST//?$rid=1", TOPIC_UNKNOWN, NULL, 0, 0, NULL},
                {"$iothub/methods/POST/a", TOPIC_UNKNOWN, NULL, 0, 0, NULL},
                {"$iothub/twin/GET", TOPIC_UNKNOWN, NULL, 0, 0, NULL},
                {"$iothub/twin/GET/", TOPIC_UNKNOWN, NULL, 0, 0, NULL},
                {"$iothub/twin/GET/?", TOPIC_UNKNOWN, NULL, 0, 0, NULL},
                {"$iothub/twin/GET/?rid=1", TOPIC_UNKNOWN, NULL, 0, 0, NULL},
                {"$iothub/twin/GETx/?$rid=1", TOPIC_UNKNOWN, NULL, 0, 0, NULL},
                {"$iothub/twin/PATCH/properties/desired/?$version=", TOPIC_UNKNOWN, NULL, 0, 0, NULL},
                {"$iothub/twin/PATCH/properties/desired/?$version=18446744073709551616", TOPIC_UNKNOWN, NULL, 0, 0,
                 NULL},
                {"$iothub/twin/PATCH/properties/desired/?$rid=1", TOPIC_UNKNOWN, NULL, 0, 0, NULL},
                {"$iothub/twin/PATCH/properties/other/?$rid=1", TOPIC_UNKNOWN, NULL, 0, 0, NULL},
                {"$iothub/", TOPIC_UNKNOWN, NULL, 0, 0, NULL},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                const char *topic = cases[i].topic;
                TopicParts parts = topic_parse(topic, strlen(topic));

                ck_assert_msg(parts.kind == cases[i].kind, "%s", topic);
                ck_assert_msg(parts.status == cases[i].status, "%s", topic);
                ck_assert_msg(parts.version == cases[i].version, "%s", topic);
                ck_assert_msg(parts.rid_size == (cases[i].rid ? strlen(cases[i].rid) : 0), "%s", topic);
                if (cases[i].rid)
                        ck_assert_mem_eq(parts.rid, cases[i].rid, parts.rid_size);
                ck_assert_msg(parts.name_size == (cases[i].name ? strlen(cases[i].name) : 0), "%s", topic);
                if (cases[i].name)
                        ck_assert_mem_eq(parts.name, cases[i].name, parts.name_size);
        }
}
END_TEST

/* Cut anywhere, in memory that ends just there. */
START_TEST(truncations_and_mutations_do_no_harm)
{
        static const char *const texts[] = {
                "devices/dev1/modules/mod1/messages/events/a=b/",
                "$iothub/twin/res/204/?$rid=r1&$version=12",
                "$iothub/methods/POST/reboot/?$rid=7",
        };
        FakeRandom dice;

        fake_random_init(&dice, 6);
        for (int i = 0; i < 90000; i++) {
                const char *text = texts[(size_t)i % ARRAY_SIZE(texts)];
                size_t n = (size_t)i / ARRAY_SIZE(texts) % (strlen(text) + 1);
                _cleanup_free_ char *mutant = malloc(MAX(n, (size_t)1));
                TopicParts parts;

                memcpy(mutant, text, n);
                for (uint64_t k = i < 200 ? 0 : dice.random.draw(&dice) % 4; n > 0 && k > 0; k--)
                        mutant[dice.random.draw(&dice) % n] = (char)dice.random.draw(&dice);
                parts = topic_parse(mutant, n);
                if (parts.kind == TOPIC_EVENTS) {
                        insist(parts.device_id_size > 0);
                        insist((size_t)(parts.bag - mutant) + parts.bag_size <= n);
                }
                if (parts.rid)
                        insist((size_t)(parts.rid - mutant) + parts.rid_size <= n);
                if (parts.name)
                        insist((size_t)(parts.name - mutant) + parts.name_size < n);
        }
}
END_TEST

int main(void)
{
        Suite *s = suite_create("azure/topic");
        TCase *c = suite_case(s, "topics");

        tcase_add_test(c, events_are_named);
        tcase_add_test(c, topics_are_taken_apart);
        tcase_add_test(c, cloud_messages_are_known_by_their_bag);
        tcase_add_test(c, what_is_written_is_read);
        tcase_add_test(c, requests_and_answers_are_named);
        tcase_add_test(c, requests_and_answers_are_taken_apart);
        tcase_add_test(c, trap_15_rid_stands_before_version);

        c = suite_case(s, "hostile input");
        tcase_add_test(c, truncations_and_mutations_do_no_harm);
        return suite_run(s);
}
