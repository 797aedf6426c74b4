/* SPDX-License-Identifier: Apache-2.0 */

/* The reply's half of the call: headers that every reply has, and the two dialects of errors. */

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "base/iso-time.h"
#include "base/json.h"
#include "base/log.h"
#include "devhub/http/call-core.h"
#include "devhub/http/toll.h"

static void draw(void *data, size_t size)
{
        if (getrandom(data, size, 0) != (ssize_t)size)
                memset(data, 0, size);
}

static void add_header(HttpCall *call, const char *name, const char *value)
{
        if (http_pairs_add(&call->reply_headers, name, value) < 0)
                log_warning("%s: no memory for the header %s", http_call_title(call), name);
}

void http_reply_header(HttpCall *call, const char *name, const char *fmt, ...)
{
        _cleanup_free_ char *value = NULL;
        va_list ap;
        int r;

        va_start(ap, fmt);
        r = vasprintf(&value, fmt, ap);
        va_end(ap);
        if (r < 0)
                value = NULL;
        /* what a caller once sent must not become a header of its own */
        else if (!strpbrk(value, "\r\n"))
                add_header(call, name, value);
}

static void add_request_id(HttpCall *call)
{
        uint8_t d[16];

        draw(d, sizeof(d));
        d[6] = (uint8_t)((d[6] & 0x0f) | 0x40);
        d[8] = (uint8_t)((d[8] & 0x3f) | 0x80);
        http_reply_header(call, "x-ms-request-id",
                          "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", d[0], d[1], d[2],
                          d[3], d[4], d[5], d[6], d[7], d[8], d[9], d[10], d[11], d[12], d[13], d[14], d[15]);
}

/* By the hub's own clock: a client learns from it that one of the two is wrong. */
static void add_date(HttpCall *call)
{
        time_t now = (time_t)(clock_wall(call->hub->clock) / USEC_PER_SEC);
        char text[64];
        struct tm tm;

        if (gmtime_r(&now, &tm) && strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &tm) > 0)
                add_header(call, "Date", text);
}

/* The one way out. What is promised is committed before it leaves, and billed with it; if that fails the promise is
 * taken back. A refusal commits as well: what may have been begun is whole, and no transaction stays open behind it. */
static void reply(HttpCall *call, unsigned status, const char *content_type)
{
        http_bill(call, status);
        if (hub_commit(call->hub) < 0 && status < 400) {
                http_pairs_done(&call->reply_headers);
                http_reply_failure(call, -EIO, "commit");
                return;
        }
        if (content_type)
                add_header(call, "Content-Type", content_type);
        add_header(call, "Server", "Microsoft-HTTPAPI/2.0");
        add_date(call);
        add_request_id(call);
        call->status = status;
        call->replied = true;
        call->gone = NULL;
        if (call->replied_later)
                call->replied_later(call->server_userdata);
}

void http_reply_empty(HttpCall *call, unsigned status)
{
        buffer_clear(&call->reply);
        reply(call, status, NULL);
}

void http_reply_bytes(HttpCall *call, unsigned status, const char *content_type, const void *data, size_t size)
{
        buffer_clear(&call->reply);
        buffer_append(&call->reply, data, size);
        if (buffer_error(&call->reply))
                http_reply_failure(call, -ENOMEM, "write a body");
        else
                reply(call, status, content_type);
}

void http_reply_json(HttpCall *call, unsigned status, json_object *body)
{
        size_t size = 0;
        const char *text = body ? json_object_to_json_string_length(
                                          body, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &size)
                                : NULL;

        if (text)
                http_reply_bytes(call, status, "application/json; charset=utf-8", text, size);
        else
                http_reply_failure(call, -ENOMEM, "write a body");
        json_object_put(body);
}

/* ---- errors ---- */

/* A name for this one refusal: A1B2...-G:0-TimeStamp:11/03/2020 07:18:24 */
static void append_tracking_id(Buffer *b, usec_t wall_now)
{
        time_t seconds = (time_t)(wall_now / USEC_PER_SEC);
        uint64_t d[2];
        char text[32];
        struct tm tm;

        draw(d, sizeof(d));
        (void)gmtime_r(&seconds, &tm);
        (void)strftime(text, sizeof(text), "%m/%d/%Y %H:%M:%S", &tm);
        buffer_printf(b, "%016" PRIX64 "%016" PRIX64 "-G:0-TimeStamp:%s", d[0], d[1], text);
}

static void append_old(Buffer *b, ServiceError error, const char *text, usec_t wall_now)
{
        _cleanup_(buffer_done) Buffer message = BUFFER_NULL, exception = BUFFER_NULL;

        buffer_printf(&message, "ErrorCode:%s;%s", service_error_name(error), text);
        buffer_append_string(&exception, "Tracking ID:");
        append_tracking_id(&exception, wall_now);
        if (buffer_error(&message) || buffer_error(&exception))
                return;
        buffer_append_string(b, "{\"Message\":");
        json_string(b, message.data);
        buffer_append_string(b, ",\"ExceptionMessage\":");
        json_string(b, exception.data);
        buffer_append_char(b, '}');
}

static void append_inner(Buffer *b, ServiceError error, json_object *info, const char *text, usec_t wall_now)
{
        char stamp[ISO_TIME_MAX];

        (void)iso_time_format(wall_now, stamp);
        buffer_printf(b, "{\"errorCode\":%u,\"trackingId\":\"", service_error_number(error));
        append_tracking_id(b, wall_now);
        buffer_append_string(b, "\",\"message\":");
        json_string(b, text);
        buffer_printf(b, ",\"info\":%s,\"timestampUtc\":\"%s\"}",
                      info ? json_object_to_json_string_ext(info, JSON_C_TO_STRING_PLAIN) : "{}", stamp);
}

static void append_new(Buffer *b, ServiceError error, json_object *info, const char *text, usec_t wall_now)
{
        _cleanup_(buffer_done) Buffer inner = BUFFER_NULL;

        append_inner(&inner, error, info, text, wall_now);
        if (buffer_error(&inner))
                return;
        buffer_append_string(b, "{\"Message\":");
        json_string(b, inner.data);
        buffer_append_string(b, ",\"ExceptionMessage\":\"\"}");
}

static void reply_error(HttpCall *call, ServiceError error, json_object *info, const char *fmt, va_list ap)
{
        usec_t wall_now = clock_wall(call->hub->clock);
        _cleanup_free_ char *text = NULL;

        if (vasprintf(&text, fmt, ap) < 0)
                text = NULL;
        buffer_clear(&call->reply);
        if (call->new_errors)
                append_new(&call->reply, error, info, text ? text : "", wall_now);
        else
                append_old(&call->reply, error, text ? text : "", wall_now);
        call->error_name = service_error_name(error);
        add_header(call, "iothub-errorcode", call->error_name);
        reply(call, service_error_http_status(error), "application/json; charset=utf-8");
}

void http_reply_error(HttpCall *call, ServiceError error, const char *fmt, ...)
{
        va_list ap;

        va_start(ap, fmt);
        reply_error(call, error, NULL, fmt, ap);
        va_end(ap);
}

void http_reply_error_info(HttpCall *call, ServiceError error, json_object *info, const char *fmt, ...)
{
        va_list ap;

        va_start(ap, fmt);
        reply_error(call, error, info, fmt, ap);
        va_end(ap);
        json_object_put(info);
}

void http_reply_failure(HttpCall *call, int error, const char *what)
{
        log_error("%s: cannot %s: %s (%s)", http_call_title(call), what, strerror(-error),
                  store_error(call->hub->store));
        hub_spoil(call->hub);
        http_reply_error(call, SERVICE_ERROR_SERVER, "The hub failed; its log tells more.");
}
