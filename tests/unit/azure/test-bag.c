/* SPDX-License-Identifier: Apache-2.0 */
#include "azure/bag.h"

#include <errno.h>
#include <string.h>

#include "fake-clock.h"
#include "suite.h"

START_TEST(pairs_are_joined)
{
        _cleanup_(buffer_done) Buffer b = BUFFER_NULL;
        size_t start;

        buffer_append_string(&b, "devices/d/messages/events/");
        start = b.size;
        bag_append(&b, start, "$.mid", "id/1");
        bag_append(&b, start, "k e/y", "v+l=\xc3\xbc");
        bag_append(&b, start, "empty", "");
        bag_append(&b, start, "null", NULL);
        ck_assert_str_eq(b.data + start, "%24.mid=id%2F1&k%20e%2Fy=v%2Bl%3D%C3%BC&empty=&null");
}
END_TEST

static void check(const char *text, const BagEntry *wanted, size_t n_wanted)
{
        _cleanup_(bag_done) Bag bag = {};

        ck_assert_msg(bag_parse(text, strlen(text), &bag) == 0, "%s", text);
        ck_assert_msg(bag.n_entries == n_wanted, "%s: %zu entries", text, bag.n_entries);
        for (size_t i = 0; i < n_wanted; i++) {
                ck_assert_str_eq(bag.entries[i].name, wanted[i].name);
                ck_assert_pstr_eq(bag.entries[i].value, wanted[i].value);
        }
}

#define PAIR(name, value) {(char *)(uintptr_t)(name), (char *)(uintptr_t)(value)}
#define CHECK(text, ...)                                                                                             \
        check(text, (const BagEntry[]){__VA_ARGS__}, ARRAY_SIZE(((const BagEntry[]){__VA_ARGS__})))

START_TEST(every_client_is_understood)
{
        check("", NULL, 0);
        check("?", NULL, 0);
        check("&&", NULL, 0);
        CHECK("a=b", PAIR("a", "b"));
        CHECK("?a=b", PAIR("a", "b"));
        CHECK("??a=b", PAIR("?a", "b"));
        CHECK("a=b&&c=d&", PAIR("a", "b"), PAIR("c", "d"));
        CHECK("null&empty=", PAIR("null", NULL), PAIR("empty", ""));
        CHECK("a=1&a=2", PAIR("a", "1"), PAIR("a", "2"));
        CHECK("a=b=c", PAIR("a", "b=c"));
        CHECK("$.mid=1&%24.cid=2", PAIR("$.mid", "1"), PAIR("$.cid", "2"));
        CHECK("a+b=c+d", PAIR("a+b", "c+d"));
        /* the C SDK by default: only its own names are encoded */
        CHECK("load=100%&path=/etc/x&%24.ct=application/json", PAIR("load", "100%"), PAIR("path", "/etc/x"),
              PAIR("$.ct", "application/json"));
        CHECK("%24.mid=id%2F1&%24.ct=application%2Fjson&%24.ce=utf-8&k%20e%2Fy'!()*~=v%2Bl%3D%C3%BC",
              PAIR("$.mid", "id/1"), PAIR("$.ct", "application/json"), PAIR("$.ce", "utf-8"),
              PAIR("k e/y'!()*~", "v+l=\xc3\xbc"));
}
END_TEST

START_TEST(the_first_of_a_name_is_found)
{
        static const char text[] = "a=1&b=2&a=3";
        _cleanup_(bag_done) Bag bag = {};

        ck_assert_int_eq(bag_parse(text, strlen(text), &bag), 0);
        ck_assert_str_eq(bag_find(&bag, "a")->value, "1");
        ck_assert_str_eq(bag_find(&bag, "b")->value, "2");
        ck_assert_ptr_null(bag_find(&bag, "A"));
        ck_assert_ptr_null(bag_find(&bag, ""));
}
END_TEST

START_TEST(what_is_no_text_is_refused)
{
        static const struct {
                const char *text;
                size_t size;
        } bad[] = {
                {"=v", 2},           {"a=b&=", 5},       {"a%00b=c", 7},       {"a=%00", 5},  {"a=b\0c", 5},
                {"a\0=b", 4},        {"a=%FF", 5},       {"%C3=1", 5},         {"a=\xff", 3}, {"a=%ED%A0%80", 11},
                {"a=%C0%80", 8},     {"ok=1&a=%C3", 10}, {"a=%F4%90%80%80", 14},
        };

        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                Bag bag;

                ck_assert_msg(bag_parse(bad[i].text, bad[i].size, &bag) == -EBADMSG, "%s", bad[i].text);
        }
}
END_TEST

START_TEST(entries_are_counted)
{
        _cleanup_(buffer_done) Buffer b = BUFFER_NULL;
        _cleanup_(bag_done) Bag bag = {};

        for (int i = 0; i < 512; i++)
                bag_append(&b, 0, "n", "v");
        ck_assert_int_eq(bag_parse(b.data, b.size, &bag), 0);
        ck_assert_uint_eq(bag.n_entries, 512);
        bag_done(&bag);
        bag_append(&b, 0, "one", "too many");
        ck_assert_int_eq(bag_parse(b.data, b.size, &bag), -E2BIG);
}
END_TEST

START_TEST(a_huge_value_is_only_long)
{
        size_t size = 1 << 20;
        _cleanup_free_ char *text = malloc(size);
        _cleanup_(bag_done) Bag bag = {};

        memset(text, '%', size);
        memcpy(text, "a=", 2);
        ck_assert_int_eq(bag_parse(text, size, &bag), 0);
        ck_assert_uint_eq(strlen(bag.entries[0].value), size - 2);
}
END_TEST

START_TEST(what_is_written_is_read)
{
        FakeRandom dice;

        fake_random_init(&dice, 4);
        for (int i = 0; i < 3000; i++) {
                _cleanup_(buffer_done) Buffer b = BUFFER_NULL;
                _cleanup_(bag_done) Bag bag = {};
                char texts[8][16] = {};
                size_t n = dice.random.draw(&dice) % 4 + 1;

                for (size_t k = 0; k < 2 * n; k++)
                        for (uint64_t c = 0, length = dice.random.draw(&dice) % 14 + 1; c < length; c++)
                                texts[k][c] = (char)(dice.random.draw(&dice) % 127 + 1);
                for (size_t k = 0; k < n; k++)
                        bag_append(&b, 0, texts[2 * k], texts[2 * k + 1]);
                ck_assert_int_eq(bag_parse(b.data, b.size, &bag), 0);
                ck_assert_uint_eq(bag.n_entries, n);
                for (size_t k = 0; k < n; k++) {
                        ck_assert_str_eq(bag.entries[k].name, texts[2 * k]);
                        ck_assert_str_eq(bag.entries[k].value, texts[2 * k + 1]);
                }
        }
}
END_TEST

START_TEST(mutations_do_no_harm)
{
        static const char text[] = "%24.mid=id%2F1&%24.ct=application%2Fjson&k%20e%2Fy'!()*~=v%2Bl%3D%C3%BC&null&a=";
        FakeRandom dice;

        fake_random_init(&dice, 5);
        for (int i = 0; i < 50000; i++) {
                size_t n = dice.random.draw(&dice) % sizeof(text);
                _cleanup_free_ char *mutant = malloc(MAX(n, (size_t)1)); /* no NUL behind it */
                _cleanup_(bag_done) Bag bag = {};

                memcpy(mutant, text, n);
                for (uint64_t k = dice.random.draw(&dice) % 5; n > 0 && k > 0; k--)
                        mutant[dice.random.draw(&dice) % n] = (char)dice.random.draw(&dice);
                if (bag_parse(mutant, n, &bag) == 0)
                        (void)bag_find(&bag, "$.mid");
        }
}
END_TEST

int main(void)
{
        Suite *s = suite_create("azure/bag");
        TCase *c = suite_case(s, "writing");

        tcase_add_test(c, pairs_are_joined);
        tcase_add_test(c, what_is_written_is_read);

        c = suite_case(s, "reading");
        tcase_add_test(c, every_client_is_understood);
        tcase_add_test(c, the_first_of_a_name_is_found);

        c = suite_case(s, "hostile input");
        tcase_add_test(c, what_is_no_text_is_refused);
        tcase_add_test(c, entries_are_counted);
        tcase_add_test(c, a_huge_value_is_only_long);
        tcase_add_test(c, mutations_do_no_harm);
        return suite_run(s);
}
