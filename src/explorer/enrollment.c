/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Enrollment - who may be provisioned: single devices, and groups of them
 *
 * The service never shows keys with the rest: they are asked for by themselves.
 */

#include <errno.h>
#include <string.h>

#include "azure/derived-key.h"
#include "base/secret.h"
#include "explorer/commands.h"
#include "explorer/enrollment-change.h"
#include "explorer/key.h"
#include "explorer/output.h"
#include "explorer/provisioning.h"
#include "explorer/query.h"
#include "explorer/record.h"
#include "explorer/words.h"

static const Kind individual = {"registrationId", "enrollments", "enrollments", "enrollment", "Enrollment"};
static const Kind group = {"enrollmentGroupId", "enrollmentGroups", "enrollmentgroups", "enrollment group",
                           "Enrollment"};

static const Kind *kind_of(const Words *w)
{
        return strncmp(w->command->name, "enrollment-group", strlen("enrollment-group")) == 0 ? &group : &individual;
}

/* Puts the keys where the service leaves them out. */
static int add_keys(const Explorer *e, const Kind *k, const char *id, json_object *enrollment)
{
        _cleanup_(answer_done) Answer answer = {};
        int r = provisioning_ask(e, k, id, (HttpsRequest){.method = "POST", .reads = true}, "/attestationmechanism",
                                 &answer);
        bool ok = true;

        if (r != EXPLORER_OK)
                return r;
        if (answer.json)
                json_put(enrollment, "attestation", json_object_get(answer.json), &ok);
        return ok ? EXPLORER_OK : out_of_memory();
}

/* ---- printing ---- */

static void put_line(Buffer *b, const char *name, json_object *value)
{
        if (value)
                buffer_printf(b, "%-26s %s\n", name, json_object_get_string(value));
}

static int print_enrollment(const Explorer *e, const Kind *k, json_object *o)
{
        static const char *const rest[] = {"provisioningStatus", "allocationPolicy", "iotHubHostName", "iotHubs",
                                           "initialTwin", "reprovisionPolicy", "createdDateTimeUtc",
                                           "lastUpdatedDateTimeUtc", "etag"};
        json_object *attestation = json_member(o, "attestation"), *keys = json_member(attestation, "symmetricKey");
        _cleanup_(secret_buffer_done) Buffer b = BUFFER_NULL;

        if (e->json)
                return output_json(o);
        put_line(&b, k->member, json_member(o, k->member));
        put_line(&b, "deviceId", json_member(o, "deviceId"));
        put_line(&b, "attestation", json_member(attestation, "type"));
        put_line(&b, "primaryKey", json_member(keys, "primaryKey"));
        put_line(&b, "secondaryKey", json_member(keys, "secondaryKey"));
        for (size_t i = 0; i < ARRAY_SIZE(rest); i++)
                put_line(&b, rest[i], json_member(o, rest[i]));
        put_line(&b, "registrationStatus", json_member(json_member(o, "registrationState"), "status"));
        put_line(&b, "assignedHub", json_member(json_member(o, "registrationState"), "assignedHub"));
        return output_buffer(&b);
}

/* ---- get, create, update, delete ---- */

static bool has_keys(json_object *enrollment)
{
        const char *type = json_text_of(json_member(enrollment, "attestation"), "type");

        return type && strcasecmp(type, "symmetricKey") == 0;
}

static int put(const Explorer *e, const Words *w, json_object *enrollment, const char *etag)
{
        const char *id = words_operand(w, 0);
        _cleanup_(answer_done) Answer answer = {};
        HttpsRequest request = {.method = "PUT", .etag = etag};
        int r;

        request.body = json_object_to_json_string_ext(enrollment, JSON_C_TO_STRING_PLAIN);
        if (!request.body)
                return out_of_memory();
        r = provisioning_ask(e, kind_of(w), id, request, "", &answer);
        if (r == EXPLORER_OK && has_keys(answer.json))
                r = add_keys(e, kind_of(w), id, answer.json);
        return r == EXPLORER_OK ? print_enrollment(e, kind_of(w), answer.json) : r;
}

static int run_get(const Explorer *e, const Words *w)
{
        const char *id = words_operand(w, 0);
        _cleanup_(answer_done) Answer answer = {};
        int r = provisioning_ask(e, kind_of(w), id, (HttpsRequest){.method = "GET", .reads = true}, "", &answer);

        if (r == EXPLORER_OK && words_have(w, "keys"))
                r = add_keys(e, kind_of(w), id, answer.json);
        return r == EXPLORER_OK ? print_enrollment(e, kind_of(w), answer.json) : r;
}

static int run_create(const Explorer *e, const Words *w)
{
        const char *id = words_operand(w, 0);
        _cleanup_(json_unrefp) json_object *enrollment = enrollment_new(kind_of(w)->member, id);
        int r = enrollment ? enrollment_change(w, kind_of(w) == &group, enrollment) : out_of_memory();

        return r == EXPLORER_OK ? put(e, w, enrollment, NULL) : r;
}

/* What the service has is read, its keys too, changed and written whole. */
static int run_update(const Explorer *e, const Words *w)
{
        const Kind *k = kind_of(w);
        _cleanup_(answer_done) Answer answer = {};
        const char *etag = NULL;
        int r = etag_of_option(w, &etag);

        if (r == EXPLORER_OK && !words_have_besides(w, "etag"))
                r = bad_usage("what is to change?");
        if (r == EXPLORER_OK)
                r = provisioning_ask(e, k, words_operand(w, 0), (HttpsRequest){.method = "GET", .reads = true}, "",
                                     &answer);
        if (r == EXPLORER_OK && has_keys(answer.json))
                r = add_keys(e, k, words_operand(w, 0), answer.json);
        if (r == EXPLORER_OK)
                r = enrollment_change(w, k == &group, answer.json);
        if (r != EXPLORER_OK)
                return r;
        json_object_object_del(answer.json, "registrationState"); /* the service's own */
        return put(e, w, answer.json, etag ?: json_text_of(answer.json, "etag") ?: "*");
}

static int run_delete(const Explorer *e, const Words *w)
{
        _cleanup_(answer_done) Answer answer = {};
        HttpsRequest request = {.method = "DELETE"};
        int r = etag_of_option(w, &request.etag);

        return r == EXPLORER_OK ? provisioning_ask(e, kind_of(w), words_operand(w, 0), request, "", &answer) : r;
}

/* ---- list, query ---- */

static int run_rows(const Explorer *e, const Words *w, RowsShape shape, const char *sql)
{
        static const char *const of_individuals[] = {"registrationId", "deviceId", "attestation.type",
                                                     "provisioningStatus", "iotHubHostName", "lastUpdatedDateTimeUtc",
                                                     NULL};
        static const char *const of_groups[] = {"enrollmentGroupId", "attestation.type", "provisioningStatus",
                                                "iotHubHostName", "lastUpdatedDateTimeUtc", NULL};
        bool groups = kind_of(w) == &group;
        Query query = {
                .path = groups ? "/enrollmentGroups/query?api-version=" DPS_VERSION
                               : "/enrollments/query?api-version=" DPS_VERSION,
                .sql = sql,
                .what = "the query",
                .right = "EnrollmentRead",
        };
        Rows rows = {.explorer = e, .shape = shape, .columns = groups ? of_groups : of_individuals};
        int r = query_options(w, &rows, &query);

        if (r == EXPLORER_OK)
                r = provisioning_check_host(e);
        return r == EXPLORER_OK ? query_run(e, &query, &rows) : r;
}

static int run_list(const Explorer *e, const Words *w)
{
        return run_rows(e, w, ROWS_TABLE, kind_of(w) == &group ? "SELECT * FROM enrollmentGroups"
                                                               : "SELECT * FROM enrollments");
}

static int run_query(const Explorer *e, const Words *w)
{
        return run_rows(e, w, ROWS_LINES, words_operand(w, 0));
}

/* ---- a device's key ---- */

static int find_group_key(const Explorer *e, const Words *w, Buffer *key)
{
        _cleanup_(json_unrefp) json_object *o = json_object_new_object();
        const char *text;
        int r = key_of_option(w, "key", key);

        if (r != EXPLORER_OK || key->size > 0)
                return r;
        r = o ? add_keys(e, &group, words_operand(w, 0), o) : out_of_memory();
        if (r != EXPLORER_OK)
                return r;
        text = json_text_of(json_member(json_member(o, "attestation"), "symmetricKey"), "primaryKey");
        if (!text || !*text) {
                complain("enrollment group '%s' has no symmetric key", words_operand(w, 0));
                return EXPLORER_FAILED;
        }
        buffer_append_string(key, text);
        return buffer_error(key) ? out_of_memory() : EXPLORER_OK;
}

static int run_device_key(const Explorer *e, const Words *w)
{
        _cleanup_(secret_buffer_done) Buffer key = BUFFER_NULL, derived = BUFFER_NULL;
        _cleanup_(buffer_done) Buffer id = BUFFER_NULL;
        int r = find_group_key(e, w, &key);

        if (r != EXPLORER_OK)
                return r;
        buffer_append_string(&id, words_operand(w, 1));
        /* registration ids are told apart without case, and signed in lower case */
        for (size_t i = 0; i < id.size; i++)
                if (id.data[i] >= 'A' && id.data[i] <= 'Z')
                        id.data[i] = (char)(id.data[i] - 'A' + 'a');
        r = buffer_error(&id) ? -ENOMEM : derived_key(&derived, key.data, id.data);
        if (r == -ENOMEM)
                return out_of_memory();
        if (r < 0) {
                complain("the key of '%s' is not base64", words_operand(w, 0));
                return EXPLORER_FAILED;
        }
        if (e->json) {
                json_object *o = json_object_new_object();
                bool ok = true;

                json_put_text(o, "registrationId", id.data, &ok);
                json_put_text(o, "primaryKey", derived.data, &ok);
                r = ok ? output_json(o) : out_of_memory();
                (void)json_object_put(o);
                return r;
        }
        buffer_append_char(&derived, '\n');
        return output_buffer(&derived);
}

/* ---- the rows ---- */

static const Option list_options[] = {QUERY_OPTIONS, {}};
static const Option get_options[] = {{"keys", NULL, "with its symmetric keys", 0}, {}};
static const Option delete_options[] = {{"etag", "ETAG", "only if nobody changed it since then", 0}, {}};
static const Option create_options[] = {
                ENROLLMENT_OPTIONS,
                {"device-id", "ID", "what the device is called in the hub (default: as here)", 0},
                {}};
static const Option create_group_options[] = {ENROLLMENT_OPTIONS,
                                              {"ca-name", "NAME", "devices with a certificate of this authority, which "
                                                                  "the service knows by name", 0},
                                              {}};
static const Option update_options[] = {ENROLLMENT_OPTIONS,
                                        {"device-id", "ID", "what the device is called in the hub", 0},
                                        {"etag", "ETAG", "only if nobody changed it since then", 0},
                                        {}};
static const Option update_group_options[] = {ENROLLMENT_OPTIONS,
                                              {"ca-name", "NAME", "an authority that the service knows by name", 0},
                                              {"etag", "ETAG", "only if nobody changed it since then", 0},
                                              {}};
static const Option device_key_options[] = {
        {"key", "KEY", "the group's, or @FILE that holds it; then the service is not asked", OPTION_SECRET},
        {},
};

#define CREATE_TEXT                                                                                                  \
        "Without keys and certificates the service draws two keys, which are printed."

const Command command_enrollment_list = {
        .name = "enrollment list", .operands = "", .summary = "single devices that may be provisioned",
        .options = list_options, .run = run_list,
};
const Command command_enrollment_get = {
        .name = "enrollment get", .operands = "ID", .n_least = 1, .n_most = 1, .summary = "one of them",
        .options = get_options, .run = run_get,
};
const Command command_enrollment_create = {
        .name = "enrollment create", .operands = "ID", .n_least = 1, .n_most = 1,
        .summary = "let a device of this registration id be provisioned; prints its keys", .text = CREATE_TEXT,
        .options = create_options, .run = run_create,
};
const Command command_enrollment_update = {
        .name = "enrollment update", .operands = "ID", .n_least = 1, .n_most = 1,
        .summary = "change it; what is not named stays", .options = update_options, .run = run_update,
};
const Command command_enrollment_delete = {
        .name = "enrollment delete", .operands = "ID", .n_least = 1, .n_most = 1,
        .summary = "no more; its identity in the hub stays", .options = delete_options, .run = run_delete,
};
const Command command_enrollment_query = {
        .name = "enrollment query", .operands = "SQL", .n_least = 1, .n_most = 1,
        .summary = "ask for single devices: a line of JSON for each", .options = list_options, .run = run_query,
};
const Command command_enrollment_group_list = {
        .name = "enrollment-group list", .operands = "", .summary = "groups of devices that may be provisioned",
        .options = list_options, .run = run_list,
};
const Command command_enrollment_group_get = {
        .name = "enrollment-group get", .operands = "ID", .n_least = 1, .n_most = 1, .summary = "one of them",
        .options = get_options, .run = run_get,
};
const Command command_enrollment_group_create = {
        .name = "enrollment-group create", .operands = "ID", .n_least = 1, .n_most = 1,
        .summary = "let devices be provisioned whose keys or certificates come of the group's", .text = CREATE_TEXT,
        .options = create_group_options, .run = run_create,
};
const Command command_enrollment_group_update = {
        .name = "enrollment-group update", .operands = "ID", .n_least = 1, .n_most = 1,
        .summary = "change it; what is not named stays", .options = update_group_options, .run = run_update,
};
const Command command_enrollment_group_delete = {
        .name = "enrollment-group delete", .operands = "ID", .n_least = 1, .n_most = 1,
        .summary = "no more; identities in the hub stay", .options = delete_options, .run = run_delete,
};
const Command command_enrollment_group_query = {
        .name = "enrollment-group query", .operands = "SQL", .n_least = 1, .n_most = 1,
        .summary = "ask for groups: a line of JSON for each", .options = list_options, .run = run_query,
};
const Command command_enrollment_group_device_key = {
        .name = "enrollment-group device-key", .operands = "ID REGISTRATION", .n_least = 2, .n_most = 2,
        .summary = "the key of one device of a group, made of the group's", .options = device_key_options,
        .run = run_device_key,
};
