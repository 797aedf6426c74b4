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
                {"devices/d/messages/devicebound/", NULL, NULL, NULL},
                {"devices/d/x/messages/events/", NULL, NULL, NULL},
                {"devices/d/modules/messages/events/", NULL, NULL, NULL},
                {"devices/d/modules//messages/events/", NULL, NULL, NULL},
                {"devices/d/modules/m/modules/n/messages/events/", NULL, NULL, NULL},
                {"Devices/d/messages/events/", NULL, NULL, NULL},
                {"/devices/d/messages/events/", NULL, NULL, NULL},
                {"$iothub/twin/GET/?$rid=1", NULL, NULL, NULL},
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

/* Cut anywhere, in memory that ends just there. */
START_TEST(truncations_and_mutations_do_no_harm)
{
        static const char text[] = "devices/dev1/modules/mod1/messages/events/a=b/";
        FakeRandom dice;

        fake_random_init(&dice, 6);
        for (int i = 0; i < 50000; i++) {
                size_t n = (size_t)i % sizeof(text);
                _cleanup_free_ char *mutant = malloc(MAX(n, (size_t)1));
                TopicParts parts;

                memcpy(mutant, text, n);
                for (uint64_t k = i < (int)sizeof(text) ? 0 : dice.random.draw(&dice) % 4; n > 0 && k > 0; k--)
                        mutant[dice.random.draw(&dice) % n] = (char)dice.random.draw(&dice);
                parts = topic_parse(mutant, n);
                if (parts.kind == TOPIC_UNKNOWN)
                        continue;
                ck_assert_uint_gt(parts.device_id_size, 0);
                ck_assert_uint_le((size_t)(parts.bag - mutant) + parts.bag_size, n);
        }
}
END_TEST

int main(void)
{
        Suite *s = suite_create("azure/topic");
        TCase *c = suite_case(s, "topics");

        tcase_add_test(c, events_are_named);
        tcase_add_test(c, topics_are_taken_apart);
        tcase_add_test(c, what_is_written_is_read);

        c = suite_case(s, "hostile input");
        tcase_add_test(c, truncations_and_mutations_do_no_harm);
        return suite_run(s);
}
