/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/http/events.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "devhub/http/event-batch.h"
#include "devhub/hub/admission.h"
#include "devhub/hub/event-log.h"
#include "devhub/hub/registry.h"

#define BODY_MAX 262144

/* ---- what came ---- */

static bool is_batch(const HttpCall *call)
{
        const char *type = http_call_header(call, "Content-Type");
        size_t n = strlen(EVENT_BATCH_TYPE);

        return type && strncasecmp(type, EVENT_BATCH_TYPE, n) == 0 && (type[n] == 0 || type[n] == ';');
}

static int read_one(HttpCall *call, EventBatch *batch)
{
        const char *name, *value, *body;
        size_t size;

        batch->drafts = calloc(1, sizeof(*batch->drafts));
        if (!batch->drafts)
                return -ENOMEM;
        batch->n_drafts = 1;
        body = http_call_body(call, &size);
        event_draft_set_body(&batch->drafts[0], body, size);
        for (size_t i = 0; http_call_header_at(call, i, &name, &value); i++)
                event_draft_add(&batch->drafts[0], name, value);
        return 0;
}

static int check(const EventBatch *batch)
{
        int r = 0;

        for (size_t i = 0; r >= 0 && i < batch->n_drafts; i++)
                r = event_draft_check(&batch->drafts[i]);
        return r;
}

static void refuse(HttpCall *call, int error)
{
        switch (error) {
        case -EINVAL:
                http_reply_error(call, SERVICE_ERROR_ARGUMENT_INVALID, "The body is not a list of events");
                break;
        case -EBADMSG:
                http_reply_error(call, SERVICE_ERROR_ARGUMENT_INVALID,
                                 "A property has no name, is not UTF-8 or holds a NUL");
                break;
        case -E2BIG:
                http_reply_error(call, SERVICE_ERROR_ARGUMENT_INVALID, "There are more than 500 events or properties");
                break;
        case -EMSGSIZE:
                http_reply_error(call, SERVICE_ERROR_MESSAGE_TOO_LARGE, "The message is larger than 256 KiB");
                break;
        default:
                http_reply_failure(call, error, "read an event");
        }
}

/* False: that has been replied. */
static bool read_events(HttpCall *call, EventBatch *batch)
{
        bool several = is_batch(call);
        json_object *list = several ? http_call_json(call) : NULL;
        int r;

        if (several && !list)
                return false;
        r = several ? event_batch_read(list, batch) : read_one(call, batch);
        if (r >= 0)
                r = check(batch);
        if (r < 0)
                refuse(call, r);
        return r >= 0;
}

/* ---- into the log ---- */

static const char *scope_of(const HttpCall *call)
{
        if (http_call_access(call)->policy)
                return "hub";
        return http_call_part(call, "m") ? "module" : "device";
}

static int append(const Hub *hub, const EventLink *link, const EventBatch *batch)
{
        _cleanup_(event_log_closep) EventLog *log = NULL;
        int64_t id;
        int r;

        r = event_log_open(&log, hub->store);
        if (r >= 0)
                r = event_log_add_link(log, link, &id);
        for (size_t i = 0; r >= 0 && i < batch->n_drafts; i++) {
                const EventDraft *d = &batch->drafts[i];

                r = event_log_append(log, id, clock_wall(hub->clock), d->bag.data, d->bag.size, d->body.data,
                                     d->body.size);
                if (r >= 0)
                        hub_bill(hub, OPERATION_D2C_SEND, d->size);
        }
        return r;
}

static int store(const Hub *hub, const HttpCall *call, const Identity *identity, const EventBatch *batch)
{
        _cleanup_(buffer_done) Buffer method = BUFFER_NULL;
        EventLink link = {
                .device_id = identity->device_id,
                .module_id = identity->module_id,
                .generation_id = identity->generation_id,
        };

        if (http_call_access(call)->by_certificate)
                event_auth_method_x509(&method);
        else
                event_auth_method(&method, scope_of(call));
        if (buffer_error(&method))
                return -ENOMEM;
        link.auth_method = method.data;
        return append(hub, &link, batch);
}

/* A token of a policy is good for devices that do not exist or are disabled. False: that has been replied. */
static bool find_sender(const Hub *hub, HttpCall *call, Identity *ret)
{
        const char *device_id = http_call_part(call, "d");
        int r = registry_find(hub->store, device_id, http_call_part(call, "m"), ret);

        if (r < 0)
                http_reply_failure(call, r, "look up a device");
        else if (r == REGISTRY_E_UNKNOWN)
                http_reply_error(call, SERVICE_ERROR_DEVICE_NOT_FOUND, "Device %s not registered", device_id);
        else if (ret->disabled)
                http_reply_error(call, SERVICE_ERROR_UNAUTHORIZED_ACCESS, "Unauthorized");
        else
                return true;
        return false;
}

static void post(void *userdata, HttpCall *call)
{
        const Hub *hub = userdata;
        _cleanup_(identity_done) Identity sender = {};
        _cleanup_(event_batch_done) EventBatch batch = {};
        int r;

        if (!find_sender(hub, call, &sender) || !read_events(call, &batch))
                return;
        r = store(hub, call, &sender, &batch);
        if (r < 0)
                http_reply_failure(call, r, "store an event");
        else
                http_reply_empty(call, 204);
}

static const HttpRoute routes[] = {
        {.method = "POST", .path = "/devices/{d}/messages/events", .rights = RIGHT_DEVICE_CONNECT, .handler = post,
         .body_max = BODY_MAX, .operation = OPERATION_D2C_SEND},
        {.method = "POST", .path = "/devices/{d}/modules/{m}/messages/events", .rights = RIGHT_DEVICE_CONNECT,
         .handler = post, .body_max = BODY_MAX, .operation = OPERATION_D2C_SEND},
};

int http_events_add(HttpRouter *router, const Hub *hub)
{
        return http_router_add(router, routes, ARRAY_SIZE(routes), (void *)hub);
}
