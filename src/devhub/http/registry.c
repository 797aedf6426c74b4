/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/http/registry.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "devhub/http/bulk.h"
#include "devhub/hub/registrar.h"
#include "devhub/hub/registry.h"

#define LIST_MAX 1000

/* The answer to what the registrar could not do. */
static void reply_refusal(HttpCall *call, int r, const RegistrarRefusal *refusal)
{
        if (r < 0)
                http_reply_failure(call, r, "use the registry");
        else
                http_reply_error(call, refusal->error, "%s", refusal->text);
}

static json_object *record_of(const Hub *hub, const Identity *identity)
{
        IdentityLife life;

        return identity_life(hub, identity, &life) < 0 ? NULL : identity_record_make(identity, &life);
}

static void reply_identity(const Hub *hub, HttpCall *call, const Identity *identity)
{
        http_reply_header(call, "ETag", "\"%s\"", identity->etag);
        http_reply_json(call, 200, record_of(hub, identity));
}

/* ---- one identity ---- */

static void get_identity(void *userdata, HttpCall *call)
{
        const Hub *hub = userdata;
        _cleanup_(identity_done) Identity identity = {};
        RegistrarRefusal refusal;
        int r;

        r = registrar_find(hub, http_call_part(call, "d"), http_call_part(call, "m"), &identity, &refusal);
        if (r != 0)
                reply_refusal(call, r, &refusal);
        else
                reply_identity(hub, call, &identity);
}

/* Without If-Match it is to be a new one. */
static void put_identity(void *userdata, HttpCall *call)
{
        const Hub *hub = userdata;
        const char *if_match = http_call_header(call, "If-Match");
        _cleanup_(identity_done) Identity identity = {};
        RegistrarRefusal refusal;
        RegistrarRequest request = {
                .verb = if_match ? REGISTRAR_UPDATE : REGISTRAR_CREATE,
                .device_id = http_call_part(call, "d"),
                .module_id = http_call_part(call, "m"),
                .record = http_call_json(call),
                .if_match = if_match,
        };
        int r;

        if (!request.record)
                return;
        r = registrar_do(hub, &request, &identity, &refusal);
        if (r != 0)
                reply_refusal(call, r, &refusal);
        else
                reply_identity(hub, call, &identity);
}

static void delete_identity(void *userdata, HttpCall *call)
{
        const Hub *hub = userdata;
        RegistrarRefusal refusal;
        RegistrarRequest request = {
                .verb = REGISTRAR_DELETE,
                .device_id = http_call_part(call, "d"),
                .module_id = http_call_part(call, "m"),
                .if_match = http_call_header(call, "If-Match"),
        };
        int r;

        r = registrar_do(hub, &request, NULL, &refusal);
        if (r != 0)
                reply_refusal(call, r, &refusal);
        else
                http_reply_empty(call, 204);
}

/* ---- many ---- */

typedef struct Listing {
        const Hub *hub;
        json_object *records;
} Listing;

static int list_one(void *userdata, const Identity *identity)
{
        Listing *listing = userdata;
        json_object *record = record_of(listing->hub, identity);

        if (record && json_object_array_add(listing->records, record) == 0)
                return 0;
        json_object_put(record);
        return -ENOMEM;
}

static void reply_listing(HttpCall *call, int r, json_object *records)
{
        if (r < 0) {
                json_object_put(records);
                http_reply_failure(call, r, "list identities");
        } else {
                http_reply_json(call, 200, records);
        }
}

/* False: it is no number from 1 to 1000. */
static bool read_top(const char *text, unsigned *ret)
{
        size_t size = strlen(text);

        if (size == 0 || size > 4 || strspn(text, "0123456789") != size)
                return false;
        *ret = (unsigned)strtoul(text, NULL, 10);
        return *ret >= 1 && *ret <= LIST_MAX;
}

static void list_devices(void *userdata, HttpCall *call)
{
        const Hub *hub = userdata;
        const char *top = http_call_query(call, "top");
        Listing listing = {.hub = hub};
        unsigned max = LIST_MAX;
        int r;

        if (top && !read_top(top, &max)) {
                http_reply_error(call, SERVICE_ERROR_ARGUMENT_INVALID, "top is not a number from 1 to %d", LIST_MAX);
                return;
        }
        listing.records = json_object_new_array();
        r = listing.records ? registry_each_device(hub->store, max, list_one, &listing) : -ENOMEM;
        reply_listing(call, r, listing.records);
}

static void list_modules(void *userdata, HttpCall *call)
{
        const Hub *hub = userdata;
        const char *device_id = http_call_part(call, "d");
        _cleanup_(identity_done) Identity device = {};
        Listing listing = {.hub = hub};
        RegistrarRefusal refusal;
        int r;

        r = registrar_find(hub, device_id, NULL, &device, &refusal);
        if (r != 0) {
                reply_refusal(call, r, &refusal);
                return;
        }
        listing.records = json_object_new_array();
        r = listing.records ? registry_each_module(hub->store, device_id, list_one, &listing) : -ENOMEM;
        reply_listing(call, r, listing.records);
}

/* ---- statistics ---- */

static void count_devices(void *userdata, HttpCall *call)
{
        const Hub *hub = userdata;
        json_object *body;
        RegistryCount count;
        int r;

        r = registry_count(hub->store, &count);
        if (r < 0) {
                http_reply_failure(call, r, "count devices");
                return;
        }
        body = json_object_new_object();
        json_object_object_add(body, "totalDeviceCount", json_object_new_int64(count.n_devices));
        json_object_object_add(body, "enabledDeviceCount", json_object_new_int64(count.n_devices - count.n_disabled));
        json_object_object_add(body, "disabledDeviceCount", json_object_new_int64(count.n_disabled));
        http_reply_json(call, 200, body);
}

static void count_connected(void *userdata, HttpCall *call)
{
        json_object *body = json_object_new_object();

        json_object_object_add(body, "connectedDeviceCount", json_object_new_int64(hub_n_connected(userdata)));
        http_reply_json(call, 200, body);
}

/* ---- the table ---- */

static const HttpRoute routes[] = {
        {"GET", "/devices/{d}", RIGHT_REGISTRY_READ, get_identity, .operation = OPERATION_REGISTRY},
        {"PUT", "/devices/{d}", RIGHT_REGISTRY_WRITE, put_identity, .operation = OPERATION_REGISTRY},
        {"DELETE", "/devices/{d}", RIGHT_REGISTRY_WRITE, delete_identity, .operation = OPERATION_REGISTRY},
        {"GET", "/devices/{d}/modules/{m}", RIGHT_REGISTRY_READ, get_identity, .operation = OPERATION_REGISTRY},
        {"PUT", "/devices/{d}/modules/{m}", RIGHT_REGISTRY_WRITE, put_identity, .operation = OPERATION_REGISTRY},
        {"DELETE", "/devices/{d}/modules/{m}", RIGHT_REGISTRY_WRITE, delete_identity, .operation = OPERATION_REGISTRY},
        {"GET", "/devices/{d}/modules", RIGHT_REGISTRY_READ, list_modules, .operation = OPERATION_REGISTRY},
        {"GET", "/devices", RIGHT_REGISTRY_READ, list_devices, .operation = OPERATION_REGISTRY},
        {"POST", "/devices", RIGHT_REGISTRY_WRITE, http_bulk, .operation = OPERATION_REGISTRY},
        {"GET", "/statistics/devices", RIGHT_REGISTRY_READ, count_devices},
        {"GET", "/statistics/service", RIGHT_REGISTRY_READ, count_connected},
};

int http_registry_add(HttpRouter *router, const Hub *hub)
{
        return http_router_add(router, routes, ARRAY_SIZE(routes), (void *)hub);
}
