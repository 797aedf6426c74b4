/* SPDX-License-Identifier: Apache-2.0 */
#include "explorer/query.h"

#include <string.h>

#include "explorer/commands.h"
#include "explorer/output.h"
#include "explorer/service.h"

#define PAGE_DEFAULT 100

int query_options(const Words *w, Rows *rows, Query *query)
{
        uint64_t page = PAGE_DEFAULT;
        int r;

        rows->most = UINT64_MAX;
        r = words_number(w, "top", 1, UINT64_MAX, &rows->most);
        if (r == EXPLORER_OK)
                r = words_number(w, "page", 1, 1000, &page);
        query->page = (uint32_t)page;
        return r;
}

static json_object *body_of(const Query *query)
{
        json_object *o = json_object_new_object();
        bool ok = o;

        json_put_text(o, "query", query->sql, &ok);
        if (ok)
                return o;
        (void)json_object_put(o);
        return NULL;
}

int query_run(const Explorer *e, const Query *query, Rows *rows)
{
        _cleanup_(json_unrefp) json_object *body = body_of(query);
        _cleanup_free_ char *continuation = NULL;
        int r = EXPLORER_OK;

        if (!body)
                return out_of_memory();
        do {
                _cleanup_(answer_done) Answer answer = {};
                Question q = {
                        .request = {.method = "POST",
                                    .path = query->path,
                                    .body = json_object_to_json_string_ext(body, JSON_C_TO_STRING_PLAIN),
                                    .continuation = continuation,
                                    .page = query->page,
                                    .reads = true},
                        .subject = {.what = query->what, .right = query->right},
                };

                r = service_ask(e, &q, &answer);
                rows->are_chosen = answer.reply.item_type && strcmp(answer.reply.item_type, "raw") == 0;
                if (r == EXPLORER_OK)
                        r = rows_add(rows, answer.json);
                free(continuation);
                continuation = TAKE_PTR(answer.reply.continuation);
        } while (r == EXPLORER_OK && continuation && !rows_are_enough(rows));
        rows_done(rows);
        return r == EXPLORER_OK ? rows_end(rows) : r;
}

/* ---- the hub's ---- */

static int run_devices_query(const Explorer *e, const Words *w, RowsShape shape)
{
        Query query = {
                .path = "/devices/query?api-version=" SERVICE_VERSION,
                .sql = words_operand(w, 0),
                .what = "the query",
                .right = "RegistryRead",
        };
        Rows rows = {.explorer = e, .shape = shape};
        int r = query_options(w, &rows, &query);

        return r == EXPLORER_OK ? query_run(e, &query, &rows) : r;
}

static int run_query(const Explorer *e, const Words *w)
{
        return run_devices_query(e, w, ROWS_LINES);
}

static int run_query_twin(const Explorer *e, const Words *w)
{
        return run_devices_query(e, w, ROWS_DOCUMENTS);
}

static const Option query_options_table[] = {QUERY_OPTIONS, {}};

const Command command_query = {
        .name = "query",
        .operands = "SQL",
        .n_least = 1,
        .n_most = 1,
        .summary = "ask the registry: a line of JSON for each twin, a table of what was chosen",
        .text = "SELECT [TOP n] *, names or aggregates FROM devices, devices.modules or devices.jobs\n"
                "[WHERE ...] [GROUP BY ...]. On Azure an answer may be some seconds behind.\n"
                "For example: \"SELECT * FROM devices WHERE status = 'disabled'\"\n"
                "             \"SELECT tags.site AS site, COUNT() AS n FROM devices GROUP BY tags.site\"",
        .options = query_options_table,
        .run = run_query,
};

const Command command_query_twin = {
        .name = "query-twin",
        .operands = "SQL",
        .n_least = 1,
        .n_most = 1,
        .summary = "the same, laid out for reading whole twins",
        .text = "For example: \"SELECT * FROM devices WHERE tags.building = '43'\"",
        .options = query_options_table,
        .run = run_query_twin,
};
