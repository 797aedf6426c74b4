/* SPDX-License-Identifier: Apache-2.0 */
#include "explorer/identity.h"

#include <string.h>

#include "explorer/commands.h"
#include "explorer/identity-change.h"
#include "said.h"
#include "suite.h"

#define KEY_1 "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="
#define KEY_2 "bGxsbGxsbGxsbGxsbGxsbGxsbGxsbGxsbGxsbGxsbGw="
#define KEYS  "\"authentication\":{\"type\":\"sas\",\"symmetricKey\":{\"primaryKey\":\"" KEY_1 "\",\"secondaryKey\":\"" KEY_2 "\"}}"

static json_object *parse(const char *text)
{
        json_object *o = NULL;

        ck_assert_msg(json_text_parse(text, strlen(text), &o, NULL) == 0, "%s", text);
        return o;
}

START_TEST(connection_strings_are_as_the_sdks_read_them)
{
        static const struct {
                const char *record, *primary, *secondary; /* NULL: there is none */
        } cases[] = {
                {"{\"deviceId\":\"d\"," KEYS "}", "HostName=h.net;DeviceId=d;SharedAccessKey=" KEY_1,
                 "HostName=h.net;DeviceId=d;SharedAccessKey=" KEY_2},
                {"{\"deviceId\":\"d\",\"moduleId\":\"m\"," KEYS "}",
                 "HostName=h.net;DeviceId=d;ModuleId=m;SharedAccessKey=" KEY_1,
                 "HostName=h.net;DeviceId=d;ModuleId=m;SharedAccessKey=" KEY_2},
                {"{\"deviceId\":\"d\",\"authentication\":{\"type\":\"selfSigned\"}}", "HostName=h.net;DeviceId=d;x509=true",
                 "HostName=h.net;DeviceId=d;x509=true"},
                {"{\"deviceId\":\"d\",\"authentication\":{\"type\":\"certificateAuthority\"}}",
                 "HostName=h.net;DeviceId=d;x509=true", "HostName=h.net;DeviceId=d;x509=true"},
                {"{\"deviceId\":\"d\",\"authentication\":{\"type\":\"none\"}}", NULL, NULL},
                {"{\"deviceId\":\"d\"}", NULL, NULL},
                {"{}", NULL, NULL},
                {"[]", NULL, NULL},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_(json_unrefp) json_object *record = parse(cases[i].record);

                for (int secondary = 0; secondary < 2; secondary++) {
                        const char *wanted = secondary ? cases[i].secondary : cases[i].primary;
                        _cleanup_(buffer_done) Buffer b = BUFFER_NULL;

                        ck_assert_int_eq(identity_put_connection_string(record, "h.net", secondary, &b), wanted != NULL);
                        ck_assert_pstr_eq(b.data, wanted);
                }
        }
}
END_TEST

START_TEST(the_record_is_completed)
{
        _cleanup_(json_unrefp) json_object *record = parse("{\"deviceId\":\"d\"," KEYS "}");
        _cleanup_(buffer_done) Buffer b = BUFFER_NULL;
        static const char *const names[] = {"deviceId", "primaryKey", "secondaryKey", "connectionState", "status",
                                            "lastActivityTime", "cloudToDeviceMessageCount", "isManaged", "authMethod",
                                            "connectionString"};
        const char *at;

        ck_assert(identity_complete(record, "h.net"));
        ck_assert_str_eq(json_text_of(record, "primaryKey"), KEY_1);
        ck_assert_str_eq(json_text_of(record, "secondaryKey"), KEY_2);
        ck_assert_str_eq(json_text_of(record, "authMethod"), "sas");
        identity_put_lines(record, &b);
        at = b.data;
        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                at = strstr(at, names[i]);
                ck_assert_msg(at, "%s is missing or out of its place in\n%s", names[i], b.data);
        }
        ck_assert_ptr_nonnull(strstr(b.data, "isManaged                  false\n"));
        ck_assert_ptr_nonnull(strstr(b.data, "status                     -\n"));
}
END_TEST

START_TEST(who_manages_a_module_is_told)
{
        static const struct {
                const char *record;
                bool managed;
        } cases[] = {
                {"{\"deviceId\":\"d\"}", false},
                {"{\"deviceId\":\"d\",\"isManaged\":true}", true},
                {"{\"deviceId\":\"d\",\"moduleId\":\"m\",\"managedBy\":\"\"}", false},
                {"{\"deviceId\":\"d\",\"moduleId\":\"m\",\"managedBy\":\"IotEdge\"}", true},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_(json_unrefp) json_object *record = parse(cases[i].record);

                ck_assert(identity_complete(record, "h.net"));
                ck_assert_int_eq(json_object_get_boolean(json_member(record, "isManaged")), cases[i].managed);
        }
}
END_TEST

/* ---- what create and update make of their options ---- */

static int change(const char *options, json_object *record, const char **ret_said)
{
        static char line[512];
        static char program[] = "hublink-explorer";
        _cleanup_(words_done) Words w;
        char *argv[32] = {program};
        int argc = 1, r;

        (void)snprintf(line, sizeof(line), "update d %s", options);
        for (char *p = strtok(line, " "); p; p = strtok(NULL, " "))
                argv[argc++] = p;
        said_begin(stderr);
        r = words_read(argc, argv, &w);
        if (r == EXPLORER_OK)
                r = identity_change(&w, record);
        if (r == EXPLORER_OK)
                r = identity_renew_keys(&w, record);
        *ret_said = said_end();
        return r;
}

START_TEST(trap_37_what_is_not_named_stays)
{
        static const struct {
                const char *options, *record;
        } cases[] = {
                {"--status disabled", "{\"deviceId\":\"d\"," KEYS ",\"status\":\"disabled\"}"},
                {"--status-reason lent", "{\"deviceId\":\"d\"," KEYS ",\"statusReason\":\"lent\"}"},
                {"--edge yes", "{\"deviceId\":\"d\"," KEYS ",\"capabilities\":{\"iotEdge\":true}}"},
                {"--primary-key " KEY_2, "{\"deviceId\":\"d\",\"authentication\":{\"type\":\"sas\",\"symmetricKey\":{"
                                         "\"primaryKey\":\"" KEY_2 "\",\"secondaryKey\":\"" KEY_2 "\"}}}"},
                {"--renew-key swap", "{\"deviceId\":\"d\",\"authentication\":{\"type\":\"sas\",\"symmetricKey\":{"
                                     "\"primaryKey\":\"" KEY_2 "\",\"secondaryKey\":\"" KEY_1 "\"}}}"},
                {"--x509-ca", "{\"deviceId\":\"d\",\"authentication\":{\"type\":\"certificateAuthority\"}}"},
                {"--primary-thumbprint 0123456789abcdef0123456789ABCDEF01234567",
                 "{\"deviceId\":\"d\",\"authentication\":{\"type\":\"selfSigned\",\"x509Thumbprint\":{"
                 "\"primaryThumbprint\":\"0123456789abcdef0123456789ABCDEF01234567\"}}}"},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_(json_unrefp) json_object *record = parse("{\"deviceId\":\"d\"," KEYS "}");
                _cleanup_(json_unrefp) json_object *wanted = parse(cases[i].record);
                const char *said;

                ck_assert_msg(change(cases[i].options, record, &said) == EXPLORER_OK, "%s: %s", cases[i].options, said);
                ck_assert_msg(json_object_equal(record, wanted), "%s: %s", cases[i].options,
                              json_object_to_json_string(record));
        }
}
END_TEST

START_TEST(new_keys_are_new)
{
        _cleanup_(json_unrefp) json_object *record = parse("{\"deviceId\":\"d\"," KEYS "}");
        const char *said;
        char first[64];

        ck_assert_int_eq(change("--renew-key secondary", record, &said), EXPLORER_OK);
        ck_assert_str_eq(identity_key(record, false), KEY_1);
        ck_assert_str_ne(identity_key(record, true), KEY_2);
        ck_assert_uint_eq(strlen(identity_key(record, true)), 44);
        (void)snprintf(first, sizeof(first), "%s", identity_key(record, true));
        ck_assert_int_eq(change("--renew-key both", record, &said), EXPLORER_OK);
        ck_assert_str_ne(identity_key(record, false), KEY_1);
        ck_assert_str_ne(identity_key(record, true), first);
        ck_assert_str_ne(identity_key(record, true), identity_key(record, false));
}
END_TEST

START_TEST(what_cannot_be_is_told)
{
        static const char *const lines[] = {
                "--status on", "--edge maybe", "--primary-key short", "--primary-key YWJj", "--primary-key !!!!",
                "--primary-key @/nowhere", "--primary-thumbprint xyz", "--primary-thumbprint 0123",
                "--x509-ca --primary-key a2tra2tra2tra2tra2tra2tra2s=", "--renew-key all",
        };

        for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
                _cleanup_(json_unrefp) json_object *record = parse("{\"deviceId\":\"d\"," KEYS "}");
                const char *said;

                ck_assert_msg(change(lines[i], record, &said) != EXPLORER_OK, "%s", lines[i]);
                ck_assert_msg(*said, "%s", lines[i]);
        }
        {
                _cleanup_(json_unrefp) json_object *record = parse("{\"deviceId\":\"d\",\"authentication\":{\"type\":\"none\"}}");
                const char *said;

                ck_assert_int_eq(change("--renew-key both", record, &said), EXPLORER_FAILED);
        }
}
END_TEST

int main(void)
{
        Suite *s = suite_create("explorer/identity");
        TCase *c = suite_case(s, "a record is shown whole");

        tcase_add_test(c, connection_strings_are_as_the_sdks_read_them);
        tcase_add_test(c, the_record_is_completed);
        tcase_add_test(c, who_manages_a_module_is_told);
        c = suite_case(s, "and changed in what was named");
        tcase_add_test(c, trap_37_what_is_not_named_stays);
        tcase_add_test(c, new_keys_are_new);
        tcase_add_test(c, what_cannot_be_is_told);
        return suite_run(s);
}
