/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/http/bulk.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "devhub/http/bulk-twins.h"
#include "devhub/hub/registrar.h"
#include "model/json-read.h"

#define ITEMS_MAX 100

/* Clients spell them with and without a capital. */
static const struct {
        const char *name;
        RegistrarVerb verb;
        bool if_match; /* the item's etag must be that of the identity */
} modes[] = {
        {"create", REGISTRAR_CREATE, false},
        {"update", REGISTRAR_UPDATE, false},
        {"updateIfMatchETag", REGISTRAR_UPDATE, true},
        {"createOrUpdate", REGISTRAR_CREATE_OR_UPDATE, false},
        {"createOrUpdateIfMatchETag", REGISTRAR_CREATE_OR_UPDATE, true},
        {"delete", REGISTRAR_DELETE, false},
        {"deleteIfMatchETag", REGISTRAR_DELETE, true},
};

/* ---- an item ---- */

static const char *text_of(json_object *item, const char *name)
{
        json_object *value;

        return json_object_object_get_ex(item, name, &value) && json_object_is_type(value, json_type_string)
                       ? json_object_get_string(value)
                       : NULL;
}

static const char *refuse(RegistrarRefusal *refusal, ServiceError error, const char *text)
{
        refusal->error = error;
        (void)strncpy(refusal->text, text, sizeof(refusal->text) - 1);
        return text;
}

/* NULL: the request is made. */
static const char *read_item(json_object *item, RegistrarRequest *ret, RegistrarRefusal *refusal)
{
        const char *mode = text_of(item, "importMode"), *etag = text_of(item, "eTag");

        *ret = (RegistrarRequest){
                .device_id = text_of(item, "id"),
                .module_id = text_of(item, "moduleId"),
                .record = item,
        };
        if (!ret->device_id)
                return refuse(refusal, SERVICE_ERROR_ARGUMENT_NULL, "The item has no id");
        if (!mode)
                return refuse(refusal, SERVICE_ERROR_ARGUMENT_NULL, "The item has no importMode");
        for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
                if (strcasecmp(modes[i].name, mode) != 0)
                        continue;
                ret->verb = modes[i].verb;
                if (!modes[i].if_match)
                        return NULL;
                ret->if_match = etag ? etag : text_of(item, "etag");
                return ret->if_match ? NULL
                                     : refuse(refusal, SERVICE_ERROR_PRECONDITION_FAILED, "The item has no eTag");
        }
        return refuse(refusal, SERVICE_ERROR_ARGUMENT_INVALID, "The importMode is not known");
}

static int do_item(const Hub *hub, json_object *item, BulkTwins *twins, RegistrarRefusal *refusal)
{
        _cleanup_(identity_done) Identity identity = {};
        const char *mode = text_of(item, "importMode");
        RegistrarRequest request;
        bool if_match;

        *refusal = (RegistrarRefusal){};
        if (mode && bulk_twins_mode(mode, &if_match))
                return bulk_twins_change(twins, hub, item, if_match, refusal);
        if (read_item(item, &request, refusal))
                return REGISTRAR_E_REFUSED;
        return registrar_do(hub, &request, &identity, refusal);
}

/* ---- the report ---- */

static int add_text(json_object *object, const char *name, const char *text)
{
        if (text)
                return json_put(object, name, json_object_new_string(text));
        return json_object_object_add(object, name, NULL) < 0 ? -ENOMEM : 0;
}

static int add_error(json_object *errors, json_object *item, const RegistrarRefusal *refusal)
{
        json_object *error = json_object_new_object();
        int r = error ? 0 : -ENOMEM;

        if (r >= 0)
                r = add_text(error, "deviceId", text_of(item, "id"));
        if (r >= 0)
                r = add_text(error, "moduleId", text_of(item, "moduleId"));
        if (r >= 0)
                r = add_text(error, "errorCode", service_error_name(refusal->error));
        if (r >= 0)
                r = add_text(error, "errorStatus", refusal->text);
        if (r >= 0)
                r = add_text(error, "operation", text_of(item, "importMode"));
        if (r >= 0 && json_object_array_add(errors, error) == 0)
                return 0;
        json_object_put(error);
        return -ENOMEM;
}

/* Takes errors. */
static json_object *make_report(json_object *errors)
{
        json_object *report = json_object_new_object();
        bool good = json_object_array_length(errors) == 0;

        if (!report) {
                json_object_put(errors);
                return NULL;
        }
        if (json_put(report, "isSuccessful", json_object_new_boolean(good)) < 0) {
                json_object_put(errors);
        } else if (json_put(report, "errors", errors) >= 0 &&
                   json_put(report, "warnings", json_object_new_array()) >= 0) {
                return report;
        }
        json_object_put(report);
        return NULL;
}

/* ---- the whole ---- */

static bool is_defined_twice(json_object *items, size_t n)
{
        json_object *item = json_object_array_get_idx(items, n);
        const char *id = text_of(item, "id"), *module = text_of(item, "moduleId");

        for (size_t i = 0; id && i < n; i++) {
                json_object *other = json_object_array_get_idx(items, i);
                const char *other_id = text_of(other, "id"), *other_module = text_of(other, "moduleId");

                if (other_id && strcmp(id, other_id) == 0 &&
                    strcmp(module ? module : "", other_module ? other_module : "") == 0)
                        return true;
        }
        return false;
}

/* False: the call as a whole cannot be, and that has been replied. */
static bool check_items(HttpCall *call, json_object *items)
{
        size_t n = json_object_is_type(items, json_type_array) ? json_object_array_length(items) : 0;

        if (n == 0 || n > ITEMS_MAX) {
                http_reply_error(call, SERVICE_ERROR_ARGUMENT_INVALID, "The body is not an array of 1 to %d items",
                                 ITEMS_MAX);
                return false;
        }
        for (size_t i = 0; i < n; i++) {
                if (!json_object_is_type(json_object_array_get_idx(items, i), json_type_object)) {
                        http_reply_error(call, SERVICE_ERROR_DESERIALIZATION, "Item %zu is not an object", i);
                        return false;
                }
                if (is_defined_twice(items, i)) {
                        http_reply_error(call, SERVICE_ERROR_DEVICE_DEFINED_MULTIPLE_TIMES,
                                         "Item %zu is the second for its id", i);
                        return false;
                }
        }
        return true;
}

static int do_items(const Hub *hub, json_object *items, BulkTwins *twins, json_object *errors)
{
        RegistrarRefusal refusal;
        int r = errors ? 0 : -ENOMEM;

        for (size_t i = 0; r >= 0 && i < json_object_array_length(items); i++) {
                json_object *item = json_object_array_get_idx(items, i);

                r = do_item(hub, item, twins, &refusal);
                if (r == REGISTRAR_E_REFUSED)
                        r = add_error(errors, item, &refusal);
        }
        return r < 0 ? r : hub_commit(hub);
}

void http_bulk(void *userdata, HttpCall *call)
{
        const Hub *hub = userdata;
        json_object *items = http_call_json(call), *errors;
        _cleanup_(bulk_twins_done) BulkTwins twins = {};
        int r;

        if (!items || !check_items(call, items))
                return;
        errors = json_object_new_array();
        r = do_items(hub, items, &twins, errors);
        if (r < 0) {
                json_object_put(errors);
                http_reply_failure(call, r, "change identities");
                return;
        }
        bulk_twins_tell(&twins, hub);
        http_reply_json(call, 200, make_report(errors));
}
