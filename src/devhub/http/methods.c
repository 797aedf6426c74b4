/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/http/methods.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "devhub/http/owner.h"
#include "devhub/http/toll.h"
#include "devhub/hub/admission.h"
#include "devhub/hub/methods.h"
#include "devhub/hub/registry.h"
#include "model/json-read.h"

#define CONNECT_TIMEOUT_MAX  300
#define RESPONSE_TIMEOUT_MIN 5
#define RESPONSE_TIMEOUT_MAX 300
#define RESPONSE_TIMEOUT     30

/* A caller who waits. */
typedef struct Wait {
        const Hub *hub;
        HttpCall *call;
        MethodErrand *method; /* NULL: not under way yet */
        unsigned connect_timeout, response_timeout; /* seconds */
} Wait;

/* ---- outcomes ---- */

/* {"timeout":"00:05:00"} */
static json_object *timeout_info(unsigned seconds)
{
        json_object *info = json_object_new_object();
        char text[16];

        (void)snprintf(text, sizeof(text), "%02u:%02u:%02u", seconds / 3600, seconds / 60 % 60, seconds % 60);
        if (info)
                (void)json_put(info, "timeout", json_object_new_string(text));
        return info;
}

static void reply_not_online(const Wait *w)
{
        http_reply_error_info(w->call, SERVICE_ERROR_DEVICE_NOT_ONLINE, timeout_info(w->connect_timeout),
                              "The device is not connected, or not subscribed to methods.");
}

/* Deleted, or cut off because it was disabled. */
static void reply_forgotten(const Wait *w)
{
        _cleanup_(identity_done) Identity identity = {};

        if (http_find_owner(w->hub, w->call, &identity))
                reply_not_online(w);
}

static void reply_answer(const Wait *w, const MethodResult *result)
{
        json_object *body = json_object_new_object(), *payload = NULL;
        const char *error;

        /* it was read when it came; an empty answer is null */
        if (result->payload_size > 0)
                (void)json_read(result->payload, result->payload_size, &payload, &error);
        if (!body || json_put(body, "status", json_object_new_int(result->status)) < 0 ||
            json_object_object_add(body, "payload", payload) < 0) {
                json_object_put(body);
                body = NULL;
        }
        http_reply_json(w->call, 200, body);
}

static void on_done(void *userdata, const MethodResult *result)
{
        _cleanup_free_ Wait *w = userdata;

        switch (result->outcome) {
        case METHOD_ANSWERED:
                hub_bill(w->hub, OPERATION_METHOD, result->payload_size);
                reply_answer(w, result);
                break;
        case METHOD_NOT_ONLINE:
                reply_not_online(w);
                break;
        case METHOD_FORGOTTEN:
                reply_forgotten(w);
                break;
        case METHOD_TIMED_OUT:
                http_reply_error_info(w->call, SERVICE_ERROR_GATEWAY_TIMEOUT, timeout_info(w->response_timeout),
                                      "Timed out waiting for the response from device.");
                break;
        case METHOD_ANSWER_TOO_LARGE:
                http_reply_error(w->call, SERVICE_ERROR_MESSAGE_TOO_LARGE,
                                 "The device's answer has more than %d bytes.", METHOD_PAYLOAD_MAX);
                break;
        case METHOD_ANSWER_MALFORMED:
                http_reply_error(w->call, SERVICE_ERROR_SERVER, "The device's answer is not JSON.");
                break;
        }
}

static void on_gone(void *userdata)
{
        Wait *w = userdata;

        methods_cancel(w->hub->methods, w->method);
        free(w);
}

/* ---- the request ---- */

/* Absent or null: as it is. False: that has been replied. */
static bool read_seconds(HttpCall *call, json_object *body, const char *name, int min, int max, unsigned *seconds)
{
        json_object *value;

        if (!json_object_object_get_ex(body, name, &value) || !value)
                return true;
        if (!json_object_is_type(value, json_type_int) || json_object_get_int64(value) < min ||
            json_object_get_int64(value) > max) {
                http_reply_error(call, SERVICE_ERROR_ARGUMENT_INVALID, "%s must be a whole number from %d to %d", name,
                                 min, max);
                return false;
        }
        *seconds = (unsigned)json_object_get_int64(value);
        return true;
}

static const char *read_name(HttpCall *call, json_object *body)
{
        json_object *value;
        const char *name;

        if (!json_object_object_get_ex(body, "methodName", &value) || !json_object_is_type(value, json_type_string)) {
                http_reply_error(call, SERVICE_ERROR_ARGUMENT_INVALID, "methodName is missing, or not a text");
                return NULL;
        }
        name = json_object_get_string(value);
        if (strlen(name) == (size_t)json_object_get_string_len(value) && method_name_is_valid(name))
                return name;
        http_reply_error(call, SERVICE_ERROR_ARGUMENT_INVALID,
                         "methodName must be of ASCII that can be printed, without blanks and"
                         " $ ( ) < > @ , ; : \\ \" / [ ] ? = { } + #");
        return NULL;
}

/* What is not said is nothing; null is null. */
static bool write_payload(HttpCall *call, json_object *body, Buffer *b)
{
        json_object *value;

        if (json_object_object_get_ex(body, "payload", &value))
                json_write(b, value);
        if (buffer_error(b)) {
                http_reply_failure(call, -ENOMEM, "copy a payload");
                return false;
        }
        if (b->size > METHOD_PAYLOAD_MAX) {
                http_reply_error(call, SERVICE_ERROR_MESSAGE_TOO_LARGE, "The payload has %zu bytes, %d are allowed",
                                 b->size, METHOD_PAYLOAD_MAX);
                return false;
        }
        return true;
}

/* ---- the call ---- */

static Wait *wait_new(const Hub *hub, HttpCall *call, unsigned connect_timeout, unsigned response_timeout)
{
        Wait *w = calloc(1, sizeof(*w));

        if (w)
                *w = (Wait){hub, call, NULL, connect_timeout, response_timeout};
        return w;
}

/* The outcome may have come, and the wait with it, before this returns. */
static void begin(Wait *w, const MethodRequest *request)
{
        const Hub *hub = w->hub;
        HttpCall *call = w->call;
        MethodErrand *method;
        int k;

        /* also for a device that is not there; before its outcome, which may be told within the call */
        if (methods_n_under_way(hub->methods) < METHODS_MAX)
                hub_bill(hub, OPERATION_METHOD, request->payload_size);
        k = methods_call(hub->methods, request, on_done, w, clock_boot(hub->clock), &method);
        if (k != 0) {
                free(w);
                if (k < 0)
                        http_reply_failure(call, k, "call a method");
                else
                        http_reply_error(call, SERVICE_ERROR_THROTTLING, "Too many methods are under way");
        } else if (method) {
                w->method = method;
                http_call_later(call, on_gone, w);
        }
}

static void call_method(void *userdata, HttpCall *call)
{
        const Hub *hub = userdata;
        unsigned connect_timeout = 0, response_timeout = RESPONSE_TIMEOUT;
        _cleanup_(identity_done) Identity identity = {};
        _cleanup_(buffer_done) Buffer payload = BUFFER_NULL;
        MethodRequest request = {};
        json_object *body;
        Wait *w;

        if (!http_find_owner(hub, call, &identity))
                return;
        body = http_call_json(call);
        if (!body)
                return;
        request.name = read_name(call, body);
        if (!request.name ||
            !read_seconds(call, body, "connectTimeoutInSeconds", 0, CONNECT_TIMEOUT_MAX, &connect_timeout) ||
            !read_seconds(call, body, "responseTimeoutInSeconds", RESPONSE_TIMEOUT_MIN, RESPONSE_TIMEOUT_MAX,
                          &response_timeout) ||
            !write_payload(call, body, &payload) || !http_admit(hub, call, OPERATION_METHOD, payload.size))
                return;
        w = wait_new(hub, call, connect_timeout, response_timeout);
        if (!w) {
                http_reply_failure(call, -ENOMEM, "call a method");
                return;
        }
        request.device_id = identity.device_id;
        request.module_id = identity.module_id;
        request.payload = payload.data;
        request.payload_size = payload.size;
        request.connect_timeout_usec = connect_timeout * USEC_PER_SEC;
        request.response_timeout_usec = response_timeout * USEC_PER_SEC;
        begin(w, &request);
}

/* ---- routes ---- */

/* Without an operation: what is limited is the payload, not the body around it. */
static const HttpRoute routes[] = {
        {"POST", "/twins/{d}/methods", RIGHT_SERVICE_CONNECT, call_method, .new_errors = true},
        {"POST", "/twins/{d}/modules/{m}/methods", RIGHT_SERVICE_CONNECT, call_method, .new_errors = true},
};

int http_methods_add(HttpRouter *router, const Hub *hub)
{
        return http_router_add(router, routes, ARRAY_SIZE(routes), (void *)hub);
}
