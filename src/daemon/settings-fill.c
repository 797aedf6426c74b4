/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/settings-fill.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/nearest.h"
#include "base/number.h"
#include "daemon/settings-table.h"

typedef struct Fill {
        const char *noun; /* of the whole: "the settings" */
        const char *state_dir;
        Problems *problems;
        Buffer path; /* of the group that is being filled: "sensors.cpu" */
} Fill;

/* One level of the files' tree beside its rows and the struct that they fill. */
typedef struct Level {
        const SettingsRow *rows;
        Node *node; /* NULL: the files have no such group */
        void *base;
        unsigned driver; /* within a sensor: its driver's bit */
        bool driverless; /* a sensor of an unknown driver: nothing can be said about the rest */
} Level;

static int fill_level(Fill *f, const Level *level);

/* ---- where we are ---- */

static size_t enter(Fill *f, const char *key)
{
        size_t size = f->path.size;

        if (size > 0)
                buffer_append_char(&f->path, '.');
        buffer_append_string(&f->path, key);
        return size;
}

static void leave(Fill *f, size_t size)
{
        buffer_truncate(&f->path, size);
}

static const char *here(const Fill *f)
{
        return f->path.data && f->path.size > 0 ? f->path.data : f->noun;
}

static void *member_of(const Level *level, const SettingsRow *row)
{
        return (char *)level->base + row->offset;
}

/* ---- what is wrong ---- */

static void complain(Fill *f, Node *node, const char *fmt, ...) _printf_(3, 4);

static void complain(Fill *f, Node *node, const char *fmt, ...)
{
        va_list ap;

        node->faulty = true;
        va_start(ap, fmt);
        problems_add_about(f->problems, node->place, "", here(f), fmt, ap);
        va_end(ap);
}

static void complain_unfit(Fill *f, const SettingsRow *row, Node *node, const char *why)
{
        Buffer b = BUFFER_NULL;

        row->type->expect(row, &b);
        buffer_append_string(&b, "; found ");
        value_print_node(&b, node);
        if (why)
                buffer_printf(&b, " (%s)", why);
        if (row->words && node->kind == NODE_TEXT) {
                Nearest nearest = nearest_begin(node->text);

                for (unsigned i = 0; row->words[i]; i++)
                        nearest_offer(&nearest, row->words[i]);
                if (nearest.found)
                        buffer_printf(&b, "; did you mean \"%s\"?", nearest.found);
        }
        if (buffer_error(&b) < 0)
                f->problems->no_memory = true;
        else
                complain(f, node, "expected %s", b.data);
        buffer_done(&b);
}

static const char *a_driver(unsigned driver)
{
        switch (driver) {
        case DRIVER_CHIP:
                return "a chip's i2c";
        case DRIVER_I2C:
                return "an i2c";
        case DRIVER_FILE:
                return "a file";
        case DRIVER_SOCKET:
                return "a socket";
        case DRIVER_TAIL:
                return "a tail";
        case DRIVER_WATCH:
                return "a watch";
        case DRIVER_PROGRAM:
                return "a program";
        case DRIVER_HWMON:
                return "an hwmon";
        case DRIVER_IIO:
                return "an iio";
        default:
                return "a simulated";
        }
}

static void complain_unknown(Fill *f, const Level *level, Node *node)
{
        Nearest nearest = nearest_begin(node->key);
        const SettingsRow *foreign = NULL;
        size_t outer;

        for (const SettingsRow *row = level->rows; row->key; row++) {
                if (settings_row_counts(row, level->driver))
                        nearest_offer(&nearest, row->key);
                else if (strcmp(row->key, node->key) == 0)
                        foreign = row;
        }
        outer = enter(f, node->key);
        if (foreign)
                complain(f, node, "%s sensor has no such setting", a_driver(level->driver));
        else if (nearest.found)
                complain(f, node, "unknown setting; did you mean \"%s\"?", nearest.found);
        else
                complain(f, node, "unknown setting");
        leave(f, outer);
}

static void complain_kind(Fill *f, Node *node, bool list)
{
        if (list) {
                complain(f, node, "expected a list, written  %s = ( { ... }, { ... } );  found %s", node->key,
                         node_kind_words(node));
                return;
        }
        if (!node->key) {
                complain(f, node, "expected a group, written  { ... }  found %s", node_kind_words(node));
                return;
        }
        complain(f, node, "expected a group, written  %s: { ... };  found %s", node->key,
                 node_kind_words(node));
}

/* ---- values ---- */

/* The table's defaults are written as in a file, without escapes. */
static Node literal(char *text)
{
        size_t n = strlen(text);
        Node node = {};

        if (text[0] == '"') {
                text[n - 1] = 0;
                node.kind = NODE_TEXT;
                node.text = text + 1;
        } else if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0) {
                node.kind = NODE_BOOLEAN;
                node.boolean = text[0] == 't';
        } else if (strchr(text, '.')) {
                node.kind = NODE_REAL;
                (void)number_parse(text, &node.real);
        } else {
                node.kind = NODE_INTEGER;
                node.integer = strtoll(text, NULL, 10);
        }
        return node;
}

/* What it is where the files say nothing of it; NULL: unset. */
static const char *default_of(const SettingsRow *row, const Level *level)
{
        const Node *other = row->but.key ? node_child(level->node, row->but.key) : NULL;

        return other && other->kind == NODE_TEXT && strcmp(other->text, row->but.word) == 0 ? row->but.fallback
                                                                                            : row->fallback;
}

static int set_default(Fill *f, const SettingsRow *row, const char *fallback, void *member)
{
        static const char home[] = "\"" SETTINGS_STATE_DIR;
        _cleanup_free_ char *text = NULL, *why = NULL;
        bool at_home = strncmp(fallback, home, sizeof(home) - 1) == 0;
        Node node;

        if (asprintf(&text, "%s%s%s", at_home ? "\"" : "", at_home ? f->state_dir : "",
                     fallback + (at_home ? sizeof(home) - 1 : 0)) < 0)
                return -ENOMEM;
        node = literal(text);
        return row->type->set(row, &node, member, &why);
}

static int fill_value(Fill *f, const Level *level, const SettingsRow *row, Node *node, void *member)
{
        const char *fallback = default_of(row, level);
        _cleanup_free_ char *why = NULL;
        int r;

        if (node) {
                r = row->type->set(row, node, member, &why);
                if (r <= 0 && r != VALUE_E_UNFIT)
                        return r;
                complain_unfit(f, row, node, why);
        }
        return fallback ? set_default(f, row, fallback, member) : 0;
}

static void complain_missing(Fill *f, const Level *level, const SettingsRow *row)
{
        Buffer b = BUFFER_NULL;

        row->type->expect(row, &b);
        if (buffer_error(&b) < 0)
                f->problems->no_memory = true;
        else
                complain(f, level->node, "%s is missing: expected %s", row->key, b.data);
        buffer_done(&b);
}

/* ---- elements with names of their own ---- */

static void **array_of(const Level *level, const SettingsRow *row)
{
        return member_of(level, row);
}

static size_t *count_of(const Level *level, const SettingsRow *row)
{
        return (size_t *)(void *)(array_of(level, row) + 1);
}

static unsigned driver_of(Node *node)
{
        const Node *driver = node_child(node, "driver");

        return driver && driver->kind == NODE_TEXT ? settings_driver(driver->text, node_child(node, "chip")) : 0;
}

static int fill_element(Fill *f, const Level *level, const SettingsRow *row, const char *key, Node *node)
{
        const SettingsMap *map = row->map;
        size_t *n = count_of(level, row);
        void *element = (char *)*array_of(level, row) + *n * map->element_size;
        Level inner = {row->rows, node, element, level->driver, false};

        ++*n;
        if (map->list)
                return fill_level(f, &inner);
        if (map->loose) {
                Property *property = element;

                property->name = strdup(key);
                return property->name ? fill_value(f, level, row->rows, node, (char *)element + row->rows->offset)
                                      : -ENOMEM;
        }
        (void)snprintf(element, sizeof(Name), "%s", key);
        if (map->by_driver) {
                inner.driver = driver_of(node);
                inner.driverless = inner.driver == 0;
        }
        return fill_level(f, &inner);
}

/* Is this child an element at all? */
static bool fits(Fill *f, const SettingsRow *row, Node *node)
{
        if (row->map->is_name && !row->map->is_name(node->key)) {
                if (name_is_valid(node->key))
                        complain(f, node,
                                 "%s cannot have this name: " CHANNEL_NAME_TAKEN,
                                 row->map->noun);
                else
                        complain(f, node,
                                 "the name of %s is a letter, then letters, digits and _, at most %d",
                                 row->map->noun, NAME_LENGTH_MAX);
                return false;
        }
        if (!row->map->loose && node->kind != NODE_GROUP) {
                complain_kind(f, node, false);
                return false;
        }
        return true;
}

static int fill_map(Fill *f, const Level *level, const SettingsRow *row, Node *node)
{
        const SettingsMap *map = row->map;
        size_t n = node ? node->n_children : 0;
        bool add = map->always && !node_child(node, map->always);
        int r = 0;

        if (n + add > map->max) {
                complain(f, node, "%zu are too many, at most %zu can be", n, map->max - add);
                n = map->max - add;
        }
        if (n + add == 0)
                return 0;
        *array_of(level, row) = calloc(n + add, map->element_size);
        if (!*array_of(level, row))
                return -ENOMEM;
        if (add)
                r = fill_element(f, level, row, map->always, NULL);
        for (size_t i = 0; i < n && r >= 0; i++) {
                Node *child = node->children[i];
                char place[24];
                size_t outer;

                (void)snprintf(place, sizeof(place), "%zu", i);
                outer = enter(f, child->key ?: place);

                if (fits(f, row, child))
                        r = fill_element(f, level, row, child->key, child);
                leave(f, outer);
        }
        return r;
}

/* ---- groups ---- */

static int fill_row(Fill *f, const Level *level, const SettingsRow *row)
{
        Node *node = node_child(level->node, row->key);
        bool list = row->map && row->map->list;

        if (row->rows && node && node->kind != (list ? NODE_LIST : NODE_GROUP)) {
                complain_kind(f, node, list);
                node = NULL;
        }
        if (row->map)
                return fill_map(f, level, row, node);
        if (row->rows) {
                Level inner = {row->rows, node, level->base, level->driver, false};

                return fill_level(f, &inner);
        }
        if (row->required && !node)
                complain_missing(f, level, row);
        return fill_value(f, level, row, node, member_of(level, row));
}

/* Drivers may have rows of their own for one key. */
static bool is_known(const Level *level, const char *key)
{
        for (const SettingsRow *row = level->rows; row->key; row++)
                if (strcmp(row->key, key) == 0 && settings_row_counts(row, level->driver))
                        return true;
        return false;
}

static int fill_level(Fill *f, const Level *level)
{
        int r = 0;

        for (const SettingsRow *row = level->rows; row->key && r >= 0; row++) {
                size_t outer;

                if (!settings_row_counts(row, level->driver))
                        continue;
                outer = row->rows || (level->node && node_child(level->node, row->key)) ? enter(f, row->key)
                                                                                        : f->path.size;
                r = fill_row(f, level, row);
                leave(f, outer);
        }
        for (size_t i = 0; r >= 0 && level->node && !level->driverless && i < level->node->n_children; i++)
                if (!is_known(level, level->node->children[i]->key))
                        complain_unknown(f, level, level->node->children[i]);
        return r < 0 ? r : 0;
}

static int fill(Fill *f, const Level *top)
{
        int r = fill_level(f, top);

        if (r >= 0 && buffer_error(&f->path) < 0)
                r = -ENOMEM;
        buffer_done(&f->path);
        return r;
}

int settings_fill(Settings *s, const char *state_dir, Problems *problems)
{
        return fill(&(Fill){"the settings", state_dir, problems}, &(Level){settings_table, s->tree, s, 0, false});
}

int settings_fill_rows(const SettingsRow *rows, Node *tree, void *base, const char *noun, Problems *problems)
{
        return fill(&(Fill){noun, SETTINGS_STATE_DIR, problems}, &(Level){rows, tree, base, 0, false});
}

/* ---- back to nothing ---- */

static void empty_level(const Level *level)
{
        for (const SettingsRow *row = level->rows; row->key; row++)
                if (row->map) {
                        char *elements = *array_of(level, row);

                        for (size_t i = 0; i < *count_of(level, row) && row->map->done; i++)
                                row->map->done(elements + i * row->map->element_size);
                        free(elements);
                } else if (row->rows) {
                        Level inner = {row->rows, NULL, level->base, 0, false};

                        empty_level(&inner);
                } else if (row->type->is_unset == value_text.is_unset) {
                        free(*(char **)member_of(level, row));
                }
}

void settings_empty_rows(const SettingsRow *rows, void *base)
{
        empty_level(&(Level){rows, NULL, base, 0, false});
}

void settings_empty(Settings *s)
{
        settings_empty_rows(settings_table, s);
}
