/* SPDX-License-Identifier: Apache-2.0 */
#include "model/message.h"

#include <errno.h>
#include <string.h>

#include "fake-clock.h"
#include "suite.h"

static Message *sample(void)
{
        Message *m = calloc(1, sizeof(*m));

        m->content_type = strdup("application/json");
        m->correlation_id = strdup("c-1");
        ck_assert_int_eq(message_add_property(m, "k", "v"), 0);
        ck_assert_int_eq(message_add_property(m, "empty", ""), 0);
        ck_assert_int_eq(message_add_property(m, "k", "Gr\xc3\xbc\xc3\x9f" "e"), 0);
        buffer_append(&m->body, "{}\0\xff", 4);
        return m;
}

START_TEST(a_message_comes_back)
{
        _cleanup_(message_freep) Message *m = sample(), *back = NULL;
        _cleanup_(buffer_done) Buffer b = BUFFER_NULL;

        message_encode(m, &b);
        ck_assert_int_eq(message_decode(b.data, b.size, &back), 0);
        ck_assert_str_eq(back->content_type, "application/json");
        ck_assert_ptr_null(back->content_encoding);
        ck_assert_str_eq(back->correlation_id, "c-1");
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
        _cleanup_(message_freep) Message *m = calloc(1, sizeof(*m)), *back = NULL;
        _cleanup_(buffer_done) Buffer b = BUFFER_NULL;

        message_encode(m, &b);
        ck_assert_int_eq(message_decode(b.data, b.size, &back), 0);
        ck_assert_uint_eq(back->body.size, 0);
        ck_assert_uint_eq(back->n_properties, 0);
        ck_assert_ptr_null(back->content_type);
}
END_TEST

START_TEST(the_size_is_what_the_hub_counts)
{
        _cleanup_(message_freep) Message *m = sample();

        /* body 4, type 16, correlation 3, k v 2, empty 5, k Grüße 1 + 7 */
        ck_assert_uint_eq(message_size(m), 4 + 16 + 3 + 2 + 5 + 8);
        m->message_id = strdup("0123456789");
        ck_assert_uint_eq(message_size(m), 38 + 10);
        m->created_usec = 1;
        ck_assert_uint_eq(message_size(m), 48 + strlen("2026-01-01T00:00:00.000Z"));
        strcpy(m->component, "one");
        ck_assert_uint_eq(message_size(m), 51 + strlen("2026-01-01T00:00:00.000Z"));
}
END_TEST

/* Cut within the head: seen. Cut within the body: a shorter body, for the record's own length tells its end. */
START_TEST(every_truncation_is_judged)
{
        _cleanup_(message_freep) Message *m = sample();
        _cleanup_(buffer_done) Buffer b = BUFFER_NULL;
        size_t head;

        message_encode(m, &b);
        head = b.size - m->body.size;
        for (size_t size = 0; size <= b.size; size++) {
                _cleanup_free_ char *exact = malloc(MAX(size, (size_t)1));
                _cleanup_(message_freep) Message *back = NULL;

                memcpy(exact, b.data, size);
                ck_assert_int_eq(message_decode(exact, size, &back), size < head ? -EBADMSG : 0);
                if (back)
                        ck_assert_uint_eq(back->body.size, size - head);
        }
}
END_TEST

START_TEST(mutations_do_no_harm)
{
        _cleanup_(message_freep) Message *m = sample();
        _cleanup_(buffer_done) Buffer b = BUFFER_NULL;
        FakeRandom dice;

        message_encode(m, &b);
        fake_random_init(&dice, 22);
        for (int i = 0; i < 20000; i++) {
                size_t size = dice.random.draw(&dice) % (b.size + 1);
                _cleanup_free_ char *mutant = malloc(MAX(size, (size_t)1));
                _cleanup_(message_freep) Message *back = NULL;
                int r;

                memcpy(mutant, b.data, size);
                for (uint64_t k = dice.random.draw(&dice) % 4; size > 0 && k > 0; k--)
                        mutant[dice.random.draw(&dice) % size] = (char)dice.random.draw(&dice);
                r = message_decode(mutant, size, &back);
                ck_assert(r == 0 || r == -EBADMSG);
                ck_assert_int_eq(back != NULL, r == 0);
        }
}
END_TEST

int main(void)
{
        Suite *s = suite_create("model/message");
        TCase *c = suite_case(s, "round trip");

        tcase_add_test(c, a_message_comes_back);
        tcase_add_test(c, an_empty_message_comes_back);
        tcase_add_test(c, the_size_is_what_the_hub_counts);

        c = suite_case(s, "hostile bytes");
        tcase_add_test(c, every_truncation_is_judged);
        tcase_add_test(c, mutations_do_no_harm);
        return suite_run(s);
}
