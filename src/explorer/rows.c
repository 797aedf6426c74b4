/* SPDX-License-Identifier: Apache-2.0 */
#include "explorer/rows.h"

#include <stdio.h>
#include <string.h>

#include "base/visible.h"
#include "explorer/output.h"

#define NEVER "0001-01-01T00:00:00"

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

/* "attestation.type" is a member of a member. */
static json_object *find(json_object *row, const char *column)
{
        const char *dot = strchr(column, '.');
        char first[64];

        if (!dot)
                return json_member(row, column);
        (void)snprintf(first, sizeof(first), "%.*s", (int)(dot - column), column);
        return json_member(json_member(row, first), dot + 1);
}

static void add_cell(Table *t, json_object *row, const char *column)
{
        json_object *value = find(row, column);
        const char *text = value ? json_object_get_string(value) : "-";
        _cleanup_(buffer_done) Buffer seen = BUFFER_NULL;

        if (strncmp(text, NEVER, strlen(NEVER)) == 0)
                text = "never";
        visible_text(&seen, text, strlen(text));
        table_add(t, colour_of(column, text), "%s", seen.data ?: "");
}

/* ---- all ---- */

static int add_table(Rows *r, json_object *page, size_t n)
{
        Table t = {};

        t.n_columns = count(r->columns);
        if (!r->opened)
                table_head(&t, t.n_columns, r->columns);
        r->opened = true;
        for (size_t i = 0; i < n; i++)
                for (const char *const *c = r->columns; *c; c++)
                        add_cell(&t, json_object_array_get_idx(page, i), *c);
        table_print(&t, &r->explorer->screen);
        return t.failed ? out_of_memory() : output_text("", 0);
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
                return add_table(r, page, n);
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
