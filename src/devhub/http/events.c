/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/http/events.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "azure/bag.h"
#include "devhub/hub/event-log.h"
#include "devhub/hub/registry.h"

#define EVENT_SIZE_MAX  262144 /* body, values of system properties, names and values of the others */
#define PROPERTY_PREFIX "iothub-app-"

/* ---- headers become a bag ---- */

static const struct {
        const char *header;
        const char *name;
} system_properties[] = {
        {"iothub-messageid", "$.mid"},       {"iothub-correlationid", "$.cid"},
        {"iothub-userid", "$.uid"},          {"iothub-contenttype", "$.ct"},
        {"iothub-contentencoding", "$.ce"},  {"iothub-creationtimeutc", "$.ctime"},
        {"iothub-expiry", "$.exp"},
};

static const char *system_property(const char *header)
{
        for (size_t i = 0; i < ARRAY_SIZE(system_properties); i++)
                if (strcasecmp(system_properties[i].header, header) == 0)
                        return system_properties[i].name;
        return NULL;
}

/* Adds to *size what the property counts. */
static void append_header(Buffer *bag, const char *header, const char *value, size_t *size)
{
        const char *name = system_property(header);

        if (name) {
                bag_append(bag, 0, name, value);
                *size += strlen(value);
        } else if (strncasecmp(header, PROPERTY_PREFIX, strlen(PROPERTY_PREFIX)) == 0) {
                name = header + strlen(PROPERTY_PREFIX);
                bag_append(bag, 0, name, value);
                *size += strlen(name) + strlen(value);
        }
}

static void write_bag(const HttpCall *call, Buffer *bag, size_t *size)
{
        const char *name, *value;

        for (size_t i = 0; http_call_header_at(call, i, &name, &value); i++)
                append_header(bag, name, value, size);
}

/* False: that has been replied. */
static bool check_bag(HttpCall *call, const Buffer *bag, size_t size)
{
        _cleanup_(bag_done) Bag read = {};
        int r = buffer_error(bag);

        if (r >= 0)
                r = bag_parse(bag->data ? bag->data : "", bag->size, &read);
        if (r == -EBADMSG || r == -E2BIG)
                http_reply_error(call, SERVICE_ERROR_ARGUMENT_INVALID, "A property has no name or is not UTF-8, or there"
                                                                       " are too many");
        else if (r < 0)
                http_reply_failure(call, r, "read the properties of an event");
        else if (size > EVENT_SIZE_MAX)
                http_reply_error(call, SERVICE_ERROR_MESSAGE_TOO_LARGE, "The message is larger than 256 KiB");
        else
                return true;
        return false;
}

/* ---- into the log ---- */

static const char *scope_of(const HttpCall *call)
{
        if (http_call_access(call)->policy)
                return "hub";
        return http_call_part(call, "m") ? "module" : "device";
}

static int append(const Hub *hub, const EventLink *link, const Buffer *bag, const char *body, size_t size)
{
        _cleanup_(event_log_closep) EventLog *log = NULL;
        int64_t id;
        int r;

        r = event_log_open(&log, hub->store);
        if (r < 0)
                return r;
        r = event_log_add_link(log, link, &id);
        if (r < 0)
                return r;
        return event_log_append(log, id, clock_wall(hub->clock), bag->data, bag->size, body, size);
}

static int store(const Hub *hub, const HttpCall *call, const Identity *identity, const Buffer *bag)
{
        _cleanup_(buffer_done) Buffer method = BUFFER_NULL;
        size_t size;
        const char *body = http_call_body(call, &size);
        EventLink link = {
                .device_id = identity->device_id,
                .module_id = identity->module_id,
                .generation_id = identity->generation_id,
        };

        event_auth_method(&method, scope_of(call));
        if (buffer_error(&method))
                return -ENOMEM;
        link.auth_method = method.data;
        return append(hub, &link, bag, body, size);
}

static void post(void *userdata, HttpCall *call)
{
        const Hub *hub = userdata;
        _cleanup_(identity_done) Identity identity = {};
        _cleanup_(buffer_done) Buffer bag = BUFFER_NULL;
        size_t size;
        int r;

        (void)http_call_body(call, &size);
        write_bag(call, &bag, &size);
        if (!check_bag(call, &bag, size))
                return;
        r = registry_find(hub->store, http_call_part(call, "d"), http_call_part(call, "m"), &identity);
        if (r == REGISTRY_E_UNKNOWN) {
                http_reply_error(call, SERVICE_ERROR_DEVICE_NOT_FOUND, "Device %s not registered",
                                 http_call_part(call, "d"));
                return;
        }
        if (r >= 0)
                r = store(hub, call, &identity, &bag);
        if (r < 0)
                http_reply_failure(call, r, "store an event");
        else
                http_reply_empty(call, 204);
}

static const HttpRoute routes[] = {
        {.method = "POST", .path = "/devices/{d}/messages/events", .rights = RIGHT_DEVICE_CONNECT, .handler = post,
         .body_max = EVENT_SIZE_MAX},
        {.method = "POST", .path = "/devices/{d}/modules/{m}/messages/events", .rights = RIGHT_DEVICE_CONNECT,
         .handler = post, .body_max = EVENT_SIZE_MAX},
};

int http_events_add(HttpRouter *router, const Hub *hub)
{
        return http_router_add(router, routes, ARRAY_SIZE(routes), (void *)hub);
}
