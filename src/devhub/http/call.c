/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/http/call-core.h"

#include <errno.h>
#include <string.h>

#include "azure/percent.h"
#include "base/visible.h"
#include "model/json-read.h"

#define TITLE_PART_MAX 256 /* bytes of the method, and of the path, as they came */

/* ---- the request ---- */

static int add_query(HttpCall *call, const char *text, size_t size)
{
        const char *equals = memchr(text, '=', size);
        size_t name_size = equals ? (size_t)(equals - text) : size;
        _cleanup_(buffer_done) Buffer name = BUFFER_NULL, value = BUFFER_NULL;

        if (size == 0)
                return 0;
        percent_decode(&name, text, name_size);
        if (equals)
                percent_decode(&value, equals + 1, size - name_size - 1);
        if (buffer_error(&name) || buffer_error(&value))
                return -ENOMEM;
        return http_pairs_add(&call->queries, name.data ? name.data : "", value.data ? value.data : "");
}

int http_call_init(HttpCall *call, const Hub *hub, const char *target)
{
        size_t path_size = strcspn(target, "?");
        const char *query = target + path_size;
        int r = 0;

        *call = (HttpCall){.hub = hub};
        call->path = strndup(target, path_size);
        if (!call->path)
                return -ENOMEM;
        while (*query && r >= 0) {
                size_t size = strcspn(++query, "&");

                r = add_query(call, query, size);
                query += size;
        }
        return r;
}

int http_call_take_body(HttpCall *call, const void *data, size_t size)
{
        if (call->too_large || size > HTTP_BODY_MAX - call->body.size) {
                call->too_large = true;
                buffer_done(&call->body);
                return 0;
        }
        buffer_append(&call->body, data, size);
        return buffer_error(&call->body);
}

void http_call_done(HttpCall *call)
{
        free(call->method);
        free(call->path);
        buffer_done(&call->title);
        http_pairs_done(&call->queries);
        http_pairs_done(&call->headers);
        http_pairs_done(&call->parts);
        http_pairs_done(&call->reply_headers);
        buffer_done(&call->body);
        buffer_done(&call->reply);
        json_object_put(call->json);
        access_done(&call->access);
        *call = (HttpCall){};
}

static void add_visible(Buffer *b, const char *text)
{
        visible_text(b, text ? text : "", strnlen(text ? text : "", TITLE_PART_MAX));
}

const char *http_call_title(HttpCall *call)
{
        if (call->title.size == 0) {
                add_visible(&call->title, call->method);
                buffer_append_char(&call->title, ' ');
                add_visible(&call->title, call->path);
        }
        return buffer_error(&call->title) ? "a request" : call->title.data;
}

const char *http_call_part(const HttpCall *call, const char *name)
{
        return http_pairs_find(&call->parts, name);
}

const char *http_call_query(const HttpCall *call, const char *name)
{
        return http_pairs_find(&call->queries, name);
}

const char *http_call_header(const HttpCall *call, const char *name)
{
        return http_pairs_find(&call->headers, name);
}

bool http_call_header_at(const HttpCall *call, size_t i, const char **ret_name, const char **ret_value)
{
        if (i >= call->headers.n)
                return false;
        *ret_name = call->headers.items[i].name;
        *ret_value = call->headers.items[i].value;
        return true;
}

const char *http_call_body(const HttpCall *call, size_t *ret_size)
{
        *ret_size = call->body.size;
        return call->body.data ? call->body.data : "";
}

const Certificate *http_call_certificate(const HttpCall *call)
{
        return call->certificate;
}

const Access *http_call_access(const HttpCall *call)
{
        return &call->access;
}

json_object *http_call_json(HttpCall *call)
{
        const char *error, *text;
        size_t size;
        int r;

        if (call->json)
                return call->json;
        text = http_call_body(call, &size);
        r = json_read(text, size, &call->json, &error);
        if (r == -EBADMSG)
                http_reply_error(call, SERVICE_ERROR_FORMAT, "The body is not JSON: %s", error);
        else if (r < 0)
                http_reply_failure(call, r, "read a body");
        else if (!call->json)
                http_reply_error(call, SERVICE_ERROR_ARGUMENT_NULL, "The body is null");
        return call->json;
}

/* ---- later ---- */

void http_call_later(HttpCall *call, void (*gone)(void *userdata), void *userdata)
{
        call->gone = gone;
        call->gone_userdata = userdata;
}

void http_call_cancel(HttpCall *call)
{
        void (*gone)(void *) = TAKE_PTR(call->gone);

        if (gone && !call->replied)
                gone(call->gone_userdata);
}
