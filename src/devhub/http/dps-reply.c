/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/http/dps-reply.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/base64.h"

#define ITEMS_MAX 1000u

void dps_reply_error(HttpCall *call, const Hub *hub, DpsError error, const char *message)
{
        _cleanup_(buffer_done) Buffer body = BUFFER_NULL;

        dps_error_write(&body, error, message, clock_wall(hub->clock));
        if (buffer_error(&body))
                http_reply_failure(call, -ENOMEM, "write an error");
        else
                http_reply_bytes(call, (unsigned)dps_error_status(error), "application/json; charset=utf-8", body.data,
                                 body.size);
}

char *dps_if_match(const HttpCall *call, int *ret_error)
{
        const char *value = http_call_header(call, "If-Match");
        size_t size;
        char *etag;

        *ret_error = 0;
        if (!value || !*value)
                return NULL;
        size = strlen(value);
        if (size >= 2 && value[0] == '"' && value[size - 1] == '"') {
                value++;
                size -= 2;
        }
        etag = strndup(value, size);
        if (!etag)
                *ret_error = -ENOMEM;
        return etag;
}

/* ---- queries ---- */

static const char *after_blanks(const char *p)
{
        return p + strspn(p, " \t\r\n");
}

/* "*", which official clients say too, or SELECT * FROM and a name. */
static bool asks_for_all(const char *query)
{
        static const char *const words[] = {"select", "*", "from"};
        const char *p = after_blanks(query);

        if (p[0] == '*' && !*after_blanks(p + 1))
                return true;
        for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
                if (strncasecmp(p, words[i], strlen(words[i])) != 0)
                        return false;
                p = after_blanks(p + strlen(words[i]));
        }
        p += strspn(p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
        return !*after_blanks(p);
}

/* NULL, or what is wrong with it. */
static const char *check_query(json_object *body)
{
        json_object *query = json_object_object_get(body, "query");

        if (!json_object_is_type(query, json_type_string))
                return "The body has no query.";
        return asks_for_all(json_object_get_string(query))
                       ? NULL
                       : "The query is not SELECT * FROM enrollments: hublink-devhub answers no other.";
}

static int take_count(const HttpCall *call, DpsPage *page)
{
        const char *text = http_call_header(call, "x-ms-max-item-count");
        char *end;
        unsigned long n;

        page->limit = ITEMS_MAX;
        if (!text || !*text)
                return 0;
        n = strtoul(text, &end, 10);
        if (*end || text[0] < '0' || text[0] > '9' || n == 0)
                return -EBADMSG;
        page->limit = (unsigned)MIN(n, (unsigned long)ITEMS_MAX);
        return 0;
}

static int take_continuation(const HttpCall *call, DpsPage *page)
{
        const char *text = http_call_header(call, "x-ms-continuation");
        _cleanup_(buffer_done) Buffer name = BUFFER_NULL;
        int r;

        if (!text || !*text)
                return 0;
        r = base64_decode(&name, text, strlen(text));
        if (r < 0)
                return r == -ENOMEM ? r : -EBADMSG;
        if (memchr(name.data, 0, name.size))
                return -EBADMSG;
        page->after = buffer_steal(&name);
        return page->after ? 0 : -ENOMEM;
}

bool dps_page_begin(DpsPage *page, HttpCall *call, const Hub *hub)
{
        json_object *body = http_call_json(call);
        const char *fault;

        *page = (DpsPage){};
        if (!body)
                return false;
        fault = check_query(body);
        if (!fault && take_count(call, page) < 0)
                fault = "x-ms-max-item-count is not a number from 1 to 1000.";
        if (!fault && take_continuation(call, page) < 0)
                fault = "x-ms-continuation is not what was given out.";
        if (fault) {
                dps_reply_error(call, hub, DPS_ERROR_BAD_REQUEST, fault);
                return false;
        }
        page->items = json_object_new_array();
        if (!page->items)
                http_reply_failure(call, -ENOMEM, "answer a query");
        return page->items;
}

int dps_page_add(DpsPage *page, const char *name, json_object *item)
{
        if (page->n == page->limit) {
                page->is_cut = true;
                (void)json_object_put(item);
                return 1;
        }
        free(page->last);
        page->last = strdup(name);
        if (!item || !page->last || json_object_array_add(page->items, item) < 0) {
                (void)json_object_put(item);
                return -ENOMEM;
        }
        page->n++;
        return 0;
}

void dps_page_reply(DpsPage *page, HttpCall *call, const char *item_type)
{
        _cleanup_(buffer_done) Buffer continuation = BUFFER_NULL;

        if (page->is_cut) {
                base64_encode(&continuation, page->last, strlen(page->last));
                if (buffer_error(&continuation)) {
                        http_reply_failure(call, -ENOMEM, "answer a query");
                        return;
                }
                http_reply_header(call, "x-ms-continuation", "%s", continuation.data);
        }
        http_reply_header(call, "x-ms-item-type", "%s", item_type);
        http_reply_json(call, 200, TAKE_PTR(page->items));
}

void dps_page_done(DpsPage *page)
{
        free(page->after);
        free(page->last);
        (void)json_object_put(page->items);
        *page = (DpsPage){};
}
