/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buffer.h"

#include <errno.h>
#include <string.h>

#include "base/secret.h"
#include "suite.h"

START_TEST(pieces_are_joined_and_ended)
{
        _cleanup_(buffer_done) Buffer b = BUFFER_NULL;

        buffer_append(&b, "ab\0c", 4);
        buffer_append_char(&b, 'd');
        buffer_append_string(&b, "ef");
        buffer_printf(&b, "%d-%s", 17, "x");
        buffer_append(&b, NULL, 0);
        ck_assert_int_eq(buffer_error(&b), 0);
        ck_assert_uint_eq(b.size, 11);
        ck_assert_mem_eq(b.data, "ab\0cdef17-x", 12);
}
END_TEST

START_TEST(it_grows_to_any_size)
{
        _cleanup_(buffer_done) Buffer b = BUFFER_NULL;

        for (size_t i = 0; i < 100000; i++) {
                buffer_append_char(&b, (char)('a' + i % 26));
                ck_assert_uint_eq(b.size, i + 1);
                ck_assert_int_eq(b.data[b.size], 0);
        }
        for (size_t i = 0; i < 100000; i++)
                ck_assert_int_eq(b.data[i], (char)('a' + i % 26));
}
END_TEST

START_TEST(a_long_format_fits)
{
        _cleanup_(buffer_done) Buffer b = BUFFER_NULL;

        buffer_printf(&b, "%0500d", 1);
        buffer_printf(&b, "%0500d", 2);
        ck_assert_uint_eq(b.size, 1000);
        ck_assert_int_eq(b.data[499], '1');
        ck_assert_int_eq(b.data[999], '2');
}
END_TEST

START_TEST(want_of_memory_sticks)
{
        _cleanup_(buffer_done) Buffer b = BUFFER_NULL;

        buffer_append_string(&b, "kept");
        ck_assert_ptr_null(buffer_extend(&b, SIZE_MAX));
        ck_assert_int_eq(buffer_error(&b), -ENOMEM);
        buffer_append_string(&b, "lost");
        buffer_printf(&b, "%s", "lost");
        ck_assert_str_eq(b.data, "kept");
        buffer_truncate(&b, 1);
        ck_assert_int_eq(buffer_error(&b), -ENOMEM);
        ck_assert_ptr_null(buffer_steal(&b));
        buffer_clear(&b);
        ck_assert_int_eq(buffer_error(&b), 0);
        buffer_append_string(&b, "again");
        ck_assert_str_eq(b.data, "again");
}
END_TEST

START_TEST(truncating_goes_back_only)
{
        _cleanup_(buffer_done) Buffer b = BUFFER_NULL;

        buffer_append_string(&b, "before, after");
        buffer_truncate(&b, 6);
        ck_assert_str_eq(b.data, "before");
        buffer_truncate(&b, 10);
        ck_assert_uint_eq(b.size, 6);
        buffer_truncate(&b, 0);
        ck_assert_str_eq(b.data, "");
}
END_TEST

START_TEST(what_is_stolen_is_ours)
{
        Buffer b = BUFFER_NULL;
        char *text;

        text = buffer_steal(&b);
        ck_assert_str_eq(text, "");
        free(text);
        buffer_append_string(&b, "text");
        text = buffer_steal(&b);
        ck_assert_str_eq(text, "text");
        ck_assert_ptr_null(b.data);
        ck_assert_uint_eq(b.size, 0);
        free(text);
        buffer_done(&b);
}
END_TEST

START_TEST(secrets_are_let_go)
{
        _cleanup_(secret_freep) char *text = strdup("secret");
        Buffer b = BUFFER_NULL;

        ck_assert_ptr_null(secret_free(NULL));
        secret_buffer_done(&b);
        buffer_append_string(&b, "secret");
        secret_buffer_done(&b);
        ck_assert_ptr_null(b.data);
        text = secret_free(text);
        ck_assert_ptr_null(text);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("base/buffer");
        TCase *c = suite_case(s, "bytes that grow");

        tcase_add_test(c, pieces_are_joined_and_ended);
        tcase_add_test(c, it_grows_to_any_size);
        tcase_add_test(c, a_long_format_fits);
        tcase_add_test(c, want_of_memory_sticks);
        tcase_add_test(c, truncating_goes_back_only);
        tcase_add_test(c, what_is_stolen_is_ours);
        tcase_add_test(c, secrets_are_let_go);
        return suite_run(s);
}
