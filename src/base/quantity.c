/* SPDX-License-Identifier: Apache-2.0 */
#include "base/quantity.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

typedef struct Unit {
        const char *name;
        uint64_t factor;
} Unit;

/* from small to large */
static const Unit time_units[] = {
        {"us", 1},
        {"ms", USEC_PER_MSEC},
        {"s", USEC_PER_SEC},
        {"min", USEC_PER_MIN},
        {"h", USEC_PER_HOUR},
        {"d", USEC_PER_DAY},
};

static const Unit size_units[] = {
        {"B", 1},
        {"K", 1 << 10},
        {"M", 1 << 20},
        {"G", 1 << 30},
};

static int parse(const char *text, const Unit *units, size_t n_units, uint64_t bare, uint64_t *ret)
{
        uint64_t number, factor = 0;
        char *end;

        /* strtoull takes blanks and signs */
        if (!isdigit((unsigned char)text[0]))
                return -EINVAL;
        errno = 0;
        number = strtoull(text, &end, 10);
        if (errno == ERANGE)
                return -ERANGE;
        if (*end == ' ' && end[1])
                end++;
        if (!*end)
                factor = bare;
        for (size_t i = 0; i < n_units; i++)
                if (strcmp(end, units[i].name) == 0)
                        factor = units[i].factor;
        if (factor == 0)
                return -EINVAL;
        if (number > UINT64_MAX / factor)
                return -ERANGE;
        *ret = number * factor;
        return 0;
}

static void print(Buffer *b, uint64_t value, const Unit *units, size_t n_units)
{
        while (n_units > 1 && value % units[n_units - 1].factor != 0)
                n_units--;
        buffer_printf(b, "%" PRIu64 "%s", value / units[n_units - 1].factor, units[n_units - 1].name);
}

int quantity_parse_time(const char *text, usec_t *ret)
{
        return parse(text, time_units, ARRAY_SIZE(time_units), USEC_PER_SEC, ret);
}

int quantity_parse_size(const char *text, uint64_t *ret)
{
        return parse(text, size_units, ARRAY_SIZE(size_units), 1, ret);
}

void quantity_print_time(Buffer *b, usec_t t)
{
        if (t == USEC_INFINITY)
                buffer_append_string(b, "never");
        else if (t == 0)
                buffer_append_string(b, "0s");
        else
                print(b, t, time_units, ARRAY_SIZE(time_units));
}

void quantity_print_size(Buffer *b, uint64_t size)
{
        if (size == 0)
                buffer_append_string(b, "0");
        else
                print(b, size, size_units, ARRAY_SIZE(size_units));
}
