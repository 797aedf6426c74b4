/* SPDX-License-Identifier: Apache-2.0 */
#include "reader/record-id.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#define EPOCH_DIGITS 16

static bool take_epoch(const char **p, uint64_t *ret)
{
        uint64_t v = 0;

        for (int i = 0; i < EPOCH_DIGITS; i++, (*p)++) {
                unsigned char c = (unsigned char)**p;

                if (!isxdigit(c))
                        return false;
                v = v << 4 | (isdigit(c) ? (unsigned)c - '0' : (unsigned)tolower(c) - 'a' + 10);
        }
        *ret = v;
        return true;
}

static bool take_decimal(const char **p, uint64_t *ret)
{
        uint64_t v = 0;
        const char *start = *p;

        for (; isdigit((unsigned char)**p); (*p)++)
                if (__builtin_mul_overflow(v, (uint64_t)10, &v) ||
                    __builtin_add_overflow(v, (uint64_t)(**p - '0'), &v))
                        return false;
        *ret = v;
        return *p > start;
}

static bool take(const char **p, char c)
{
        if (**p != c)
                return false;
        (*p)++;
        return true;
}

bool record_id_parse(const char *text, RecordId *ret)
{
        size_t size = strcspn(text, ".");
        const char *p = text + size;
        RecordId id = {};

        if (size == 0 || size >= sizeof(id.stream))
                return false;
        memcpy(id.stream, text, size);
        if (!name_is_valid(id.stream))
                return false;
        if (!take(&p, '.') || !take_epoch(&p, &id.epoch) || !take(&p, '.') || !take_decimal(&p, &id.first) ||
            !take(&p, '-') || !take_decimal(&p, &id.last) || *p)
                return false;
        if (id.first > id.last || id.last - id.first >= RECORD_ID_COUNT_MAX)
                return false;
        *ret = id;
        return true;
}
