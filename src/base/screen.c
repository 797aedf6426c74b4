/* SPDX-License-Identifier: Apache-2.0 */
#include "base/screen.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

#include "base/utf8.h"
#include "base/visible.h"

#define WIDTH_DEFAULT 80
#define WIDTH_LEAST   20
#define GAP           2 /* between columns */

typedef struct TableCell {
        char *text;
        Colour colour;
} TableCell;

static const char *const escapes[_COLOUR_MAX] = {
        [COLOUR_NONE] = "",          [COLOUR_GOOD] = "\033[32m", [COLOUR_CARE] = "\033[33m",
        [COLOUR_BAD] = "\033[1;31m", [COLOUR_FAINT] = "\033[2m",
};

static void colour_on(const Screen *s, Colour colour)
{
        if (s->coloured)
                (void)fputs(escapes[colour], stdout);
}

static void colour_off(const Screen *s, Colour colour)
{
        if (s->coloured && colour != COLOUR_NONE)
                (void)fputs("\033[0m", stdout);
}

Screen screen_of_stdout(void)
{
        const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
        struct winsize size;
        Screen s = {};

        if (!isatty(STDOUT_FILENO))
                return s;
        s.width = WIDTH_DEFAULT;
        if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) >= 0 && size.ws_col > 0)
                s.width = MAX((unsigned)size.ws_col, (unsigned)WIDTH_LEAST);
        s.coloured = !(no_color && *no_color) && !(term && strcmp(term, "dumb") == 0);
        return s;
}

/* Columns of a text: characters, whatever their bytes. */
static size_t width_of(const char *text)
{
        size_t n = 0;

        for (size_t left = strlen(text); left > 0; n++) {
                size_t step = MAX(utf8_character(text, left), (size_t)1);

                text += step;
                left -= step;
        }
        return n;
}

/* Bytes of the first n characters. */
static size_t bytes_of(const char *text, size_t n)
{
        const char *p = text;

        for (size_t left = strlen(text); n > 0 && left > 0; n--) {
                size_t step = MAX(utf8_character(p, left), (size_t)1);

                p += step;
                left -= step;
        }
        return (size_t)(p - text);
}

static void print_words(const Screen *s, const char *text)
{
        size_t column = 0;

        while (*text) {
                size_t bytes = strcspn(text, " "), width;
                char word[1024];

                (void)snprintf(word, sizeof(word), "%.*s", (int)MIN(bytes, sizeof(word) - 1), text);
                width = width_of(word);
                if (column > 0) {
                        bool fits = s->width == 0 || column + 1 + width <= s->width;

                        (void)putchar(fits ? ' ' : '\n');
                        column = fits ? column + 1 : 0;
                }
                (void)fputs(word, stdout);
                column += width;
                text += bytes;
                text += strspn(text, " ");
        }
}

void screen_print(const Screen *s, Colour colour, const char *text)
{
        _cleanup_(buffer_done) Buffer seen = BUFFER_NULL;

        visible_string(&seen, text);
        colour_on(s, colour);
        print_words(s, seen.data ?: "");
        colour_off(s, colour);
        (void)putchar('\n');
}

/* ---- tables ---- */

void table_add(Table *t, Colour colour, const char *fmt, ...)
{
        TableCell *more = reallocarray(t->cells, t->n_cells + 1, sizeof(*more));
        _cleanup_(buffer_done) Buffer seen = BUFFER_NULL;
        _cleanup_free_ char *text = NULL;
        va_list ap;
        int r;

        if (!more) {
                t->failed = true;
                return;
        }
        t->cells = more;
        t->cells[t->n_cells].colour = colour;
        va_start(ap, fmt);
        r = vasprintf(&text, fmt, ap);
        va_end(ap);
        if (r >= 0)
                visible_text(&seen, text, (size_t)r);
        buffer_append_char(&seen, 0);
        if (r < 0 || buffer_error(&seen) < 0)
                t->failed = true;
        else
                t->cells[t->n_cells++].text = buffer_steal(&seen);
}

/* room: for the text of a last cell; 0: no limit */
static void print_cell(const Screen *s, const TableCell *c, size_t pad, size_t room)
{
        size_t width = width_of(c->text);

        colour_on(s, c->colour);
        if (room > 0 && width > room)
                (void)printf("%.*s…", (int)bytes_of(c->text, room - 1), c->text);
        else
                (void)fputs(c->text, stdout);
        colour_off(s, c->colour);
        for (; width < pad; width++)
                (void)putchar(' ');
}

void table_head(Table *t, unsigned n, const char *const *names)
{
        t->n_columns = n;
        for (unsigned i = 0; i < n; i++)
                table_add(t, COLOUR_FAINT, "%s", names[i]);
}

void table_print(Table *t, const Screen *s)
{
        size_t widths[TABLE_COLUMNS_MAX] = {}, before = 0;
        unsigned last = t->n_columns - 1;

        for (size_t i = 0; i < t->n_cells; i++)
                widths[i % t->n_columns] = MAX(widths[i % t->n_columns], width_of(t->cells[i].text));
        for (unsigned c = 0; c < last; c++)
                before += widths[c] + GAP;
        for (size_t i = 0; i < t->n_cells; i++) {
                unsigned c = (unsigned)(i % t->n_columns);

                if (c < last)
                        print_cell(s, &t->cells[i], widths[c] + GAP, 0);
                else {
                        print_cell(s, &t->cells[i], 0, s->width > before ? s->width - before : s->width > 0);
                        (void)putchar('\n');
                }
                free(t->cells[i].text);
        }
        if (t->n_cells % t->n_columns != 0)
                (void)putchar('\n');
        free(t->cells);
        t->cells = NULL;
        t->n_cells = 0;
}

/* ---- words ---- */

void put_span(Buffer *b, usec_t span)
{
        if (span < 10 * USEC_PER_SEC)
                buffer_printf(b, "%" PRIu64 ".%" PRIu64 " s", span / USEC_PER_SEC,
                              span % USEC_PER_SEC / 100000);
        else if (span < 2 * USEC_PER_MIN)
                buffer_printf(b, "%" PRIu64 " s", span / USEC_PER_SEC);
        else if (span < 2 * USEC_PER_HOUR)
                buffer_printf(b, "%" PRIu64 " min", span / USEC_PER_MIN);
        else if (span < 2 * USEC_PER_DAY)
                buffer_printf(b, "%" PRIu64 " h", span / USEC_PER_HOUR);
        else
                buffer_printf(b, "%" PRIu64 " d", span / USEC_PER_DAY);
}

void put_size(Buffer *b, uint64_t bytes)
{
        static const char *const units[] = {"B", "KiB", "MiB", "GiB"};
        double size = (double)bytes;
        size_t u = 0;

        while (size >= 1024 && u + 1 < ARRAY_SIZE(units)) {
                size /= 1024;
                u++;
        }
        buffer_printf(b, u > 0 && size < 10 ? "%.1f %s" : "%.0f %s", size, units[u]);
}

void put_local_time(Buffer *b, usec_t wall_usec, bool milliseconds)
{
        time_t then = (time_t)(wall_usec / USEC_PER_SEC), now = time(NULL);
        struct tm t, today;
        char text[64];

        (void)localtime_r(&then, &t);
        (void)localtime_r(&now, &today);
        (void)strftime(text, sizeof(text),
                       t.tm_year == today.tm_year && t.tm_yday == today.tm_yday ? "%T" : "%F %T", &t);
        buffer_append_string(b, text);
        if (milliseconds)
                buffer_printf(b, ".%03u", (unsigned)(wall_usec / USEC_PER_MSEC % 1000));
}
