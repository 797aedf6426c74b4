/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include <math.h>
#include <string.h>

#include "base/bytes.h"
#include "base/number.h"
#include "base/utf8.h"

static bool is_plain(char c)
{
        return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

/* Eight bytes at once. In each, one of the terms has its high bit if the byte is beyond ASCII, DEL, a control
 * character, a quote or a backslash. What a subtraction borrows from the next byte comes of such a byte only. */
static bool are_plain(const char s[static 8])
{
        const uint64_t each = 0x0101010101010101;
        uint64_t v = bytes_get64(s);
        uint64_t special = v | (v + each) | (v - each * 0x20) | ((v ^ each * '"') - each) | ((v ^ each * '\\') - each);

        return !(special & each * 0x80);
}

static const char *skip_plain(const char *s, const char *end)
{
        while (end - s >= 8 && are_plain(s))
                s += 8;
        while (s < end && is_plain(*s))
                s++;
        return s;
}

void json_text(Buffer *b, const char *s, size_t size)
{
        const char *end = s + size;

        while (s < end) {
                const char *from = s;

                s = skip_plain(s, end); /* in one piece */
                buffer_append(b, from, (size_t)(s - from));
                if (s == end)
                        break;
                if (*s == '"' || *s == '\\') {
                        buffer_append_char(b, '\\');
                        buffer_append_char(b, *s++);
                } else if (*s == '\n') {
                        buffer_append(b, "\\n", 2);
                        s++;
                } else if ((unsigned char)*s < 0x20 || *s == 0x7f) {
                        buffer_printf(b, "\\u%04x", (unsigned)(unsigned char)*s++);
                } else {
                        size_t n = utf8_character(s, (size_t)(end - s));

                        if (n > 0)
                                buffer_append(b, s, n);
                        else
                                buffer_append_string(b, "\xef\xbf\xbd");
                        s += n > 0 ? n : 1;
                }
        }
}

void json_string_n(Buffer *b, const char *s, size_t size)
{
        buffer_append_char(b, '"');
        json_text(b, s, size);
        buffer_append_char(b, '"');
}

void json_string(Buffer *b, const char *s)
{
        json_string_n(b, s, strlen(s));
}

void json_number(Buffer *b, double x)
{
        char text[NUMBER_TEXT_MAX];

        if (isfinite(x))
                buffer_append(b, text, number_format(x, text));
        else
                buffer_append_string(b, "null");
}

void json_unsigned(Buffer *b, uint64_t v)
{
        char digits[20];
        size_t at = sizeof(digits);

        do
                digits[--at] = (char)('0' + v % 10);
        while (v /= 10);
        buffer_append(b, digits + at, sizeof(digits) - at);
}

void json_integer(Buffer *b, int64_t v)
{
        if (v < 0)
                buffer_append_char(b, '-');
        json_unsigned(b, v < 0 ? -(uint64_t)v : (uint64_t)v);
}
