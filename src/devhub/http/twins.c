/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/http/twins.h"

#include <errno.h>

#include "devhub/http/owner.h"
#include "devhub/hub/twin-document.h"
#include "model/json-read.h"

/* ---- replies ---- */

static void reply_twin(const Hub *hub, HttpCall *call, const Identity *identity, const Twin *twin)
{
        char etag[TWIN_ETAG_MAX];
        IdentityLife life;
        int r = identity_life(hub, identity, &life);

        if (r < 0) {
                http_reply_failure(call, r, "look up an identity");
                return;
        }
        twin_etag(twin, etag);
        http_reply_header(call, "ETag", "\"%s\"", etag);
        http_reply_json(call, 200, twin_document_make(twin, identity, &life));
}

static void reply_refusal(const Hub *hub, HttpCall *call, int k, const Buffer *error)
{
        switch (k) {
        case TWIN_E_INVALID:
                http_reply_error(call, SERVICE_ERROR_ARGUMENT_INVALID, "%s", error->data);
                break;
        case TWIN_E_CHANGED:
                http_reply_error(call, SERVICE_ERROR_PRECONDITION_FAILED, "Precondition failed: the twin has changed");
                break;
        case TWIN_E_UNKNOWN:
                http_reply_no_owner(hub, call);
                break;
        default:
                http_reply_failure(call, k, "read or write a twin");
        }
}

/* ---- calls ---- */

static void get_twin(void *userdata, HttpCall *call)
{
        const Hub *hub = userdata;
        _cleanup_(identity_done) Identity identity = {};
        _cleanup_(twin_done) Twin twin = {};
        int k;

        if (!http_find_owner(hub, call, &identity))
                return;
        k = twin_load(hub->store, identity.device_id, identity.module_id, &twin);
        if (k != 0)
                reply_refusal(hub, call, k, NULL);
        else
                reply_twin(hub, call, &identity, &twin);
}

/* The device hears of it once it is committed. */
static int change(const Hub *hub, const Identity *identity, const TwinChange *change, Twin *ret, Buffer *error)
{
        _cleanup_json_ json_object *patch = NULL;
        int k;

        k = twin_change(hub->store, identity->device_id, identity->module_id, change, clock_wall(hub->clock), ret,
                        &patch, error);
        if (k == 0)
                k = hub_commit(hub);
        if (k == 0 && patch)
                hub->twins.desired_changed(hub->twins.userdata, identity->device_id, identity->module_id,
                                           ret->desired.version, patch);
        return k;
}

static void change_twin(const Hub *hub, HttpCall *call, bool replace)
{
        TwinChange wish = {.replace = replace, .if_match = http_call_header(call, "If-Match")};
        _cleanup_(identity_done) Identity identity = {};
        _cleanup_(buffer_done) Buffer error = BUFFER_NULL;
        _cleanup_(twin_done) Twin twin = {};
        int k;

        if (!http_find_owner(hub, call, &identity))
                return;
        wish.given = http_call_json(call);
        if (!wish.given)
                return;
        k = hub_strike(hub, FAULT_TWIN_CONFLICT, identity.device_id) ? TWIN_E_CHANGED
                                                                    : change(hub, &identity, &wish, &twin, &error);
        if (k != 0)
                reply_refusal(hub, call, k, &error);
        else
                reply_twin(hub, call, &identity, &twin);
}

static void patch_twin(void *userdata, HttpCall *call)
{
        change_twin(userdata, call, false);
}

static void put_twin(void *userdata, HttpCall *call)
{
        change_twin(userdata, call, true);
}

/* ---- routes ---- */

#define DEVICE "/twins/{d}"
#define MODULE "/twins/{d}/modules/{m}"

static const HttpRoute routes[] = {
        {"GET", DEVICE, RIGHT_SERVICE_CONNECT | RIGHT_REGISTRY_READ, get_twin, .operation = OPERATION_TWIN_READ},
        {"GET", MODULE, RIGHT_SERVICE_CONNECT | RIGHT_REGISTRY_READ, get_twin, .operation = OPERATION_TWIN_READ},
        {"PATCH", DEVICE, RIGHT_SERVICE_CONNECT, patch_twin, .operation = OPERATION_TWIN_UPDATE},
        {"PATCH", MODULE, RIGHT_SERVICE_CONNECT, patch_twin, .operation = OPERATION_TWIN_UPDATE},
        {"PUT", DEVICE, RIGHT_SERVICE_CONNECT, put_twin, .operation = OPERATION_TWIN_UPDATE},
        {"PUT", MODULE, RIGHT_SERVICE_CONNECT, put_twin, .operation = OPERATION_TWIN_UPDATE},
};

int http_twins_add(HttpRouter *router, const Hub *hub)
{
        return http_router_add(router, routes, ARRAY_SIZE(routes), (void *)hub);
}
