/* SPDX-License-Identifier: Apache-2.0 */
#include "model/document-limits.h"

#include "base/utf8.h"
#include "model/json-read.h"

/* ---- the size ---- */

/* C0, DEL and C1. */
static bool is_control(const char *s, size_t n)
{
        const unsigned char *c = (const unsigned char *)s;

        return n == 1 ? c[0] < 0x20 || c[0] == 0x7f : n == 2 && c[0] == 0xc2 && c[1] < 0xa0;
}

static size_t counted(const char *s, size_t size)
{
        size_t sum = 0;

        for (size_t at = 0, n; at < size; at += n) {
                n = MAX(utf8_character(s + at, size - at), (size_t)1);
                if (!is_control(s + at, n))
                        sum += n;
        }
        return sum;
}

static json_object *element(const Document *array, size_t i)
{
        return json_object_array_get_idx((json_object *)(uintptr_t)array, i);
}

static size_t elements(const Document *array)
{
        return json_object_array_length((json_object *)(uintptr_t)array);
}

size_t document_size(const Document *d)
{
        DocumentMember m = {};
        size_t sum = 0;

        switch (document_kind(d)) {
        case DOCUMENT_OBJECT:
                while (document_next(d, &m))
                        sum += counted(m.name, strlen(m.name)) + document_size(m.value);
                break;
        case DOCUMENT_ARRAY:
                for (size_t i = 0; i < elements(d); i++)
                        sum += document_size((const Document *)element(d, i));
                break;
        case DOCUMENT_TEXT:
                return counted(document_text(d), document_text_size(d));
        case DOCUMENT_INTEGER:
        case DOCUMENT_REAL:
                return 8;
        case DOCUMENT_BOOLEAN:
                return 4;
        case DOCUMENT_NULL:
                break;
        }
        return sum;
}

size_t document_values(const Document *d)
{
        DocumentMember m = {};
        size_t n = 1;

        if (document_kind(d) == DOCUMENT_ARRAY)
                for (size_t i = 0; i < elements(d); i++)
                        n += document_values((const Document *)element(d, i));
        while (document_next(d, &m))
                n += document_values(m.value);
        return n;
}

/* ---- the rest ---- */

/* Where we are, for the words. */
typedef struct Spot {
        const struct Spot *above;
        const char *name;
} Spot;

static void say(const Spot *spot, Buffer *why)
{
        if (!spot)
                return;
        say(spot->above, why);
        buffer_printf(why, "%s%s", spot->above ? "." : "", spot->name);
}

static bool complain(const Spot *spot, Buffer *why, const char *what)
{
        say(spot, why);
        buffer_printf(why, "%s%s", spot ? ": " : "", what);
        return false;
}

bool document_name_is_valid(const char *name)
{
        size_t size = strlen(name);

        return size > 0 && size <= TWIN_NAME_MAX && !strpbrk(name, ".$ ") && counted(name, size) == size;
}

static bool check(const Document *d, const Spot *spot, unsigned depth, Buffer *why);

static bool check_members(const Document *d, const Spot *spot, unsigned depth, Buffer *why)
{
        DocumentMember m = {};

        while (document_next(d, &m)) {
                Spot below = {spot, m.name};

                if (!document_name_is_valid(m.name))
                        return complain(spot, why,
                                        "a name is 1 to 1,024 bytes without . $ blanks and control characters");
                if (!check(m.value, &below, depth + 1, why))
                        return false;
        }
        return true;
}

static bool check_elements(const Document *d, const Spot *spot, unsigned depth, Buffer *why)
{
        for (size_t i = 0; i < elements(d); i++)
                if (!check((const Document *)element(d, i), spot, depth + 1, why))
                        return false;
        return true;
}

static bool check(const Document *d, const Spot *spot, unsigned depth, Buffer *why)
{
        DocumentKind kind = document_kind(d);

        if ((kind == DOCUMENT_OBJECT || kind == DOCUMENT_ARRAY) && depth > TWIN_DEPTH_MAX)
                return complain(spot, why, "it is nested deeper than 10 levels");
        if (kind == DOCUMENT_OBJECT)
                return check_members(d, spot, depth, why);
        if (kind == DOCUMENT_ARRAY)
                return check_elements(d, spot, depth, why);
        if (kind == DOCUMENT_TEXT && document_text_size(d) > TWIN_TEXT_MAX)
                return complain(spot, why, "a text is longer than 4,096 bytes");
        if (kind == DOCUMENT_INTEGER &&
            (document_integer(d) < TWIN_INTEGER_MIN || document_integer(d) > TWIN_INTEGER_MAX))
                return complain(spot, why, "a whole number is beyond 52 bits");
        return true;
}

bool document_is_within_limits(const Document *half, Buffer *why)
{
        return check(half, NULL, 0, why);
}
