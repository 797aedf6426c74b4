/* SPDX-License-Identifier: Apache-2.0 */

/* The query's other half: from its text. */

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "devhub/hub/query-expression.h"

#define TEXT_MAX 8192 /* characters, as the real hub has it */

/* ---- columns ---- */

static QueryAggregate take_aggregate(QueryText *x)
{
        static const char *const names[] = {
                [QUERY_COUNT] = "count", [QUERY_AVG] = "avg", [QUERY_SUM] = "sum",
                [QUERY_MIN] = "min",     [QUERY_MAX] = "max",
        };

        if (query_at_call(x))
                for (QueryAggregate i = QUERY_COUNT; i < ARRAY_SIZE(names); i++)
                        if (query_take_word(x, names[i]))
                                return i;
        return QUERY_NO_AGGREGATE;
}

static int take_column_name(QueryText *x, QueryColumn *column)
{
        if (query_take_word(x, "as"))
                return query_take_name(x, &column->name);
        if (column->aggregate != QUERY_NO_AGGREGATE)
                return query_refuse(x, "AS and a name behind an aggregate");
        column->name = strdup(column->path.names[column->path.n - 1]);
        return column->name ? 0 : -ENOMEM;
}

static int take_what(QueryText *x, QueryColumn *column)
{
        int r = 0;

        column->aggregate = take_aggregate(x);
        if (column->aggregate == QUERY_NO_AGGREGATE && query_at_call(x))
                return query_refuse(x, "a path, COUNT, AVG, SUM, MIN or MAX");
        if (column->aggregate == QUERY_NO_AGGREGATE)
                return query_take_path(x, &column->path);
        if (!query_take_sign(x, "("))
                return query_refuse(x, "(");
        if (column->aggregate != QUERY_COUNT)
                r = query_take_path(x, &column->path);
        return r < 0 || query_take_sign(x, ")") ? r : query_refuse(x, ")");
}

static int check_name(QueryText *x, const Query *q, const char *name)
{
        for (size_t i = 0; i + 1 < q->n_columns; i++)
                if (strcmp(q->columns[i].name, name) == 0)
                        return query_refuse(x, "another name (AS ...) for the column before, since one is called so");
        return 0;
}

static int take_column(QueryText *x, Query *q)
{
        QueryColumn *more = reallocarray(q->columns, q->n_columns + 1, sizeof(*more)), *column;
        int r;

        if (!more)
                return -ENOMEM;
        q->columns = more;
        column = &more[q->n_columns++];
        *column = (QueryColumn){};
        r = take_what(x, column);
        if (r >= 0)
                r = take_column_name(x, column);
        return r < 0 ? r : check_name(x, q, column->name);
}

static int take_columns(QueryText *x, Query *q)
{
        int r = 0;

        if (query_take_sign(x, "*"))
                return 0;
        do
                r = q->n_columns == QUERY_COLUMNS_MAX ? query_refuse(x, "fewer columns") : take_column(x, q);
        while (r >= 0 && query_take_sign(x, ","));
        return r;
}

/* ---- clauses ---- */

static int take_top(QueryText *x, Query *q)
{
        char *end;

        q->top = UINT64_MAX;
        if (!query_take_word(x, "top"))
                return 0;
        x->p += strspn(x->p, " \t\r\n");
        if (!isdigit((unsigned char)*x->p))
                return query_refuse(x, "a number behind TOP");
        errno = 0;
        q->top = strtoull(x->p, &end, 10);
        if (errno || q->top == 0)
                return query_refuse(x, "a number above 0 and below 2^64 behind TOP");
        x->p = end;
        return 0;
}

static int take_from(QueryText *x, Query *q)
{
        if (!query_take_word(x, "from"))
                return query_refuse(x, q->n_columns > 0 ? "a comma or FROM" : "FROM");
        if (!query_take_word(x, "devices"))
                return query_refuse(x, "devices, devices.modules or devices.jobs");
        if (!query_take_sign(x, "."))
                return 0;
        if (query_take_word(x, "modules"))
                q->from = QUERY_MODULES;
        else if (query_take_word(x, "jobs"))
                q->from = QUERY_JOBS;
        else
                return query_refuse(x, "modules or jobs");
        return 0;
}

static int take_group_by(QueryText *x, Query *q)
{
        if (!query_take_word(x, "by"))
                return query_refuse(x, "BY");
        q->is_grouped = true;
        return query_take_path(x, &q->group_by);
}

/* Of columns beside an aggregate only the one that it is grouped by is the same in all of a group. start: where the
 * columns stand. */
static int check_columns(QueryText *x, const char *start, const Query *q)
{
        bool is_summary = q->is_grouped;

        for (size_t i = 0; i < q->n_columns; i++)
                is_summary = is_summary || q->columns[i].aggregate != QUERY_NO_AGGREGATE;
        if (!is_summary)
                return 0;
        for (size_t i = 0; i < q->n_columns; i++) {
                const QueryColumn *column = &q->columns[i];

                if (column->aggregate == QUERY_NO_AGGREGATE &&
                    !(q->is_grouped && query_path_equal(&column->path, &q->group_by))) {
                        x->p = start;
                        return query_refuse(x, "aggregates, and beside them only the path that it is grouped by");
                }
        }
        x->p = q->n_columns == 0 ? start : x->p;
        return q->n_columns == 0 ? query_refuse(x, "columns for GROUP BY") : 0;
}

static int take_rest(QueryText *x, Query *q)
{
        const char *columns;
        int r = take_top(x, q);

        if (r < 0)
                return r;
        columns = x->p;
        r = take_columns(x, q);
        if (r >= 0)
                r = take_from(x, q);
        if (r >= 0 && query_take_word(x, "where"))
                r = query_take_expression(x, &q->where);
        if (r >= 0 && query_take_word(x, "group"))
                r = take_group_by(x, q);
        if (r < 0)
                return r;
        x->p += strspn(x->p, " \t\r\n");
        if (*x->p)
                return query_refuse(x, q->is_grouped ? "its end"
                                                     : q->where ? "AND, OR, GROUP BY or its end"
                                                                : "WHERE, GROUP BY or its end");
        return check_columns(x, columns, q);
}

static int take_query(QueryText *x, Query *q)
{
        size_t n = 0;

        for (const char *p = x->text; *p; p++)
                n += ((unsigned char)*p & 0xc0) != 0x80;
        if (n > TEXT_MAX) {
                buffer_printf(x->error, "The query has more than %d characters", TEXT_MAX);
                return buffer_error(x->error) ? -ENOMEM : -EBADMSG;
        }
        return query_take_word(x, "select") ? take_rest(x, q) : query_refuse(x, "SELECT");
}

int query_parse(const char *text, Query **ret, Buffer *error)
{
        _cleanup_(query_freep) Query *q = calloc(1, sizeof(*q));
        QueryText x = {.text = text, .p = text, .error = error};
        int r;

        if (!q)
                return -ENOMEM;
        r = take_query(&x, q);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(q);
        return 0;
}
