/* SPDX-License-Identifier: Apache-2.0 */
#include "bus/bus-text.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "suite.h"

/* A connection with nobody behind it: messages can be made of it, and read again. */
static sd_bus *bus;
static int other = -1;

static void setup(void)
{
        int fds[2];

        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
        other = fds[1];
        ck_assert_int_ge(sd_bus_new(&bus), 0);
        ck_assert_int_ge(sd_bus_set_fd(bus, fds[0], fds[0]), 0);
        ck_assert_int_ge(sd_bus_start(bus), 0);
}

static void teardown(void)
{
        bus = sd_bus_close_unref(bus);
        (void)close(other);
}

static sd_bus_message *new_message(void)
{
        sd_bus_message *m = NULL;

        ck_assert_int_ge(sd_bus_message_new_signal(bus, &m, "/a", "a.b", "C"), 0);
        return m;
}

static void seal(sd_bus_message *m)
{
        ck_assert_int_ge(sd_bus_message_seal(m, 1, 0), 0);
        ck_assert_int_ge(sd_bus_message_rewind(m, 1), 0);
}

static const char *carried(void (*write)(Buffer *b, const char *text), const char *text)
{
        static char space[256];
        Buffer b = BUFFER_NULL;

        write(&b, text);
        ck_assert_int_eq(buffer_error(&b), 0);
        ck_assert_uint_eq(b.size, strlen(b.data));
        (void)snprintf(space, sizeof(space), "%s", b.data);
        buffer_done(&b);
        return space;
}

#define FFFD "\xef\xbf\xbd"

START_TEST(what_cannot_be_carried_is_replaced)
{
        static const struct {
                const char *text, *as_text, *as_json;
        } cases[] = {
                {"", "", ""},
                {"plain", "plain", "plain"},
                {"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\xef\xbb\xbf" FFFD, NULL, NULL},
                {"\001\x1b\x7f", NULL, NULL},
                {"a\xef\xbf\xbf" "b", "a" FFFD "b", "a\\uffffb"},
                {"\xef\xbf\xbe", FFFD, "\\ufffe"},
                {"\xef\xb7\x90\xef\xb7\xaf\xef\xb7\xb0", FFFD FFFD "\xef\xb7\xb0", "\\ufdd0\\ufdef\xef\xb7\xb0"},
                {"\xf0\x9f\xbf\xbe", FFFD, "\\ud83f\\udffe"},
                {"\xf4\x8f\xbf\xbf!", FFFD "!", "\\udbff\\udfff!"},
                /* and what is no text at all */
                {"a\xff" "b\xc3", "a" FFFD "b" FFFD, "a" FFFD "b" FFFD},
                {"\xed\xa0\x80", FFFD FFFD FFFD, FFFD FFFD FFFD},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                ck_assert_str_eq(carried(bus_text, cases[i].text), cases[i].as_text ?: cases[i].text);
                ck_assert_str_eq(carried(bus_text_json, cases[i].text), cases[i].as_json ?: cases[i].text);
        }
}
END_TEST

static size_t encode(uint32_t c, char s[static 5])
{
        size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
        static const unsigned char first[] = {0, 0, 0xc0, 0xe0, 0xf0};

        for (size_t i = n; i-- > 1; c >>= 6)
                s[i] = (char)(0x80 | (c & 0x3f));
        s[0] = (char)(first[n] | c);
        s[n] = 0;
        return n;
}

/* The rule is the library's, and may change with it: not one of all characters may be refused. */
START_TEST(every_character_reaches_a_message)
{
        sd_bus_message *m = NULL;

        for (uint32_t c = 1; c <= 0x10ffff; c++) {
                char s[5];

                if (c >= 0xd800 && c <= 0xdfff)
                        continue;
                if (c % 0x1000 == 1) { /* one is not to grow for ever */
                        sd_bus_message_unref(m);
                        m = new_message();
                }
                (void)encode(c, s);
                if (bus_append_text(m, s) < 0 || bus_append_json(m, s) < 0)
                        ck_abort_msg("U+%04X", (unsigned)c);
        }
        sd_bus_message_unref(m);
}
END_TEST

START_TEST(a_message_with_them_is_whole)
{
        const char *text, *json, *none, *name, *value, *key, *variant;
        sd_bus_message *m = new_message();

        ck_assert_int_ge(bus_append_text(m, "a\xef\xbf\xbf"), 0);
        ck_assert_int_ge(bus_append_json(m, "\"\xef\xbf\xbf\""), 0);
        ck_assert_int_ge(bus_append_text(m, NULL), 0);
        ck_assert_int_ge(sd_bus_message_open_container(m, 'a', "{ss}"), 0);
        ck_assert_int_ge(bus_append_text_pair(m, "k\xef\xbf\xbe", "v\xff"), 0);
        ck_assert_int_ge(sd_bus_message_close_container(m), 0);
        ck_assert_int_ge(sd_bus_message_open_container(m, 'a', "{sv}"), 0);
        ck_assert_int_ge(bus_append_text_entry(m, "k", "\xef\xb7\x90"), 0);
        ck_assert_int_ge(sd_bus_message_close_container(m), 0);
        seal(m);
        ck_assert_int_gt(sd_bus_message_read(m, "sss", &text, &json, &none), 0);
        ck_assert_int_gt(sd_bus_message_read(m, "a{ss}", 1, &name, &value), 0);
        ck_assert_int_gt(sd_bus_message_read(m, "a{sv}", 1, &key, "s", &variant), 0);
        ck_assert_str_eq(text, "a" FFFD);
        ck_assert_str_eq(json, "\"\\uffff\"");
        ck_assert_str_eq(none, "");
        ck_assert_str_eq(name, "k" FFFD);
        ck_assert_str_eq(value, "v" FFFD);
        ck_assert_str_eq(key, "k");
        ck_assert_str_eq(variant, FFFD);
        sd_bus_message_unref(m);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("bus/text");
        TCase *c = suite_case(s, "what others wrote");

        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_test(c, what_cannot_be_carried_is_replaced);
        tcase_add_test(c, every_character_reaches_a_message);
        tcase_add_test(c, a_message_with_them_is_whole);
        return suite_run(s);
}
