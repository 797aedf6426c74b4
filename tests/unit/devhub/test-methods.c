/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/hub/methods.h"

#include <errno.h>
#include <string.h>

#include "suite.h"

#define SEC USEC_PER_SEC

/* Devices that listen, and what they were sent; callers, and what they were told. */
typedef struct World {
        Methods *methods;
        const char *listening[4]; /* "d" or "d/m" */
        Buffer sent;              /* "d reboot 1 {...}\n" */
        Buffer told;              /* "a 200 {...}\n" */
        MethodErrand *again;        /* called from within an outcome */
        bool call_again;
} World;

static World w;

static void name_of(const char *device_id, const char *module_id, Buffer *b)
{
        buffer_printf(b, "%s%s%s", device_id, module_id ? "/" : "", module_id ? module_id : "");
}

static int send_it(void *userdata, const char *device_id, const char *module_id, const char *name, const char *rid,
                   const char *payload, size_t size)
{
        _cleanup_(buffer_done) Buffer who = BUFFER_NULL;

        ck_assert_ptr_eq(userdata, &w);
        name_of(device_id, module_id, &who);
        for (size_t i = 0; i < ARRAY_SIZE(w.listening); i++) {
                if (!w.listening[i] || strcmp(w.listening[i], who.data) != 0)
                        continue;
                buffer_printf(&w.sent, "%s %s %s %.*s\n", who.data, name, rid, (int)size, size ? payload : "");
                return 0;
        }
        return -ENOTCONN;
}

static void setup(void)
{
        MethodsSink sink = {send_it, &w};

        w = (World){};
        ck_assert_int_eq(methods_new(&w.methods, &sink, 1), 0);
}

static void teardown(void)
{
        methods_free(w.methods);
        buffer_done(&w.sent);
        buffer_done(&w.told);
}

static const char *const outcomes[] = {
        [METHOD_ANSWERED] = "answered",   [METHOD_NOT_ONLINE] = "not-online",
        [METHOD_TIMED_OUT] = "timed-out", [METHOD_FORGOTTEN] = "forgotten",
        [METHOD_ANSWER_TOO_LARGE] = "too-large", [METHOD_ANSWER_MALFORMED] = "malformed",
};

static void on_done(void *userdata, const MethodResult *result);

static MethodErrand *call(const char *who, const char *device_id, const char *module_id, usec_t connect_usec,
                        usec_t response_usec, usec_t now)
{
        MethodRequest request = {
                .device_id = device_id,
                .module_id = module_id,
                .name = "reboot",
                .payload = "{\"x\":1}",
                .payload_size = 7,
                .connect_timeout_usec = connect_usec,
                .response_timeout_usec = response_usec,
        };
        MethodErrand *made = NULL;

        ck_assert_int_eq(methods_call(w.methods, &request, on_done, (void *)who, now, &made), 0);
        return made;
}

static void on_done(void *userdata, const MethodResult *result)
{
        buffer_printf(&w.told, "%s %s", (const char *)userdata, outcomes[result->outcome]);
        if (result->outcome == METHOD_ANSWERED)
                buffer_printf(&w.told, " %d %.*s", result->status, (int)result->payload_size, result->payload);
        buffer_append_char(&w.told, '\n');
        if (w.call_again) {
                w.call_again = false;
                w.again = call("again", "d", NULL, 0, 5 * SEC, 0);
        }
}

static bool answer(const char *device_id, const char *module_id, const char *rid, int status, const char *payload)
{
        usec_t left;

        return methods_answer(w.methods, device_id, module_id, rid, strlen(rid), status, payload, strlen(payload),
                              0, &left);
}

static void check(Buffer *b, const char *expected)
{
        ck_assert_str_eq(b->size > 0 ? b->data : "", expected);
        buffer_clear(b);
}

START_TEST(an_answer_comes_back_once)
{
        w.listening[0] = "d";
        ck_assert_ptr_nonnull(call("a", "d", NULL, 0, 30 * SEC, 0));
        check(&w.sent, "d reboot 1 {\"x\":1}\n");
        check(&w.told, "");
        ck_assert(answer("d", NULL, "1", 200, "{\"ok\":true}"));
        check(&w.told, "a answered 200 {\"ok\":true}\n");
        ck_assert(!answer("d", NULL, "1", 200, "{\"ok\":true}"));
        check(&w.told, "");
        ck_assert_uint_eq(methods_n_under_way(w.methods), 0);
        ck_assert_uint_eq(methods_deadline(w.methods), USEC_INFINITY);
}
END_TEST

START_TEST(any_status_and_an_empty_answer_are_answers)
{
        w.listening[0] = "d";
        (void)call("a", "d", NULL, 0, 30 * SEC, 0);
        (void)call("b", "d", NULL, 0, 30 * SEC, 0);
        (void)call("c", "d", NULL, 0, 30 * SEC, 0);
        ck_assert(answer("d", NULL, "3", -1, ""));
        ck_assert(answer("d", NULL, "1", 0, "null"));
        ck_assert(answer("d", NULL, "2", 2147483647, " [1] "));
        check(&w.told, "c answered -1 \na answered 0 null\nb answered 2147483647  [1] \n");
}
END_TEST

START_TEST(trap_33_a_device_that_does_not_listen_is_not_online)
{
        ck_assert_ptr_null(call("a", "d", NULL, 0, 30 * SEC, 0));
        check(&w.told, "a not-online\n");
        check(&w.sent, "");
        ck_assert_uint_eq(methods_n_under_way(w.methods), 0);
}
END_TEST

START_TEST(a_call_may_wait_for_the_device)
{
        ck_assert_ptr_nonnull(call("a", "d", NULL, 10 * SEC, 30 * SEC, 0));
        ck_assert_ptr_nonnull(call("b", "d", NULL, 10 * SEC, 30 * SEC, 1));
        ck_assert_ptr_nonnull(call("c", "d", "m", 10 * SEC, 30 * SEC, 1));
        ck_assert_uint_eq(methods_deadline(w.methods), 10 * SEC);
        methods_tick(w.methods, 10 * SEC - 1);
        check(&w.told, "");
        methods_listening(w.methods, "d", NULL, 8 * SEC); /* so it is said, but it is not so */
        check(&w.sent, "");
        w.listening[0] = "d";
        methods_listening(w.methods, "d", NULL, 9 * SEC);
        check(&w.sent, "d reboot 1 {\"x\":1}\nd reboot 2 {\"x\":1}\n");
        /* the response time counts from there */
        methods_tick(w.methods, 10 * SEC + 1);
        check(&w.told, "c not-online\n");
        ck_assert_uint_eq(methods_deadline(w.methods), 39 * SEC);
        methods_listening(w.methods, "d", NULL, 11 * SEC); /* once is enough */
        check(&w.sent, "");
        ck_assert(answer("d", NULL, "2", 200, "1"));
        methods_tick(w.methods, 39 * SEC);
        check(&w.told, "b answered 200 1\na timed-out\n");
}
END_TEST

START_TEST(a_connect_time_out_is_not_online)
{
        (void)call("a", "d", NULL, 10 * SEC, 5 * SEC, 100);
        methods_tick(w.methods, 10 * SEC + 99);
        check(&w.told, "");
        methods_tick(w.methods, 10 * SEC + 100);
        check(&w.told, "a not-online\n");
}
END_TEST

START_TEST(a_response_time_out_drops_the_late_answer)
{
        w.listening[0] = "d";
        (void)call("a", "d", NULL, 300 * SEC, 5 * SEC, 0);
        methods_tick(w.methods, 5 * SEC - 1);
        check(&w.told, "");
        methods_tick(w.methods, 5 * SEC);
        check(&w.told, "a timed-out\n");
        ck_assert(!answer("d", NULL, "1", 200, "1"));
        check(&w.told, "");
}
END_TEST

START_TEST(an_answer_is_for_its_own_device)
{
        w.listening[0] = "d";
        w.listening[1] = "d/m";
        w.listening[2] = "e";
        (void)call("a", "d", NULL, 0, 30 * SEC, 0);
        (void)call("b", "d", "m", 0, 30 * SEC, 0);
        (void)call("c", "e", NULL, 0, 30 * SEC, 0);
        ck_assert(!answer("e", NULL, "1", 200, "1"));
        ck_assert(!answer("d", "m", "1", 200, "1"));
        ck_assert(!answer("d", NULL, "2", 200, "1"));
        ck_assert(!answer("d", NULL, "01", 200, "1"));
        ck_assert(!answer("d", NULL, "11", 200, "1"));
        ck_assert(!answer("d", NULL, "", 200, "1"));
        ck_assert(answer("d", "m", "2", 200, "1"));
        ck_assert(answer("e", NULL, "3", 200, "1"));
        check(&w.told, "b answered 200 1\nc answered 200 1\n");
}
END_TEST

START_TEST(a_call_that_was_not_sent_cannot_be_answered)
{
        (void)call("a", "d", NULL, 10 * SEC, 5 * SEC, 0);
        ck_assert(!answer("d", NULL, "1", 200, "1"));
        check(&w.told, "");
}
END_TEST

START_TEST(answers_have_a_size_and_a_form)
{
        _cleanup_(buffer_done) Buffer big = BUFFER_NULL;

        w.listening[0] = "d";
        for (int i = 0; i < 3; i++)
                (void)call("a", "d", NULL, 0, 30 * SEC, 0);
        buffer_append_char(&big, '"');
        while (big.size < METHOD_PAYLOAD_MAX - 1)
                buffer_append_char(&big, 'x');
        buffer_append_string(&big, "\"");
        ck_assert_uint_eq(big.size, METHOD_PAYLOAD_MAX);
        ck_assert(answer("d", NULL, "1", 200, big.data));
        ck_assert_uint_gt(w.told.size, METHOD_PAYLOAD_MAX);
        buffer_clear(&w.told);
        buffer_append_char(&big, ' ');
        ck_assert(answer("d", NULL, "2", 200, big.data));
        ck_assert(answer("d", NULL, "3", 200, "{oops"));
        check(&w.told, "a too-large\na malformed\n");
}
END_TEST

START_TEST(who_has_gone_is_told_nothing)
{
        MethodErrand *a, *b;

        w.listening[0] = "d";
        a = call("a", "d", NULL, 0, 30 * SEC, 0);
        b = call("b", "e", NULL, 10 * SEC, 30 * SEC, 0);
        methods_cancel(w.methods, a);
        methods_cancel(w.methods, b);
        ck_assert(!answer("d", NULL, "1", 200, "1"));
        methods_tick(w.methods, 1000 * SEC);
        check(&w.told, "");
        ck_assert_uint_eq(methods_n_under_way(w.methods), 0);
}
END_TEST

START_TEST(a_deleted_identity_ends_its_calls)
{
        w.listening[0] = "d";
        (void)call("a", "d", NULL, 0, 30 * SEC, 0);
        (void)call("b", "d", "m", 10 * SEC, 30 * SEC, 0);
        (void)call("c", "e", NULL, 10 * SEC, 30 * SEC, 0);
        (void)call("f", "d", "n", 10 * SEC, 30 * SEC, 0);
        methods_forget(w.methods, "d", "m");
        check(&w.told, "b forgotten\n");
        methods_forget(w.methods, "d", NULL);
        check(&w.told, "a forgotten\nf forgotten\n");
        ck_assert_uint_eq(methods_n_under_way(w.methods), 1);
}
END_TEST

START_TEST(an_outcome_may_call_anew)
{
        w.listening[0] = "d";
        (void)call("a", "d", NULL, 0, 5 * SEC, 0);
        w.call_again = true;
        methods_tick(w.methods, 5 * SEC); /* the new one, of time 0, is due at once */
        check(&w.told, "a timed-out\nagain timed-out\n");
}
END_TEST

START_TEST(many_are_under_way_at_once)
{
        MethodRequest request = {.device_id = "d", .name = "n", .response_timeout_usec = SEC};
        MethodErrand *one;

        w.listening[0] = "d";
        for (int i = 0; i < METHODS_MAX; i++)
                insist(call("a", "d", NULL, 0, 30 * SEC + (usec_t)i, 0));
        ck_assert_int_eq(methods_call(w.methods, &request, on_done, NULL, 0, &one), METHODS_E_TOO_MANY);
        ck_assert_ptr_null(one);
        check(&w.told, "");
        methods_tick(w.methods, 30 * SEC + METHODS_MAX / 2);
        ck_assert_uint_eq(methods_n_under_way(w.methods), METHODS_MAX / 2 - 1);
        ck_assert_uint_eq(methods_deadline(w.methods), 30 * SEC + METHODS_MAX / 2 + 1);
        ck_assert(answer("d", NULL, "1000", 200, "1")); /* hexadecimal: the last */
}
END_TEST

START_TEST(names_are_checked)
{
        static const char *const good[] = {"a", "reboot", "Re-Boot_2.0", "a!b*c'd~e&f%g^h|i`j", "0"};
        static const char bad[] = "$()<>@,;:\\\"/[]?={}+# \t\n\x7f\x80";
        char name[] = "axb";

        for (size_t i = 0; i < ARRAY_SIZE(good); i++)
                ck_assert_msg(method_name_is_valid(good[i]), "%s", good[i]);
        ck_assert(!method_name_is_valid(""));
        for (size_t i = 0; i < sizeof(bad) - 1; i++) {
                name[1] = bad[i];
                ck_assert_msg(!method_name_is_valid(name), "%s", name);
        }
}
END_TEST

int main(void)
{
        Suite *s = suite_create("devhub/methods");
        TCase *c = suite_case(s, "answers");

        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_test(c, an_answer_comes_back_once);
        tcase_add_test(c, any_status_and_an_empty_answer_are_answers);
        tcase_add_test(c, an_answer_is_for_its_own_device);
        tcase_add_test(c, a_call_that_was_not_sent_cannot_be_answered);
        tcase_add_test(c, answers_have_a_size_and_a_form);

        c = suite_case(s, "time");
        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_test(c, trap_33_a_device_that_does_not_listen_is_not_online);
        tcase_add_test(c, a_call_may_wait_for_the_device);
        tcase_add_test(c, a_connect_time_out_is_not_online);
        tcase_add_test(c, a_response_time_out_drops_the_late_answer);
        tcase_add_test(c, an_outcome_may_call_anew);

        c = suite_case(s, "ends");
        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_test(c, who_has_gone_is_told_nothing);
        tcase_add_test(c, a_deleted_identity_ends_its_calls);
        tcase_add_test(c, many_are_under_way_at_once);

        c = suite_case(s, "names");
        tcase_add_test(c, names_are_checked);
        return suite_run(s);
}
