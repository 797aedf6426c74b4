/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/settings-manual.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#define WIDTH 78

typedef struct Manual {
        Buffer *page, *mute;
        Buffer path;   /* as it stands in a heading */
        size_t column; /* of the line that is being filled */
        bool bold;     /* in `such marks` */
        bool no_memory;
} Manual;

static void print_rows(Manual *m, const SettingsRow *rows);

/* ---- text ---- */

static void put_char(Buffer *b, char c)
{
        switch (c) {
        case '\\':
                buffer_append_string(b, "\\e");
                break;
        case '-':
                buffer_append_string(b, "\\-");
                break;
        case '~':
                buffer_append_string(b, "\\(ti");
                break;
        case '^':
                buffer_append_string(b, "\\(ha");
                break;
        default:
                buffer_append_char(b, c);
        }
}

static void put_word(Manual *m, const char *word, size_t n)
{
        if (m->column == 0 && (*word == '.' || *word == '\''))
                buffer_append_string(m->page, "\\&");
        for (size_t i = 0; i < n; i++) {
                if (word[i] != '`') {
                        put_char(m->page, word[i]);
                        continue;
                }
                m->bold = !m->bold;
                buffer_append_string(m->page, m->bold ? "\\fB" : "\\fR");
        }
        m->column += n;
}

static void end_line(Manual *m)
{
        if (m->column > 0)
                buffer_append_char(m->page, '\n');
        m->column = 0;
}

static bool ends_sentence(const char *word, size_t n)
{
        return n > 0 && word[n - 1] == '.' && (n == 1 || word[n - 2] != '.');
}

/* Filled; a sentence begins a line, as roff wants it. */
static void put_text(Manual *m, const char *text)
{
        while (*text) {
                size_t n = strcspn(text, " ");

                if (m->column + 1 + n > WIDTH)
                        end_line(m);
                if (m->column > 0) {
                        buffer_append_char(m->page, ' ');
                        m->column++;
                }
                put_word(m, text, n);
                if (ends_sentence(text, n))
                        end_line(m);
                text += n + (text[n] == ' ');
        }
}

static void put_meaning(Manual *m, const SettingsRow *row)
{
        if (row->meaning)
                put_text(m, row->meaning);
        else
                buffer_printf(m->mute, "%.*s\n", (int)m->path.size, m->path.data ?: "");
        end_line(m);
}

/* ---- where we are ---- */

static size_t enter(Manual *m, const char *key)
{
        size_t outer = m->path.size;

        if (outer > 0)
                buffer_append_char(&m->path, '.');
        buffer_append_string(&m->path, key);
        return outer;
}

/* A name that the files choose: "a sensor" is SENSOR. */
static size_t enter_element(Manual *m, const SettingsMap *map)
{
        size_t outer = m->path.size;

        buffer_append_string(&m->path, ".\\fI");
        if (map->list)
                buffer_append_char(&m->path, 'N');
        else
                for (const char *p = strchr(map->noun, ' ') + 1; *p; p++)
                        buffer_append_char(&m->path, (char)toupper((unsigned char)*p));
        buffer_append_string(&m->path, "\\fB");
        return outer;
}

static void print_heading(Manual *m, const char *default_)
{
        buffer_printf(m->page, ".TP\n\\fB%.*s\\fR", (int)m->path.size, m->path.data ?: "");
        if (default_) {
                buffer_append_string(m->page, " = ");
                for (const char *p = default_; *p; p++)
                        put_char(m->page, *p);
        }
        buffer_append_char(m->page, '\n');
}

/* ---- a value ---- */

static void put_and_empty(Manual *m, Buffer *text)
{
        if (buffer_error(text) < 0)
                m->no_memory = true;
        else
                put_text(m, text->data);
        buffer_done(text);
}

/* The default stands in the heading: it is no example beside that. */
static void put_expected(Manual *m, const SettingsRow *row)
{
        SettingsRow plain = *row;
        Buffer text = BUFFER_NULL;

        plain.fallback = NULL;
        if (row->words && row->words[1])
                buffer_append_string(&text, "one of ");
        row->type->expect(&plain, &text);
        buffer_append_string(&text, row->required ? "; required." : ".");
        if (text.data)
                text.data[0] = (char)toupper((unsigned char)text.data[0]);
        put_and_empty(m, &text);
}

static const char *driver_name(unsigned drivers, unsigned place)
{
        if (place > 0 || (drivers & DRIVER_I2C && drivers & DRIVER_CHIP))
                return settings_drivers[place];
        return drivers & DRIVER_CHIP ? "i2c with a chip" : "i2c without a chip";
}

static void put_drivers(Manual *m, unsigned drivers)
{
        unsigned left = drivers & DRIVER_CHIP ? (drivers & ~(unsigned)DRIVER_CHIP) | DRIVER_I2C : drivers;
        const char *before = left & (left - 1) ? "Of the drivers " : "Of the driver ";
        Buffer text = BUFFER_NULL;

        if (left == 0)
                return;
        for (unsigned i = 0; left > 0; i++) {
                if (!(left & 1U << i))
                        continue;
                left &= ~(1U << i);
                buffer_printf(&text, "%s%s", before, driver_name(drivers, i));
                before = left & (left - 1) ? ", " : " and ";
        }
        buffer_append_char(&text, '.');
        put_and_empty(m, &text);
}

static void put_other_default(Manual *m, const SettingsRow *row)
{
        Buffer text = BUFFER_NULL;

        if (!row->but.key)
                return;
        buffer_printf(&text, "Where `%s` is `%s` the default is %s.", row->but.key, row->but.word, row->but.fallback);
        put_and_empty(m, &text);
}

static void print_value(Manual *m, const SettingsRow *row)
{
        print_heading(m, row->fallback);
        put_meaning(m, row);
        put_other_default(m, row);
        put_expected(m, row);
        put_drivers(m, row->drivers);
        if (row->from_cloud)
                put_text(m, "The cloud may set it.");
        end_line(m);
}

/* ---- groups ---- */

static void put_map(Manual *m, const SettingsMap *map)
{
        Buffer text = BUFFER_NULL;

        if (map->list)
                buffer_printf(&text, "A list, written ( { ... }, { ... } ), of at most %zu.", map->max);
        else
                buffer_printf(&text, "A %s each, at most %zu.", map->loose ? "line" : "group", map->max);
        put_and_empty(m, &text);
}

/* "path, channels (unit, scale)": what counts for the driver; without all, only what not every driver has. */
static void list_rows(Buffer *text, const SettingsRow *rows, unsigned driver, bool all)
{
        const char *before = "";

        for (const SettingsRow *row = rows; row->key; row++) {
                if (!settings_row_counts(row, driver) || (!all && row->drivers == 0))
                        continue;
                buffer_printf(text, "%s`%s`", before, row->key);
                before = ", ";
                if (!row->rows || (row->map && row->map->loose))
                        continue;
                buffer_append_string(text, " (");
                list_rows(text, row->rows, driver, true);
                buffer_append_char(text, ')');
        }
}

static void put_list(Manual *m, const char *head, const SettingsRow *rows, unsigned driver)
{
        Buffer text = BUFFER_NULL;

        list_rows(&text, rows, driver, driver == 0);
        if (text.size == 0)
                return;
        end_line(m);
        buffer_printf(m->page, ".IP \"%s\" 10\n", head);
        put_and_empty(m, &text);
}

/* What can be said about a sensor of each driver, in short. */
static void put_drivers_list(Manual *m, const SettingsRow *rows)
{
        end_line(m);
        buffer_append_string(m->page, ".RS 0\n");
        put_list(m, "each", rows, 0);
        for (unsigned i = 0; settings_drivers[i]; i++) {
                put_list(m, settings_drivers[i], rows, 1U << i);
                if (1U << i == DRIVER_I2C)
                        put_list(m, "i2c, chip", rows, DRIVER_CHIP);
        }
        end_line(m);
        buffer_append_string(m->page, ".RE\n");
}

/* A group at the top has a heading that stands by itself. */
static void print_group(Manual *m, const SettingsRow *row)
{
        size_t outer = enter(m, row->key);

        if (outer == 0)
                buffer_printf(m->page, ".SS %s\n", row->key);
        else
                print_heading(m, NULL);
        put_meaning(m, row);
        if (row->map)
                put_map(m, row->map);
        put_drivers(m, row->drivers);
        if (row->map && row->map->by_driver)
                put_drivers_list(m, row->rows);
        end_line(m);
        if (row->map)
                (void)enter_element(m, row->map);
        if (row->map && row->map->loose)
                print_value(m, row->rows);
        else
                print_rows(m, row->rows);
        buffer_truncate(&m->path, outer);
}

static void print_rows(Manual *m, const SettingsRow *rows)
{
        for (const SettingsRow *row = rows; row->key; row++) {
                size_t outer;

                if (row->rows) {
                        print_group(m, row);
                        continue;
                }
                outer = enter(m, row->key);
                print_value(m, row);
                buffer_truncate(&m->path, outer);
        }
}

int settings_manual(const SettingsRow *rows, Buffer *page, Buffer *mute)
{
        Manual m = {.page = page, .mute = mute};
        bool no_memory;

        print_rows(&m, rows);
        no_memory = m.no_memory || buffer_error(page) < 0 || buffer_error(mute) < 0 || buffer_error(&m.path) < 0;
        buffer_done(&m.path);
        return no_memory ? -ENOMEM : 0;
}
