/* SPDX-License-Identifier: Apache-2.0 */
#include "explorer/event-message.h"

#include <string.h>

#include "explorer/c2d-message.h"
#include "explorer/event-text.h"
#include "reader/event-line.h"
#include "suite.h"

static pn_bytes_t bytes(const char *text)
{
        return pn_bytes(strlen(text), text);
}

static void put_text(pn_data_t *map, const char *name, const char *value)
{
        (void)pn_data_put_symbol(map, bytes(name));
        (void)pn_data_put_string(map, bytes(value));
}

static void put_time(pn_data_t *map, const char *name, pn_timestamp_t t)
{
        (void)pn_data_put_symbol(map, bytes(name));
        (void)pn_data_put_timestamp(map, t);
}

/* As it comes from an endpoint: through the bytes. */
static pn_message_t *travelled(pn_message_t *m)
{
        char room[8192];
        size_t size = sizeof(room);
        pn_message_t *copy = pn_message();

        ck_assert_int_eq(pn_message_encode(m, room, &size), 0);
        ck_assert_int_eq(pn_message_decode(copy, room, size), 0);
        pn_message_free(m);
        return copy;
}

static pn_message_t *telemetry(void)
{
        pn_message_t *m = pn_message();
        pn_data_t *map = pn_message_annotations(m);

        (void)pn_data_put_map(map);
        (void)pn_data_enter(map);
        (void)pn_data_put_symbol(map, bytes("x-opt-sequence-number"));
        (void)pn_data_put_long(map, 12);
        put_text(map, "x-opt-offset", "4294967296");
        put_time(map, "x-opt-enqueued-time", 1767225600123);
        put_text(map, "iothub-connection-device-id", "d1");
        put_text(map, "iothub-connection-module-id", "m1");
        put_time(map, "iothub-enqueuedtime", 1767225600120);
        (void)pn_data_exit(map);

        map = pn_message_properties(m);
        (void)pn_data_put_map(map);
        (void)pn_data_enter(map);
        (void)pn_data_put_string(map, bytes("own"));
        (void)pn_data_put_string(map, bytes("v"));
        (void)pn_data_put_string(map, bytes("nothing"));
        (void)pn_data_put_null(map);
        (void)pn_data_put_string(map, bytes("count"));
        (void)pn_data_put_int(map, -3);
        (void)pn_data_put_string(map, bytes("iothub-creation-time-utc"));
        (void)pn_data_put_string(map, bytes("then"));
        (void)pn_data_exit(map);

        (void)pn_message_set_id(m, (pn_msgid_t){.type = PN_STRING, .u.as_bytes = bytes("id")});
        (void)pn_message_set_correlation_id(m, (pn_msgid_t){.type = PN_ULONG, .u.as_ulong = 7});
        (void)pn_message_set_user_id(m, bytes("u"));
        (void)pn_message_set_content_type(m, "application/json");
        (void)pn_message_set_inferred(m, true);
        (void)pn_data_put_binary(pn_message_body(m), bytes("{\"a\": 1}"));
        return travelled(m);
}

START_TEST(a_message_is_an_event)
{
        pn_message_t *m = telemetry();
        Buffer b = BUFFER_NULL;
        EventMessage e;

        ck_assert_int_eq(event_message_read(&e, m), 0);
        ck_assert_str_eq(e.offset, "4294967296");
        ck_assert_str_eq(e.module, "m1");
        ck_assert(e.has_sequence);
        event_line(&e.event, &b);
        ck_assert_str_eq(b.data,
                         "{\"device\":\"d1\",\"sequence\":12,\"enqueued\":\"2026-01-01T00:00:00.123Z\",\"system\":{"
                         "\"message-id\":\"id\",\"correlation-id\":\"7\",\"user-id\":\"u\","
                         "\"content-type\":\"application/json\",\"x-opt-offset\":\"4294967296\","
                         "\"iothub-connection-device-id\":\"d1\",\"iothub-connection-module-id\":\"m1\","
                         "\"iothub-enqueuedtime\":\"2026-01-01T00:00:00.120Z\",\"iothub-creation-time-utc\":\"then\"},"
                         "\"properties\":{\"own\":\"v\",\"nothing\":null,\"count\":\"-3\"},\"body\":{\"a\":1}}\n");
        buffer_clear(&b);
        event_text(&e, "3", &b);
        ck_assert_ptr_eq(strstr(b.data, "d1/m1  2026-01-01T00:00:00.123Z  partition 3  sequence 12\n  {\"a\":1}\n"),
                         b.data);
        ck_assert_ptr_nonnull(strstr(b.data, "  properties\n    own = v\n    nothing\n    count = -3\n"));
        buffer_done(&b);
        event_message_done(&e);
        pn_message_free(m);
}
END_TEST

START_TEST(an_empty_message_is_one_too)
{
        pn_message_t *m = travelled(pn_message());
        Buffer b = BUFFER_NULL;
        EventMessage e;

        ck_assert_int_eq(event_message_read(&e, m), 0);
        ck_assert(!e.has_sequence && !e.offset && !e.module);
        event_line(&e.event, &b);
        ck_assert_str_eq(b.data, "{\"device\":null,\"sequence\":0,\"enqueued\":\"1970-01-01T00:00:00.000Z\","
                                 "\"system\":{},\"properties\":{},\"body_base64\":\"\"}\n");
        buffer_clear(&b);
        event_text(&e, "0", &b);
        ck_assert_ptr_nonnull(strstr(b.data, "(no device)"));
        ck_assert_ptr_nonnull(strstr(b.data, "(no body)"));
        buffer_done(&b);
        event_message_done(&e);
        pn_message_free(m);
}
END_TEST

START_TEST(a_body_of_another_kind)
{
        pn_message_t *m = pn_message();
        EventMessage e;

        (void)pn_data_put_string(pn_message_body(m), bytes("text"));
        m = travelled(m);
        ck_assert_int_eq(event_message_read(&e, m), 0);
        ck_assert_uint_eq(e.event.body_size, 4);
        ck_assert_mem_eq(e.event.body, "text", 4);
        event_message_done(&e);
        pn_message_free(m);
}
END_TEST

/* Broken bytes are Proton's to refuse; whatever it lets pass must be an event. */
START_TEST(no_message_is_too_broken)
{
        pn_message_t *m = telemetry(), *copy = pn_message();
        char room[8192], broken[8192];
        size_t size = sizeof(room), n_read = 0;

        ck_assert_int_eq(pn_message_encode(m, room, &size), 0);
        for (size_t i = 0; i < size; i++) {
                static const unsigned char changes[] = {0x00, 0x40, 0xa1, 0xc1, 0xff};

                for (size_t k = 0; k < ARRAY_SIZE(changes); k++) {
                        Buffer b = BUFFER_NULL;
                        EventMessage e;

                        memcpy(broken, room, size);
                        broken[i] = (char)changes[k];
                        pn_message_clear(copy);
                        if (pn_message_decode(copy, broken, size) != 0)
                                continue;
                        n_read++;
                        insist(event_message_read(&e, copy) == 0);
                        event_line(&e.event, &b);
                        event_text(&e, "0", &b);
                        insist(b.size > 0 && b.data[b.size - 1] == '\n');
                        buffer_done(&b);
                        event_message_done(&e);
                }
        }
        ck_assert_uint_gt(n_read, 100);
        pn_message_free(copy);
        pn_message_free(m);
}
END_TEST

START_TEST(a_message_to_a_device)
{
        static const EventPair properties[] = {{"a", "b"}, {"e", ""}};
        C2dMessage c = {.device = "d 1/m#", .message_id = "id", .ack = "full", .expiry_usec = 5 * USEC_PER_SEC,
                        .properties = properties, .n_properties = 2, .body = "x\0y", .body_size = 3};
        pn_message_t *m = pn_message();
        EventMessage e;

        ck_assert_int_eq(c2d_message_write(&c, m), 0);
        m = travelled(m);
        ck_assert_str_eq(pn_message_get_address(m), "/devices/d%201/modules/m%23/messages/devicebound");
        ck_assert_int_eq(pn_message_get_expiry_time(m), 5000);
        ck_assert_int_eq(event_message_read(&e, m), 0);
        ck_assert_str_eq(event_property(&e.event, "a"), "b");
        ck_assert_str_eq(event_property(&e.event, "e"), "");
        ck_assert_str_eq(event_system(&e.event, "iothub-ack"), "full");
        ck_assert_uint_eq(e.event.body_size, 3);
        ck_assert_mem_eq(e.event.body, "x\0y", 3);
        event_message_done(&e);
        pn_message_free(m);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("explorer/event-message");
        TCase *c = suite_case(s, "messages");

        tcase_add_test(c, a_message_is_an_event);
        tcase_add_test(c, an_empty_message_is_one_too);
        tcase_add_test(c, a_body_of_another_kind);
        tcase_add_test(c, no_message_is_too_broken);
        tcase_add_test(c, a_message_to_a_device);
        return suite_run(s);
}
