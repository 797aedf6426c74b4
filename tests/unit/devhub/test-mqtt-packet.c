/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/mqtt/mqtt-packet.h"

#include <string.h>

#include "fake-clock.h"
#include "suite.h"

#define SIZE_MAX_PACKET 300000

#define BYTES(...) ((const uint8_t[]){__VA_ARGS__}), sizeof((const uint8_t[]){__VA_ARGS__})

/* CONNECT as "dev1", user "u", password "p", will "w" with body "b", keep-alive 60. */
static const uint8_t connect_all[] = {
        0x10, 29, 0, 4, 'M', 'Q', 'T', 'T', 4, 0xee, 0, 60, 0, 4, 'd', 'e', 'v', '1',
        0, 1, 'w', 0, 1, 'b', 0, 1, 'u', 0, 2, 'p', 'q',
};
static const uint8_t publish_one[] = {0x32, 9, 0, 3, 'a', '/', 'b', 0, 7, 'x', 'y'};
static const uint8_t subscribe_two[] = {0x82, 12, 0, 9, 0, 1, 'a', 1, 0, 3, 'b', '/', '#', 2};

static int read_one(const uint8_t *data, size_t size, MqttPacket *ret, size_t *ret_used, const char **ret_error)
{
        return mqtt_read(data, size, SIZE_MAX_PACKET, ret, ret_used, ret_error);
}

static void assert_text(MqttText text, const char *expected)
{
        ck_assert_uint_eq(text.size, strlen(expected));
        ck_assert_mem_eq(text.data, expected, text.size);
}

START_TEST(a_connect_gives_all_its_parts)
{
        const char *error = NULL;
        MqttPacket p;
        size_t used;

        ck_assert_int_eq(read_one(connect_all, sizeof(connect_all), &p, &used, &error), 0);
        ck_assert_uint_eq(used, sizeof(connect_all));
        ck_assert_int_eq(p.type, MQTT_CONNECT);
        ck_assert_uint_eq(p.connect.level, 4);
        ck_assert(p.connect.clean_session);
        ck_assert_uint_eq(p.connect.keep_alive, 60);
        ck_assert_uint_eq(p.connect.will_qos, 1);
        assert_text(p.connect.client_id, "dev1");
        assert_text(p.connect.will_topic, "w");
        assert_text(p.connect.will_payload, "b");
        assert_text(p.connect.username, "u");
        assert_text(p.connect.password, "pq");
}
END_TEST

START_TEST(a_publish_gives_all_its_parts)
{
        const char *error = NULL;
        MqttPacket p;
        size_t used;

        ck_assert_int_eq(read_one(publish_one, sizeof(publish_one), &p, &used, &error), 0);
        ck_assert_int_eq(p.type, MQTT_PUBLISH);
        ck_assert_uint_eq(p.publish.qos, 1);
        ck_assert_uint_eq(p.publish.id, 7);
        assert_text(p.publish.topic, "a/b");
        assert_text(p.publish.payload, "xy");
}
END_TEST

START_TEST(filters_come_one_by_one)
{
        const char *error = NULL;
        MqttPacket p;
        MqttText filter;
        uint8_t qos;
        size_t used;

        ck_assert_int_eq(read_one(subscribe_two, sizeof(subscribe_two), &p, &used, &error), 0);
        ck_assert_int_eq(p.type, MQTT_SUBSCRIBE);
        ck_assert_uint_eq(p.filters.id, 9);
        ck_assert(mqtt_next_filter(&p.filters, &filter, &qos));
        assert_text(filter, "a");
        ck_assert_uint_eq(qos, 1);
        ck_assert(mqtt_next_filter(&p.filters, &filter, &qos));
        assert_text(filter, "b/#");
        ck_assert_uint_eq(qos, 2);
        ck_assert(!mqtt_next_filter(&p.filters, &filter, &qos));
}
END_TEST

/* Copies to the heap to the byte, so that the sanitizer sees any step past the end. */
static void assert_needs_more(const uint8_t *packet, size_t cut)
{
        uint8_t *exact = malloc(cut + 1);
        const char *error = NULL;
        MqttPacket p;
        size_t used;

        memcpy(exact, packet, cut);
        exact = realloc(exact, cut > 0 ? cut : 1);
        ck_assert_int_eq(read_one(exact, cut, &p, &used, &error), MQTT_E_MORE);
        free(exact);
}

START_TEST(every_cut_asks_for_more)
{
        for (size_t n = 0; n < sizeof(connect_all); n++)
                assert_needs_more(connect_all, n);
        for (size_t n = 0; n < sizeof(publish_one); n++)
                assert_needs_more(publish_one, n);
        for (size_t n = 0; n < sizeof(subscribe_two); n++)
                assert_needs_more(subscribe_two, n);
}
END_TEST

static const struct {
        const char *what;
        const uint8_t *data;
        size_t size;
} malformed[] = {
        {"a length of five bytes", BYTES(0x10, 0xff, 0xff, 0xff, 0xff, 0x01)},
        {"type 0", BYTES(0x00, 0)},
        {"type 15", BYTES(0xf0, 0)},
        {"CONNACK from a client", BYTES(0x20, 2, 0, 0)},
        {"PINGRESP from a client", BYTES(0xd0, 0)},
        {"PINGREQ with flags", BYTES(0xc1, 0)},
        {"PINGREQ with a body", BYTES(0xc0, 1, 0)},
        {"DISCONNECT with a body", BYTES(0xe0, 1, 0)},
        {"SUBSCRIBE with flags 0", BYTES(0x80, 6, 0, 1, 0, 1, 'a', 0)},
        {"SUBSCRIBE without a filter", BYTES(0x82, 2, 0, 1)},
        {"SUBSCRIBE with id 0", BYTES(0x82, 6, 0, 0, 0, 1, 'a', 0)},
        {"SUBSCRIBE with an empty filter", BYTES(0x82, 5, 0, 1, 0, 0, 0)},
        {"SUBSCRIBE at QoS 3", BYTES(0x82, 6, 0, 1, 0, 1, 'a', 3)},
        {"SUBSCRIBE without its QoS", BYTES(0x82, 5, 0, 1, 0, 1, 'a')},
        {"SUBSCRIBE with a filter past the end", BYTES(0x82, 6, 0, 1, 0, 9, 'a', 0)},
        {"UNSUBSCRIBE without a filter", BYTES(0xa2, 2, 0, 1)},
        {"PUBLISH at QoS 3", BYTES(0x36, 5, 0, 1, 'a', 0, 1)},
        {"PUBLISH without a topic", BYTES(0x32, 4, 0, 0, 0, 1)},
        {"PUBLISH with a wildcard", BYTES(0x32, 5, 0, 1, '+', 0, 1)},
        {"PUBLISH with another wildcard", BYTES(0x32, 7, 0, 3, 'a', '/', '#', 0, 1)},
        {"PUBLISH at QoS 1 with id 0", BYTES(0x32, 5, 0, 1, 'a', 0, 0)},
        {"PUBLISH at QoS 0 marked DUP", BYTES(0x38, 3, 0, 1, 'a')},
        {"PUBLISH with a NUL in its topic", BYTES(0x30, 4, 0, 2, 'a', 0)},
        {"PUBLISH with a topic that is not UTF-8", BYTES(0x30, 4, 0, 2, 0xc3, 0x28)},
        {"PUBLISH with a surrogate", BYTES(0x30, 5, 0, 3, 0xed, 0xa0, 0x80)},
        {"PUBLISH of nothing", BYTES(0x30, 0)},
        {"PUBACK with id 0", BYTES(0x40, 2, 0, 0)},
        {"PUBACK of one byte", BYTES(0x40, 1, 0)},
        {"PUBREL with flags 0", BYTES(0x60, 2, 0, 1)},
        {"CONNECT of another protocol", BYTES(0x10, 12, 0, 4, 'H', 'T', 'T', 'P', 4, 2, 0, 60, 0, 0)},
        {"CONNECT with the reserved flag", BYTES(0x10, 12, 0, 4, 'M', 'Q', 'T', 'T', 4, 3, 0, 60, 0, 0)},
        {"CONNECT with a will QoS and no will", BYTES(0x10, 12, 0, 4, 'M', 'Q', 'T', 'T', 4, 0x0a, 0, 60, 0, 0)},
        {"CONNECT with will QoS 3",
         BYTES(0x10, 18, 0, 4, 'M', 'Q', 'T', 'T', 4, 0x1e, 0, 60, 0, 0, 0, 1, 'a', 0, 1, 'b')},
        {"CONNECT with will retain and no will", BYTES(0x10, 12, 0, 4, 'M', 'Q', 'T', 'T', 4, 0x22, 0, 60, 0, 0)},
        {"CONNECT with a password and no user",
         BYTES(0x10, 15, 0, 4, 'M', 'Q', 'T', 'T', 4, 0x42, 0, 60, 0, 0, 0, 1, 'p')},
        {"CONNECT with bytes behind", BYTES(0x10, 13, 0, 4, 'M', 'Q', 'T', 'T', 4, 2, 0, 60, 0, 0, 9)},
        {"CONNECT that ends in its flags", BYTES(0x10, 7, 0, 4, 'M', 'Q', 'T', 'T', 4)},
        {"CONNECT of nothing", BYTES(0x10, 0)},
};

START_TEST(what_breaks_the_standard_is_malformed)
{
        for (size_t i = 0; i < ARRAY_SIZE(malformed); i++) {
                uint8_t *exact = malloc(malformed[i].size);
                const char *error = NULL;
                MqttPacket p;
                size_t used;
                int k;

                memcpy(exact, malformed[i].data, malformed[i].size);
                k = read_one(exact, malformed[i].size, &p, &used, &error);
                ck_assert_msg(k == MQTT_E_MALFORMED, "%s: %d", malformed[i].what, k);
                ck_assert_msg(error && *error, "%s: no reason", malformed[i].what);
                free(exact);
        }
}
END_TEST

START_TEST(another_version_is_read_up_to_its_level)
{
        /* MQTT 5 with a property length, and 3.1 under its old name */
        static const uint8_t five[] = {0x10, 13, 0, 4, 'M', 'Q', 'T', 'T', 5, 2, 0, 60, 0, 0, 0};
        static const uint8_t old[] = {0x10, 14, 0, 6, 'M', 'Q', 'I', 's', 'd', 'p', 3, 2, 0, 60, 0, 0};
        const char *error = NULL;
        MqttPacket p;
        size_t used;

        ck_assert_int_eq(read_one(five, sizeof(five), &p, &used, &error), 0);
        ck_assert_uint_eq(p.connect.level, 5);
        ck_assert_int_eq(read_one(old, sizeof(old), &p, &used, &error), 0);
        ck_assert_uint_eq(p.connect.level, 3);
}
END_TEST

START_TEST(too_large_is_known_from_the_header)
{
        static const uint8_t huge[] = {0x30, 0xff, 0xff, 0xff, 0x7f};
        const char *error = NULL;
        MqttPacket p;
        size_t used;

        ck_assert_int_eq(read_one(huge, sizeof(huge), &p, &used, &error), MQTT_E_TOO_LARGE);
        ck_assert_int_eq(mqtt_read(publish_one, sizeof(publish_one), 9, &p, &used, &error), 0);
        ck_assert_int_eq(mqtt_read(publish_one, sizeof(publish_one), 8, &p, &used, &error), MQTT_E_TOO_LARGE);
}
END_TEST

/* Whatever comes: an answer, no crash, and nothing read past the end (the sanitizer's business). */
START_TEST(noise_is_survived)
{
        static const uint8_t *const good[] = {connect_all, publish_one, subscribe_two};
        static const size_t sizes[] = {sizeof(connect_all), sizeof(publish_one), sizeof(subscribe_two)};
        FakeRandom dice;

        fake_random_init(&dice, 7);
        for (int i = 0; i < 100000; i++) {
                uint64_t draw = dice.random.draw(&dice);
                size_t size = sizes[draw % 3], used;
                uint8_t *copy = malloc(size);
                const char *error = NULL;
                MqttPacket p;
                int k;

                memcpy(copy, good[draw % 3], size);
                for (unsigned j = 0; j <= (draw >> 8) % 3; j++)
                        copy[(draw >> (16 + 8 * j)) % size] = (uint8_t)(draw >> (40 + 8 * j));
                k = read_one(copy, size, &p, &used, &error);
                ck_assert(k >= 0 && k <= MQTT_E_TOO_LARGE);
                if (k == 0 && (p.type == MQTT_SUBSCRIBE || p.type == MQTT_UNSUBSCRIBE)) {
                        MqttText filter;
                        uint8_t qos;

                        while (mqtt_next_filter(&p.filters, &filter, &qos))
                                ck_assert(qos <= 2);
                }
                free(copy);
        }
}
END_TEST

START_TEST(what_is_written_is_to_the_byte)
{
        static const uint8_t expected[] = {
                0x20, 2, 1, 0, 0x20, 2, 0, 5, 0x40, 2, 0x12, 0x34, 0x90, 4, 0, 9, 1, 0, 0xb0, 2, 0, 3, 0xd0, 0,
        };
        Buffer b = BUFFER_NULL;

        mqtt_write_connack(&b, true, 0);
        mqtt_write_connack(&b, false, 5);
        mqtt_write_puback(&b, 0x1234);
        mqtt_write_suback(&b, 9, (const uint8_t[]){1, 0}, 2);
        mqtt_write_unsuback(&b, 3);
        mqtt_write_pingresp(&b);
        ck_assert_uint_eq(b.size, sizeof(expected));
        ck_assert_mem_eq(b.data, expected, sizeof(expected));
        buffer_done(&b);
}
END_TEST

START_TEST(a_long_suback_has_a_long_length)
{
        uint8_t codes[200] = {};
        Buffer b = BUFFER_NULL;

        mqtt_write_suback(&b, 1, codes, sizeof(codes));
        ck_assert_uint_eq(b.size, 3 + 2 + 200);
        ck_assert_uint_eq((uint8_t)b.data[1], 0xca);
        ck_assert_uint_eq((uint8_t)b.data[2], 0x01);
        buffer_done(&b);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("devhub/mqtt-packet");
        TCase *c = suite_case(s, "reading");

        tcase_add_test(c, a_connect_gives_all_its_parts);
        tcase_add_test(c, a_publish_gives_all_its_parts);
        tcase_add_test(c, filters_come_one_by_one);
        tcase_add_test(c, every_cut_asks_for_more);
        tcase_add_test(c, another_version_is_read_up_to_its_level);
        c = suite_case(s, "hostile input");
        tcase_add_test(c, what_breaks_the_standard_is_malformed);
        tcase_add_test(c, too_large_is_known_from_the_header);
        tcase_add_test(c, noise_is_survived);
        c = suite_case(s, "writing");
        tcase_add_test(c, what_is_written_is_to_the_byte);
        tcase_add_test(c, a_long_suback_has_a_long_length);
        return suite_run(s);
}
