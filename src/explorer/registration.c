/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Registration - what a provisioning service remembers of the devices that came
 */

#include <string.h>

#include "explorer/commands.h"
#include "explorer/output.h"
#include "explorer/provisioning.h"
#include "explorer/query.h"
#include "explorer/record.h"
#include "explorer/stranger.h"
#include "explorer/words.h"

static const Kind registration = {"registrationId", "registrations", "registrations", "registration",
                                  "RegistrationStatus"};

static int print(const Explorer *e, json_object *o)
{
        static const char *const names[] = {"registrationId", "status", "substatus", "assignedHub", "deviceId",
                                            "errorCode", "errorMessage", "createdDateTimeUtc",
                                            "lastUpdatedDateTimeUtc", "etag"};
        _cleanup_(buffer_done) Buffer b = BUFFER_NULL;

        if (e->json)
                return output_json(o);
        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                json_object *value = json_member(o, names[i]);

                if (value)
                        buffer_printf(&b, "%-26s %s\n", names[i], json_object_get_string(value));
        }
        return output_buffer(&b);
}

static int run_get(const Explorer *e, const Words *w)
{
        _cleanup_(answer_done) Answer answer = {};
        int r = provisioning_ask(e, &registration, words_operand(w, 0), (HttpsRequest){.method = "GET", .reads = true},
                                 "", &answer);

        return r == EXPLORER_OK ? print(e, answer.json) : r;
}

static int run_delete(const Explorer *e, const Words *w)
{
        _cleanup_(answer_done) Answer answer = {};
        HttpsRequest request = {.method = "DELETE"};
        int r = etag_of_option(w, &request.etag);

        return r == EXPLORER_OK ? provisioning_ask(e, &registration, words_operand(w, 0), request, "", &answer) : r;
}

static int run_list(const Explorer *e, const Words *w)
{
        static const char *const columns[] = {"registrationId", "status", "deviceId", "assignedHub",
                                              "lastUpdatedDateTimeUtc", NULL};
        _cleanup_(buffer_done) Buffer path = BUFFER_NULL, what = BUFFER_NULL;
        /* the official clients ask by these words here too */
        Query query = {.sql = "SELECT * FROM enrollmentGroups", .right = "RegistrationStatusRead"};
        Rows rows = {.explorer = e, .shape = ROWS_TABLE, .columns = columns};
        int r = query_options(w, &rows, &query);

        if (r == EXPLORER_OK)
                r = provisioning_check_host(e);
        if (r != EXPLORER_OK)
                return r;
        /* the service itself lists nothing of it, without a word */
        if (stranger_is_group(e, words_operand(w, 0))) {
                complain("there is no enrollment group '%s' in %s: 'hublink-explorer enrollment-group list' shows "
                         "those there are [HTTP 404]", words_operand(w, 0), e->login.host);
                return EXPLORER_REFUSED;
        }
        buffer_append_string(&path, "/registrations/");
        put_encoded(&path, words_operand(w, 0));
        buffer_append_string(&path, "/query?api-version=" DPS_VERSION);
        buffer_printf(&what, "enrollment group '%s'", words_operand(w, 0));
        if (buffer_error(&path) || buffer_error(&what))
                return out_of_memory();
        query.path = path.data;
        query.what = what.data;
        return query_run(e, &query, &rows);
}

static const Option list_options[] = {QUERY_OPTIONS, {}};
static const Option delete_options[] = {{"etag", "ETAG", "only if nothing changed since then", 0}, {}};

const Command command_registration_list = {
        .name = "registration list", .operands = "GROUP", .n_least = 1, .n_most = 1,
        .summary = "devices that came by an enrollment group, and where they were assigned to",
        .options = list_options, .run = run_list,
};
const Command command_registration_get = {
        .name = "registration get", .operands = "ID", .n_least = 1, .n_most = 1,
        .summary = "one device that came", .run = run_get,
};
const Command command_registration_delete = {
        .name = "registration delete", .operands = "ID", .n_least = 1, .n_most = 1,
        .summary = "forget it: when it comes again it is as new", .options = delete_options, .run = run_delete,
};
