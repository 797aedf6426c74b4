/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utf8.h"

#include "base/bytes.h"

size_t utf8_character(const char *s, size_t size)
{
        const uint8_t *p = (const uint8_t *)s;
        size_t length;
        uint32_t c;

        if (size == 0)
                return 0;
        if (p[0] < 0x80)
                return 1;
        if (p[0] >= 0xc2 && p[0] <= 0xdf)
                length = 2, c = p[0] & 0x1fu;
        else if ((p[0] & 0xf0) == 0xe0)
                length = 3, c = p[0] & 0x0fu;
        else if (p[0] >= 0xf0 && p[0] <= 0xf4)
                length = 4, c = p[0] & 0x07u;
        else
                return 0;
        if (size < length)
                return 0;
        for (size_t i = 1; i < length; i++) {
                if ((p[i] & 0xc0) != 0x80)
                        return 0;
                c = c << 6 | (p[i] & 0x3fu);
        }
        /* no overlong forms, no surrogates, nothing beyond Unicode */
        if ((length == 3 && c < 0x800) || (length == 4 && (c < 0x10000 || c > 0x10ffff)) ||
            (c >= 0xd800 && c <= 0xdfff))
                return 0;
        return length;
}

bool utf8_is_valid(const char *s, size_t size)
{
        while (size > 0) {
                size_t n;

                /* plain ASCII, eight at a time: what most texts are */
                for (; size >= 8 && !(bytes_get64(s) & 0x8080808080808080u); size -= 8)
                        s += 8;
                if (size == 0)
                        break;
                n = utf8_character(s, size);

                if (n == 0)
                        return false;
                s += n;
                size -= n;
        }
        return true;
}

uint32_t utf8_code_point(const char *s, size_t length)
{
        const uint8_t *p = (const uint8_t *)s;
        uint32_t c = length == 1 ? p[0] : p[0] & (0x7fu >> length);

        for (size_t i = 1; i < length; i++)
                c = c << 6 | (p[i] & 0x3fu);
        return c;
}

bool utf8_is_noncharacter(uint32_t code_point)
{
        return (code_point & 0xfffe) == 0xfffe || (code_point >= 0xfdd0 && code_point <= 0xfdef);
}
