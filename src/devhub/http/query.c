/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/http/query.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/base64.h"
#include "devhub/hub/query.h"
#include "devhub/hub/registry.h"
#include "devhub/hub/twin-document.h"

#define PAGE_MAX     1000u
#define PAGE_DEFAULT 100u

/* A page, and where it begins: the continuation names how many rows came before it and the twin that was the last of
 * them. Rows of a summary are made of all twins each time, and are only counted. */
typedef struct Page {
        const Hub *hub;
        Query *query;
        uint64_t n_before;
        char *after_device, *after_module; /* NULL: from the start; "" for no module, and in a summary */
        unsigned max;

        json_object *rows;
        char *last_device, *last_module;
        bool is_more;
} Page;

static void page_done(Page *page)
{
        query_free(page->query);
        free(page->after_device);
        free(page->after_module);
        free(page->last_device);
        free(page->last_module);
        json_object_put(page->rows);
}

/* ---- what is asked ---- */

static bool take_size(HttpCall *call, Page *page)
{
        const char *text = http_call_header(call, "x-ms-max-item-count");
        char *end;
        unsigned long n;

        page->max = PAGE_DEFAULT;
        if (!text || !*text)
                return true;
        n = strtoul(text, &end, 10);
        if (*end || !isdigit((unsigned char)*text) || n == 0) {
                http_reply_error(call, SERVICE_ERROR_ARGUMENT_INVALID, "x-ms-max-item-count is not a number above 0");
                return false;
        }
        page->max = (unsigned)MIN(n, (unsigned long)PAGE_MAX);
        return true;
}

/* count/device/module: no id has a slash */
static int parse_continuation(const char *text, Page *page)
{
        const char *device, *module;
        char *end;

        if (!isdigit((unsigned char)*text))
                return -EBADMSG;
        page->n_before = strtoull(text, &end, 10);
        device = *end == '/' ? end + 1 : NULL;
        module = device ? strchr(device, '/') : NULL;
        if (!module)
                return -EBADMSG;
        page->after_device = strndup(device, (size_t)(module - device));
        page->after_module = strdup(module + 1);
        return page->after_device && page->after_module ? 0 : -ENOMEM;
}

static bool take_continuation(HttpCall *call, Page *page)
{
        const char *text = http_call_header(call, "x-ms-continuation");
        _cleanup_(buffer_done) Buffer b = BUFFER_NULL;
        int r;

        if (!text || !*text)
                return true;
        r = base64_decode(&b, text, strlen(text));
        if (r >= 0)
                r = memchr(b.data, 0, b.size) ? -EBADMSG : parse_continuation(b.data, page);
        if (r == -ENOMEM)
                http_reply_failure(call, r, "read a continuation");
        else if (r < 0)
                http_reply_error(call, SERVICE_ERROR_ARGUMENT_INVALID, "x-ms-continuation is none of this hub's");
        return r >= 0;
}

static bool take_query(HttpCall *call, Page *page)
{
        json_object *body = http_call_json(call), *text;
        _cleanup_(buffer_done) Buffer error = BUFFER_NULL;
        int r;

        if (!body)
                return false;
        if (!json_object_is_type(body, json_type_object) || !json_object_object_get_ex(body, "query", &text) ||
            !json_object_is_type(text, json_type_string)) {
                http_reply_error(call, SERVICE_ERROR_ARGUMENT_NULL, "The body has no query");
                return false;
        }
        if (memchr(json_object_get_string(text), 0, (size_t)json_object_get_string_len(text))) {
                http_reply_error(call, SERVICE_ERROR_ARGUMENT_INVALID, "The query has a NUL in it");
                return false;
        }
        r = query_parse(json_object_get_string(text), &page->query, &error);
        if (r == -EBADMSG)
                http_reply_error(call, SERVICE_ERROR_ARGUMENT_INVALID, "%s", error.data);
        else if (r < 0)
                http_reply_failure(call, r, "read a query");
        return r >= 0;
}

/* ---- a page of twins ---- */

static bool has_all(const Page *page)
{
        return page->n_before + json_object_array_length(page->rows) >= query_top(page->query);
}

static int add_row(Page *page, json_object *row)
{
        if (!row)
                return -ENOMEM;
        if (json_object_array_add(page->rows, row) == 0)
                return 0;
        json_object_put(row);
        return -ENOMEM;
}

static int add_twin(Page *page, const Identity *identity, json_object *document)
{
        int r = add_row(page, query_row(page->query, document));

        if (r < 0)
                return r;
        free(page->last_device);
        free(page->last_module);
        page->last_device = strdup(identity->device_id);
        page->last_module = strdup(identity->module_id ? identity->module_id : "");
        return page->last_device && page->last_module ? 0 : -ENOMEM;
}

/* -ECANCELED: the page is full, and there is more, or all that is wanted has been found. */
static int add_match(Page *page, const Identity *identity, json_object *document)
{
        int r;

        if (query_is_summary(page->query))
                return query_gather(page->query, document);
        page->is_more = json_object_array_length(page->rows) == page->max;
        if (page->is_more)
                return -ECANCELED;
        r = add_twin(page, identity, document);
        return r >= 0 && has_all(page) ? -ECANCELED : r;
}

static int visit(void *userdata, const Identity *identity)
{
        Page *page = userdata;
        json_object *document = NULL;
        int r = twin_document(page->hub, identity, &document);

        if (r < 0)
                return r;
        if (query_matches(page->query, document))
                r = add_match(page, identity, document);
        json_object_put(document);
        return r;
}

static int walk(Page *page)
{
        const char *device = page->after_device ? page->after_device : "";
        const char *module = page->after_module ? page->after_module : "";
        int r;

        if (query_from(page->query) == QUERY_JOBS)
                return 0; /* this hub has none */
        r = registry_each_behind(page->hub->store, query_from(page->query) == QUERY_MODULES, device, module, visit,
                                 page);
        return r == -ECANCELED ? 0 : r;
}

/* ---- a page of a summary ---- */

static int take_summary(Page *page)
{
        json_object *all = query_rows(page->query);
        uint64_t n, at = page->n_before;
        int r = 0;

        if (!all)
                return -ENOMEM;
        n = MIN(json_object_array_length(all), query_top(page->query));
        for (; r >= 0 && at < n && at - page->n_before < page->max; at++)
                r = add_row(page, json_object_get(json_object_array_get_idx(all, (size_t)at)));
        page->is_more = at < n;
        json_object_put(all);
        return r;
}

/* ---- the answer ---- */

static int make_page(Page *page)
{
        int r = 0;

        page->rows = json_object_new_array();
        if (!page->rows)
                return -ENOMEM;
        if (!has_all(page))
                r = walk(page);
        return r >= 0 && query_is_summary(page->query) ? take_summary(page) : r;
}

static void add_continuation(HttpCall *call, const Page *page)
{
        _cleanup_(buffer_done) Buffer text = BUFFER_NULL, b = BUFFER_NULL;

        buffer_printf(&text, "%" PRIu64 "/%s/%s", page->n_before + json_object_array_length(page->rows),
                      page->last_device ? page->last_device : "", page->last_module ? page->last_module : "");
        if (!buffer_error(&text))
                base64_encode(&b, text.data, text.size);
        if (b.data)
                http_reply_header(call, "x-ms-continuation", "%s", b.data);
}

static const char *item_type(const Query *query)
{
        if (!query_is_whole(query))
                return "raw";
        return query_from(query) == QUERY_JOBS ? "deviceJob" : "twin";
}

static void answer(HttpCall *call, Page *page)
{
        int r = make_page(page);

        if (r < 0) {
                http_reply_failure(call, r, "answer a query");
                return;
        }
        http_reply_header(call, "x-ms-item-type", "%s", item_type(page->query));
        if (page->is_more)
                add_continuation(call, page);
        http_reply_json(call, 200, TAKE_PTR(page->rows));
}

static void query_devices(void *userdata, HttpCall *call)
{
        Page page = {.hub = userdata};

        if (take_size(call, &page) && take_continuation(call, &page) && take_query(call, &page))
                answer(call, &page);
        page_done(&page);
}

static const HttpRoute routes[] = {
        {"POST", "/devices/query", RIGHT_REGISTRY_READ, query_devices, .operation = OPERATION_QUERY},
};

int http_query_add(HttpRouter *router, const Hub *hub)
{
        return http_router_add(router, routes, ARRAY_SIZE(routes), (void *)hub);
}
