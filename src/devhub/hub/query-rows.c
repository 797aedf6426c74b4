/* SPDX-License-Identifier: Apache-2.0 */

/* The query's rows: columns of a document, and what groups of documents come to. */

#include <errno.h>

#include "base/number.h"
#include "model/json-read.h"
#include "devhub/hub/query-value.h"

/* ---- of a document ---- */

static json_object *give_up(json_object *row)
{
        json_object_put(row);
        return NULL;
}

/* NULL, which is null, too. */
static int put(json_object *row, const char *name, json_object *value)
{
        if (json_object_object_add(row, name, json_object_get(value)) == 0)
                return 0;
        json_object_put(value);
        return -ENOMEM;
}

json_object *query_row(const Query *q, json_object *document)
{
        json_object *row, *found;

        if (query_is_whole(q))
                return json_object_get(document);
        row = json_object_new_object();
        for (size_t i = 0; row && i < q->n_columns; i++)
                if (query_path_find(&q->columns[i].path, document, &found) && put(row, q->columns[i].name, found) < 0)
                        row = give_up(row);
        return row;
}

/* ---- groups ---- */

/* 2 and 2.0 are one key; what is not there is another than "". */
static void name_key(bool has_key, json_object *key, Buffer *b)
{
        Value v = value_of(key);
        char text[NUMBER_TEXT_MAX];

        if (!has_key) {
                buffer_append_string(b, "-");
        } else if (v.kind == VALUE_NUMBER) {
                number_format(v.number, text);
                buffer_printf(b, "n%s", text);
        } else {
                buffer_append_string(b, "j");
                json_write(b, key);
        }
}

static int add_group(Query *q, const char *name, bool has_key, json_object *key, QueryGroup **ret)
{
        QueryGroup group = {.has_key = has_key, .tallies = calloc(q->n_columns, sizeof(QueryTally))};

        if (q->n_groups == q->room) {
                size_t room = MAX(2 * q->room, (size_t)16);
                QueryGroup *more = reallocarray(q->groups, room, sizeof(*more));

                if (more) {
                        q->groups = more;
                        q->room = room;
                }
        }
        if (!group.tallies || q->n_groups == q->room ||
            json_put(q->places, name, json_object_new_int64((int64_t)q->n_groups)) < 0) {
                free(group.tallies);
                return -ENOMEM;
        }
        group.key = json_object_get(key);
        q->groups[q->n_groups] = group;
        *ret = &q->groups[q->n_groups++];
        return 0;
}

static int find_group(Query *q, json_object *document, QueryGroup **ret)
{
        _cleanup_(buffer_done) Buffer name = BUFFER_NULL;
        json_object *key = NULL, *place;
        bool has_key = q->is_grouped && query_path_find(&q->group_by, document, &key);

        name_key(has_key, key, &name);
        if (!q->places)
                q->places = json_object_new_object();
        if (buffer_error(&name) || !q->places)
                return -ENOMEM;
        if (!json_object_object_get_ex(q->places, name.data, &place))
                return add_group(q, name.data, has_key, key, ret);
        *ret = &q->groups[json_object_get_int64(place)];
        return 0;
}

static void count(QueryTally *tally, double number)
{
        tally->least = tally->n == 0 ? number : MIN(tally->least, number);
        tally->most = tally->n == 0 ? number : MAX(tally->most, number);
        tally->sum += number;
        tally->n++;
}

int query_gather(Query *q, json_object *document)
{
        QueryGroup *group;
        int r = find_group(q, document, &group);

        for (size_t i = 0; r >= 0 && i < q->n_columns; i++) {
                const QueryColumn *column = &q->columns[i];
                json_object *found;
                Value v;

                if (column->aggregate == QUERY_COUNT) {
                        group->tallies[i].n++;
                        continue;
                }
                v = query_path_find(&column->path, document, &found) ? value_of(found) : (Value){};
                if (v.kind == VALUE_NUMBER)
                        count(&group->tallies[i], v.number);
        }
        return r;
}

bool query_is_plain_count(const Query *q)
{
        bool is_plain = query_is_summary(q) && !q->where && !q->is_grouped;

        for (size_t i = 0; i < q->n_columns; i++)
                is_plain = is_plain && q->columns[i].aggregate == QUERY_COUNT;
        return is_plain;
}

int query_gather_many(Query *q, uint64_t n)
{
        QueryGroup *group;
        int r;

        if (n == 0)
                return 0;
        r = find_group(q, NULL, &group);
        for (size_t i = 0; r >= 0 && i < q->n_columns; i++)
                group->tallies[i].n += n;
        return r;
}

/* ---- rows of groups ---- */

#define WHOLE_MAX 9007199254740992.0

/* 3 rather than 3.0 */
static json_object *number_object(double x)
{
        char text[NUMBER_TEXT_MAX];

        if (x >= -WHOLE_MAX && x <= WHOLE_MAX && x == (double)(int64_t)x)
                return json_object_new_int64((int64_t)x);
        if (x - x != 0)
                return NULL; /* a sum beyond all numbers, which JSON has no word for */
        (void)number_format(x, text);
        return json_object_new_double_s(x, text);
}

static json_object *aggregate_object(QueryAggregate aggregate, const QueryTally *tally)
{
        switch (aggregate) {
        case QUERY_AVG:
                return number_object(tally->sum / (double)tally->n);
        case QUERY_SUM:
                return number_object(tally->sum);
        case QUERY_MIN:
                return number_object(tally->least);
        case QUERY_MAX:
                return number_object(tally->most);
        default:
                return json_object_new_int64((int64_t)tally->n);
        }
}

static int put_column(json_object *row, const QueryColumn *column, const QueryGroup *group, const QueryTally *tally)
{
        json_object *value;
        int r;

        if (column->aggregate == QUERY_NO_AGGREGATE)
                return group->has_key ? put(row, column->name, group->key) : 0;
        /* of no numbers there is a sum and a count, and nothing else */
        if (tally->n == 0 && column->aggregate != QUERY_COUNT && column->aggregate != QUERY_SUM)
                return 0;
        value = aggregate_object(column->aggregate, tally);
        r = put(row, column->name, value);
        json_object_put(value);
        return r;
}

static json_object *group_row(const Query *q, const QueryGroup *group)
{
        json_object *row = json_object_new_object();

        for (size_t i = 0; row && i < q->n_columns; i++)
                if (put_column(row, &q->columns[i], group, &group->tallies[i]) < 0)
                        row = give_up(row);
        return row;
}

static json_object *row_of_nothing(const Query *q)
{
        QueryTally none[QUERY_COLUMNS_MAX] = {};

        return group_row(q, &(QueryGroup){.tallies = none});
}

/* Without GROUP BY there is one row, also of nothing. */
json_object *query_rows(const Query *q)
{
        json_object *rows = json_object_new_array();
        size_t n = q->n_groups == 0 && !q->is_grouped ? 1 : q->n_groups;

        for (size_t i = 0; rows && i < n; i++) {
                json_object *row = q->n_groups == 0 ? row_of_nothing(q) : group_row(q, &q->groups[i]);

                if (!row || json_object_array_add(rows, row) < 0) {
                        json_object_put(row);
                        rows = give_up(rows);
                }
        }
        return rows;
}
