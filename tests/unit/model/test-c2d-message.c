/* SPDX-License-Identifier: Apache-2.0 */
#include "model/c2d-message.h"

#include <errno.h>
#include <string.h>

#include "suite.h"

static C2dMessage *sample(void)
{
        C2dMessage *m = calloc(1, sizeof(*m));

        m->message_id = strdup("order-17");
        m->correlation_id = strdup("");
        m->content_type = strdup("application/json");
        m->created_usec = 1763647200123000;
        m->expiry_usec = 1763647260000000;
        ck_assert_int_eq(c2d_message_add_property(m, "k", "v"), 0);
        ck_assert_int_eq(c2d_message_add_property(m, "empty", ""), 0);
        ck_assert_int_eq(c2d_message_add_property(m, "k", "Gr\xc3\xbc\xc3\x9f" "e"), 0);
        buffer_append(&m->body, "{}\0\xff", 4);
        return m;
}

START_TEST(a_message_comes_back)
{
        _cleanup_(c2d_message_freep) C2dMessage *m = sample(), *back = NULL;
        _cleanup_(buffer_done) Buffer b = BUFFER_NULL;

        c2d_message_encode(m, &b);
        ck_assert_int_eq(c2d_message_decode(b.data, b.size, &back), 0);
        ck_assert_str_eq(back->message_id, "order-17");
        ck_assert_str_eq(back->correlation_id, "");
        ck_assert_ptr_null(back->user_id);
        ck_assert_str_eq(back->content_type, "application/json");
        ck_assert_ptr_null(back->content_encoding);
        ck_assert_uint_eq(back->created_usec, m->created_usec);
        ck_assert_uint_eq(back->expiry_usec, m->expiry_usec);
        ck_assert_uint_eq(back->n_properties, 3);
        for (size_t i = 0; i < 3; i++) {
                ck_assert_str_eq(back->properties[i].name, m->properties[i].name);
                ck_assert_str_eq(back->properties[i].value, m->properties[i].value);
        }
        ck_assert_uint_eq(back->body.size, 4);
        ck_assert_mem_eq(back->body.data, m->body.data, 4);
}
END_TEST

START_TEST(an_empty_message_comes_back)
{
        _cleanup_(c2d_message_freep) C2dMessage *m = calloc(1, sizeof(*m)), *back = NULL;
        _cleanup_(buffer_done) Buffer b = BUFFER_NULL;

        c2d_message_encode(m, &b);
        ck_assert_int_eq(c2d_message_decode(b.data, b.size, &back), 0);
        ck_assert_ptr_null(back->message_id);
        ck_assert_uint_eq(back->n_properties, 0);
        ck_assert_uint_eq(back->body.size, 0);
        ck_assert_uint_eq(c2d_message_size(back), 0);
}
END_TEST

START_TEST(the_size_is_of_all_texts_and_the_body)
{
        _cleanup_(c2d_message_freep) C2dMessage *m = sample();

        /* id 8, type 16, k v 2, empty 5, k Grüße 1 + 7, body 4 */
        ck_assert_uint_eq(c2d_message_size(m), 8 + 16 + 2 + 5 + 8 + 4);
        m->user_id = strdup("ann");
        ck_assert_uint_eq(c2d_message_size(m), 43 + 3);
}
END_TEST

/* Cut within the head: seen. Cut within the body: a shorter body, for the record's own length tells its end. */
START_TEST(every_truncation_is_judged)
{
        _cleanup_(c2d_message_freep) C2dMessage *m = sample();
        _cleanup_(buffer_done) Buffer b = BUFFER_NULL;

        c2d_message_encode(m, &b);
        for (size_t size = 0; size <= b.size; size++) {
                _cleanup_free_ char *exact = malloc(MAX(size, (size_t)1));
                _cleanup_(c2d_message_freep) C2dMessage *back = NULL;
                int r;

                memcpy(exact, b.data, size);
                r = c2d_message_decode(exact, size, &back);
                insist(r == (size < b.size - m->body.size ? -EBADMSG : 0));
        }
}
END_TEST

START_TEST(what_nobody_wrote_is_refused)
{
        _cleanup_(c2d_message_freep) C2dMessage *m = sample(), *back = NULL;
        _cleanup_(buffer_done) Buffer b = BUFFER_NULL;

        c2d_message_encode(m, &b);
        for (int version = 0; version < 256; version++) {
                b.data[0] = (char)version;
                ck_assert_int_eq(c2d_message_decode(b.data, b.size, &back), version == 1 ? 0 : -EBADMSG);
                back = c2d_message_free(back);
        }
        b.data[0] = 1;
        b.data[1] = 1;
        ck_assert_int_eq(c2d_message_decode(b.data, b.size, &back), -EBADMSG);
        b.data[1] = 0;
        b.data[20] = 'x'; /* a member begins with its mark, or is absent */
        ck_assert_int_eq(c2d_message_decode(b.data, b.size, &back), -EBADMSG);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("model/c2d-message");
        TCase *c = suite_case(s, "the record");

        tcase_add_test(c, a_message_comes_back);
        tcase_add_test(c, an_empty_message_comes_back);
        tcase_add_test(c, the_size_is_of_all_texts_and_the_body);
        tcase_add_test(c, every_truncation_is_judged);
        tcase_add_test(c, what_nobody_wrote_is_refused);
        return suite_run(s);
}
