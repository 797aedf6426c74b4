/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base64.h"

#include <errno.h>

static const char alphabet[64] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(Buffer *b, const void *data, size_t size)
{
        const uint8_t *p = data;

        for (; size > 0; size -= MIN(size, (size_t)3), p += 3) {
                uint32_t bits = (uint32_t)p[0] << 16;
                char four[4];

                if (size > 1)
                        bits |= (uint32_t)p[1] << 8;
                if (size > 2)
                        bits |= p[2];
                four[0] = alphabet[bits >> 18];
                four[1] = alphabet[bits >> 12 & 63];
                four[2] = size > 1 ? alphabet[bits >> 6 & 63] : '=';
                four[3] = size > 2 ? alphabet[bits & 63] : '=';
                buffer_append(b, four, sizeof(four));
        }
}

static int value_of(char c)
{
        if (c >= 'A' && c <= 'Z')
                return c - 'A';
        if (c >= 'a' && c <= 'z')
                return c - 'a' + 26;
        if (c >= '0' && c <= '9')
                return c - '0' + 52;
        if (c == '+')
                return 62;
        if (c == '/')
                return 63;
        return -1;
}

int base64_decode(Buffer *b, const char *text, size_t size)
{
        size_t before = b->size, padding = 0;
        uint32_t bits = 0;
        uint8_t *out;

        if (size % 4 != 0)
                return -EINVAL;
        while (padding < 2 && padding < size && text[size - padding - 1] == '=')
                padding++;
        out = buffer_extend(b, size / 4 * 3);
        if (!out)
                return -ENOMEM;
        for (size_t i = 0; i < size; i++) {
                int v = i < size - padding ? value_of(text[i]) : 0;

                if (v < 0) {
                        buffer_truncate(b, before);
                        return -EINVAL;
                }
                bits = bits << 6 | (uint32_t)v;
                if (i % 4 == 3) {
                        *out++ = (uint8_t)(bits >> 16);
                        *out++ = (uint8_t)(bits >> 8);
                        *out++ = (uint8_t)bits;
                }
        }
        buffer_truncate(b, b->size - padding);
        return 0;
}
