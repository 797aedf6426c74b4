/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/http/query.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/base64.h"
#include "devhub/hub/errands.h"
#include "devhub/hub/query.h"
#include "devhub/hub/registry.h"
#include "devhub/hub/twin-document.h"

#define PAGE_MAX     1000u
#define PAGE_DEFAULT 100u
#define STEP_TWINS   100u /* are looked at before others are heard: some milliseconds */

/* A page, and where it begins: the continuation names how many rows came before it and the twin that was the last of
 * them. Rows of a summary are made of all twins each time, and are only counted. It is made in steps: who sends
 * events meanwhile does not wait for it, and what changes behind the step is not seen, as between two pages. */
typedef struct Page {
        const Hub *hub;
        HttpCall *call;
        Errand *errand; /* NULL: not under way */
        Query *query;
        uint64_t n_before;
        char *after_device, *after_module; /* NULL: from the start; "" for no module, and in a summary */
        unsigned max;

        char *seen_device, *seen_module; /* the last that was looked at */
        unsigned n_in_step;

        json_object *rows;
        char *last_device, *last_module;
        bool is_more;
} Page;

static Page *page_free(Page *page)
{
        if (!page)
                return NULL;
        query_free(page->query);
        free(page->after_device);
        free(page->after_module);
        free(page->last_device);
        free(page->last_module);
        free(page->seen_device);
        free(page->seen_module);
        json_object_put(page->rows);
        free(page);
        return NULL;
}
DEFINE_CLEANUP(Page *, page_free);

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

/* *device and *module become copies of its ids; "" for no module. */
static int note_ids(const Identity *identity, char **device, char **module)
{
        free(*device);
        free(*module);
        *device = strdup(identity->device_id);
        *module = strdup(identity->module_id ? identity->module_id : "");
        return *device && *module ? 0 : -ENOMEM;
}

static int add_twin(Page *page, const Identity *identity, json_object *document)
{
        int r = add_row(page, query_row(page->query, document));

        return r < 0 ? r : note_ids(identity, &page->last_device, &page->last_module);
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

/* A twin may have gone since its identity was read: another program deletes devices, too. */
static int look_at(Page *page, const Identity *identity)
{
        json_object *document = NULL;
        int r = twin_document(page->hub, identity, &document);

        if (r != 0)
                return MIN(r, 0);
        if (query_matches(page->query, document))
                r = add_match(page, identity, document);
        json_object_put(document);
        return r;
}

/* -EAGAIN: that was enough for a step. */
static int visit(void *userdata, const Identity *identity)
{
        Page *page = userdata;
        int r = look_at(page, identity);

        if (r < 0 || ++page->n_in_step < STEP_TWINS)
                return r;
        r = note_ids(identity, &page->seen_device, &page->seen_module);
        return r < 0 ? r : -EAGAIN;
}

/* 1: there may be more of them. */
static int walk(Page *page)
{
        const char *device = page->seen_device ? page->seen_device : page->after_device;
        const char *module = page->seen_module ? page->seen_module : page->after_module;
        int r;

        page->n_in_step = 0;
        r = registry_each_behind(page->hub->store, query_from(page->query) == QUERY_MODULES, device ? device : "",
                                 module ? module : "", visit, page);
        if (r == -EAGAIN)
                return 1;
        return r == -ECANCELED ? 0 : r;
}

static int count_all(Page *page)
{
        uint64_t n = 0;
        int r = registry_count_all(page->hub->store, query_from(page->query) == QUERY_MODULES, &n);

        return r < 0 ? r : query_gather_many(page->query, n);
}

static int gather(Page *page)
{
        if (query_from(page->query) == QUERY_JOBS || has_all(page))
                return 0; /* of jobs this hub has none */
        return query_is_plain_count(page->query) ? count_all(page) : walk(page);
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
        http_reply_header(call, "x-ms-item-type", "%s", item_type(page->query));
        if (page->is_more)
                add_continuation(call, page);
        http_reply_json(call, 200, TAKE_PTR(page->rows));
}

/* True: there is more to do. Else it has been answered. */
static bool go_on(Page *page)
{
        int r = gather(page);

        if (r > 0)
                return true;
        if (r >= 0 && query_is_summary(page->query))
                r = take_summary(page);
        if (r < 0)
                http_reply_failure(page->call, r, "answer a query");
        else
                answer(page->call, page);
        return false;
}

/* The turn is ended when nobody has anything to do, and here there is always something: what came between two steps is
 * committed and acknowledged with each. */
static bool on_step(void *userdata)
{
        Page *page = userdata;
        bool is_more = go_on(page);

        if (is_more)
                (void)hub_commit(page->hub); /* whose events these are hears if it fails */
        else
                page_free(page);
        return is_more;
}

static void on_gone(void *userdata)
{
        Page *page = userdata;

        errands_cancel(page->hub->errands, page->errand);
        page_free(page);
}

static int page_new(const Hub *hub, HttpCall *call, Page **ret)
{
        _cleanup_(page_freep) Page *page = calloc(1, sizeof(*page));

        if (page)
                page->rows = json_object_new_array();
        if (!page || !page->rows)
                return -ENOMEM;
        page->hub = hub;
        page->call = call;
        *ret = TAKE_PTR(page);
        return 0;
}

static void query_devices(void *userdata, HttpCall *call)
{
        const Hub *hub = userdata;
        _cleanup_(page_freep) Page *page = NULL;
        int r = page_new(hub, call, &page);

        if (r < 0) {
                http_reply_failure(call, r, "answer a query");
                return;
        }
        if (!take_size(call, page) || !take_continuation(call, page) || !take_query(call, page) || !go_on(page))
                return;
        r = errands_add(hub->errands, on_step, page, &page->errand);
        if (r < 0)
                http_reply_failure(call, r, "answer a query");
        else
                http_call_later(call, on_gone, TAKE_PTR(page));
}

static const HttpRoute routes[] = {
        {"POST", "/devices/query", RIGHT_REGISTRY_READ, query_devices, .operation = OPERATION_QUERY},
};

int http_query_add(HttpRouter *router, const Hub *hub)
{
        return http_router_add(router, routes, ARRAY_SIZE(routes), (void *)hub);
}
