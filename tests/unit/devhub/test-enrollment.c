/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "azure/token.h"
#include "devhub-house.h"
#include "devhub/dps/attestation.h"
#include "devhub/dps/enrollment-json.h"
#include "devhub/dps/enrollment.h"
#include "devhub/dps/registration-id.h"
#include "devhub/dps/service.h"
#include "model/json-read.h"
#include "suite.h"

#define PRIMARY   "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="
#define SECONDARY "c3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3M="
#define DERIVED   "z+mUo/ygZOm6FEUJyj2VGsOISA0Gh4L5mqwTYXTIaRY=" /* of PRIMARY for dev1 */
#define SCOPE     "0ne00000A"
#define NOW_S     1800000000u
#define NOW       (NOW_S * USEC_PER_SEC)

static DevhubHouse house;

static void setup(void)
{
        devhub_house_open(&house);
        ck_assert_int_eq(dps_service_prepare(&house.store), 0);
}

static void teardown(void)
{
        devhub_house_close(&house);
}

static Enrollment enrollment(EnrollmentKind kind, const char *id, const char *primary, const char *secondary)
{
        return (Enrollment){
                .kind = kind,
                .id = strdup(id),
                .primary_key = primary ? strdup(primary) : NULL,
                .secondary_key = secondary ? strdup(secondary) : NULL,
        };
}

static void put(EnrollmentKind kind, const char *id, const char *primary, const char *secondary)
{
        _cleanup_(enrollment_done) Enrollment e = enrollment(kind, id, primary, secondary);

        ck_assert_int_eq(enrollment_put(&house.store, &e, NULL, NOW), 0);
}

/* ---- ids ---- */

START_TEST(ids_are_what_the_service_takes)
{
        static const char *const good[] = {"a", "7", "-", "a-b.c_d:e", "dev-1", "DEV"};
        static const char *const bad[] = {"", "a b", "a/b", "a.", "a_", "a:", "ü", "a%2f"};
        char longest[REGISTRATION_ID_MAX + 2];

        for (size_t i = 0; i < ARRAY_SIZE(good); i++)
                ck_assert_msg(registration_id_is_valid(good[i]), "%s", good[i]);
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
                ck_assert_msg(!registration_id_is_valid(bad[i]), "%s", bad[i]);
        memset(longest, 'x', sizeof(longest) - 1);
        longest[sizeof(longest) - 1] = 0;
        ck_assert(!registration_id_is_valid(longest));
        longest[REGISTRATION_ID_MAX] = 0;
        ck_assert(registration_id_is_valid(longest));
}
END_TEST

START_TEST(trap_24_registration_ids_have_no_case)
{
        _cleanup_free_ char *id = NULL;

        ck_assert_int_eq(registration_id_fold("Dev-1.A_b:C", &id), 0);
        ck_assert_str_eq(id, "dev-1.a_b:c");
}
END_TEST

/* ---- the store ---- */

START_TEST(keys_are_drawn_for_a_new_one_and_stay_with_an_old_one)
{
        _cleanup_(enrollment_done) Enrollment first = enrollment(ENROLLMENT_INDIVIDUAL, "dev1", NULL, ""),
                                              again = enrollment(ENROLLMENT_INDIVIDUAL, "dev1", "", SECONDARY),
                                              there = {};

        ck_assert_int_eq(enrollment_put(&house.store, &first, NULL, NOW), 0);
        ck_assert_uint_eq(strlen(first.primary_key), 44);
        ck_assert_uint_eq(strlen(first.secondary_key), 44);
        ck_assert_str_ne(first.primary_key, first.secondary_key);

        ck_assert_int_eq(enrollment_put(&house.store, &again, "*", NOW + 5), 0);
        ck_assert_int_eq(enrollment_find(&house.store, ENROLLMENT_INDIVIDUAL, "dev1", &there), 0);
        ck_assert_str_eq(there.primary_key, first.primary_key);
        ck_assert_str_eq(there.secondary_key, SECONDARY);
        ck_assert_uint_eq(there.created_usec, NOW);
        ck_assert_uint_eq(there.updated_usec, NOW + 5);
        ck_assert_str_ne(there.etag, first.etag);
}
END_TEST

START_TEST(an_etag_guards_what_it_was_read_with)
{
        _cleanup_(enrollment_done) Enrollment e = enrollment(ENROLLMENT_GROUP, "Fleet", NULL, NULL);
        _cleanup_free_ char *old = NULL;

        ck_assert_int_eq(enrollment_put(&house.store, &e, "*", NOW), ENROLLMENT_E_UNKNOWN);
        ck_assert_int_eq(enrollment_put(&house.store, &e, NULL, NOW), 0);
        ck_assert_int_eq(enrollment_put(&house.store, &e, NULL, NOW), ENROLLMENT_E_EXISTS);
        old = strdup(e.etag);
        ck_assert_int_eq(enrollment_put(&house.store, &e, old, NOW), 0);
        ck_assert_int_eq(enrollment_put(&house.store, &e, old, NOW), ENROLLMENT_E_CHANGED);
        ck_assert_int_eq(enrollment_delete(&house.store, ENROLLMENT_GROUP, "fleet", old), ENROLLMENT_E_CHANGED);
        ck_assert_int_eq(enrollment_delete(&house.store, ENROLLMENT_INDIVIDUAL, "fleet", NULL), ENROLLMENT_E_UNKNOWN);
        ck_assert_int_eq(enrollment_delete(&house.store, ENROLLMENT_GROUP, "fleet", e.etag), 0);
        ck_assert_int_eq(enrollment_delete(&house.store, ENROLLMENT_GROUP, "Fleet", NULL), ENROLLMENT_E_UNKNOWN);
}
END_TEST

typedef struct Walk {
        char text[64];
        unsigned n, stop_after;
} Walk;

static int visit(void *userdata, const Enrollment *e)
{
        Walk *walk = userdata;

        (void)strcat(walk->text, e->id);
        return ++walk->n == walk->stop_after;
}

START_TEST(they_are_walked_in_order_and_from_anywhere)
{
        Walk all = {}, behind = {}, two = {}, stopped = {.stop_after = 1};

        put(ENROLLMENT_INDIVIDUAL, "c", NULL, NULL);
        put(ENROLLMENT_INDIVIDUAL, "a", NULL, NULL);
        put(ENROLLMENT_GROUP, "g", NULL, NULL);
        put(ENROLLMENT_INDIVIDUAL, "b", NULL, NULL);
        ck_assert_int_eq(enrollment_each(&house.store, ENROLLMENT_INDIVIDUAL, NULL, 10, visit, &all), 0);
        ck_assert_str_eq(all.text, "abc");
        ck_assert_int_eq(enrollment_each(&house.store, ENROLLMENT_INDIVIDUAL, "a", 10, visit, &behind), 0);
        ck_assert_str_eq(behind.text, "bc");
        ck_assert_int_eq(enrollment_each(&house.store, ENROLLMENT_INDIVIDUAL, NULL, 2, visit, &two), 0);
        ck_assert_str_eq(two.text, "ab");
        ck_assert_int_eq(enrollment_each(&house.store, ENROLLMENT_INDIVIDUAL, NULL, 10, visit, &stopped), 0);
        ck_assert_str_eq(stopped.text, "a");
}
END_TEST

START_TEST(the_id_scope_is_drawn_once)
{
        _cleanup_free_ char *scope = NULL, *again = NULL;

        ck_assert_int_eq(dps_service_id_scope(&house.store, &scope), 0);
        ck_assert_uint_eq(strlen(scope), 11);
        ck_assert_int_eq(strncmp(scope, "0ne", 3), 0);
        ck_assert_uint_eq(strspn(scope + 3, "0123456789ABCDEF"), 8);
        ck_assert_int_eq(dps_service_prepare(&house.store), 0);
        ck_assert_int_eq(dps_service_id_scope(&house.store, &again), 0);
        ck_assert_str_eq(again, scope);
}
END_TEST

START_TEST(hubs_are_allowed_by_their_names)
{
        char list[] = "a.example.net,Devhub.example.net", other[] = "a.example.net";

        ck_assert(enrollment_allows_hub(&(Enrollment){}, "devhub.example.net"));
        ck_assert(enrollment_allows_hub(&(Enrollment){.iot_hubs = list}, "devhub.example.net"));
        ck_assert(!enrollment_allows_hub(&(Enrollment){.iot_hubs = list}, "devhub.example"));
        ck_assert(!enrollment_allows_hub(&(Enrollment){.iot_hubs = other}, "devhub.example.net"));
        ck_assert(!enrollment_allows_hub(&(Enrollment){.iot_hub = other}, "devhub.example.net"));
        ck_assert(enrollment_allows_hub(&(Enrollment){.iot_hub = other}, "A.example.net"));
}
END_TEST

/* ---- attestation ---- */

typedef struct Case {
        const char *what;
        const char *scope, *id, *key, *resource, *policy, *token;
        int64_t expires_in_s;
        const char *found; /* the enrollment's id; NULL: refused */
} Case;

static const Case cases[] = {
        {"its own key", .key = PRIMARY, .found = "dev1"},
        {"its other key", .key = SECONDARY, .found = "dev1"},
        {"the C SDK's policy", .key = PRIMARY, .policy = "registration", .found = "dev1"},
        {"just over", .key = PRIMARY, .expires_in_s = -299, .found = "dev1"},
        {"upper case", .key = PRIMARY, .id = "DEV1", .resource = SCOPE "/registrations/DEV1", .found = "dev1"},
        {"a key derived of its group", .id = "dev9", .resource = SCOPE "/registrations/dev9",
         .key = "group", .found = "fleet"},
        {"the group's own key", .id = "dev9", .resource = SCOPE "/registrations/dev9", .key = PRIMARY},
        {"a group's key for one with an enrollment of its own", .key = "group"},
        {"over", .key = PRIMARY, .expires_in_s = -301},
        {"another device's token", .key = PRIMARY, .resource = SCOPE "/registrations/dev2"},
        {"a hub's token", .key = PRIMARY, .resource = "devhub.example.net/devices/dev1"},
        {"another scope", .key = PRIMARY, .scope = "0ne00000B", .resource = "0ne00000B/registrations/dev1"},
        {"a policy of the hub's", .key = PRIMARY, .policy = "iothubowner"},
        {"no token", .token = "secret"},
        {"no id", .id = "a b", .resource = SCOPE "/registrations/a b", .key = PRIMARY},
};

/* The key that the fleet's key gives for the case's device. */
static char *group_key(const char *id)
{
        _cleanup_(enrollment_done) Enrollment fleet = enrollment(ENROLLMENT_GROUP, "fleet", SECONDARY, PRIMARY);
        char *primary, *secondary;

        ck_assert_int_eq(attestation_keys(&fleet, id, &primary, &secondary), 0);
        free(secondary);
        return primary;
}

START_TEST(each_token_has_its_enrollment_or_none)
{
        const Case *k = &cases[_i];
        const char *id = k->id ? k->id : "dev1", *reason = "";
        _cleanup_(buffer_done) Buffer token = BUFFER_NULL;
        _cleanup_free_ char *derived = group_key(id);
        _cleanup_(enrollment_done) Enrollment found = {};
        AttestationRequest request = {
                .id_scope = SCOPE,
                .said_scope = k->scope ? k->scope : SCOPE,
                .registration_id = id,
                .wall_now = NOW,
        };

        put(ENROLLMENT_INDIVIDUAL, "dev1", PRIMARY, SECONDARY);
        put(ENROLLMENT_GROUP, "other", NULL, NULL);
        put(ENROLLMENT_GROUP, "fleet", SECONDARY, PRIMARY);
        if (k->key)
                ck_assert_int_eq(token_make(&token, strcmp(k->key, "group") == 0 ? derived : k->key,
                                            k->resource ? k->resource : SCOPE "/registrations/dev1", k->policy,
                                            (uint64_t)(NOW_S + (k->expires_in_s ? k->expires_in_s : 3600))),
                                 0);
        request.token = k->token ? k->token : token.data;
        if (k->found) {
                ck_assert_msg(attestation_check(&house.store, &request, &found, &reason) == 0, "%s: %s", k->what,
                              reason);
                ck_assert_str_eq(found.id, k->found);
        } else {
                ck_assert_msg(attestation_check(&house.store, &request, &found, &reason) == ATTESTATION_E_REFUSED, "%s",
                              k->what);
                ck_assert_msg(*reason, "%s", k->what);
        }
}
END_TEST

START_TEST(trap_13_a_token_without_a_policy_is_taken)
{
        _cleanup_(buffer_done) Buffer token = BUFFER_NULL;
        _cleanup_(enrollment_done) Enrollment found = {};
        const char *reason;

        put(ENROLLMENT_GROUP, "fleet", PRIMARY, SECONDARY);
        ck_assert_int_eq(token_make(&token, DERIVED, SCOPE "/registrations/dev1", NULL, NOW_S + 3600), 0);
        ck_assert_ptr_null(strstr(token.data, "skn"));
        ck_assert_int_eq(attestation_check(&house.store,
                                           &(AttestationRequest){SCOPE, SCOPE, "dev1", token.data, NOW}, &found,
                                           &reason),
                         0);
        ck_assert_str_eq(found.id, "fleet");
}
END_TEST

/* ---- JSON ---- */

static json_object *parse(const char *text)
{
        const char *error;
        json_object *value = NULL;

        ck_assert_msg(json_read(text, strlen(text), &value, &error) == 0, "%s", text);
        return value;
}

static void check_json(json_object *value, const char *expected)
{
        _cleanup_(buffer_done) Buffer b = BUFFER_NULL;

        ck_assert_ptr_nonnull(value);
        json_write(&b, value);
        ck_assert_str_eq(b.data, expected);
        (void)json_object_put(value);
}

START_TEST(json_goes_in_and_out)
{
        static const char text[] =
                "{\"registrationId\":\"Dev1\",\"deviceId\":\"Wind 1\",\"etag\":\"ignored\","
                "\"attestation\":{\"type\":\"symmetricKey\",\"symmetricKey\":{\"primaryKey\":\"" PRIMARY "\"}},"
                "\"capabilities\":{\"iotEdge\":true},\"provisioningStatus\":\"disabled\",\"iotHubs\":[\"a\",\"b\"],"
                "\"initialTwin\":{\"tags\":{\"x\":1.5}},\"optionalDeviceInformation\":{\"y\":null},"
                "\"reprovisionPolicy\":{\"updateHubAssignment\":true,\"migrateDeviceData\":false},"
                "\"allocationPolicy\":\"Static\"}";
        json_object *body = parse(text);
        _cleanup_(enrollment_done) Enrollment e = {};
        const char *error;

        json_object_object_add(body, "deviceId", json_object_new_string("wind-1"));
        ck_assert_msg(enrollment_from_json(body, ENROLLMENT_INDIVIDUAL, "dev1", &e, &error) == 0, "%s", error);
        (void)json_object_put(body);
        ck_assert_int_eq(enrollment_put(&house.store, &e, NULL, NOW + 1), 0);
        enrollment_done(&e);
        ck_assert_int_eq(enrollment_find(&house.store, ENROLLMENT_INDIVIDUAL, "dev1", &e), 0);
        free(e.etag);
        e.etag = strdup("E");
        check_json(enrollment_to_json(&e),
                   "{\"registrationId\":\"dev1\",\"deviceId\":\"wind-1\",\"attestation\":{\"type\":\"symmetricKey\"},"
                   "\"capabilities\":{\"iotEdge\":true},"
                   "\"reprovisionPolicy\":{\"updateHubAssignment\":true,\"migrateDeviceData\":false},"
                   "\"allocationPolicy\":\"static\",\"iotHubs\":[\"a\",\"b\"],\"initialTwin\":{\"tags\":{\"x\":1.5}},"
                   "\"optionalDeviceInformation\":{\"y\":null},\"provisioningStatus\":\"disabled\",\"etag\":\"E\","
                   "\"createdDateTimeUtc\":\"2027-01-15T08:00:00.0000010Z\","
                   "\"lastUpdatedDateTimeUtc\":\"2027-01-15T08:00:00.0000010Z\"}");
        free(e.secondary_key);
        e.secondary_key = strdup(SECONDARY);
        check_json(enrollment_attestation_to_json(&e),
                   "{\"type\":\"symmetricKey\",\"symmetricKey\":{\"primaryKey\":\"" PRIMARY "\","
                   "\"secondaryKey\":\"" SECONDARY "\"}}");
}
END_TEST

START_TEST(what_is_left_out_has_its_default)
{
        json_object *body = parse("{\"attestation\":{\"type\":\"symmetricKey\"},\"deviceId\":null,\"iotHubs\":[],"
                                  "\"reprovisionPolicy\":null}");
        _cleanup_(enrollment_done) Enrollment e = {};
        const char *error;

        ck_assert_msg(enrollment_from_json(body, ENROLLMENT_GROUP, "Fleet", &e, &error) == 0, "%s", error);
        (void)json_object_put(body);
        ck_assert_str_eq(e.id, "Fleet");
        ck_assert(!e.disabled && !e.keep_assignment && !e.reset_data && !e.iot_edge);
        ck_assert_int_eq(e.allocation, ALLOCATION_HASHED);
        ck_assert(!e.device_id && !e.iot_hubs && !e.primary_key && !e.initial_twin);
}
END_TEST

START_TEST(what_is_wrong_is_refused_with_words)
{
        static const struct {
                const char *body, *word;
        } wrong[] = {
                {"[]", "object"},
                {"{}", "attestation"},
                {"{\"attestation\":1}", "object"},
                {"{\"attestation\":{}}", "symmetricKey"},
                {"{\"attestation\":{\"type\":\"tpm\"}}", "symmetricKey"},
                {"{\"attestation\":{\"type\":\"symmetricKey\",\"symmetricKey\":{\"primaryKey\":\"x\"}}}", "base64"},
                {"{\"attestation\":{\"type\":\"symmetricKey\",\"symmetricKey\":{\"secondaryKey\":\"eA==\"}}}", "bytes"},
                {"{\"registrationId\":\"dev2\"}", "path"},
                {"{\"registrationId\":7}", "text"},
                {"{\"deviceId\":\"a b\"}", "deviceId"},
                {"{\"provisioningStatus\":\"on\"}", "provisioningStatus"},
                {"{\"allocationPolicy\":\"custom\"}", "web hooks"},
                {"{\"allocationPolicy\":\"dice\"}", "allocationPolicy"},
                {"{\"iotHubs\":\"a\"}", "iotHubs"},
                {"{\"iotHubs\":[1]}", "iotHubs"},
                {"{\"iotHubs\":[\"a,b\"]}", "iotHubs"},
                {"{\"initialTwin\":[]}", "object"},
                {"{\"initialTwin\":{\"tags\":[]}}", "tags"},
                {"{\"initialTwin\":{\"properties\":1}}", "properties"},
                {"{\"initialTwin\":{\"properties\":{\"desired\":{\"a.b\":1}}}}", "desired"},
                {"{\"reprovisionPolicy\":{\"migrateDeviceData\":\"yes\"}}", "true or false"},
        };
        json_object *body = parse(wrong[_i].body);
        _cleanup_(enrollment_done) Enrollment e = {};
        const char *error;

        if (_i > 6)
                json_object_object_add(body, "attestation", parse("{\"type\":\"symmetricKey\"}"));
        ck_assert_int_eq(enrollment_from_json(body, ENROLLMENT_INDIVIDUAL, "dev1", &e, &error), -EBADMSG);
        ck_assert_msg(strstr(error, wrong[_i].word), "%s: %s", wrong[_i].body, error);
        (void)json_object_put(body);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("devhub/enrollment");
        TCase *c = suite_case(s, "ids");

        tcase_add_test(c, ids_are_what_the_service_takes);
        tcase_add_test(c, trap_24_registration_ids_have_no_case);

        c = suite_case(s, "the store");
        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_test(c, keys_are_drawn_for_a_new_one_and_stay_with_an_old_one);
        tcase_add_test(c, an_etag_guards_what_it_was_read_with);
        tcase_add_test(c, they_are_walked_in_order_and_from_anywhere);
        tcase_add_test(c, the_id_scope_is_drawn_once);
        tcase_add_test(c, hubs_are_allowed_by_their_names);

        c = suite_case(s, "attestation");
        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_loop_test(c, each_token_has_its_enrollment_or_none, 0, ARRAY_SIZE(cases));
        tcase_add_test(c, trap_13_a_token_without_a_policy_is_taken);

        c = suite_case(s, "JSON");
        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_test(c, json_goes_in_and_out);
        tcase_add_test(c, what_is_left_out_has_its_default);
        tcase_add_loop_test(c, what_is_wrong_is_refused_with_words, 0, 21);
        return suite_run(s);
}
