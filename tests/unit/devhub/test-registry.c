/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/hub/registry.h"

#include <errno.h>
#include <string.h>

#include "base/secret.h"
#include "devhub-house.h"
#include "devhub/hub/identity-record.h"
#include "devhub/hub/presence.h"
#include "model/json-read.h"
#include "suite.h"

#define NOW (UINT64_C(1767225600) * USEC_PER_SEC)

/* ---- identities ---- */

START_TEST(ids_are_of_the_hubs_characters)
{
        static char text[IDENTITY_ID_MAX + 2];

        ck_assert(identity_id_is_valid("AZaz09-:.+%_#*?!(),=@$'"));
        ck_assert(!identity_id_is_valid(""));
        for (int c = 1; c < 256; c++) {
                const char one[2] = {(char)c, 0};
                bool allowed = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                               strchr("-:.+%_#*?!(),=@$'", c);

                ck_assert_msg(identity_id_is_valid(one) == allowed, "character %d", c);
        }
        memset(text, 'x', IDENTITY_ID_MAX);
        ck_assert(identity_id_is_valid(text));
        text[IDENTITY_ID_MAX] = 'x';
        ck_assert(!identity_id_is_valid(text));
}
END_TEST

START_TEST(trap_35_etags_match_with_and_without_quotes)
{
        Identity identity = {.etag = (char *)"Abc="};

        ck_assert(identity_etag_matches(&identity, "Abc="));
        ck_assert(identity_etag_matches(&identity, "\"Abc=\""));
        ck_assert(identity_etag_matches(&identity, "*"));
        ck_assert(identity_etag_matches(&identity, "\"*\""));
        ck_assert(!identity_etag_matches(&identity, ""));
        ck_assert(!identity_etag_matches(&identity, "\"\""));
        ck_assert(!identity_etag_matches(&identity, "\""));
        ck_assert(!identity_etag_matches(&identity, "\"Abc="));
        ck_assert(!identity_etag_matches(&identity, "abc="));
        ck_assert(!identity_etag_matches(&identity, "Abc"));
        ck_assert(!identity_etag_matches(&identity, "Abc=="));
        ck_assert(!identity_etag_matches(&identity, "**"));
        identity.etag = (char *)"";
        ck_assert(!identity_etag_matches(&identity, ""));
        ck_assert(!identity_etag_matches(&identity, "\"\""));
}
END_TEST

START_TEST(ways_of_authentication_have_names)
{
        for (int i = 0; i < _AUTHENTICATION_MAX; i++)
                ck_assert_int_eq(authentication_from_string(authentication_to_string((Authentication)i)), i);
        ck_assert_int_eq(authentication_from_string("SelfSigned"), AUTHENTICATION_SELF_SIGNED);
        ck_assert_int_eq(authentication_from_string("key"), _AUTHENTICATION_INVALID);
}
END_TEST

/* ---- the registry ---- */

static Identity find(DevhubHouse *house, const char *device_id, const char *module_id)
{
        Identity identity;

        ck_assert_int_eq(registry_find(&house->store, device_id, module_id, &identity), 0);
        return identity;
}

START_TEST(all_of_an_identity_is_kept)
{
        _cleanup_(identity_done) Identity identity = {}, kept = {};
        DevhubHouse house;

        devhub_house_open(&house);
        ck_assert_int_eq(identity_init(&identity, "x", NULL), 0);
        identity.disabled = true;
        identity.status_reason = strdup("why");
        identity.authentication = AUTHENTICATION_SELF_SIGNED;
        identity.primary_thumbprint = strdup("AA");
        identity.secondary_thumbprint = strdup("BB");
        identity.is_edge = true;
        ck_assert_int_eq(registry_add(&house.store, &identity, NOW), 0);
        ck_assert_int_eq(store_commit(&house.store), 0);
        devhub_house_reopen(&house);
        kept = find(&house, "x", NULL);
        ck_assert_str_eq(kept.etag, identity.etag);
        ck_assert_str_eq(kept.generation_id, identity.generation_id);
        ck_assert(kept.disabled && kept.is_edge);
        ck_assert_str_eq(kept.status_reason, "why");
        ck_assert_int_eq(kept.authentication, AUTHENTICATION_SELF_SIGNED);
        ck_assert_str_eq(kept.primary_thumbprint, "AA");
        ck_assert_str_eq(kept.secondary_thumbprint, "BB");
        ck_assert_str_eq(kept.primary_key, "");
        ck_assert_ptr_null(kept.managed_by);
        devhub_house_close(&house);
}
END_TEST

START_TEST(a_change_gives_a_new_etag_and_the_status_its_time)
{
        _cleanup_(identity_done) Identity identity = {};
        _cleanup_free_ char *etag = NULL, *generation = NULL;
        DevhubHouse house;

        devhub_house_open(&house);
        identity = find(&house, "d1", NULL);
        etag = strdup(identity.etag);
        generation = strdup(identity.generation_id);
        ck_assert_int_eq(registry_update(&house.store, &identity, "AAAA", NOW), REGISTRY_E_CHANGED);
        ck_assert_int_eq(registry_update(&house.store, &identity, etag, NOW), 0);
        ck_assert_str_ne(identity.etag, etag);
        ck_assert_str_eq(identity.generation_id, generation);
        ck_assert_uint_eq(identity.status_usec, 0);
        ck_assert_int_eq(registry_update(&house.store, &identity, etag, NOW), REGISTRY_E_CHANGED);
        identity.disabled = true;
        ck_assert_int_eq(registry_update(&house.store, &identity, "*", NOW + 5), 0);
        ck_assert_uint_eq(identity.status_usec, NOW + 5);
        ck_assert_int_eq(registry_update(&house.store, &identity, NULL, NOW + 9), 0);
        ck_assert_uint_eq(identity.status_usec, NOW + 5);
        devhub_house_close(&house);
}
END_TEST

START_TEST(keys_that_are_empty_are_made_and_others_stay)
{
        _cleanup_(identity_done) Identity identity = {};
        _cleanup_free_ char *primary = NULL;
        DevhubHouse house;

        devhub_house_open(&house);
        identity = find(&house, "d1", NULL);
        primary = strdup(identity.primary_key);
        identity.secondary_key[0] = 0;
        ck_assert_int_eq(registry_update(&house.store, &identity, NULL, NOW), 0);
        ck_assert_str_eq(identity.primary_key, primary);
        ck_assert_uint_eq(strlen(identity.secondary_key), 44);
        identity.authentication = AUTHENTICATION_NONE;
        identity.secondary_key[0] = 0;
        ck_assert_int_eq(registry_update(&house.store, &identity, NULL, NOW), 0);
        ck_assert_str_eq(identity.secondary_key, "");
        devhub_house_close(&house);
}
END_TEST

START_TEST(a_module_is_disabled_with_its_device)
{
        _cleanup_(identity_done) Identity device = {}, module = {};
        DevhubHouse house;

        devhub_house_open(&house);
        device = find(&house, "d1", NULL);
        device.disabled = true;
        ck_assert_int_eq(registry_update(&house.store, &device, NULL, NOW), 0);
        module = find(&house, "d1", "m1");
        ck_assert(module.disabled);
        identity_done(&module);
        device.disabled = false;
        ck_assert_int_eq(registry_update(&house.store, &device, NULL, NOW), 0);
        module = find(&house, "d1", "m1");
        ck_assert(!module.disabled);
        devhub_house_close(&house);
}
END_TEST

START_TEST(what_cannot_be_added_changes_nothing)
{
        _cleanup_(identity_done) Identity a = {}, b = {};
        DevhubHouse house;
        RegistryCount count;

        devhub_house_open(&house);
        ck_assert_int_eq(identity_init(&a, "d1", NULL), 0);
        ck_assert_int_eq(registry_add(&house.store, &a, NOW), REGISTRY_E_EXISTS);
        ck_assert_int_eq(identity_init(&b, "nobody", "m"), 0);
        ck_assert_int_eq(registry_add(&house.store, &b, NOW), REGISTRY_E_NO_DEVICE);
        ck_assert_int_eq(registry_update(&house.store, &b, NULL, NOW), REGISTRY_E_UNKNOWN);
        ck_assert_int_eq(registry_remove(&house.store, "nobody", NULL, NULL), REGISTRY_E_UNKNOWN);
        ck_assert_int_eq(registry_remove(&house.store, "d1", NULL, "AAAA"), REGISTRY_E_CHANGED);
        ck_assert_int_eq(registry_count(&house.store, &count), 0);
        ck_assert_uint_eq(count.n_devices, 2);
        ck_assert(!house.store.in_transaction);
        devhub_house_close(&house);
}
END_TEST

START_TEST(what_is_not_committed_is_gone)
{
        _cleanup_(identity_done) Identity identity = {}, none = {};
        DevhubHouse house;

        devhub_house_open(&house);
        ck_assert_int_eq(identity_init(&identity, "x", NULL), 0);
        ck_assert_int_eq(registry_add(&house.store, &identity, NOW), 0);
        ck_assert_int_eq(registry_remove(&house.store, "d1", NULL, NULL), 0);
        devhub_house_reopen(&house);
        ck_assert_int_eq(registry_find(&house.store, "x", NULL, &none), REGISTRY_E_UNKNOWN);
        none = find(&house, "d1", NULL);
        devhub_house_close(&house);
}
END_TEST

START_TEST(preparing_again_changes_nothing)
{
        _cleanup_(identity_done) Identity before = {}, after = {};
        DevhubHouse house;

        devhub_house_open(&house);
        before = find(&house, "d1", NULL);
        for (int i = 0; i < 3; i++)
                ck_assert_int_ge(registry_prepare(&house.store), 0);
        after = find(&house, "d1", NULL);
        ck_assert_str_eq(before.etag, after.etag);
        ck_assert_str_eq(before.primary_key, after.primary_key);
        devhub_house_close(&house);
}
END_TEST

static int count_one(void *userdata, const Identity *identity)
{
        unsigned *n = userdata;

        (*n)++;
        return *n == 3 ? -ECANCELED : 0;
}

START_TEST(lists_are_of_devices_or_of_modules)
{
        DevhubHouse house;
        unsigned n = 0;

        devhub_house_open(&house);
        ck_assert_int_eq(registry_each_device(&house.store, 1000, count_one, &n), 0);
        ck_assert_uint_eq(n, 2);
        n = 0;
        ck_assert_int_eq(registry_each_device(&house.store, 1, count_one, &n), 0);
        ck_assert_uint_eq(n, 1);
        n = 0;
        ck_assert_int_eq(registry_each_module(&house.store, "d1", count_one, &n), 0);
        ck_assert_uint_eq(n, 1);
        n = 0;
        ck_assert_int_eq(registry_each_module(&house.store, "d2", count_one, &n), 0);
        ck_assert_uint_eq(n, 0);
        ck_assert_int_eq(registry_each(&house.store, count_one, &n), -ECANCELED);
        devhub_house_close(&house);
}
END_TEST

/* ---- presence ---- */

START_TEST(presence_goes_forward_and_ends_with_its_identity)
{
        DevhubHouse house;
        Presence p;

        devhub_house_open(&house);
        ck_assert_int_eq(presence_prepare(&house.store), 0);
        ck_assert_int_eq(presence_find(&house.store, "d1", NULL, &p), 0);
        ck_assert(p.state_usec == 0 && p.activity_usec == 0);
        ck_assert_int_eq(presence_active(&house.store, "d1", NULL, NOW), 0);
        ck_assert_int_eq(presence_changed(&house.store, "d1", NULL, true, NOW), 0);
        ck_assert_int_eq(presence_active(&house.store, "d1", NULL, NOW + 2), 0);
        ck_assert_int_eq(presence_active(&house.store, "d1", NULL, NOW + 1), 0);
        ck_assert_int_eq(presence_find(&house.store, "d1", NULL, &p), 0);
        ck_assert(p.state_usec == NOW && p.activity_usec == NOW + 2);
        ck_assert_int_eq(presence_changed(&house.store, "d1", NULL, false, NOW + 1), 0);
        ck_assert_int_eq(presence_find(&house.store, "d1", NULL, &p), 0);
        ck_assert(p.state_usec == NOW + 1 && p.activity_usec == NOW + 2);
        ck_assert_int_eq(presence_find(&house.store, "d1", "m1", &p), 0);
        ck_assert(p.state_usec == 0);
        /* killed while only the module is connected */
        ck_assert_int_eq(presence_changed(&house.store, "d1", "m1", true, NOW + 5), 0);
        ck_assert_int_eq(presence_begin(&house.store, NOW + 7), 0);
        ck_assert_int_eq(presence_find(&house.store, "d1", "m1", &p), 0);
        ck_assert(p.state_usec == NOW + 7 && p.activity_usec == NOW + 5);
        ck_assert_int_eq(presence_begin(&house.store, NOW + 8), 0);
        ck_assert_int_eq(presence_find(&house.store, "d1", "m1", &p), 0);
        ck_assert(p.state_usec == NOW + 7);
        ck_assert_int_eq(presence_find(&house.store, "d1", NULL, &p), 0);
        ck_assert(p.state_usec == NOW + 1);
        ck_assert_int_eq(registry_delete(&house.store, "d1", NULL), 0);
        /* its link ends after it */
        ck_assert_int_eq(presence_changed(&house.store, "d1", NULL, true, NOW + 9), 0);
        ck_assert_int_eq(presence_find(&house.store, "d1", NULL, &p), 0);
        ck_assert(p.state_usec == 0 && p.activity_usec == 0);
        devhub_house_close(&house);
}
END_TEST

/* ---- records ---- */

static int read_record(const char *text, Identity *identity)
{
        _cleanup_json_ json_object *record = NULL;
        const char *error = NULL;
        int r;

        ck_assert_int_eq(json_read(text, strlen(text), &record, &error), 0);
        error = NULL;
        r = identity_record_read(record, identity, &error);
        ck_assert(r == 0 || (r == -EBADMSG && error && *error));
        return r;
}

START_TEST(a_record_that_says_nothing_changes_nothing)
{
        _cleanup_(identity_done) Identity identity = {};

        ck_assert_int_eq(identity_init(&identity, "d", NULL), 0);
        identity.disabled = true;
        identity.status_reason = strdup("why");
        identity.is_edge = true;
        secret_free(identity.primary_key);
        identity.primary_key = strdup("key");
        ck_assert_int_eq(read_record("{}", &identity), 0);
        ck_assert_int_eq(read_record("{\"authentication\":null,\"status\":null,\"capabilities\":null}", &identity), 0);
        ck_assert_int_eq(read_record("{\"authentication\":{\"symmetricKey\":null}}", &identity), 0);
        ck_assert_int_eq(read_record("{\"authentication\":{\"symmetricKey\":{\"primaryKey\":null}}}", &identity), 0);
        ck_assert(identity.disabled && identity.is_edge);
        ck_assert_str_eq(identity.status_reason, "why");
        ck_assert_str_eq(identity.primary_key, "key");
        ck_assert_int_eq(read_record("{\"statusReason\":null}", &identity), 0);
        ck_assert_ptr_null(identity.status_reason);
        ck_assert_int_eq(read_record("{\"status\":\"Enabled\"}", &identity), 0);
        ck_assert(!identity.disabled);
        ck_assert_int_eq(read_record("{\"authentication\":{\"symmetricKey\":{\"primaryKey\":\"\"}}}", &identity), 0);
        ck_assert_str_eq(identity.primary_key, "");
}
END_TEST

START_TEST(what_is_made_reads_back_as_it_was)
{
        _cleanup_(identity_done) Identity identity = {}, copy = {};
        _cleanup_json_ json_object *record = NULL;
        IdentityLife life = {.is_connected = true, .presence = {NOW, NOW + 1}, .n_messages = 3};
        const char *error;
        json_object *member;
        DevhubHouse house;

        devhub_house_open(&house);
        identity = find(&house, "d1", NULL);
        record = identity_record_make(&identity, &life);
        ck_assert_ptr_nonnull(record);
        ck_assert(json_object_object_get_ex(record, "connectionState", &member));
        ck_assert_str_eq(json_object_get_string(member), "Connected");
        ck_assert(json_object_object_get_ex(record, "connectionStateUpdatedTime", &member));
        ck_assert_str_eq(json_object_get_string(member), "2026-01-01T00:00:00.0000000Z");
        ck_assert(json_object_object_get_ex(record, "lastActivityTime", &member));
        ck_assert_str_eq(json_object_get_string(member), "2026-01-01T00:00:00.0000010Z");
        ck_assert(json_object_object_get_ex(record, "statusUpdatedTime", &member));
        ck_assert_str_eq(json_object_get_string(member), "0001-01-01T00:00:00Z");
        ck_assert(json_object_object_get_ex(record, "cloudToDeviceMessageCount", &member));
        ck_assert_int_eq(json_object_get_int(member), 3);
        ck_assert_int_eq(identity_init(&copy, "d1", NULL), 0);
        ck_assert_int_eq(identity_record_read(record, &copy, &error), 0);
        ck_assert_str_eq(copy.primary_key, identity.primary_key);
        ck_assert_str_eq(copy.secondary_key, identity.secondary_key);
        ck_assert_int_eq(copy.authentication, AUTHENTICATION_SAS);
        devhub_house_close(&house);
}
END_TEST

START_TEST(records_that_cannot_be_are_refused)
{
        static const char *const records[] = {
                "[]", "7", "{\"deviceId\":\"other\"}", "{\"deviceId\":1}", "{\"moduleId\":\"m\"}", "{\"status\":\"on\"}",
                "{\"authentication\":1}", "{\"authentication\":{\"symmetricKey\":{\"primaryKey\":\"x\"}}}",
                "{\"authentication\":{\"symmetricKey\":{\"secondaryKey\":1}}}", "{\"authentication\":{\"type\":\"\"}}",
                "{\"authentication\":{\"type\":\"selfSigned\"}}",
                "{\"authentication\":{\"x509Thumbprint\":{\"secondaryThumbprint\":\"12\"}}}",
                "{\"capabilities\":[]}", "{\"capabilities\":{\"iotEdge\":1}}",
        };

        for (size_t i = 0; i < ARRAY_SIZE(records); i++) {
                _cleanup_(identity_done) Identity identity = {};

                ck_assert_int_eq(identity_init(&identity, "d", NULL), 0);
                ck_assert_msg(read_record(records[i], &identity) == -EBADMSG, "%s", records[i]);
        }
}
END_TEST

int main(void)
{
        Suite *s = suite_create("devhub/registry");
        TCase *c;

        c = suite_case(s, "identities");
        tcase_add_test(c, ids_are_of_the_hubs_characters);
        tcase_add_test(c, trap_35_etags_match_with_and_without_quotes);
        tcase_add_test(c, ways_of_authentication_have_names);
        c = suite_case(s, "the registry");
        tcase_add_test(c, all_of_an_identity_is_kept);
        tcase_add_test(c, a_change_gives_a_new_etag_and_the_status_its_time);
        tcase_add_test(c, keys_that_are_empty_are_made_and_others_stay);
        tcase_add_test(c, a_module_is_disabled_with_its_device);
        tcase_add_test(c, what_cannot_be_added_changes_nothing);
        tcase_add_test(c, what_is_not_committed_is_gone);
        tcase_add_test(c, preparing_again_changes_nothing);
        tcase_add_test(c, lists_are_of_devices_or_of_modules);
        c = suite_case(s, "presence");
        tcase_add_test(c, presence_goes_forward_and_ends_with_its_identity);
        c = suite_case(s, "records");
        tcase_add_test(c, a_record_that_says_nothing_changes_nothing);
        tcase_add_test(c, what_is_made_reads_back_as_it_was);
        tcase_add_test(c, records_that_cannot_be_are_refused);
        return suite_run(s);
}
