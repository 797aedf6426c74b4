/* SPDX-License-Identifier: Apache-2.0 */
#include "azure/percent.h"

#include <string.h>

#include "fake-clock.h"
#include "suite.h"

static char *encode(const char *s)
{
        Buffer b = BUFFER_NULL;

        percent_encode(&b, s);
        return buffer_steal(&b);
}

static char *decode(const char *s)
{
        Buffer b = BUFFER_NULL;

        percent_decode(&b, s, strlen(s));
        return buffer_steal(&b);
}

START_TEST(all_but_the_unreserved_is_encoded)
{
        static const struct {
                const char *plain;
                const char *encoded;
        } cases[] = {
                {"", ""},
                {"AZaz09-_.~", "AZaz09-_.~"},
                {"$.mid", "%24.mid"},
                {"application/json", "application%2Fjson"},
                {"a b+c", "a%20b%2Bc"},
                {"!'()*", "%21%27%28%29%2A"},
                {"k=v&k", "k%3Dv%26k"},
                {"#?%;:@,", "%23%3F%25%3B%3A%40%2C"},
                {"\xc3\xbc\xe2\x82\xac", "%C3%BC%E2%82%AC"},
                {"\x01\x7f", "%01%7F"},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_free_ char *encoded = encode(cases[i].plain), *back = decode(cases[i].encoded);

                ck_assert_str_eq(encoded, cases[i].encoded);
                ck_assert_str_eq(back, cases[i].plain);
        }
}
END_TEST

START_TEST(a_stray_percent_is_kept)
{
        static const struct {
                const char *text;
                const char *decoded;
        } cases[] = {
                {"%", "%"},
                {"%4", "%4"},
                {"100%", "100%"},
                {"%%41", "%A"},
                {"%zz", "%zz"},
                {"%4z%z4%41", "%4z%z4A"},
                {"%2b%2B", "++"},
                {"a+b", "a+b"}, /* never a blank */
                {"50%25", "50%"},
                {"%252F", "%2F"}, /* once, not twice */
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_free_ char *decoded = decode(cases[i].text);

                ck_assert_str_eq(decoded, cases[i].decoded);
        }
}
END_TEST

START_TEST(decoding_stops_at_the_size)
{
        static const char text[] = "a%41%42";

        for (size_t size = 0; size < sizeof(text); size++) {
                /* an exact copy, so that a look beyond its end is seen */
                _cleanup_free_ char *exact = malloc(MAX(size, (size_t)1));
                _cleanup_(buffer_done) Buffer b = BUFFER_NULL;

                memcpy(exact, text, size);
                percent_decode(&b, exact, size);
                ck_assert_int_eq(buffer_error(&b), 0);
                ck_assert_uint_le(b.size, size);
        }
}
END_TEST

START_TEST(any_bytes_come_back)
{
        FakeRandom dice;

        fake_random_init(&dice, 3);
        for (int i = 0; i < 5000; i++) {
                char plain[64];
                size_t n = dice.random.draw(&dice) % sizeof(plain);
                _cleanup_free_ char *encoded = NULL, *back = NULL;

                for (size_t k = 0; k < n; k++)
                        plain[k] = (char)(dice.random.draw(&dice) % 255 + 1);
                plain[n] = 0;
                encoded = encode(plain);
                back = decode(encoded);
                ck_assert_str_eq(back, plain);
        }
}
END_TEST

int main(void)
{
        Suite *s = suite_create("azure/percent");
        TCase *c = suite_case(s, "encoding and decoding");

        tcase_add_test(c, all_but_the_unreserved_is_encoded);
        tcase_add_test(c, any_bytes_come_back);

        c = suite_case(s, "hostile input");
        tcase_add_test(c, a_stray_percent_is_kept);
        tcase_add_test(c, decoding_stops_at_the_size);
        return suite_run(s);
}
