/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/http/provisioning.h"

#include <string.h>

#include "azure/percent.h"
#include "devhub/dps/guest.h"

/* Where the outcome is to be had. */
static void point_to_operation(HttpCall *call, const Hub *hub, const GuestAnswer *answer)
{
        _cleanup_(buffer_done) Buffer path = BUFFER_NULL;

        percent_encode(&path, http_call_part(call, "s"));
        buffer_append_string(&path, "/registrations/");
        percent_encode(&path, http_call_part(call, "r"));
        if (buffer_error(&path))
                return;
        http_reply_header(call, "Location", "https://%s/%s/operations/%s?api-version=%s", hub->host, path.data,
                          answer->operation_id, http_call_query(call, "api-version"));
}

static void reply(HttpCall *call, const Hub *hub, const GuestAnswer *answer)
{
        if (answer->retry_after > 0)
                http_reply_header(call, "Retry-After", "%u", answer->retry_after);
        if (answer->operation_id)
                point_to_operation(call, hub, answer);
        http_reply_bytes(call, (unsigned)answer->status, "application/json; charset=utf-8", answer->body.data,
                         answer->body.size);
}

/* Who calls? One who may not be provisioned is told by what it asks, as on MQTT. False: that cannot be told. */
static bool attest(HttpCall *call, const Hub *hub, Guest *ret)
{
        const char *reason;
        int r = guest_attest(hub, http_call_part(call, "s"), http_call_part(call, "r"),
                             http_call_header(call, "Authorization"), http_call_certificate(call), ret, &reason);

        if (r < 0)
                http_reply_failure(call, r, "look up an enrollment");
        return r >= 0;
}

static void register_device(void *userdata, HttpCall *call)
{
        const Hub *hub = userdata;
        _cleanup_(guest_done) Guest guest = {};
        _cleanup_(guest_answer_done) GuestAnswer answer = {};
        size_t size;
        const char *body = http_call_body(call, &size);

        if (!attest(call, hub, &guest))
                return;
        guest_register(&guest, hub, body, size, &answer);
        reply(call, hub, &answer);
}

static void get_operation(void *userdata, HttpCall *call)
{
        const Hub *hub = userdata;
        const char *operation_id = http_call_part(call, "o");
        _cleanup_(guest_done) Guest guest = {};
        _cleanup_(guest_answer_done) GuestAnswer answer = {};

        if (!attest(call, hub, &guest))
                return;
        guest_poll(&guest, hub, operation_id, strlen(operation_id), &answer);
        reply(call, hub, &answer);
}

static void get_registration(void *userdata, HttpCall *call)
{
        const Hub *hub = userdata;
        _cleanup_(guest_done) Guest guest = {};
        _cleanup_(guest_answer_done) GuestAnswer answer = {};

        if (!attest(call, hub, &guest))
                return;
        guest_look(&guest, hub, &answer);
        reply(call, hub, &answer);
}

/* The token is over the registration, not over the hub: who calls is looked at here. */
static const HttpRoute routes[] = {
        {"PUT", "/{s}/registrations/{r}/register", 0, register_device},
        {"GET", "/{s}/registrations/{r}/operations/{o}", 0, get_operation},
        {"POST", "/{s}/registrations/{r}", 0, get_registration},
};

int http_provisioning_add(HttpRouter *router, const Hub *hub)
{
        return http_router_add(router, routes, ARRAY_SIZE(routes), (void *)hub);
}
