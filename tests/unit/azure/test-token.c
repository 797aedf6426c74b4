/* SPDX-License-Identifier: Apache-2.0 */
#include "azure/token.h"

#include <errno.h>
#include <string.h>

#include "azure/percent.h"
#include "base/base64.h"
#include "fake-clock.h"
#include "suite.h"

#define KEY    "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=" /* 32 times k */
#define EXPIRY 1900000000

/* What other implementations made of the same key and expiry. */
static const struct {
        const char *resource;
        const char *raw_resource;
        const char *signature;
        bool ours; /* the spelling that token_make() chooses */
} vectors[] = {
        {"devhub.example.net/devices/dev1", "devhub.example.net%2Fdevices%2Fdev1",
         "LeFdUtZaeX/nCViW038Ycapx0nMmKnFIe7oaRPiX9KU=", true},
        {"devhub.example.net/devices/dev1", "devhub.example.net%2fdevices%2fdev1",
         "JD53eKQeyM02+lNP1fJVg+SOBKC7IHu3Aj9a1gBfXyQ=", false},
        {"devhub.example.net/devices/dev1/modules/mod1", "devhub.example.net%2Fdevices%2Fdev1%2Fmodules%2Fmod1",
         "IyRgNCFKvkGk6sOnuRlMxjgUlvN48G2gW8qVKQMlFNw=", true},
        {"devhub.example.net", "devhub.example.net", "V0HpsKvmOiuVxoVQbV5fJRwb/84PQeTy1bdthTwlfEM=", true},
        {"0ne00000A/registrations/dev1", "0ne00000A%2Fregistrations%2Fdev1",
         "nffZHQ8/J8eDmawsSkUbrvfXzM2e5Fsh6X37233j6yA=", true},
        {"0ne00000A/registrations/dev1", "0ne00000A/registrations/dev1",
         "l1iD+vUWkKi0HdjQl6kPjZXnI8/5n82wA7X57i4jHak=", false},
};

static char *make(const char *resource, const char *policy)
{
        Buffer b = BUFFER_NULL;

        ck_assert_int_eq(token_make(&b, KEY, resource, policy, EXPIRY), 0);
        return buffer_steal(&b);
}

static char *format(const char *raw_resource, const char *signature)
{
        Buffer b = BUFFER_NULL;

        buffer_printf(&b, "SharedAccessSignature sr=%s&sig=", raw_resource);
        percent_encode(&b, signature);
        buffer_printf(&b, "&se=%d", EXPIRY);
        return buffer_steal(&b);
}

START_TEST(vectors_are_made)
{
        for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
                _cleanup_free_ char *wanted = format(vectors[i].raw_resource, vectors[i].signature);
                _cleanup_free_ char *made = make(vectors[i].resource, NULL);

                if (vectors[i].ours)
                        ck_assert_str_eq(made, wanted);
        }
}
END_TEST

START_TEST(vectors_are_verified)
{
        for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
                _cleanup_free_ char *text = format(vectors[i].raw_resource, vectors[i].signature);
                _cleanup_(token_done) Token t = {};

                ck_assert_int_eq(token_parse(text, &t), 0);
                ck_assert_str_eq(t.raw_resource, vectors[i].raw_resource);
                ck_assert_str_eq(t.resource, vectors[i].resource);
                ck_assert_str_eq(t.signature, vectors[i].signature);
                ck_assert_ptr_null(t.policy);
                ck_assert_uint_eq(t.expiry, EXPIRY);
                ck_assert(token_is_signed_by(&t, KEY));
        }
}
END_TEST

/* Beyond what 32 bits hold of seconds, signed and unsigned. */
START_TEST(an_expiry_may_be_far_away)
{
        static const uint64_t expiries[] = {2147483647, 2147483648, 4294967296, 253402300799};

        for (size_t i = 0; i < ARRAY_SIZE(expiries); i++) {
                _cleanup_(buffer_done) Buffer b = BUFFER_NULL;
                char *text;
                Token t;

                ck_assert_int_eq(token_make(&b, KEY, "devhub.example.net/devices/dev1", NULL, expiries[i]), 0);
                text = buffer_steal(&b);
                ck_assert_int_eq(token_parse(text, &t), 0);
                ck_assert_uint_eq(t.expiry, expiries[i]);
                ck_assert(token_is_signed_by(&t, KEY));
                token_done(&t);
                free(text);
        }
}
END_TEST

START_TEST(fields_come_in_any_order)
{
        static const char *const tokens[] = {
                "SharedAccessSignature sr=devhub.example.net&sig=V0HpsKvmOiuVxoVQbV5fJRwb%2F84PQeTy1bdthTwlfEM%3D&"
                "se=1900000000&skn=iothubowner",
                "SharedAccessSignature sr=devhub.example.net&sig=V0HpsKvmOiuVxoVQbV5fJRwb%2f84PQeTy1bdthTwlfEM%3d&"
                "skn=iothubowner&se=1900000000",
                /* the Python service SDK leaves the slash of the signature as it is */
                "SharedAccessSignature sig=V0HpsKvmOiuVxoVQbV5fJRwb/84PQeTy1bdthTwlfEM%3D&se=1900000000&"
                "skn=iothubowner&sr=devhub.example.net",
                "SharedAccessSignature skn=iothubowner&x=1&se=1900000000&"
                "sig=V0HpsKvmOiuVxoVQbV5fJRwb/84PQeTy1bdthTwlfEM=&sr=devhub.example.net",
        };

        for (size_t i = 0; i < ARRAY_SIZE(tokens); i++) {
                _cleanup_(token_done) Token t = {};

                ck_assert_int_eq(token_parse(tokens[i], &t), 0);
                ck_assert_str_eq(t.policy, "iothubowner");
                ck_assert(token_is_signed_by(&t, KEY));
        }
}
END_TEST

START_TEST(an_empty_policy_is_none)
{
        _cleanup_(token_done) Token t = {};

        ck_assert_int_eq(token_parse("SharedAccessSignature sr=h&sig=s&se=1&skn=", &t), 0);
        ck_assert_ptr_null(t.policy);
}
END_TEST

START_TEST(policy_is_encoded)
{
        _cleanup_free_ char *text = make("hub.example.net", "a&b=c d");
        _cleanup_(token_done) Token t = {};

        ck_assert_ptr_nonnull(strstr(text, "&skn=a%26b%3Dc%20d"));
        ck_assert_int_eq(token_parse(text, &t), 0);
        ck_assert_str_eq(t.policy, "a&b=c d");
        ck_assert(token_is_signed_by(&t, KEY));
}
END_TEST

START_TEST(a_foreign_signature_is_refused)
{
        _cleanup_free_ char *text = make("hub.example.net/devices/d", NULL);
        _cleanup_(token_done) Token t = {};

        ck_assert_int_eq(token_parse(text, &t), 0);
        ck_assert(token_is_signed_by(&t, KEY));
        ck_assert(!token_is_signed_by(&t, "bGxsbGxsbGxsbGxsbGxsbGxsbGxsbGxsbGxsbGxsbGw="));
        ck_assert(!token_is_signed_by(&t, "not base64"));
        ck_assert(!token_is_signed_by(&t, ""));
        t.expiry++;
        ck_assert(!token_is_signed_by(&t, KEY));
        t.expiry--;
        t.raw_resource[0] ^= 1;
        ck_assert(!token_is_signed_by(&t, KEY));
        t.raw_resource[0] ^= 1;
        ck_assert(token_is_signed_by(&t, KEY));
        t.signature[4] = 0;
        ck_assert(!token_is_signed_by(&t, KEY));
}
END_TEST

START_TEST(either_key_of_two_will_do)
{
        static const char other[] = "bGxsbGxsbGxsbGxsbGxsbGxsbGxsbGxsbGxsbGxsbGw=";
        _cleanup_free_ char *text = make("hub.example.net/devices/d", NULL);
        _cleanup_(token_done) Token t = {};

        ck_assert_int_eq(token_parse(text, &t), 0);
        ck_assert(token_is_signed_by_either(&t, KEY, other));
        ck_assert(token_is_signed_by_either(&t, other, KEY));
        ck_assert(!token_is_signed_by_either(&t, other, other));
}
END_TEST

START_TEST(an_end_past_counting_is_never)
{
        Token t = {.expiry = 1};

        ck_assert_uint_eq(token_ends_usec(&t), USEC_PER_SEC);
        t.expiry = USEC_INFINITY / USEC_PER_SEC;
        ck_assert_uint_eq(token_ends_usec(&t), t.expiry * USEC_PER_SEC);
        t.expiry++;
        ck_assert_uint_eq(token_ends_usec(&t), USEC_INFINITY);
}
END_TEST

START_TEST(every_flipped_bit_of_the_signature_is_refused)
{
        _cleanup_free_ char *text = make("hub.example.net/devices/d", NULL);
        _cleanup_(buffer_done) Buffer mac = BUFFER_NULL;
        _cleanup_(token_done) Token t = {};

        ck_assert_int_eq(token_parse(text, &t), 0);
        ck_assert_int_eq(base64_decode(&mac, t.signature, strlen(t.signature)), 0);
        ck_assert_uint_eq(mac.size, 32);
        for (size_t bit = 0; bit < 8 * mac.size; bit++) {
                Buffer flipped = BUFFER_NULL;

                mac.data[bit / 8] ^= (char)(1 << bit % 8);
                base64_encode(&flipped, mac.data, mac.size);
                mac.data[bit / 8] ^= (char)(1 << bit % 8);
                free(t.signature);
                t.signature = buffer_steal(&flipped);
                ck_assert_msg(!token_is_signed_by(&t, KEY), "bit %zu", bit);
        }
}
END_TEST

START_TEST(a_signature_has_one_length)
{
        _cleanup_free_ char *text = make("hub.example.net/devices/d", NULL);
        _cleanup_(buffer_done) Buffer mac = BUFFER_NULL;
        _cleanup_(token_done) Token t = {};

        ck_assert_int_eq(token_parse(text, &t), 0);
        ck_assert_int_eq(base64_decode(&mac, t.signature, strlen(t.signature)), 0);
        buffer_append_char(&mac, 0);
        for (size_t size = 0; size <= mac.size; size++) {
                Buffer cut = BUFFER_NULL;

                base64_encode(&cut, mac.data, size);
                free(t.signature);
                t.signature = buffer_steal(&cut);
                ck_assert_int_eq(token_is_signed_by(&t, KEY), size == 32);
        }
}
END_TEST

START_TEST(a_bad_key_makes_no_token)
{
        static const char *const keys[] = {"", "=", "====", "abc", "ab cd===", "a2tr\n", "a2tr_-==",
                                           "\xff\xff\xff\xff"};

        for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
                _cleanup_(buffer_done) Buffer b = BUFFER_NULL;

                buffer_append_string(&b, "before");
                ck_assert_int_eq(token_make(&b, keys[i], "hub", NULL, EXPIRY), -EINVAL);
                ck_assert_str_eq(b.data, "before");
        }
}
END_TEST

START_TEST(what_is_no_token_is_refused)
{
        static const char *const bad[] = {
                "",
                "SharedAccessSignature",
                "SharedAccessSignature ",
                "sharedaccesssignature sr=h&sig=s&se=1",
                "Bearer sr=h&sig=s&se=1",
                "SharedAccessSignature sig=s&se=1",
                "SharedAccessSignature sr=h&se=1",
                "SharedAccessSignature sr=h&sig=s",
                "SharedAccessSignature sr=&sig=s&se=1",
                "SharedAccessSignature sr=h&sig=&se=1",
                "SharedAccessSignature sr=h&sig=s&se=",
                "SharedAccessSignature sr=h&sig=s&se=0",
                "SharedAccessSignature sr=h&sig=s&se=01",
                "SharedAccessSignature sr=h&sig=s&se=-1",
                "SharedAccessSignature sr=h&sig=s&se=+1",
                "SharedAccessSignature sr=h&sig=s&se=1.5",
                "SharedAccessSignature sr=h&sig=s&se=1 ",
                "SharedAccessSignature sr=h&sig=s&se=18446744073709551616",
                "SharedAccessSignature sr=h&sig=s&se=99999999999999999999999",
                "SharedAccessSignature &sr=h&sig=s&se=1",
                "SharedAccessSignature sr=h&sig=s&se=1&sr=h",
                "SharedAccessSignature sr=h&sig=s&sig=s&se=1",
                "SharedAccessSignature sr=h&sig=s&se=1&se=2",
                "SharedAccessSignature sr=h&sig=s&se=1&skn=a&skn=b",
                "SharedAccessSignature sr=h%00x&sig=s&se=1",
                "SharedAccessSignature sr=h&sig=s%00&se=1",
                "SharedAccessSignature sr=%FF%FE&sig=s&se=1",
                "SharedAccessSignature sr=h&sig=s&se=1&skn=%C3",
                "SharedAccessSignature sr h&sig=s&se=1",
        };

        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                Token t;

                ck_assert_msg(token_parse(bad[i], &t) == -EBADMSG, "%s", bad[i]);
        }
}
END_TEST

START_TEST(scope_ends_at_segments)
{
        static const struct {
                const char *resource;
                const char *path;
                bool covers;
        } cases[] = {
                {"h/devices/d", "h/devices/d", true},
                {"h/devices/d/", "h/devices/d", true},
                {"h", "h/devices/d", true},
                {"h/devices", "h/devices/d", true},
                {"h/devices/d", "h/devices/d/modules/m", true},
                {"h/devices/d/api-version=2016-11-14", "h/devices/d", true},
                {"h/messages/events", "h", true},
                {"h/devices/d1", "h/devices/d", false},
                {"h/devices/d", "h/devices/d1", false},
                {"h/devices/D", "h/devices/d", false},
                {"h/dev", "h/devices/d", false},
                {"h2", "h/devices/d", false},
                {"h.example", "h/devices/d", false},
                {"h/messages/events", "h/devices/d", false},
                {"h/devices/d/modules/m", "h/devices/d/modules/n", false},
                {"/", "h/devices/d", false},
                {"//", "/h", false},
                {"h", "", false},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                char resource[64];
                Token t = {.resource = resource};

                strcpy(resource, cases[i].resource);
                ck_assert_msg(token_covers(&t, cases[i].path) == cases[i].covers, "%s for %s", cases[i].resource,
                              cases[i].path);
        }
}
END_TEST

START_TEST(a_huge_token_is_only_long)
{
        _cleanup_free_ char *id = malloc(1 << 20), *text = NULL;
        _cleanup_(token_done) Token t = {};

        memset(id, '/', (1 << 20) - 1);
        id[(1 << 20) - 1] = 0;
        text = make(id, id);
        ck_assert_int_eq(token_parse(text, &t), 0);
        ck_assert_str_eq(t.policy, id);
        ck_assert(token_is_signed_by(&t, KEY));
        ck_assert(!token_covers(&t, "h"));
}
END_TEST

START_TEST(mutations_do_no_harm)
{
        _cleanup_free_ char *text = make("hub.example.net/devices/d\xc3\xbc", "policy");
        size_t size = strlen(text);
        FakeRandom dice;

        fake_random_init(&dice, 2);
        for (int i = 0; i < 20000; i++) {
                _cleanup_free_ char *mutant = strndup(text, dice.random.draw(&dice) % (size + 1));
                size_t n = strlen(mutant);
                Token t = {};

                for (uint64_t k = dice.random.draw(&dice) % 4; n > 0 && k > 0; k--)
                        mutant[dice.random.draw(&dice) % n] = (char)(dice.random.draw(&dice) % 255 + 1);
                if (token_parse(mutant, &t) < 0)
                        continue;
                (void)token_covers(&t, "hub.example.net/devices/d");
                (void)token_is_signed_by(&t, KEY);
                token_done(&t);
        }
}
END_TEST

int main(void)
{
        Suite *s = suite_create("azure/token");
        TCase *c = suite_case(s, "making");

        tcase_add_test(c, vectors_are_made);
        tcase_add_test(c, policy_is_encoded);
        tcase_add_test(c, a_bad_key_makes_no_token);

        c = suite_case(s, "verifying");
        tcase_add_test(c, vectors_are_verified);
        tcase_add_test(c, an_expiry_may_be_far_away);
        tcase_add_test(c, fields_come_in_any_order);
        tcase_add_test(c, an_empty_policy_is_none);
        tcase_add_test(c, a_foreign_signature_is_refused);
        tcase_add_test(c, either_key_of_two_will_do);
        tcase_add_test(c, an_end_past_counting_is_never);
        tcase_add_test(c, every_flipped_bit_of_the_signature_is_refused);
        tcase_add_test(c, a_signature_has_one_length);
        tcase_add_test(c, scope_ends_at_segments);

        c = suite_case(s, "hostile input");
        tcase_add_test(c, what_is_no_token_is_refused);
        tcase_add_test(c, a_huge_token_is_only_long);
        tcase_add_test(c, mutations_do_no_harm);
        return suite_run(s);
}
