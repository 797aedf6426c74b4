/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/settings.h"

#include <errno.h>
#include <string.h>

#include "daemon/settings-table.h"

#define COMMENT_COLUMN 60

typedef struct Print {
        Buffer *b;
        bool with_places;
        unsigned depth;
} Print;

static void print_rows(Print *p, const SettingsRow *rows, const Node *node, const char *base,
                       unsigned driver);

static void indent(Print *p)
{
        for (unsigned i = 0; i < p->depth; i++)
                buffer_append_string(p->b, "  ");
}

static void open_group(Print *p, const char *key)
{
        indent(p);
        buffer_printf(p->b, "%s: {\n", key);
        p->depth++;
}

static void close_group(Print *p)
{
        p->depth--;
        indent(p);
        buffer_append_string(p->b, "};\n");
}

static void print_place(Print *p, size_t line_start, const Node *node)
{
        if (!p->with_places)
                return;
        do
                buffer_append_char(p->b, ' ');
        while (p->b->size - line_start < COMMENT_COLUMN && buffer_error(p->b) == 0);
        buffer_printf(p->b, "# %s", node ? node->place.name : "default");
        if (node && node->place.line > 0)
                buffer_printf(p->b, ":%u", node->place.line);
}

static void print_value(Print *p, const SettingsRow *row, const char *key, const Node *node,
                        const void *member)
{
        bool unset = row->type->is_unset && row->type->is_unset(row, member);
        size_t start = p->b->size;

        if (unset && !p->with_places)
                return;
        indent(p);
        if (unset) {
                buffer_printf(p->b, "# %s is not set", key);
        } else {
                buffer_printf(p->b, "%s = ", key);
                row->type->print(row, member, p->b);
                buffer_append_char(p->b, ';');
                print_place(p, start, node);
        }
        buffer_append_char(p->b, '\n');
}

static void print_list(Print *p, const SettingsRow *row, const Node *node, const char *elements, size_t n,
                       unsigned driver)
{
        indent(p);
        buffer_printf(p->b, "%s = (", row->key);
        p->depth++;
        for (size_t i = 0; i < n; i++) {
                buffer_append_string(p->b, i > 0 ? ",\n" : "\n");
                indent(p);
                buffer_append_string(p->b, "{\n");
                p->depth++;
                print_rows(p, row->rows, node && i < node->n_children ? node->children[i] : NULL,
                           elements + i * row->map->element_size, driver);
                p->depth--;
                indent(p);
                buffer_append_char(p->b, '}');
        }
        p->depth--;
        if (n > 0) {
                buffer_append_char(p->b, '\n');
                indent(p);
        }
        buffer_append_string(p->b, ");\n");
}

static unsigned driver_of(const void *element)
{
        const SensorSettings *sensor = element;

        return settings_driver(sensor->driver, *sensor->chip);
}

static void print_elements(Print *p, const SettingsRow *row, const Node *node, const char *member,
                           unsigned driver)
{
        const SettingsMap *map = row->map;
        const char *elements = *(const char *const *)(const void *)member;
        size_t n = *(const size_t *)(const void *)(member + sizeof(void *));

        for (size_t i = 0; i < n; i++) {
                const char *element = elements + i * map->element_size;
                const char *name = map->loose ? ((const Property *)(const void *)element)->name : element;
                const Node *child = node_child(node, name);

                if (map->loose) {
                        print_value(p, row->rows, name, child, element + row->rows->offset);
                        continue;
                }
                open_group(p, name);
                print_rows(p, row->rows, child, element, map->by_driver ? driver_of(element) : driver);
                close_group(p);
        }
}

static void print_rows(Print *p, const SettingsRow *rows, const Node *node, const char *base,
                       unsigned driver)
{
        for (const SettingsRow *row = rows; row->key; row++) {
                const Node *child = node_child(node, row->key);

                if (!settings_row_counts(row, driver))
                        continue;
                if (!row->rows) {
                        print_value(p, row, row->key, child, base + row->offset);
                        continue;
                }
                if (row->map && row->map->list) {
                        const char *member = base + row->offset;

                        print_list(p, row, child, *(const char *const *)(const void *)member,
                                   *(const size_t *)(const void *)(member + sizeof(void *)), driver);
                        continue;
                }
                open_group(p, row->key);
                if (row->map)
                        print_elements(p, row, child, base + row->offset, driver);
                else
                        print_rows(p, row->rows, child, base, driver);
                close_group(p);
        }
}

void settings_print(const Settings *s, bool with_places, Buffer *b)
{
        Print p = {b, with_places, 0};

        print_rows(&p, settings_table, s->tree, (const char *)s, 0);
}

/* What is printed names a chip; its file may say something else by now. */
static bool chips_equal(const Settings *a, const Settings *b)
{
        for (size_t i = 0; i < MIN(a->n_sensors, b->n_sensors); i++)
                if (!chip_equal(a->sensors[i].description, b->sensors[i].description) ||
                    !chip_equal(a->sensors[i].mux.description, b->sensors[i].mux.description))
                        return false;
        return true;
}

int settings_equal(const Settings *a, const Settings *b)
{
        Buffer x = BUFFER_NULL, y = BUFFER_NULL;
        bool same;
        int r;

        settings_print(a, false, &x);
        settings_print(b, false, &y);
        same = chips_equal(a, b);
        r = buffer_error(&x) < 0 || buffer_error(&y) < 0
                    ? -ENOMEM
                    : same && x.size == y.size && memcmp(x.data, y.data, x.size) == 0;
        buffer_done(&x);
        buffer_done(&y);
        return r;
}
