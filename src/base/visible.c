/* SPDX-License-Identifier: Apache-2.0 */
#include "base/visible.h"

#include "base/utf8.h"

/* The character at s, n bytes of well-formed UTF-8; as far as three bytes go, where all that matters lies. */
static unsigned code_point(const char *s, size_t n)
{
        const unsigned char *u = (const unsigned char *)s;

        switch (n) {
        case 1:
                return u[0];
        case 2:
                return (u[0] & 0x1fu) << 6 | (u[1] & 0x3fu);
        case 3:
                return (u[0] & 0x0fu) << 12 | (u[1] & 0x3fu) << 6 | (u[2] & 0x3fu);
        default:
                return 0x10000;
        }
}

static bool is_unseen(unsigned c)
{
        return c < 0x20 || (c >= 0x7f && c < 0xa0) ||
               c == 0x200e || c == 0x200f || (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

static void put(Buffer *b, const char *s, size_t size, bool lines)
{
        for (const char *end = s + size; s < end;) {
                size_t n = utf8_character(s, (size_t)(end - s));
                unsigned c = code_point(s, n);

                if (n == 0)
                        buffer_append_string(b, "\xef\xbf\xbd");
                else if (is_unseen(c) && !(lines && (c == '\n' || c == '\t')))
                        buffer_printf(b, "\\u%04x", c);
                else
                        buffer_append(b, s, n);
                s += n > 0 ? n : 1;
        }
}

void visible_text(Buffer *b, const char *s, size_t size)
{
        put(b, s, size, false);
}

void visible_lines(Buffer *b, const char *s, size_t size)
{
        put(b, s, size, true);
}
