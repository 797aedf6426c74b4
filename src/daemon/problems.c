/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/problems.h"

#include <stdio.h>

#include "base/buffer.h"

static char *place_and_text(Place place, const char *fmt, va_list ap)
{
        _cleanup_free_ char *text = NULL;
        Buffer b = BUFFER_NULL;

        if (vasprintf(&text, fmt, ap) < 0)
                return NULL;
        buffer_append_string(&b, place.name);
        if (place.line > 0)
                buffer_printf(&b, ":%u", place.line);
        buffer_printf(&b, ": %s", text);
        return buffer_steal(&b);
}

static void add(Problems *p, Place place, int error, const char *fmt, va_list ap) _printf_(4, 0);

static void add(Problems *p, Place place, int error, const char *fmt, va_list ap)
{
        Problem *items = reallocarray(p->items, p->n + 1, sizeof(*items));
        char *text = NULL;

        if (items) {
                p->items = items;
                text = place_and_text(place, fmt, ap);
        }
        if (text)
                items[p->n++] = (Problem){place.file, place.line, text, error};
        else
                p->no_memory = true;
}

void problems_add(Problems *p, Place place, const char *fmt, ...)
{
        va_list ap;

        va_start(ap, fmt);
        add(p, place, 0, fmt, ap);
        va_end(ap);
}

void problems_add_unread(Problems *p, Place place, int error, const char *fmt, ...)
{
        va_list ap;

        va_start(ap, fmt);
        add(p, place, error, fmt, ap);
        va_end(ap);
}

void problems_add_about(Problems *p, Place place, const char *grade, const char *path, const char *fmt, va_list ap)
{
        char *text;

        if (vasprintf(&text, fmt, ap) < 0) {
                p->no_memory = true;
                return;
        }
        problems_add(p, place, "%s%s: %s", grade, path, text);
        free(text);
}

const char *problem_words(const char *text)
{
        const char *colon = strstr(text, ": ");

        return colon ? colon + 2 : text;
}

/* By hand, since it must be stable, and there are few. */
void problems_sort(Problems *p)
{
        for (size_t i = 1; i < p->n; i++) {
                Problem x = p->items[i];
                size_t j = i;

                for (; j > 0 && (p->items[j - 1].file > x.file ||
                                 (p->items[j - 1].file == x.file && p->items[j - 1].line > x.line));
                     j--)
                        p->items[j] = p->items[j - 1];
                p->items[j] = x;
        }
}

void problems_done(Problems *p)
{
        for (size_t i = 0; i < p->n; i++)
                free(p->items[i].text);
        free(p->items);
        *p = (Problems){};
}
