/* SPDX-License-Identifier: Apache-2.0 */
#include "azure/percent.h"

#include <string.h>

static const bool unreserved[256] = {
        ['A' ... 'Z'] = true,
        ['a' ... 'z'] = true,
        ['0' ... '9'] = true,
        ['-'] = true,
        ['_'] = true,
        ['.'] = true,
        ['~'] = true,
};

void percent_encode(Buffer *b, const char *s)
{
        static const char digits[16] = "0123456789ABCDEF";

        while (*s) {
                const char *from = s;

                /* the plain run in one piece */
                while (unreserved[(unsigned char)*s])
                        s++;
                buffer_append(b, from, (size_t)(s - from));
                if (*s) {
                        uint8_t byte = (uint8_t)*s++;

                        buffer_append(b, (char[]){'%', digits[byte >> 4], digits[byte & 15]}, 3);
                }
        }
}

static int digit_value(char c)
{
        if (c >= '0' && c <= '9')
                return c - '0';
        if (c >= 'A' && c <= 'F')
                return c - 'A' + 10;
        if (c >= 'a' && c <= 'f')
                return c - 'a' + 10;
        return -1;
}

void percent_decode(Buffer *b, const char *s, size_t size)
{
        const char *end = s + size;

        while (s < end) {
                const char *percent = memchr(s, '%', (size_t)(end - s));
                int high = -1, low = -1;

                buffer_append(b, s, (size_t)((percent ? percent : end) - s));
                if (!percent)
                        return;
                if (end - percent > 2) {
                        high = digit_value(percent[1]);
                        low = digit_value(percent[2]);
                }
                if (high >= 0 && low >= 0) {
                        buffer_append_char(b, (char)(high << 4 | low));
                        s = percent + 3;
                } else {
                        buffer_append_char(b, '%');
                        s = percent + 1;
                }
        }
}
