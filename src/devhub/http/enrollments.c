/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/http/enrollments.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "devhub/dps/enrollment-json.h"
#include "devhub/dps/enrollment.h"
#include "devhub/dps/json-fields.h"
#include "devhub/http/dps-reply.h"
#include "model/json-read.h"

/* Individual enrollments and groups have the same calls beneath paths of their own. */
typedef struct Kind {
        const char *item_type;
        DpsError not_found, exists;
        EnrollmentKind kind;
} Kind;

static const Kind individuals = {"enrollment", DPS_ERROR_ENROLLMENT_NOT_FOUND, DPS_ERROR_ENROLLMENT_EXISTS,
                                 ENROLLMENT_INDIVIDUAL};
static const Kind groups = {"enrollmentGroup", DPS_ERROR_GROUP_NOT_FOUND, DPS_ERROR_GROUP_EXISTS, ENROLLMENT_GROUP};

/* What the domain foretells. */
static DpsError error_of(const Kind *kind, int k)
{
        switch (k) {
        case ENROLLMENT_E_EXISTS:
                return kind->exists;
        case ENROLLMENT_E_CHANGED:
                return DPS_ERROR_PRECONDITION_FAILED;
        case ENROLLMENT_E_NO_CERTIFICATE:
                return DPS_ERROR_BAD_REQUEST;
        default:
                return kind->not_found;
        }
}

/* NULL: those of the error. */
static const char *words_of(int k)
{
        return k == ENROLLMENT_E_NO_CERTIFICATE ? "An attestation of the type x509 needs a certificate." : NULL;
}

static void reply_trouble(HttpCall *call, const Hub *hub, const Kind *kind, int k, const char *what)
{
        if (k < 0)
                http_reply_failure(call, k, what);
        else
                dps_reply_error(call, hub, error_of(kind, k), words_of(k));
}

/* ---- one ---- */

static void put_one(const Hub *hub, HttpCall *call, const Kind *kind)
{
        _cleanup_(enrollment_done) Enrollment e = {};
        _cleanup_free_ char *if_match = NULL;
        json_object *body = http_call_json(call);
        const char *error;
        int r;

        if (!body)
                return;
        r = enrollment_from_json(body, kind->kind, http_call_part(call, "e"), &e, &error);
        if (r == -EBADMSG) {
                dps_reply_error(call, hub, DPS_ERROR_BAD_REQUEST, error);
                return;
        }
        if (r >= 0)
                if_match = dps_if_match(call, &r);
        if (r >= 0)
                r = enrollment_put(hub->store, &e, if_match, clock_wall(hub->clock));
        if (r != 0)
                reply_trouble(call, hub, kind, r, "write an enrollment");
        else
                http_reply_json(call, 200, enrollment_to_json(&e));
}

static void get_one(const Hub *hub, HttpCall *call, const Kind *kind,
                    json_object *(*written)(const Enrollment *enrollment))
{
        _cleanup_(enrollment_done) Enrollment e = {};
        int r;

        r = enrollment_find(hub->store, kind->kind, http_call_part(call, "e"), &e);
        if (r != 0)
                reply_trouble(call, hub, kind, r, "look up an enrollment");
        else
                http_reply_json(call, 200, written(&e));
}

static void delete_one(const Hub *hub, HttpCall *call, const Kind *kind)
{
        _cleanup_free_ char *if_match = NULL;
        int r;

        if_match = dps_if_match(call, &r);
        if (r >= 0)
                r = enrollment_delete(hub->store, kind->kind, http_call_part(call, "e"), if_match);
        if (r != 0)
                reply_trouble(call, hub, kind, r, "delete an enrollment");
        else
                http_reply_empty(call, 204);
}

/* ---- query ---- */

static int add_to_page(void *userdata, const Enrollment *e)
{
        return dps_page_add(userdata, e->id, enrollment_to_json(e));
}

static void query(const Hub *hub, HttpCall *call, const Kind *kind)
{
        _cleanup_(dps_page_done) DpsPage page = {};
        int r;

        if (!dps_page_begin(&page, call, hub))
                return;
        r = enrollment_each(hub->store, kind->kind, page.after, page.limit + 1, add_to_page, &page);
        if (r < 0)
                http_reply_failure(call, r, "list enrollments");
        else
                dps_page_reply(&page, call, kind->item_type);
}

/* ---- bulk ---- */

typedef enum Mode {
        MODE_CREATE,
        MODE_UPDATE,
        MODE_UPDATE_IF_MATCH,
        MODE_DELETE,
        _MODE_MAX,
} Mode;

static Mode mode_of(json_object *body)
{
        static const char *const names[_MODE_MAX] = {
                [MODE_CREATE] = "create",
                [MODE_UPDATE] = "update",
                [MODE_UPDATE_IF_MATCH] = "updateIfMatchETag",
                [MODE_DELETE] = "delete",
        };
        const char *name = json_object_get_string(json_object_object_get(body, "mode"));

        for (size_t i = 0; name && i < ARRAY_SIZE(names); i++)
                if (strcasecmp(names[i], name) == 0)
                        return (Mode)i;
        return _MODE_MAX;
}

static const char *text_of(json_object *item, const char *name)
{
        json_object *value = json_object_object_get(item, name);

        return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : NULL;
}

/* 0, or the error of this one. */
static int do_item(const Hub *hub, Mode mode, json_object *item, const char **ret_message)
{
        const char *id = text_of(item, "registrationId"), *etag = text_of(item, "etag");
        _cleanup_(enrollment_done) Enrollment e = {};
        int r;

        *ret_message = NULL;
        if (mode == MODE_DELETE) {
                r = id ? enrollment_delete(hub->store, ENROLLMENT_INDIVIDUAL, id, NULL) : ENROLLMENT_E_UNKNOWN;
        } else {
                r = enrollment_from_json(item, ENROLLMENT_INDIVIDUAL, NULL, &e, ret_message);
                if (r == -EBADMSG)
                        return DPS_ERROR_BAD_REQUEST;
                if (r >= 0)
                        r = enrollment_put(hub->store, &e,
                                           mode == MODE_CREATE   ? NULL
                                           : mode == MODE_UPDATE ? "*"
                                           : etag                ? etag
                                                                 : "",
                                           clock_wall(hub->clock));
        }
        *ret_message = words_of(r);
        return r > 0 ? (int)error_of(&individuals, r) : r;
}

static int add_error(json_object *errors, const char *id, DpsError error, const char *message)
{
        json_object *entry = json_object_new_object();

        if (!entry || json_put_text(entry, "registrationId", id ? id : "") < 0 ||
            json_put(entry, "errorCode", json_object_new_int(error)) < 0 ||
            json_put_text(entry, "errorStatus", message ? message : dps_error_message(error)) < 0 ||
            json_object_array_add(errors, entry) < 0) {
                (void)json_object_put(entry);
                return -ENOMEM;
        }
        return 0;
}

/* Each stands for itself: the good ones are done, whatever becomes of the others. */
static int do_items(const Hub *hub, Mode mode, json_object *items, json_object *errors)
{
        for (size_t i = 0; i < json_object_array_length(items); i++) {
                json_object *item = json_object_array_get_idx(items, i);
                const char *message;
                int r = do_item(hub, mode, item, &message);

                if (r > 0)
                        r = add_error(errors, text_of(item, "registrationId"), (DpsError)r, message);
                if (r < 0)
                        return r;
        }
        return 0;
}

static void run_bulk(const Hub *hub, HttpCall *call, Mode mode, json_object *items)
{
        json_object *result = json_object_new_object(), *errors = json_object_new_array();
        int r = result ? json_put(result, "errors", errors) : -ENOMEM;

        if (r >= 0)
                r = do_items(hub, mode, items, errors);
        if (r >= 0)
                r = json_put(result, "isSuccessful", json_object_new_boolean(json_object_array_length(errors) == 0));
        if (r >= 0) {
                http_reply_json(call, 200, result);
                return;
        }
        (void)json_object_put(result);
        http_reply_failure(call, r, "write enrollments");
}

static void bulk(void *userdata, HttpCall *call)
{
        const Hub *hub = userdata;
        json_object *body = http_call_json(call), *items;
        Mode mode;

        if (!body)
                return;
        mode = mode_of(body);
        items = json_object_object_get(body, "enrollments");
        if (mode == _MODE_MAX)
                dps_reply_error(call, hub, DPS_ERROR_BAD_REQUEST,
                                "The mode is not create, update, updateIfMatchETag or delete.");
        else if (!json_object_is_type(items, json_type_array))
                dps_reply_error(call, hub, DPS_ERROR_BAD_REQUEST, "There is no list of enrollments.");
        else
                run_bulk(hub, call, mode, items);
}

/* ---- the table ---- */

#define DEFINE_HANDLERS(kind)                                                                                        \
        static void put_##kind(void *hub, HttpCall *call)                                                            \
        {                                                                                                            \
                put_one(hub, call, &(kind));                                                                         \
        }                                                                                                            \
        static void get_##kind(void *hub, HttpCall *call)                                                            \
        {                                                                                                            \
                get_one(hub, call, &(kind), enrollment_to_json);                                                     \
        }                                                                                                            \
        static void get_keys_of_##kind(void *hub, HttpCall *call)                                                    \
        {                                                                                                            \
                get_one(hub, call, &(kind), enrollment_attestation_to_json);                                         \
        }                                                                                                            \
        static void delete_##kind(void *hub, HttpCall *call)                                                         \
        {                                                                                                            \
                delete_one(hub, call, &(kind));                                                                      \
        }                                                                                                            \
        static void query_##kind(void *hub, HttpCall *call)                                                          \
        {                                                                                                            \
                query(hub, call, &(kind));                                                                           \
        }

DEFINE_HANDLERS(individuals)
DEFINE_HANDLERS(groups)

static const HttpRoute routes[] = {
        {"PUT", "/enrollments/{e}", RIGHT_ENROLLMENT, put_individuals},
        {"GET", "/enrollments/{e}", RIGHT_ENROLLMENT, get_individuals},
        {"DELETE", "/enrollments/{e}", RIGHT_ENROLLMENT, delete_individuals},
        {"POST", "/enrollments", RIGHT_ENROLLMENT, bulk},
        {"POST", "/enrollments/query", RIGHT_ENROLLMENT, query_individuals},
        {"POST", "/enrollments/{e}/attestationmechanism", RIGHT_ENROLLMENT, get_keys_of_individuals},
        {"PUT", "/enrollmentGroups/{e}", RIGHT_ENROLLMENT, put_groups},
        {"GET", "/enrollmentGroups/{e}", RIGHT_ENROLLMENT, get_groups},
        {"DELETE", "/enrollmentGroups/{e}", RIGHT_ENROLLMENT, delete_groups},
        {"POST", "/enrollmentGroups/query", RIGHT_ENROLLMENT, query_groups},
        {"POST", "/enrollmentGroups/{e}/attestationmechanism", RIGHT_ENROLLMENT, get_keys_of_groups},
};

int http_enrollments_add(HttpRouter *router, const Hub *hub)
{
        return http_router_add(router, routes, ARRAY_SIZE(routes), (void *)hub);
}
