/* SPDX-License-Identifier: Apache-2.0 */

/* What somebody gives to setup: is it what it should be, and what becomes of it. */

#include "ctl/access.h"

#include <errno.h>
#include <string.h>

#include "suite.h"

#define KEY "c2VjcmV0LWtleQ=="

static Access made(AccessKind kind, const char *text)
{
        Access a = {.kind = kind, .id_scope = "0ne00000000", .registration_id = "gw-17"};

        buffer_append(&a.secret, text, strlen(text));
        return a;
}

static void expect(Access a, int result, const char *words)
{
        const char *why = "";

        ck_assert_int_eq(access_check(&a, &why), result);
        why = why ?: ""; /* all is well */
        ck_assert_msg(strstr(why, words), "%s", why);
        ck_assert_ptr_null(strstr(why, "c2Vj"));
        access_done(&a);
}

START_TEST(what_is_a_connection_string)
{
        static const struct {
                const char *text;
                int result;
                const char *words;
        } cases[] = {
                {"HostName=h.example;DeviceId=d;SharedAccessKey=" KEY, 0, ""},
                {" \r\n\tHostName=h.example;DeviceId=d;SharedAccessKey=" KEY "\r\n\n", 0, ""},
                {"HostName=h.example;SharedAccessKeyName=owner;SharedAccessKey=" KEY, -EINVAL, "DeviceId"},
                {"HostName=h.example;DeviceId=d;x509=true", -EINVAL, "SharedAccessKey"},
                {"c2VjcmV0", -EINVAL, ""},
                {" \n", -EINVAL, ""},
                {"", -EINVAL, ""},
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
                expect(made(ACCESS_CONNECTION_STRING, cases[i].text), cases[i].result, cases[i].words);
}
END_TEST

START_TEST(blanks_around_it_go)
{
        Access a = made(ACCESS_KEY, "\n  " KEY " \r\n");
        const char *why;

        ck_assert_int_eq(access_check(&a, &why), 0);
        ck_assert_str_eq(a.secret.data, KEY);
        ck_assert_uint_eq(a.secret.size, strlen(KEY));
        access_done(&a);
}
END_TEST

#define STRING "HostName=h.example;DeviceId=d'e;SharedAccessKey=" KEY

START_TEST(what_is_around_it_where_it_was_copied_from_goes)
{
        static const char *const texts[] = {
                "'" STRING "'", "\"" STRING "\"\n", "\xef\xbb\xbf" STRING "\r\n", "\xef\xbb\xbf\"" STRING "\"",
                "connectionString: " STRING, "connectionString: '" STRING "'\n",
                "{\n  \"connectionString\": \"" STRING "\"\n}\n", "{\"connectionString\":\"" STRING "\",\"x\":\"y\"}",
        };
        static const char *const keys[] = {"\"" KEY "\"", "\xef\xbb\xbf" KEY "\r\n", "'" KEY "'\n"};
        const char *why;

        for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
                Access a = made(ACCESS_CONNECTION_STRING, texts[i]);

                ck_assert_int_eq(access_check(&a, &why), 0);
                ck_assert_str_eq(a.secret.data, STRING);
                access_done(&a);
        }
        for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
                Access a = made(ACCESS_KEY, keys[i]);

                ck_assert_int_eq(access_check(&a, &why), 0);
                ck_assert_str_eq(a.secret.data, KEY);
                access_done(&a);
        }
}
END_TEST

START_TEST(what_belongs_to_it_stays)
{
        static const char *const texts[] = {
                "GatewayHostName=g.example;" STRING,
                ("DeviceId=d;HostName=h.example;SharedAccessKey=" KEY), "\"", "\"\"", "HostName=",
                "x HostName=\"",
        };
        const char *why;

        for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
                Access a = made(ACCESS_CONNECTION_STRING, texts[i]);

                (void)access_check(&a, &why);
                if (i < 2)
                        ck_assert_str_eq(a.secret.data, texts[i]);
                access_done(&a);
        }
}
END_TEST

START_TEST(what_is_a_key)
{
        for (int kind = ACCESS_KEY; kind < _ACCESS_KIND_MAX; kind++) {
                expect(made((AccessKind)kind, KEY), 0, "");
                expect(made((AccessKind)kind, "no key"), -EINVAL, "base64");
                expect(made((AccessKind)kind, ""), -EINVAL, "base64");
        }
}
END_TEST

/* Nothing that could end the quotes in which they stand. */
START_TEST(what_is_an_id)
{
        static const char *const bad[] = {"", "a\"b", "a b", "a\\b", "a\nb", "a;b", "\xc3\xa4", NULL};
        static const char *const ends[] = {"gw.", "gw_", "gw:"};
        char longest[130];

        memset(longest, 'a', 129);
        longest[129] = 0;
        for (size_t i = 0; i < 3; i++) {
                Access a = made(ACCESS_KEY, KEY);

                a.registration_id = ends[i];
                expect(a, -EINVAL, "end");
        }
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
                Access a = made(ACCESS_KEY, KEY), b = made(ACCESS_KEY, KEY);

                a.id_scope = bad[i];
                expect(a, -EINVAL, "id scope");
                b.registration_id = bad[i];
                expect(b, -EINVAL, "registration id");
        }
        for (int more = 1; more >= 0; more--) {
                Access a = made(ACCESS_KEY, KEY);

                a.registration_id = longest + !more;
                expect(a, more ? -EINVAL : 0, more ? "128" : "");
        }
}
END_TEST

START_TEST(no_text_or_too_long)
{
        Access a = made(ACCESS_KEY, KEY), b = {.kind = ACCESS_CONNECTION_STRING};

        buffer_append(&a.secret, "\0", 1);
        expect(a, -EINVAL, "no text");
        for (size_t i = 0; i <= ACCESS_SECRET_MAX; i++)
                buffer_append_char(&b.secret, 'a');
        expect(b, -EINVAL, "too long");
}
END_TEST

/* With the name of the credential for each @. */
static void expect_lines(const Buffer *b, const char *lines, const char *name)
{
        _cleanup_(buffer_done) Buffer wanted = BUFFER_NULL;

        for (const char *p = lines; *p; p++)
                if (*p == '@')
                        buffer_append_string(&wanted, name);
                else
                        buffer_append_char(&wanted, *p);
        ck_assert_msg(strstr(b->data, wanted.data), "no %s in %s", wanted.data, b->data);
}

START_TEST(what_becomes_of_it)
{
        static const char *const settings[] = {
                NULL, "registration_id = \"gw-17\"; key_file = \"dps.key\"; }; };\n",
                "hub: { dps: { id_scope = \"0ne00000000\"; registration_id = \"gw-17\"; group_key_file = \"group.key\"; }; };\n"};
        static const char *const names[] = {"device.cs", "dps.key", "group.key"};

        for (int kind = 0; kind < _ACCESS_KIND_MAX; kind++) {
                Access a = made((AccessKind)kind, KEY);
                Buffer b = BUFFER_NULL;

                access_put_settings(&a, &b);
                if (settings[kind])
                        ck_assert_msg(strstr(b.data, settings[kind]), "%s", b.data);
                else
                        ck_assert_uint_eq(b.size, 0);
                ck_assert(b.size == 0 || !strstr(b.data, KEY));
                buffer_done(&b);
                b = BUFFER_NULL;
                access_put_unit((AccessKind)kind, "/p", false, "0f", &b);
                expect_lines(&b, "\n[Service]\nLoadCredential=@:/p\nSetCredential=@:unopened\n", names[kind]);
                ck_assert_ptr_null(strstr(b.data, "hublink-credential"));
                ck_assert_ptr_nonnull(strstr(b.data, "\nEnvironment=HUBLINK_CREDENTIAL_ID=0f\n"));
                buffer_clear(&b);
                access_put_unit((AccessKind)kind, "/p", true, "0f", &b);
                expect_lines(&b, "\nLoadCredential=@:/run/hublink-credential-@/opened\nSetCredential=@:unopened\n",
                             names[kind]);
                /* which would keep hublinkd from starting where it cannot be opened */
                ck_assert_ptr_null(strstr(b.data, "LoadCredentialEncrypted"));
                ck_assert_ptr_nonnull(strstr(b.data, "\nWants=hublink-credential@"));
                ck_assert_ptr_nonnull(strstr(b.data, "\nAfter=hublink-credential@"));
                buffer_done(&b);
                access_done(&a);
        }
}
END_TEST

int main(void)
{
        Suite *s = suite_create("ctl/access");
        TCase *c = suite_case(s, "what opens the hub");

        tcase_add_test(c, what_is_a_connection_string);
        tcase_add_test(c, blanks_around_it_go);
        tcase_add_test(c, what_is_around_it_where_it_was_copied_from_goes);
        tcase_add_test(c, what_belongs_to_it_stays);
        tcase_add_test(c, what_is_a_key);
        tcase_add_test(c, what_is_an_id);
        tcase_add_test(c, no_text_or_too_long);
        tcase_add_test(c, what_becomes_of_it);
        return suite_run(s);
}
