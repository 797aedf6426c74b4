/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/json-line.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/number.h"
#include "base/utf8.h"

#define NUMBER_LENGTH_MAX 400 /* characters; the longest exact double has about 770, but nobody sends that */

typedef struct Cursor {
        char *start, *p, *end;
        ReadingLine *line;
} Cursor;

static int refuse_at(Cursor *c, const char *where, Refusal refusal, const char *error)
{
        c->line->refusal = refusal;
        c->line->error = error;
        c->line->column = (size_t)(where - c->start) + 1;
        return READING_LINE_E_REFUSED;
}

static int malformed(Cursor *c, const char *error)
{
        return refuse_at(c, c->p, REFUSAL_MALFORMED, error);
}

static void skip_blanks(Cursor *c)
{
        while (c->p < c->end && (*c->p == ' ' || *c->p == '\t' || *c->p == '\r' || *c->p == '\n'))
                c->p++;
}

static bool at(const Cursor *c, char what)
{
        return c->p < c->end && *c->p == what;
}

/* ---- texts ---- */

static int hex_digit(char c)
{
        if (c >= '0' && c <= '9')
                return c - '0';
        if (c >= 'a' && c <= 'f')
                return c - 'a' + 10;
        if (c >= 'A' && c <= 'F')
                return c - 'A' + 10;
        return -1;
}

/* The four digits behind \u; -1 if they are not. */
static int32_t take_hex4(Cursor *c)
{
        int32_t v = 0;

        if (c->end - c->p < 4)
                return -1;
        for (int i = 0; i < 4; i++) {
                int d = hex_digit(c->p[i]);

                if (d < 0)
                        return -1;
                v = v << 4 | d;
        }
        c->p += 4;
        return v;
}

static char *put_utf8(char *to, uint32_t v)
{
        if (v < 0x80) {
                *to++ = (char)v;
        } else if (v < 0x800) {
                *to++ = (char)(0xc0 | v >> 6);
                *to++ = (char)(0x80 | (v & 0x3f));
        } else if (v < 0x10000) {
                *to++ = (char)(0xe0 | v >> 12);
                *to++ = (char)(0x80 | (v >> 6 & 0x3f));
                *to++ = (char)(0x80 | (v & 0x3f));
        } else {
                *to++ = (char)(0xf0 | v >> 18);
                *to++ = (char)(0x80 | (v >> 12 & 0x3f));
                *to++ = (char)(0x80 | (v >> 6 & 0x3f));
                *to++ = (char)(0x80 | (v & 0x3f));
        }
        return to;
}

static int take_unicode(Cursor *c, char **to)
{
        int32_t v = take_hex4(c), low;

        if (v >= 0xd800 && v < 0xdc00) {
                if (c->end - c->p < 2 || c->p[0] != '\\' || c->p[1] != 'u')
                        return malformed(c, "half a surrogate pair");
                c->p += 2;
                low = take_hex4(c);
                if (low < 0xdc00 || low > 0xdfff)
                        return malformed(c, "half a surrogate pair");
                v = 0x10000 + ((v - 0xd800) << 10) + (low - 0xdc00);
        } else if (v >= 0xdc00 && v <= 0xdfff) {
                return malformed(c, "half a surrogate pair");
        }
        if (v < 0)
                return malformed(c, "\\u needs four hexadecimal digits");
        if (v == 0)
                return malformed(c, "a text may not hold \\u0000");
        *to = put_utf8(*to, (uint32_t)v);
        return 0;
}

/* An escape is never shorter than what it stands for, so the text can be written over itself. */
static int take_escape(Cursor *c, char **to)
{
        static const char from[] = "\"\\/bfnrt", into[] = "\"\\/\b\f\n\r\t";
        const char *which;

        c->p++;
        if (c->p == c->end)
                return malformed(c, "the line ends within a text");
        if (*c->p == 'u') {
                c->p++;
                return take_unicode(c, to);
        }
        which = *c->p ? strchr(from, *c->p) : NULL;
        if (!which)
                return malformed(c, "no such escape");
        *(*to)++ = into[which - from];
        c->p++;
        return 0;
}

static int take_text(Cursor *c, char **ret, size_t *ret_size)
{
        char *start, *to;

        c->p++;
        start = to = c->p;
        while (c->p < c->end && *c->p != '"') {
                if (*c->p == '\\') {
                        int r = take_escape(c, &to);

                        if (r != 0)
                                return r;
                } else if ((unsigned char)*c->p < 0x20) {
                        return malformed(c, "a control character within a text");
                } else if ((unsigned char)*c->p < 0x80) {
                        *to++ = *c->p++;
                } else {
                        size_t n = utf8_character(c->p, (size_t)(c->end - c->p));

                        if (n == 0)
                                return malformed(c, "not UTF-8");
                        memmove(to, c->p, n);
                        to += n;
                        c->p += n;
                }
        }
        if (c->p == c->end)
                return malformed(c, "the line ends within a text");
        c->p++;
        *to = 0; /* at the closing quote, or before it */
        *ret = start;
        *ret_size = (size_t)(to - start);
        return 0;
}

/* ---- numbers ---- */

typedef struct Scan {
        const char *p;
        uint64_t digits; /* of the mantissa, without the point */
        unsigned n_digits;
        int exponent; /* of ten, that digits lack */
        bool negative, whole;
} Scan;

static bool is_digit(const Cursor *c)
{
        return c->p < c->end && *c->p >= '0' && *c->p <= '9';
}

static void scan_digits(Cursor *c, Scan *s)
{
        for (; is_digit(c); c->p++) {
                if (s->digits == 0 && s->n_digits > 0)
                        s->n_digits = 0; /* zeros that lead */
                if (s->n_digits < 19)
                        s->digits = s->digits * 10 + (uint64_t)(*c->p - '0');
                s->n_digits++;
        }
}

/* JSON's grammar, to the letter. */
static int scan_number(Cursor *c, Scan *s)
{
        *s = (Scan){.p = c->p, .whole = true};
        if (at(c, '-')) {
                s->negative = true;
                c->p++;
        }
        if (!is_digit(c))
                return malformed(c, "expected a value");
        if (at(c, '0') && c->p + 1 < c->end && c->p[1] >= '0' && c->p[1] <= '9')
                return malformed(c, "a number does not begin with 0");
        scan_digits(c, s);
        if (at(c, '.')) {
                const char *point = ++c->p;

                s->whole = false;
                if (!is_digit(c))
                        return malformed(c, "expected a digit behind the point");
                scan_digits(c, s);
                s->exponent = -(int)MIN(c->p - point, 10000);
        }
        if (at(c, 'e') || at(c, 'E')) {
                bool negative;
                int e = 0;

                s->whole = false;
                c->p++;
                negative = at(c, '-');
                if (at(c, '-') || at(c, '+'))
                        c->p++;
                if (!is_digit(c))
                        return malformed(c, "expected a digit in the exponent");
                for (; is_digit(c); c->p++)
                        e = MIN(e * 10 + (*c->p - '0'), 100000);
                s->exponent += negative ? -e : e;
        }
        return 0;
}

static int take_whole(Cursor *c, const Scan *s, Value *ret)
{
        uint64_t limit = (uint64_t)INT64_MAX + s->negative;

        if (s->n_digits > 19 || s->digits > limit)
                return refuse_at(c, s->p, REFUSAL_RANGE, "a whole number beyond 64 bits");
        *ret = (Value){.kind = VALUE_INTEGER,
                       .integer = s->negative ? (int64_t)(0 - s->digits) : (int64_t)s->digits};
        return 0;
}

static int take_decimal(Cursor *c, const Scan *s, Value *ret)
{
        static const double power[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                       1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
        char text[NUMBER_LENGTH_MAX + 1];
        size_t n = (size_t)(c->p - s->p);
        double x;

        ret->kind = VALUE_NUMBER;
        /* Both exact as doubles: then product and quotient are rounded right. That is nearly every reading. */
        if (s->n_digits <= 15 && s->exponent >= -22 && s->exponent <= 22) {
                x = (double)s->digits;
                x = s->exponent < 0 ? x / power[-s->exponent] : x * power[s->exponent];
                ret->number = s->negative ? -x : x;
                return 0;
        }
        if (n > NUMBER_LENGTH_MAX)
                return refuse_at(c, s->p, REFUSAL_TOO_LONG, "a number of more than 400 characters");
        memcpy(text, s->p, n);
        text[n] = 0;
        if (number_parse(text, &x) < 0)
                return refuse_at(c, s->p, REFUSAL_RANGE, "beyond what a number can hold");
        ret->number = x;
        return 0;
}

static int take_number(Cursor *c, Value *ret)
{
        Scan s;
        int r = scan_number(c, &s);

        if (r != 0)
                return r;
        return s.whole ? take_whole(c, &s, ret) : take_decimal(c, &s, ret);
}

/* ---- values ---- */

static bool take_word(Cursor *c, const char *word)
{
        size_t n = strlen(word);

        if ((size_t)(c->end - c->p) < n || strncasecmp(c->p, word, n) != 0)
                return false;
        c->p += n;
        return true;
}

static int take_word_value(Cursor *c, Value *ret)
{
        char *start = c->p;

        if (*c->p == 't' && c->end - c->p >= 4 && memcmp(c->p, "true", 4) == 0) {
                c->p += 4;
                *ret = (Value){.kind = VALUE_BOOLEAN, .boolean = true};
                return 0;
        }
        if (*c->p == 'f' && c->end - c->p >= 5 && memcmp(c->p, "false", 5) == 0) {
                c->p += 5;
                *ret = (Value){.kind = VALUE_BOOLEAN, .boolean = false};
                return 0;
        }
        if (take_word(c, "null"))
                return refuse_at(c, start, REFUSAL_MALFORMED, "null is no value of a channel");
        if (*c->p == '-')
                c->p++;
        /* No JSON, but what many a program writes. */
        if (take_word(c, "nan") || take_word(c, "inf"))
                return refuse_at(c, start, REFUSAL_NAN, "NaN or infinity");
        return refuse_at(c, start, REFUSAL_MALFORMED, "expected a value");
}

static int take_value(Cursor *c, Value *ret)
{
        char *text;
        size_t n;
        int r;

        if (c->p == c->end)
                return malformed(c, "the line ends where a value should be");
        switch (*c->p) {
        case '"':
                r = take_text(c, &text, &n);
                if (r != 0)
                        return r;
                if (n > READING_TEXT_MAX)
                        return refuse_at(c, text, REFUSAL_TOO_LONG, "a text longer than 4096 bytes");
                *ret = (Value){.kind = VALUE_TEXT, .text = text};
                return 0;
        case '{':
        case '[':
                return malformed(c, "objects and arrays within a reading are not taken");
        case '-':
                if (c->p + 1 < c->end && (c->p[1] == 'I' || c->p[1] == 'i' || c->p[1] == 'N' || c->p[1] == 'n'))
                        return take_word_value(c, ret);
                return take_number(c, ret);
        case '0' ... '9':
                return take_number(c, ret);
        default:
                return take_word_value(c, ret);
        }
}

/* ---- members ---- */

#define NOT_A_TIME "t is a time in milliseconds since 1970; a value needs a longer name, such as temperature"

static int set_time(Cursor *c, const char *where, const Value *v)
{
        double msec;

        if (v->kind != VALUE_INTEGER && v->kind != VALUE_NUMBER)
                return refuse_at(c, where, REFUSAL_MALFORMED, NOT_A_TIME);
        msec = v->kind == VALUE_INTEGER ? (double)v->integer : v->number;
        if (reading_time_of_msec(msec) == 0)
                return refuse_at(c, where, REFUSAL_RANGE, NOT_A_TIME);
        if (c->line->wall_usec != 0)
                return refuse_at(c, where, REFUSAL_MALFORMED, "a name twice");
        c->line->wall_usec = reading_time_of_msec(msec);
        return 0;
}

static int set_sensor(Cursor *c, const char *where, const Value *v)
{
        if (v->kind != VALUE_TEXT || !name_is_valid(v->text))
                return refuse_at(c, where, REFUSAL_MALFORMED,
                                 "s is the name of a sensor: a letter, then at most 31 letters, digits and _");
        if (c->line->sensor)
                return refuse_at(c, where, REFUSAL_MALFORMED, "a name twice");
        c->line->sensor = v->text;
        return 0;
}

static int set_channel(Cursor *c, const char *where, const char *name, const Value *v)
{
        ReadingLine *l = c->line;

        if (!channel_name_is_valid(name))
                return refuse_at(c, where, REFUSAL_MALFORMED,
                                 "a channel's name is a letter, then at most 31 letters, digits and "
                                 "_; " CHANNEL_NAME_TAKEN);
        for (size_t i = 0; i < l->n_channels; i++)
                if (strcmp(l->channels[i].name, name) == 0)
                        return refuse_at(c, where, REFUSAL_MALFORMED, "a name twice");
        if (l->n_channels == READING_CHANNELS_MAX)
                return refuse_at(c, where, REFUSAL_MALFORMED, "more than 64 channels");
        l->channels[l->n_channels++] = (Channel){name, *v};
        return 0;
}

static int take_member(Cursor *c)
{
        const char *where = c->p;
        size_t size;
        char *name;
        Value v;
        int r;

        if (!at(c, '"'))
                return malformed(c, "expected a name in quotes");
        r = take_text(c, &name, &size);
        if (r != 0)
                return r;
        skip_blanks(c);
        if (!at(c, ':'))
                return malformed(c, "expected a colon");
        c->p++;
        skip_blanks(c);
        r = take_value(c, &v);
        if (r != 0)
                return r;
        if (strcmp(name, "t") == 0)
                return set_time(c, where, &v);
        if (strcmp(name, "s") == 0)
                return set_sensor(c, where, &v);
        return set_channel(c, where, name, &v);
}

int json_line_parse(char *text, size_t size, ReadingLine *ret)
{
        Cursor c = {text, text, text + size, ret};

        ret->n_channels = 0;
        ret->sensor = NULL;
        ret->wall_usec = 0;
        skip_blanks(&c);
        if (!at(&c, '{'))
                return malformed(&c, "expected an object: {\"channel\":value,...}");
        do {
                int r;

                c.p++;
                skip_blanks(&c);
                if (at(&c, '}') && ret->n_channels == 0 && !ret->sensor && ret->wall_usec == 0)
                        return malformed(&c, "no channel");
                r = take_member(&c);
                if (r != 0)
                        return r;
                skip_blanks(&c);
        } while (at(&c, ','));
        if (!at(&c, '}'))
                return malformed(&c, "expected a comma or the closing brace");
        c.p++;
        skip_blanks(&c);
        if (c.p < c.end)
                return malformed(&c, "something behind the closing brace");
        if (ret->n_channels == 0)
                return malformed(&c, "no channel");
        return 0;
}
