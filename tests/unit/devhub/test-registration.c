/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/dps/registration.h"

#include <errno.h>
#include <string.h>

#include "devhub-house.h"
#include "devhub/dps/registration-json.h"
#include "devhub/dps/service.h"
#include "devhub/hub/registry.h"
#include "devhub/hub/twin.h"
#include "model/json-read.h"
#include "suite.h"

#define PRIMARY   "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="
#define SECONDARY "c3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3M="
#define DERIVED   "z+mUo/ygZOm6FEUJyj2VGsOISA0Gh4L5mqwTYXTIaRY=" /* of PRIMARY for dev1 */
#define HOST      "devhub.example.net"
#define TWIN(a)   "{\"tags\":{\"a\":" #a "},\"properties\":{\"desired\":{\"b\":true}}}"
#define NOW       ((usec_t)1800000000000000)

static DevhubHouse house;

/* What the twin of the device now has as its tag "a"; 0: none. */
static int tag_of(const char *device_id)
{
        _cleanup_(twin_done) Twin twin = {};

        ck_assert_int_eq(twin_load(&house.store, device_id, NULL, &twin), 0);
        return json_object_get_int(json_object_object_get(twin.tags.values, "a"));
}

static void setup(void)
{
        devhub_house_open(&house);
        ck_assert_int_eq(twin_prepare(&house.store), 0);
        ck_assert_int_eq(dps_service_prepare(&house.store), 0);
}

static void teardown(void)
{
        devhub_house_close(&house);
}

static Enrollment enrollment(EnrollmentKind kind)
{
        Enrollment e = {
                .kind = kind,
                .id = strdup(kind == ENROLLMENT_GROUP ? "fleet" : "dev1"),
                .primary_key = strdup(PRIMARY),
                .secondary_key = strdup(SECONDARY),
        };

        ck_assert_int_eq(enrollment_put(&house.store, &e, NULL, NOW), 0);
        return e;
}

static int begin(const Enrollment *e, const char *id, const char *elsewhere, Registration *ret)
{
        return registration_begin(&house.store, &(RegistrationRequest){e, NULL, id, HOST, elsewhere, NOW}, ret);
}

/* Registers and asks again when it is told. */
static Registration provision(const Enrollment *e, const char *host, usec_t now)
{
        _cleanup_(registration_done) Registration begun = {};
        Registration r = {};

        ck_assert_int_eq(registration_begin(&house.store, &(RegistrationRequest){e, NULL, "dev1", host, NULL, now}, &begun), 0);
        ck_assert_int_eq(begun.status, REGISTRATION_ASSIGNING);
        ck_assert_int_eq(registration_find(&house.store, "dev1", now + USEC_PER_SEC, &r), 0);
        ck_assert_str_eq(r.operation_id, begun.operation_id);
        return r;
}

static Identity identity(const char *device_id)
{
        Identity i = {};

        ck_assert_int_eq(registry_find(&house.store, device_id, NULL, &i), 0);
        return i;
}

/* ---- the first time ---- */

START_TEST(a_device_of_its_own_gets_its_keys_and_name)
{
        _cleanup_(enrollment_done) Enrollment e = enrollment(ENROLLMENT_INDIVIDUAL);
        _cleanup_(registration_done) Registration r = {};
        _cleanup_(identity_done) Identity i = {};

        e.device_id = strdup("Wind-1");
        r = provision(&e, HOST, NOW);
        ck_assert_int_eq(r.status, REGISTRATION_ASSIGNED);
        ck_assert_int_eq(r.substatus, SUBSTATUS_INITIAL_ASSIGNMENT);
        ck_assert_str_eq(r.assigned_hub, HOST);
        ck_assert_str_eq(r.device_id, "Wind-1");
        i = identity("Wind-1");
        ck_assert_str_eq(i.primary_key, PRIMARY);
        ck_assert_str_eq(i.secondary_key, SECONDARY);
}
END_TEST

START_TEST(a_device_of_a_group_gets_the_key_derived_for_it)
{
        _cleanup_(enrollment_done) Enrollment e = enrollment(ENROLLMENT_GROUP);
        _cleanup_(registration_done) Registration r = provision(&e, HOST, NOW);
        _cleanup_(identity_done) Identity i = identity("dev1");

        ck_assert_str_eq(r.device_id, "dev1");
        ck_assert_str_eq(r.enrollment_id, "fleet");
        ck_assert_str_eq(i.primary_key, DERIVED);
        ck_assert_str_ne(i.secondary_key, DERIVED);
}
END_TEST

START_TEST(a_device_that_the_hub_knows_gets_the_keys_too)
{
        _cleanup_(enrollment_done) Enrollment e = enrollment(ENROLLMENT_INDIVIDUAL);
        _cleanup_(registration_done) Registration r = {};
        _cleanup_(identity_done) Identity before = identity("d1"), after = {};

        e.device_id = strdup("d1");
        e.initial_twin = strdup(TWIN(1));
        r = provision(&e, HOST, NOW);
        after = identity("d1");
        ck_assert_str_eq(after.primary_key, PRIMARY);
        ck_assert_str_eq(after.generation_id, before.generation_id);
        ck_assert_int_eq(tag_of("d1"), 0);
}
END_TEST

/* Written when the identity is made, and when the device begins anew; never over what it has. */
START_TEST(the_initial_twin_is_for_a_device_that_begins)
{
        _cleanup_(enrollment_done) Enrollment e = enrollment(ENROLLMENT_GROUP);
        _cleanup_(registration_done) Registration first = {}, again = {}, reset = {};
        _cleanup_(twin_done) Twin twin = {};

        e.initial_twin = strdup(TWIN(1));
        first = provision(&e, HOST, NOW);
        ck_assert_int_eq(twin_load(&house.store, "dev1", NULL, &twin), 0);
        ck_assert_int_eq(tag_of("dev1"), 1);
        ck_assert(json_object_get_boolean(json_object_object_get(twin.desired.values, "b")));

        free(e.initial_twin);
        e.initial_twin = strdup(TWIN(2));
        again = provision(&e, HOST, NOW);
        ck_assert_int_eq(tag_of("dev1"), 1);
        e.reset_data = true;
        reset = provision(&e, "renamed.example.net", NOW);
        ck_assert_int_eq(tag_of("dev1"), 2);
}
END_TEST

/* ---- it takes half a second ---- */

START_TEST(trap_55_it_is_assigning_until_it_is_told)
{
        _cleanup_(enrollment_done) Enrollment e = enrollment(ENROLLMENT_INDIVIDUAL);
        static const struct {
                int64_t after;
                RegistrationStatus status;
        } cases[] = {
                {0, REGISTRATION_ASSIGNING},
                {499999, REGISTRATION_ASSIGNING},
                {500000, REGISTRATION_ASSIGNED},
                {3600000000, REGISTRATION_ASSIGNED},
                {-1, REGISTRATION_ASSIGNED}, /* the clock was set back */
        };
        _cleanup_(registration_done) Registration r = provision(&e, HOST, NOW);

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_(registration_done) Registration found = {};

                ck_assert_int_eq(registration_find(&house.store, "dev1", (usec_t)((int64_t)NOW + cases[i].after),
                                                   &found),
                                 0);
                ck_assert_int_eq(found.status, cases[i].status);
        }
        ck_assert_int_eq(registration_find(&house.store, "dev2", NOW, &r), REGISTRATION_E_UNKNOWN);
}
END_TEST

/* ---- again ---- */

/* What becomes of a device that was assigned when the hub's name was `before`, under each policy. */
START_TEST(a_device_that_comes_again)
{
        static const struct {
                const char *before;
                bool keep_assignment, reset_data;
                Substatus substatus;
                const char *hub;
        } cases[] = {
                {HOST, false, false, SUBSTATUS_REPROVISIONED, HOST},
                {HOST, false, true, SUBSTATUS_REPROVISIONED, HOST},
                {HOST, true, false, SUBSTATUS_REPROVISIONED, HOST},
                {"old.example.net", false, false, SUBSTATUS_DEVICE_DATA_MIGRATED, HOST},
                {"old.example.net", false, true, SUBSTATUS_DEVICE_DATA_RESET, HOST},
                {"old.example.net", true, false, SUBSTATUS_REPROVISIONED, "old.example.net"},
        };
        _cleanup_(enrollment_done) Enrollment e = enrollment(ENROLLMENT_INDIVIDUAL);
        _cleanup_(registration_done) Registration first = provision(&e, cases[_i].before, NOW), again = {};
        _cleanup_(identity_done) Identity there = {};

        if (strcmp(cases[_i].before, HOST) != 0)
                ck_assert_int_eq(registry_delete(&house.store, "dev1", NULL), 0);
        e.initial_twin = strdup(TWIN(2));
        e.keep_assignment = cases[_i].keep_assignment;
        e.reset_data = cases[_i].reset_data;
        again = provision(&e, HOST, NOW + USEC_PER_DAY);
        ck_assert_int_eq(again.status, REGISTRATION_ASSIGNED);
        ck_assert_int_eq(again.substatus, cases[_i].substatus);
        ck_assert_str_eq(again.assigned_hub, cases[_i].hub);
        ck_assert_uint_eq(again.created_usec, NOW);
        ck_assert_uint_eq(again.updated_usec, NOW + USEC_PER_DAY);
        ck_assert_str_ne(again.operation_id, first.operation_id);
        ck_assert_str_ne(again.etag, first.etag);
        ck_assert_int_eq(registry_find(&house.store, "dev1", NULL, &there),
                         strcmp(again.assigned_hub, HOST) == 0 ? 0 : REGISTRY_E_UNKNOWN);
        if (again.substatus == SUBSTATUS_DEVICE_DATA_RESET)
                ck_assert_int_eq(tag_of("dev1"), 2);
}
END_TEST

START_TEST(an_identity_is_written_again_only_when_it_differs)
{
        _cleanup_(enrollment_done) Enrollment e = enrollment(ENROLLMENT_INDIVIDUAL);
        _unused_ _cleanup_(registration_done) Registration first = provision(&e, HOST, NOW), second = {}, third = {};
        _cleanup_(identity_done) Identity before = identity("dev1"), same = {}, other = {};

        second = provision(&e, HOST, NOW);
        same = identity("dev1");
        ck_assert_str_eq(same.etag, before.etag);
        e.iot_edge = true;
        third = provision(&e, HOST, NOW);
        other = identity("dev1");
        ck_assert(other.is_edge);
        ck_assert_str_ne(other.etag, before.etag);
        ck_assert_str_eq(other.generation_id, before.generation_id);
}
END_TEST

START_TEST(an_identity_that_was_deleted_is_made_again)
{
        _cleanup_(enrollment_done) Enrollment e = enrollment(ENROLLMENT_INDIVIDUAL);
        _unused_ _cleanup_(registration_done) Registration first = provision(&e, HOST, NOW), again = {};
        _cleanup_(identity_done) Identity i = {};

        ck_assert_int_eq(registry_delete(&house.store, "dev1", NULL), 0);
        e.initial_twin = strdup(TWIN(2));
        again = provision(&e, HOST, NOW);
        i = identity("dev1");
        ck_assert_str_eq(i.primary_key, PRIMARY);
        ck_assert_int_eq(tag_of("dev1"), 2);
}
END_TEST

/* A fault sends it elsewhere, and its identity goes with it; without the fault it comes back. */
START_TEST(a_device_that_is_sent_elsewhere)
{
        _cleanup_(enrollment_done) Enrollment e = enrollment(ENROLLMENT_GROUP);
        _unused_ _cleanup_(registration_done) Registration first = provision(&e, HOST, NOW), away = {}, still = {}, back = {};
        _cleanup_(identity_done) Identity i = {};

        ck_assert_int_eq(begin(&e, "dev1", "b.example.net", &away), 0);
        ck_assert_str_eq(away.assigned_hub, "b.example.net");
        ck_assert_int_eq(away.substatus, SUBSTATUS_DEVICE_DATA_MIGRATED);
        ck_assert_str_eq(away.left_device, "dev1");
        ck_assert_int_eq(registry_find(&house.store, "dev1", NULL, &i), REGISTRY_E_UNKNOWN);
        ck_assert_int_eq(begin(&e, "dev1", "b.example.net", &still), 0);
        ck_assert_int_eq(still.substatus, SUBSTATUS_REPROVISIONED);
        ck_assert_ptr_null(still.left_device);
        back = provision(&e, HOST, NOW);
        ck_assert_str_eq(back.assigned_hub, HOST);
        ck_assert_int_eq(back.substatus, SUBSTATUS_DEVICE_DATA_MIGRATED);
        i = identity("dev1");
        ck_assert_str_eq(i.primary_key, DERIVED);

        e.keep_assignment = true;
        registration_done(&still);
        ck_assert_int_eq(begin(&e, "dev1", "b.example.net", &still), 0);
        ck_assert_str_eq(still.assigned_hub, HOST);
}
END_TEST

/* ---- refusals ---- */

START_TEST(one_that_is_disabled_is_told_so_and_no_identity_is_made)
{
        _cleanup_(enrollment_done) Enrollment e = enrollment(ENROLLMENT_INDIVIDUAL);
        _cleanup_(registration_done) Registration r = {}, enabled = {};
        Identity i;

        e.disabled = true;
        r = provision(&e, HOST, NOW);
        ck_assert_int_eq(r.status, REGISTRATION_DISABLED);
        ck_assert_int_eq(registry_find(&house.store, "dev1", NULL, &i), REGISTRY_E_UNKNOWN);

        e.disabled = false;
        enabled = provision(&e, HOST, NOW);
        ck_assert_int_eq(enabled.status, REGISTRATION_ASSIGNED);
        ck_assert_int_eq(enabled.substatus, SUBSTATUS_INITIAL_ASSIGNMENT);
}
END_TEST

START_TEST(one_without_a_hub_fails)
{
        _cleanup_(enrollment_done) Enrollment e = enrollment(ENROLLMENT_INDIVIDUAL);
        _cleanup_(registration_done) Registration r = {};

        e.iot_hubs = strdup("other.example.net");
        r = provision(&e, HOST, NOW);
        ck_assert_int_eq(r.status, REGISTRATION_FAILED);
        ck_assert_uint_eq(r.error_code, 400208);
        ck_assert_ptr_nonnull(strstr(registration_error_message(r.error_code), "linked"));
}
END_TEST

/* ---- the list ---- */

static int count(void *userdata, const Registration *r)
{
        unsigned *n = userdata;

        ck_assert_str_eq(r->enrollment_id, "fleet");
        (*n)++;
        return 0;
}

START_TEST(they_belong_to_their_enrollment)
{
        static const char *const ids[] = {"a", "b", "c"};
        _cleanup_(enrollment_done) Enrollment fleet = enrollment(ENROLLMENT_GROUP),
                                              own = enrollment(ENROLLMENT_INDIVIDUAL);
        _unused_ _cleanup_(registration_done) Registration mine = provision(&own, HOST, NOW), gone = {};
        unsigned n = 0, behind = 0, after = 0;

        for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
                _cleanup_(registration_done) Registration r = {};

                ck_assert_int_eq(begin(&fleet, ids[i], NULL, &r), 0);
        }
        ck_assert_int_eq(registration_each(&house.store, "Fleet", NULL, 10, NOW, count, &n), 0);
        ck_assert_uint_eq(n, 3);
        ck_assert_int_eq(registration_each(&house.store, "fleet", "a", 1, NOW, count, &behind), 0);
        ck_assert_uint_eq(behind, 1);

        ck_assert_int_eq(registration_delete(&house.store, "b", "x"), REGISTRATION_E_CHANGED);
        ck_assert_int_eq(registration_delete(&house.store, "b", "*"), 0);
        ck_assert_int_eq(registration_delete(&house.store, "b", NULL), REGISTRATION_E_UNKNOWN);
        ck_assert_int_eq(enrollment_delete(&house.store, ENROLLMENT_GROUP, "fleet", NULL), 0);
        ck_assert_int_eq(registration_each(&house.store, "fleet", NULL, 10, NOW, count, &after), 0);
        ck_assert_uint_eq(after, 0);
        ck_assert_int_eq(registration_find(&house.store, "dev1", NOW, &gone), 0);
}
END_TEST

START_TEST(a_device_under_another_name_leaves_none_behind)
{
        _cleanup_(enrollment_done) Enrollment e = enrollment(ENROLLMENT_INDIVIDUAL);
        _unused_ _cleanup_(registration_done) Registration first = provision(&e, HOST, NOW), renamed = {}, again = {};
        _cleanup_(identity_done) Identity gone = {}, there = {};

        e.device_id = strdup("Wind-1");
        ck_assert_int_eq(begin(&e, "dev1", NULL, &renamed), 0);
        ck_assert_str_eq(renamed.left_device, "dev1");
        ck_assert_int_eq(registry_find(&house.store, "dev1", NULL, &gone), REGISTRY_E_UNKNOWN);
        there = identity("Wind-1");
        ck_assert_str_eq(there.primary_key, PRIMARY);
        ck_assert_int_eq(begin(&e, "dev1", NULL, &again), 0);
        ck_assert_ptr_null(again.left_device);
}
END_TEST

/* The tables of a hub that knew no certificates. */
START_TEST(tables_of_an_older_hub_are_brought_up_to_date)
{
        _cleanup_(enrollment_done) Enrollment e = enrollment(ENROLLMENT_INDIVIDUAL), found = {};
        _cleanup_(registration_done) Registration r = provision(&e, HOST, NOW), still = {};

        ck_assert_int_eq(store_run(&house.store, "ALTER TABLE registrations DROP COLUMN certificate;"
                                                 "ALTER TABLE enrollments DROP COLUMN attestation;"
                                                 "ALTER TABLE enrollments DROP COLUMN primary_certificate;"
                                                 "ALTER TABLE enrollments DROP COLUMN secondary_certificate"),
                         0);
        for (int i = 0; i < 2; i++)
                ck_assert_int_eq(dps_service_prepare(&house.store), 0);
        ck_assert_int_eq(enrollment_find(&house.store, ENROLLMENT_INDIVIDUAL, "dev1", &found), 0);
        ck_assert_int_eq(found.attestation, ATTESTATION_SYMMETRIC_KEY);
        ck_assert_str_eq(found.primary_key, PRIMARY);
        ck_assert_int_eq(registration_find(&house.store, "dev1", NOW + USEC_PER_SEC, &still), 0);
        ck_assert_str_eq(still.etag, r.etag);
}
END_TEST

START_TEST(they_outlive_the_server_once_committed)
{
        _cleanup_(enrollment_done) Enrollment e = enrollment(ENROLLMENT_INDIVIDUAL);
        _cleanup_(registration_done) Registration lost = {}, r = {};

        ck_assert_int_eq(begin(&e, "dev1", NULL, &lost), 0);
        devhub_house_reopen(&house);
        ck_assert_int_eq(registration_find(&house.store, "dev1", NOW, &r), REGISTRATION_E_UNKNOWN);
        registration_done(&lost);
        ck_assert_int_eq(enrollment_put(&house.store, &e, NULL, NOW), 0);
        ck_assert_int_eq(begin(&e, "dev1", NULL, &lost), 0);
        ck_assert_int_eq(store_commit(&house.store), 0);
        devhub_house_reopen(&house);
        ck_assert_int_eq(registration_find(&house.store, "dev1", NOW, &r), 0);
        ck_assert_str_eq(r.etag, lost.etag);
}
END_TEST

/* ---- JSON ---- */

static void check_json(json_object *value, const char *expected)
{
        _cleanup_(buffer_done) Buffer b = BUFFER_NULL;

        ck_assert_ptr_nonnull(value);
        json_write(&b, value);
        ck_assert_str_eq(b.data, expected);
        (void)json_object_put(value);
}

#define TIMES_UP_TO(members)                                                                                         \
        "\"createdDateTimeUtc\":\"2027-01-15T08:00:00.0000000Z\"," members                                           \
        ",\"lastUpdatedDateTimeUtc\":\"2027-01-15T08:00:00.0000000Z\",\"etag\":\"E\""

START_TEST(each_state_is_told)
{
        char id[] = "dev1", group[] = "fleet", hub[] = HOST, device[] = "Wind-1", operation[] = "5.a.b", etag[] = "E";
        Registration r = {
                .id = id,
                .enrollment_id = group,
                .assigned_hub = hub,
                .device_id = device,
                .operation_id = operation,
                .etag = etag,
                .created_usec = NOW,
                .updated_usec = NOW,
        };

        check_json(registration_operation_to_json(&r), "{\"operationId\":\"5.a.b\",\"status\":\"assigning\"}");

        r.status = REGISTRATION_ASSIGNED;
        check_json(registration_operation_to_json(&r),
                   "{\"operationId\":\"5.a.b\",\"status\":\"assigned\",\"registrationState\":{\"symmetricKey\":{},"
                   "\"registrationId\":\"dev1\"," TIMES_UP_TO("\"assignedHub\":\"" HOST "\",\"deviceId\":\"Wind-1\","
                   "\"substatus\":\"initialAssignment\",\"status\":\"assigned\"") "}}");

        r.status = REGISTRATION_FAILED;
        r.enrollment_kind = ENROLLMENT_GROUP;
        r.error_code = 400208;
        check_json(registration_to_json(&r),
                   "{\"symmetricKey\":{\"enrollmentGroupId\":\"fleet\"},\"registrationId\":\"dev1\"," TIMES_UP_TO(
                   "\"errorCode\":400208,\"errorMessage\":\"None of the enrollment's hubs is linked to this "
                   "provisioning service.\",\"status\":\"failed\"") "}");

        r.status = REGISTRATION_DISABLED;
        check_json(registration_to_json(&r),
                   "{\"symmetricKey\":{\"enrollmentGroupId\":\"fleet\"},\"registrationId\":\"dev1\"," TIMES_UP_TO(
                   "\"status\":\"disabled\"") "}");
}
END_TEST

int main(void)
{
        Suite *s = suite_create("devhub/registration");
        TCase *c = suite_case(s, "registrations");

        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_test(c, a_device_of_its_own_gets_its_keys_and_name);
        tcase_add_test(c, a_device_of_a_group_gets_the_key_derived_for_it);
        tcase_add_test(c, a_device_that_the_hub_knows_gets_the_keys_too);
        tcase_add_test(c, the_initial_twin_is_for_a_device_that_begins);
        tcase_add_test(c, trap_55_it_is_assigning_until_it_is_told);
        tcase_add_loop_test(c, a_device_that_comes_again, 0, 6);
        tcase_add_test(c, an_identity_is_written_again_only_when_it_differs);
        tcase_add_test(c, an_identity_that_was_deleted_is_made_again);
        tcase_add_test(c, a_device_that_is_sent_elsewhere);
        tcase_add_test(c, one_that_is_disabled_is_told_so_and_no_identity_is_made);
        tcase_add_test(c, one_without_a_hub_fails);
        tcase_add_test(c, they_belong_to_their_enrollment);
        tcase_add_test(c, a_device_under_another_name_leaves_none_behind);
        tcase_add_test(c, tables_of_an_older_hub_are_brought_up_to_date);
        tcase_add_test(c, they_outlive_the_server_once_committed);
        tcase_add_test(c, each_state_is_told);
        return suite_run(s);
}
