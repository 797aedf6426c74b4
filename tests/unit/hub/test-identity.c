/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/identity.h"

#include <errno.h>
#include <string.h>

#include "azure/token.h"
#include "base/secret.h"
#include "suite.h"

#define KEY    "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=" /* 32 times k */
#define DEVICE "HostName=devhub.example.net;DeviceId=dev1;SharedAccessKey=" KEY

static const HubSettings plain = {
        .keepalive_usec = 4 * USEC_PER_MIN,
        .token_life_usec = USEC_PER_HOUR,
        .window = 16,
        .backoff_first_usec = USEC_PER_SEC,
        .backoff_max_usec = 5 * USEC_PER_MIN,
};

static Identity *make(const char *connection_string, const HubSettings *settings)
{
        _cleanup_(connection_string_freep) ConnectionString *cs = NULL;
        const char *error = NULL;
        Identity *identity = NULL;

        ck_assert_int_eq(connection_string_parse(connection_string, &cs, &error), 0);
        ck_assert_msg(identity_new(&identity, settings, cs, &error) == 0, "%s", error);
        return identity;
}

START_TEST(a_device)
{
        _cleanup_(identity_freep) Identity *i = make(DEVICE, &plain);

        ck_assert_str_eq(i->host, "devhub.example.net");
        ck_assert_str_eq(i->tls_name, "devhub.example.net");
        ck_assert_ptr_null(i->address);
        ck_assert_uint_eq(i->port, 8883);
        ck_assert_str_eq(i->client_id, "dev1");
        ck_assert_str_eq(i->username,
                         "devhub.example.net/dev1/?api-version=2021-04-12&DeviceClientType=hublink%2F" HUBLINK_VERSION);
        ck_assert_str_eq(i->resource, "devhub.example.net/devices/dev1");
        ck_assert_str_eq(i->topic, "devices/dev1/messages/events/");
}
END_TEST

START_TEST(a_module_with_product_and_model)
{
        HubSettings settings = plain;
        _cleanup_(identity_freep) Identity *i = NULL;

        settings.product_info = (char *)"acme-gw/2.1";
        settings.model_id = (char *)"dtmi:com:example:Thermostat;1";
        i = make("HostName=h.example.net;DeviceId=d;ModuleId=m;SharedAccessKey=" KEY, &settings);
        ck_assert_str_eq(i->client_id, "d/m");
        ck_assert_str_eq(i->username, "h.example.net/d/m/?api-version=2021-04-12&DeviceClientType=acme-gw%2F2.1"
                                      "&model-id=dtmi%3Acom%3Aexample%3AThermostat%3B1");
        ck_assert_str_eq(i->resource, "h.example.net/devices/d/modules/m");
        ck_assert_str_eq(i->topic, "devices/d/modules/m/messages/events/");
}
END_TEST

START_TEST(a_gateway_changes_the_name_of_tls_and_nothing_else)
{
        _cleanup_(identity_freep) Identity *i = make(DEVICE ";GatewayHostName=edge.local", &plain);

        ck_assert_str_eq(i->tls_name, "edge.local");
        ck_assert_ptr_null(i->address);
        ck_assert_str_eq(i->host, "devhub.example.net");
        ck_assert_str_eq(i->resource, "devhub.example.net/devices/dev1");
        ck_assert(strstr(i->username, "devhub.example.net/dev1/") == i->username);
}
END_TEST

START_TEST(an_address_changes_the_target_of_tcp_and_nothing_else)
{
        HubSettings settings = plain;
        _cleanup_(identity_freep) Identity *i = NULL;

        settings.address = (char *)"127.0.0.1:18883";
        i = make(DEVICE, &settings);
        ck_assert_str_eq(i->address, "127.0.0.1");
        ck_assert_uint_eq(i->port, 18883);
        ck_assert_str_eq(i->tls_name, "devhub.example.net");
        ck_assert_str_eq(i->resource, "devhub.example.net/devices/dev1");
}
END_TEST

START_TEST(addresses)
{
        static const struct {
                const char *text, *host; /* NULL: bad */
                uint16_t port;
        } cases[] = {
                {"127.0.0.1:8884", "127.0.0.1", 8884},
                {"hub", "hub", 8883},
                {"hub.example.net:1", "hub.example.net", 1},
                {"[::1]:65535", "::1", 65535},
                {"[fe80::1%eth0]", "fe80::1%eth0", 8883},
                {"::1", "::1", 8883},
                {"", NULL, 0},
                {":8883", NULL, 0},
                {"hub:", NULL, 0},
                {"hub:0", NULL, 0},
                {"hub:65536", NULL, 0},
                {"hub:88x", NULL, 0},
                {"hub:-1", NULL, 0},
                {"hub:000001", NULL, 0},
                {"[::1", NULL, 0},
                {"[]:1", NULL, 0},
                {"[::1]x", NULL, 0},
                {"a b:1", NULL, 0},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_free_ char *host = NULL;
                uint16_t port = 0;
                int r = identity_parse_address(cases[i].text, &host, &port);

                ck_assert_msg(r == (cases[i].host ? 0 : -EINVAL), "%s: %d", cases[i].text, r);
                if (!cases[i].host)
                        continue;
                ck_assert_str_eq(host, cases[i].host);
                ck_assert_uint_eq(port, cases[i].port);
        }
}
END_TEST

START_TEST(what_cannot_connect_is_told_apart)
{
        static const struct {
                const char *text, *word;
        } cases[] = {
                {"HostName=h.net;SharedAccessKeyName=service;SharedAccessKey=" KEY, "DeviceId"},
                {"HostName=h.net;DeviceId=d;x509=true", "SharedAccessKey"},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_(connection_string_freep) ConnectionString *cs = NULL;
                const char *error = NULL;
                Identity *identity = NULL;

                ck_assert_int_eq(connection_string_parse(cases[i].text, &cs, &error), 0);
                ck_assert_int_eq(identity_new(&identity, &plain, cs, &error), -EINVAL);
                ck_assert_msg(strstr(error, cases[i].word) != NULL, "%s", error);
        }
}
END_TEST

START_TEST(the_token_is_ours_and_ends_in_time)
{
        _cleanup_(identity_freep) Identity *i = make(DEVICE, &plain);
        _cleanup_(secret_buffer_done) Buffer b = BUFFER_NULL;
        Token token;

        ck_assert_int_eq(identity_make_token(i, 1767225600 * USEC_PER_SEC, &b), 0);
        ck_assert_int_eq(token_parse(b.data, &token), 0);
        ck_assert_uint_eq(token.expiry, 1767225600 + 3600);
        ck_assert(token_is_signed_by(&token, KEY));
        ck_assert(token_covers(&token, "devhub.example.net/devices/dev1"));
        ck_assert_ptr_null(token.policy);
        token_done(&token);
}
END_TEST

START_TEST(equal_means_no_new_connection_is_needed)
{
        static const char *const others[] = {
                "HostName=other.example.net;DeviceId=dev1;SharedAccessKey=" KEY,
                "HostName=devhub.example.net;DeviceId=dev2;SharedAccessKey=" KEY,
                DEVICE ";ModuleId=m",
                DEVICE ";GatewayHostName=g",
                DEVICE ";SharedAccessKeyName=device",
                "HostName=devhub.example.net;DeviceId=dev1;"
                "SharedAccessKey=a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2o=",
        };
        _cleanup_(identity_freep) Identity *i = make(DEVICE, &plain), *twin = NULL;
        HubSettings settings = plain;

        settings.window = 3;
        settings.backoff_max_usec = 1;
        twin = make(DEVICE, &settings);
        ck_assert(identity_equal(i, twin));
        ck_assert(identity_equal(NULL, NULL));
        ck_assert(!identity_equal(i, NULL));
        for (size_t n = 0; n < ARRAY_SIZE(others); n++) {
                _cleanup_(identity_freep) Identity *other = make(others[n], &plain);

                ck_assert_msg(!identity_equal(i, other), "%s", others[n]);
        }
        for (int n = 0; n < 6; n++) {
                _cleanup_(identity_freep) Identity *other = NULL;

                settings = plain;
                switch (n) {
                case 0: settings.ca_file = (char *)"/ca.pem"; break;
                case 1: settings.address = (char *)"127.0.0.1:8883"; break;
                case 2: settings.model_id = (char *)"dtmi:a;1"; break;
                case 3: settings.product_info = (char *)"p"; break;
                case 4: settings.keepalive_usec++; break;
                case 5: settings.token_life_usec++; break;
                }
                other = make(DEVICE, &settings);
                ck_assert_msg(!identity_equal(i, other), "setting %d", n);
        }
}
END_TEST

int main(void)
{
        Suite *s = suite_create("hub/identity");
        TCase *c = suite_case(s, "who we are to which hub");

        tcase_add_test(c, a_device);
        tcase_add_test(c, a_module_with_product_and_model);
        tcase_add_test(c, a_gateway_changes_the_name_of_tls_and_nothing_else);
        tcase_add_test(c, an_address_changes_the_target_of_tcp_and_nothing_else);
        tcase_add_test(c, addresses);
        tcase_add_test(c, what_cannot_connect_is_told_apart);
        tcase_add_test(c, the_token_is_ours_and_ends_in_time);
        tcase_add_test(c, equal_means_no_new_connection_is_needed);
        return suite_run(s);
}
