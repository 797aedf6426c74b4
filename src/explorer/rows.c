/* SPDX-License-Identifier: Apache-2.0 */
#include "explorer/rows.h"

#include <stdio.h>
#include <string.h>

#include "base/visible.h"
#include "explorer/output.h"

/* ---- as JSON ---- */

static int add_json(Rows *r, json_object *row)
{
        int e = output_text(r->opened ? ",\n" : "[", r->opened ? 2 : 1);
        const char *text = json_object_to_json_string_ext(row, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);

        r->opened = true;
        if (!text)
                return out_of_memory();
        return e == EXPLORER_OK ? output_text(text, strlen(text)) : e;
}

static int add_plain(Rows *r, json_object *row)
{
        return r->shape == ROWS_LINES ? output_json(row) : output_document(r->explorer, row);
}

/* ---- as a table ---- */

static unsigned count(const char *const *columns)
{
        unsigned n = 0;

        while (columns[n])
                n++;
        return n;
}

static Colour colour_of(const char *column, const char *value)
{
        if (strcmp(column, "status") == 0 || strcmp(column, "provisioningStatus") == 0)
                return strcmp(value, "disabled") == 0 ? COLOUR_CARE : COLOUR_NONE;
        if (strcmp(column, "connectionState") == 0)
                return strcmp(value, "Connected") == 0 ? COLOUR_GOOD : COLOUR_NONE;
        return COLOUR_NONE;
}

/* "attestation.type" is a member of a member, unless there is one of that very name. */
static json_object *find(json_object *row, const char *column)
{
        const char *dot = strchr(column, '.');
        char first[64];

        if (!dot || json_member(row, column))
                return json_member(row, column);
        (void)snprintf(first, sizeof(first), "%.*s", (int)(dot - column), column);
        return json_member(json_member(row, first), dot + 1);
}

static void add_cell(Table *t, json_object *row, const char *column)
{
        json_object *value = find(row, column);
        const char *text = value ? json_object_get_string(value) : "-";
        _cleanup_(buffer_done) Buffer seen = BUFFER_NULL;

        text = words_of_time(text);
        visible_text(&seen, text, strlen(text));
        table_add(t, colour_of(column, text), "%s", seen.data ?: "");
}

/* ---- all ---- */

/* Names may have come over a network. */
static void add_head(Table *t, const char *const *columns)
{
        for (; *columns; columns++) {
                _cleanup_(buffer_done) Buffer seen = BUFFER_NULL;

                visible_text(&seen, *columns, strlen(*columns));
                table_add(t, COLOUR_FAINT, "%s", seen.data ?: "");
        }
}

static int add_table(Rows *r, const char *const *columns, bool headed, json_object *page, size_t n)
{
        Table t = {.n_columns = count(columns)};

        if (headed)
                add_head(&t, columns);
        r->opened = true;
        for (size_t i = 0; i < n; i++)
                for (const char *const *c = columns; *c; c++)
                        add_cell(&t, json_object_array_get_idx(page, i), *c);
        table_print(&t, &r->explorer->screen);
        return t.failed ? out_of_memory() : output_text("", 0);
}

/* ---- as a table of what was chosen ---- */

void rows_done(Rows *r)
{
        json_object_put(r->seen);
        r->seen = NULL;
}

/* The names of this page beside those of the pages before. False: no memory, or there are too many for a table. */
static bool gather_names(Rows *r, json_object *page, size_t n, bool *ret_grew)
{
        for (size_t i = 0; i < n; i++) {
                json_object_object_foreach(json_object_array_get_idx(page, i), name, value) {
                        (void)value;
                        if (json_object_object_get_ex(r->seen, name, NULL))
                                continue;
                        if (json_object_object_add(r->seen, name, NULL) < 0)
                                return false;
                        *ret_grew = true;
                }
        }
        return json_object_object_length(r->seen) <= TABLE_COLUMNS_MAX;
}

static bool are_objects(json_object *page, size_t n)
{
        for (size_t i = 0; i < n; i++)
                if (!json_object_is_type(json_object_array_get_idx(page, i), json_type_object))
                        return false;
        return true;
}

/* Of more columns than a table has, or of none: lines of JSON. */
static int add_chosen(Rows *r, json_object *page, size_t n)
{
        const char *columns[TABLE_COLUMNS_MAX + 1] = {};
        bool grew = false;
        unsigned c = 0;
        int e = EXPLORER_OK;

        if (!r->seen)
                r->seen = json_object_new_object();
        if (!r->seen)
                return out_of_memory();
        if (!are_objects(page, n) || !gather_names(r, page, n, &grew) || json_object_object_length(r->seen) == 0) {
                for (size_t i = 0; e == EXPLORER_OK && i < n; i++)
                        e = output_json(json_object_array_get_idx(page, i));
                return e;
        }
        json_object_object_foreach(r->seen, name, value) {
                (void)value;
                columns[c++] = name;
        }
        return add_table(r, columns, grew, page, n);
}

int rows_add(Rows *r, json_object *page)
{
        size_t n;
        int e = EXPLORER_OK;

        if (!json_object_is_type(page, json_type_array)) {
                complain("%s does not answer with a list: is it a hub?", r->explorer->login.host);
                return EXPLORER_FAILED;
        }
        n = (size_t)MIN((uint64_t)json_object_array_length(page), r->most - r->n);
        r->n += n;
        if (!r->explorer->json && r->shape == ROWS_TABLE)
                return add_table(r, r->columns, !r->opened, page, n);
        if (!r->explorer->json && r->are_chosen)
                return add_chosen(r, page, n);
        for (size_t i = 0; e == EXPLORER_OK && i < n; i++) {
                json_object *row = json_object_array_get_idx(page, i);

                e = r->explorer->json ? add_json(r, row) : add_plain(r, row);
        }
        return e;
}

int rows_end(Rows *r)
{
        if (!r->explorer->json)
                return EXPLORER_OK;
        return r->opened ? output_text("]\n", 2) : output_text("[]\n", 3);
}
