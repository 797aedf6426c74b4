/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base64.h"

#include <errno.h>
#include <string.h>

#include "fake-clock.h"
#include "suite.h"

START_TEST(the_vectors_of_the_rfc)
{
        static const struct {
                const char *bytes;
                const char *text;
        } cases[] = {
                {"", ""},
                {"f", "Zg=="},
                {"fo", "Zm8="},
                {"foo", "Zm9v"},
                {"foob", "Zm9vYg=="},
                {"fooba", "Zm9vYmE="},
                {"foobar", "Zm9vYmFy"},
                {"\xfb\xff\xbf", "+/+/"},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_(buffer_done) Buffer text = BUFFER_NULL, bytes = BUFFER_NULL;

                base64_encode(&text, cases[i].bytes, strlen(cases[i].bytes));
                ck_assert_uint_eq(text.size, strlen(cases[i].text));
                ck_assert_mem_eq(text.data ?: "", cases[i].text, text.size);
                ck_assert_int_eq(base64_decode(&bytes, cases[i].text, strlen(cases[i].text)), 0);
                ck_assert_uint_eq(bytes.size, strlen(cases[i].bytes));
                ck_assert_mem_eq(bytes.data, cases[i].bytes, bytes.size);
        }
}
END_TEST

START_TEST(what_is_not_base64_is_refused)
{
        static const char *const bad[] = {
                "Z",     "Zg",    "Zg=",    "=",        "==",       "===",    "====", "Z===",     "Zm8=Zm8=",
                "Zm=v",  "=Zm9",  " Zm9v",  "Zm9v ",    "Zm9v\n",   "Zm9v\n   ", "Zm-_", "Zm9v\x80===",
                "Zg==Zg==", "Zm9*", "\xc3\xbc==",
        };

        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                _cleanup_(buffer_done) Buffer b = BUFFER_NULL;

                buffer_append_string(&b, "before");
                ck_assert_msg(base64_decode(&b, bad[i], strlen(bad[i])) == -EINVAL, "%s", bad[i]);
                ck_assert_str_eq(b.data, "before");
        }
}
END_TEST

START_TEST(any_bytes_come_back)
{
        FakeRandom dice;

        fake_random_init(&dice, 11);
        for (size_t size = 0; size < 300; size++) {
                _cleanup_free_ uint8_t *exact = malloc(MAX(size, (size_t)1));
                _cleanup_(buffer_done) Buffer text = BUFFER_NULL, bytes = BUFFER_NULL;

                for (size_t i = 0; i < size; i++)
                        exact[i] = (uint8_t)dice.random.draw(&dice);
                base64_encode(&text, exact, size);
                ck_assert_uint_eq(text.size, (size + 2) / 3 * 4);
                ck_assert_int_eq(base64_decode(&bytes, text.data, text.size), 0);
                ck_assert_uint_eq(bytes.size, size);
                ck_assert_mem_eq(bytes.data, exact, size);
        }
}
END_TEST

int main(void)
{
        Suite *s = suite_create("base/base64");
        TCase *c = suite_case(s, "bytes as text");

        tcase_add_test(c, the_vectors_of_the_rfc);
        tcase_add_test(c, any_bytes_come_back);
        tcase_add_test(c, what_is_not_base64_is_refused);
        return suite_run(s);
}
