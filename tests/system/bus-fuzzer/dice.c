/* SPDX-License-Identifier: Apache-2.0 */
#include "dice.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/macro.h"

#define SIGNATURE_MAX 255
#define ITEMS_MAX     3000 /* of an array */

/* ---- numbers ---- */

void dice_seed(Dice *d, uint64_t seed)
{
        *d = (Dice){.state = seed * 0x9E3779B97F4A7C15u + 1};
}

/* splitmix64 */
uint64_t dice_number(Dice *d)
{
        uint64_t z = (d->state += 0x9E3779B97F4A7C15u);

        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
        return z ^ (z >> 31);
}

unsigned dice_below(Dice *d, unsigned n)
{
        return (unsigned)(dice_number(d) % n);
}

bool dice_one_in(Dice *d, unsigned n)
{
        return dice_below(d, n) == 0;
}

/* Two of three are small: ids that there are, short times. */
static uint64_t draw_integer(Dice *d)
{
        static const uint64_t ends[] = {
                        0,
                        1,
                        INT8_MAX,
                        UINT8_MAX,
                        INT16_MAX,
                        UINT16_MAX,
                        INT32_MAX,
                        (uint64_t)INT32_MAX + 1,
                        UINT32_MAX,
                        (uint64_t)UINT32_MAX + 1,
                        (1ull << 53) + 1,
                        INT64_MAX,
                        (uint64_t)INT64_MAX + 1,
                        UINT64_MAX - 1,
                        UINT64_MAX,
                        300000000,
                        300000001,
                        86400000001,
                        1767225600000000, /* 2026, in microseconds */
        };

        if (d->plain || !dice_one_in(d, 3))
                return dice_below(d, 24);
        return dice_one_in(d, 4) ? dice_number(d) : ends[dice_below(d, ARRAY_SIZE(ends))];
}

static double draw_double(Dice *d)
{
        static const double ends[] = {0.0, -0.0, 1e-320, DBL_MIN, DBL_MAX, -DBL_MAX, 9007199254740993.0, 0.1};
        unsigned n = dice_below(d, 12);

        if (d->plain)
                return (double)dice_below(d, 1000) / 8;
        return n < ARRAY_SIZE(ends) ? ends[n] : n == 8 ? NAN : n == 9 ? INFINITY : n == 10 ? -INFINITY : 21.5;
}

/* ---- texts ---- */

static const char *const names[] = {"wind", "room", "cpu", "telemetry", "alarms", "v", "temperature", "a", "stream"};

static const char *const texts[] = {
                "",
                " ",
                "no-name",
                "9lives",
                "a/b",
                "../../etc/passwd",
                "%s%n%99999d",
                "\n\033[31mred\a\r",
                "\x7f",
                "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80",
                "\xef\xbb\xbf",
                "\xe2\x80\xae" "gnp",
                "$.mid",
                "hl-notice",
                "hublink",
                "settings",
                "stream",
                "encoding",
                "correlation-id",
                ":1.1",
                "org.hublink1.Manager",
                "org.freedesktop.DBus.Properties",
                "the_name_with_just_32_characters",
                "the_name_with_some_33_characters_",
};

static const char *const jsons[] = {
                "",
                "{}",
                "null",
                "\"2026-01-01T00:00:00Z\"",
                "{\"sensor\":\"wind\",\"interval\":\"1min\"}",
                "{\"sensor\":\"nosuch\",\"interval\":1}",
                "{\"interval\":\"1ms\"}",
                "{\"a\":{\"value\":1,\"ac\":200,\"av\":1,\"ad\":\"done\"}}",
                "{\"a\":{\"b\":null},\"a\":1}",
                "{\"$version\":1}",
                "{\"a.b\":1,\" \":2,\"\":3}",
                "{\"a\":1e999,\"b\":-0,\"c\":18446744073709551616}",
                "{\"a\":\"\\ud800\"}",
                "{\"a\":\"\\u0000\"}",
                "{\"a\":\"\\uffff\\ufdd0\",\"\\ud83f\\udffe\":1}", /* sd-bus sends none as it is */
                "{\"\\ufffe\":\"\\udbff\\udfff\"}",
                "\"\\uffff\"",
                "[1,2,",
                "{\"a\":nul}",
                "[]",
                "1",
                "{\"wind\":null}",
};

static char space[DICE_TEXT_MAX + 1];

static const char *fill(char c, size_t n)
{
        memset(space, c, n);
        space[n] = 0;
        return space;
}

static const char *draw_long(Dice *d)
{
        static const size_t sizes[] = {31, 32, 33, 128, 129, 255, 256, 4096, 4097, 32768, 131072, 131073, 262145, DICE_TEXT_MAX};
        size_t n = sizes[dice_below(d, dice_one_in(d, 6) ? ARRAY_SIZE(sizes) : 10)];

        return fill("x %\n"[dice_below(d, 4)], n);
}

static const char *draw_deep(Dice *d)
{
        size_t n = 1 + dice_below(d, dice_one_in(d, 8) ? 200000 : 40);

        if (dice_one_in(d, 2))
                return fill('[', n);
        fill('[', n);
        memset(space + n, ']', n);
        space[2 * n] = 0;
        return space;
}

static const char *draw_large_object(Dice *d)
{
        unsigned n = 1 + dice_below(d, dice_one_in(d, 4) ? 40000 : 300);
        char *p = space;

        *p++ = '{';
        for (unsigned i = 0; i < n; i++)
                p += sprintf(p, "%s\"k%u\":%u", i > 0 ? "," : "", i, i);
        (void)strcpy(p, "}");
        return space;
}

/* Short, and large in memory. */
static const char *draw_many(Dice *d)
{
        unsigned n = 1 + dice_below(d, dice_one_in(d, 4) ? DICE_TEXT_MAX / 3 - 8 : 5000);
        char *p = space;

        p += sprintf(p, "{\"a\":[{}");
        for (unsigned i = 0; i < n; i++)
                p = stpcpy(p, ",{}");
        (void)strcpy(p, "]}");
        return space;
}

const char *dice_json(Dice *d)
{
        switch (dice_below(d, d->plain ? 1 : 8)) {
        case 1:
                return draw_deep(d);
        case 2:
                return draw_large_object(d);
        case 4:
                return draw_many(d);
        case 3:
                fill('y', dice_one_in(d, 3) ? 131073 : 4097);
                space[0] = space[strlen(space) - 1] = '"';
                return space;
        default:
                return jsons[dice_below(d, ARRAY_SIZE(jsons))];
        }
}

const char *dice_method(Dice *d)
{
        static const char *const methods[] = {"ping", "getStatus", "flush", "setInterval", "room*getMaxMinReport",
                                              "nosuch", "a b", "getMaxMinReport"};
        static char name[16];
        unsigned n = dice_below(d, 24);

        if (n < ARRAY_SIZE(methods))
                return methods[n];
        (void)snprintf(name, sizeof(name), "lie%u", n);
        return name;
}

const char *dice_text(Dice *d)
{
        unsigned n = dice_below(d, d->plain ? 8 : 20);

        if (n < 5)
                return names[dice_below(d, ARRAY_SIZE(names))];
        if (n < 7)
                return dice_method(d);
        if (n < 12)
                return texts[dice_below(d, ARRAY_SIZE(texts))];
        return n < 16 ? dice_json(d) : n < 18 ? draw_long(d) : fill('q', dice_below(d, 200));
}

const char *dice_path(Dice *d)
{
        static const char *const paths[] = {"/", "/org", "/org/hublink1/sensor", "/org/hublink1/sensor/wind",
                                            "/org/hublink1/sensor/nosuch", "/org/hublink1/sensor/wind/wind",
                                            "/org/hublink1/sensor/_", "/org/hublink2", "/org/hublink1/Responder",
                                            "/org/freedesktop/DBus"};
        size_t n = 1;

        if (!dice_one_in(d, 12))
                return paths[dice_below(d, ARRAY_SIZE(paths))];
        n += dice_below(d, 20000);
        fill('p', n);
        for (size_t i = 0; i < n; i += 1 + i % 7)
                if (i == 0 || (space[i - 1] != '/' && i + 1 < n))
                        space[i] = '/';
        return space;
}

/* ---- signatures ---- */

static size_t draw_type(Dice *d, char *to, size_t room, unsigned depth)
{
        static const char basic[] = "ybnqiuxtdsog";
        size_t n;

        if (room < 8 || depth > 5 || !dice_one_in(d, 3)) {
                *to = dice_one_in(d, 30) ? 'h' : basic[dice_below(d, sizeof(basic) - 1)];
                return 1;
        }
        switch (dice_below(d, 4)) {
        case 0:
                *to = 'v';
                return 1;
        case 1:
                *to = 'a';
                return 1 + draw_type(d, to + 1, room - 1, depth + 1);
        case 2:
                to[0] = 'a';
                to[1] = '{';
                to[2] = basic[dice_below(d, sizeof(basic) - 1)];
                n = 3 + draw_type(d, to + 3, room - 4, depth + 2);
                to[n] = '}';
                return n + 1;
        default:
                to[0] = '(';
                n = 1 + draw_type(d, to + 1, room / 2, depth + 1);
                n += draw_type(d, to + n, room - n - 1, depth + 1);
                to[n] = ')';
                return n + 1;
        }
}

void dice_signature(Dice *d, char *to, size_t size)
{
        size_t n = 0;

        for (unsigned i = dice_below(d, 5); i > 0 && n + 16 < size; i--)
                n += draw_type(d, to + n, size - n - 1, 0);
        to[n] = 0;
}

/* The length of the first complete type. */
static size_t type_length(const char *s)
{
        unsigned open = 0;
        size_t n = 0;

        do {
                while (s[n] == 'a')
                        n++;
                open += s[n] == '(' || s[n] == '{';
                open -= s[n] == ')' || s[n] == '}';
                n++;
        } while (open > 0);
        return n;
}

/* ---- values ---- */

static int append_basic(Dice *d, sd_bus_message *m, char type)
{
        char signature[SIGNATURE_MAX + 1];
        uint64_t n = draw_integer(d);
        double x = draw_double(d);
        int b = (int)(n & 1);

        switch (type) {
        case 's':
                return sd_bus_message_append_basic(m, 's', dice_text(d));
        case 'o':
                return sd_bus_message_append_basic(m, 'o', dice_path(d));
        case 'g':
                dice_signature(d, signature, 64);
                return sd_bus_message_append_basic(m, 'g', signature);
        case 'd':
                return sd_bus_message_append_basic(m, 'd', &x);
        case 'b':
                return sd_bus_message_append_basic(m, 'b', &b);
        case 'h':
                if (d->n_descriptors == 0)
                        return -E2BIG;
                d->n_descriptors--;
                return sd_bus_message_append_basic(m, 'h', &(int){0});
        default: /* the lower bytes, on either kind of machine that this runs on */
                return sd_bus_message_append_basic(m, type, &n);
        }
}

static unsigned draw_count(Dice *d)
{
        if (d->plain || !dice_one_in(d, 12))
                return dice_below(d, 4);
        return dice_one_in(d, 3) ? ITEMS_MAX : dice_below(d, 300);
}

static int append_one(Dice *d, sd_bus_message *m, const char *type, size_t n);

static int append_container(Dice *d, sd_bus_message *m, char kind, const char *contents, unsigned times)
{
        bool plain = d->plain;
        int r = sd_bus_message_open_container(m, kind, contents);

        d->plain = plain || times > 8; /* of many things none is large */
        for (unsigned i = 0; r >= 0 && i < times; i++)
                r = dice_append(d, m, contents);
        d->plain = plain;
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_variant(Dice *d, sd_bus_message *m)
{
        char type[SIGNATURE_MAX + 1];

        if (dice_one_in(d, 2))
                (void)snprintf(type, sizeof(type), "%c", "dxsb"[dice_below(d, 4)]);
        else
                type[draw_type(d, type, 24, 2)] = 0;
        return append_container(d, m, 'v', type, 1);
}

static int append_one(Dice *d, sd_bus_message *m, const char *type, size_t n)
{
        char contents[SIGNATURE_MAX + 1];

        if (n == 1)
                return *type == 'v' ? append_variant(d, m) : append_basic(d, m, *type);
        if (n > SIGNATURE_MAX)
                return -EINVAL;
        if (*type == 'a') {
                (void)snprintf(contents, sizeof(contents), "%.*s", (int)n - 1, type + 1);
                return append_container(d, m, 'a', contents, draw_count(d));
        }
        (void)snprintf(contents, sizeof(contents), "%.*s", (int)n - 2, type + 1);
        return append_container(d, m, *type == '(' ? 'r' : 'e', contents, 1);
}

int dice_append(Dice *d, sd_bus_message *m, const char *signature)
{
        int r = 0;

        for (const char *p = signature; r >= 0 && *p;) {
                size_t n = type_length(p);

                r = append_one(d, m, p, n);
                p += n;
        }
        return r;
}
