/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/seed/place.h"

#include <stdlib.h>
#include <string.h>

#define BLANKS " \t\r\n"

unsigned place_line_of(const char *text, size_t offset)
{
        unsigned line = 1;

        for (size_t i = 0; i < offset && text[i]; i++)
                line += text[i] == '\n';
        return line;
}

static const char *pass_blanks(const char *p)
{
        return p + strspn(p, BLANKS);
}

static const char *pass_text(const char *p)
{
        for (p++; *p && *p != '"'; p++)
                p += *p == '\\' && p[1];
        return *p ? p + 1 : p;
}

static const char *pass_value(const char *p)
{
        unsigned depth = 0;

        do {
                if (*p == '"') {
                        p = pass_text(p);
                        continue;
                }
                depth += *p == '{' || *p == '[';
                depth -= (*p == '}' || *p == ']') && depth > 0;
                p++;
        } while (*p && (depth > 0 || !strchr(",]}" BLANKS, *p)));
        return p;
}

/* To the next of a list; NULL: there is none. */
static const char *next(const char *p)
{
        p = pass_blanks(pass_value(p));
        return *p == ',' ? pass_blanks(p + 1) : NULL;
}

/* From the brace to the member's value; NULL: it is not there. */
static const char *find_member(const char *p, const char *name, size_t size)
{
        for (p = *p == '{' ? pass_blanks(p + 1) : NULL; p && *p == '"'; p = next(p)) {
                const char *end = pass_text(p), *value = pass_blanks(end);

                value = pass_blanks(value + (*value == ':'));
                if ((size_t)(end - p) == size + 2 && memcmp(p + 1, name, size) == 0)
                        return value;
                p = value;
        }
        return NULL;
}

static const char *find_item(const char *p, unsigned long index)
{
        p = *p == '[' ? pass_blanks(p + 1) : NULL;
        while (p && index-- > 0)
                p = next(p);
        return p && *p && *p != ']' ? p : NULL;
}

unsigned place_line(const char *text, const char *place)
{
        const char *at = pass_blanks(text), *found = at;

        while (found && *place) {
                if (*place == '[') {
                        char *end;

                        found = find_item(at, strtoul(place + 1, &end, 10));
                        place = end + (*end == ']');
                } else {
                        size_t size = strcspn(place, ".[");

                        found = find_member(at, place, size);
                        place += size;
                }
                place += *place == '.';
                at = found ? found : at;
        }
        return place_line_of(text, (size_t)(at - text));
}

/* ---- half characters ---- */

/* The unit of an escape such as \u00e4 that begins there; -1: none does. */
static int unit_at(const char *p, const char *end)
{
        char digits[5] = {};

        if (end - p < 6 || p[0] != '\\' || p[1] != 'u')
                return -1;
        memcpy(digits, p + 2, 4);
        return (int)strtol(digits, NULL, 16);
}

static bool is_high(int unit)
{
        return unit >= 0xd800 && unit < 0xdc00;
}

static bool is_low(int unit)
{
        return unit >= 0xdc00 && unit < 0xe000;
}

bool place_of_half_character(const char *text, size_t size, size_t *ret_at)
{
        const char *p = text, *end = text + size;

        while ((p = memchr(p, '\\', (size_t)(end - p)))) {
                int unit = unit_at(p, end);
                bool is_whole = is_high(unit) && is_low(unit_at(p + 6, end));

                if ((is_high(unit) && !is_whole) || is_low(unit)) {
                        *ret_at = (size_t)(p - text);
                        return true;
                }
                p += is_whole ? 12 : unit >= 0 ? 6 : 2;
        }
        return false;
}
