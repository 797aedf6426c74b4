/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/influx-line.h"

#include <string.h>
#include <strings.h>

#include "base/number.h"
#include "base/utf8.h"

#define NUMBER_LENGTH_MAX 400 /* characters, as in JSON */

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

static int malformed(Cursor *c, const char *where, const char *error)
{
        return refuse_at(c, where, REFUSAL_MALFORMED, error);
}

static bool at(const Cursor *c, char what)
{
        return c->p < c->end && *c->p == what;
}

static bool at_blank(const Cursor *c)
{
        return c->p < c->end && (*c->p == ' ' || *c->p == '\t' || *c->p == '\r');
}

static void skip_blanks(Cursor *c)
{
        while (at_blank(c))
                c->p++;
}

/* ---- words ---- */

/* Up to an unescaped character of `ends`, which is taken and returned; 0: the line ends before it. Only what could be
 * taken for an end can be escaped; any other backslash is one. */
static char take_word(Cursor *c, const char *ends, const char *escapable, char **ret, size_t *ret_size)
{
        char *to = c->p, end;

        *ret = to;
        while (c->p < c->end && !(*c->p && strchr(ends, *c->p))) {
                if (*c->p == '\\' && c->p + 1 < c->end && c->p[1] && strchr(escapable, c->p[1]))
                        c->p++;
                *to++ = *c->p++;
        }
        *ret_size = (size_t)(to - *ret);
        if (c->p == c->end)
                return 0;
        end = *c->p++;
        *to = 0; /* where the end stood, or before it */
        return end;
}

/* Not shorter than what it becomes. False: not UTF-8. */
static bool make_name(char *name, size_t size)
{
        char *to = name;

        for (size_t i = 0, n; i < size; i += n) {
                n = utf8_character(name + i, size - i);
                if (n == 0 || name[i] == 0)
                        return false;
                *to++ = (name[i] >= '0' && name[i] <= '9') || (name[i] >= 'A' && name[i] <= 'Z') ||
                                        (name[i] >= 'a' && name[i] <= 'z')
                                ? name[i]
                                : '_';
        }
        *to = 0;
        return true;
}

static int check_text(Cursor *c, const char *where, const char *text, size_t size)
{
        if (size > READING_TEXT_MAX)
                return refuse_at(c, where, REFUSAL_TOO_LONG, "a text longer than 4096 bytes");
        if (memchr(text, 0, size))
                return malformed(c, where, "a text may not hold a byte 0");
        return utf8_is_valid(text, size) ? 0 : malformed(c, where, "not UTF-8");
}

static int add_channel(Cursor *c, const char *where, const char *name, const Value *value)
{
        ReadingLine *l = c->line;

        for (size_t i = 0; i < l->n_channels; i++)
                if (strcmp(l->channels[i].name, name) == 0)
                        return malformed(c, where, "a name twice, among tags and fields together");
        if (l->n_channels == READING_CHANNELS_MAX)
                return malformed(c, where, "more than 64 tags and fields");
        l->channels[l->n_channels++] = (Channel){name, *value};
        return 0;
}

/* The name of a tag or field, with the equals sign behind it. */
static int take_name(Cursor *c, char **ret)
{
        const char *where = c->p;
        size_t size;

        if (take_word(c, "=, ", ",= ", ret, &size) != '=')
                return malformed(c, where, "expected a name and an equals sign");
        if (!make_name(*ret, size))
                return malformed(c, where, "not UTF-8");
        if (!channel_name_is_valid(*ret))
                return malformed(c, where, "a tag's or field's name is a letter, then at most 31 letters, digits and _ "
                                           "(which stands for any other); " CHANNEL_NAME_TAKEN);
        return 0;
}

/* ---- values ---- */

static bool is_digit(const Cursor *c)
{
        return c->p < c->end && *c->p >= '0' && *c->p <= '9';
}

static int take_whole(Cursor *c, const char *where, const char *digits, Value *ret)
{
        bool negative = *where == '-';
        uint64_t limit = (uint64_t)INT64_MAX + negative, v = 0;

        if (at(c, 'u') && negative)
                return refuse_at(c, where, REFUSAL_RANGE, "an unsigned number below 0");
        for (const char *p = digits; p < c->p; p++)
                if (__builtin_mul_overflow(v, (uint64_t)10, &v) ||
                    __builtin_add_overflow(v, (uint64_t)(*p - '0'), &v) || v > limit)
                        return refuse_at(c, where, REFUSAL_RANGE, "a whole number beyond 64 bits, signed");
        c->p++;
        *ret = (Value){.kind = VALUE_INTEGER, .integer = negative ? (int64_t)(0 - v) : (int64_t)v};
        return 0;
}

static int take_decimal(Cursor *c, const char *where, Value *ret)
{
        char text[NUMBER_LENGTH_MAX + 1];
        size_t n = (size_t)(c->p - where);

        if (n > NUMBER_LENGTH_MAX)
                return refuse_at(c, where, REFUSAL_TOO_LONG, "a number of more than 400 characters");
        memcpy(text, where, n);
        text[n] = 0;
        *ret = (Value){.kind = VALUE_NUMBER};
        if (number_parse(text, &ret->number) < 0)
                return refuse_at(c, where, REFUSAL_RANGE, "beyond what a number can hold");
        return 0;
}

static int take_number(Cursor *c, Value *ret)
{
        const char *where = c->p, *digits;
        size_t n;

        if (at(c, '-'))
                c->p++;
        for (digits = c->p; is_digit(c);)
                c->p++;
        n = (size_t)(c->p - digits);
        if (n > 0 && (at(c, 'i') || at(c, 'u')))
                return take_whole(c, where, digits, ret);
        if (at(c, '.'))
                for (c->p++; is_digit(c); c->p++)
                        n++;
        if (n == 0)
                return malformed(c, c->p, "expected a digit");
        if (at(c, 'e') || at(c, 'E')) {
                c->p++;
                if (at(c, '-') || at(c, '+'))
                        c->p++;
                if (!is_digit(c))
                        return malformed(c, c->p, "expected a digit in the exponent");
                while (is_digit(c))
                        c->p++;
        }
        return take_decimal(c, where, ret);
}

static int take_text(Cursor *c, Value *ret)
{
        const char *where = c->p++;
        char *text;
        size_t size;

        if (take_word(c, "\"", "\"\\", &text, &size) == 0)
                return malformed(c, c->end, "the line ends within a text");
        *ret = (Value){.kind = VALUE_TEXT, .text = text};
        return check_text(c, where, text, size);
}

static bool take_exactly(Cursor *c, const char *word, bool any_case)
{
        size_t n = strlen(word);

        if ((size_t)(c->end - c->p) < n ||
            (any_case ? strncasecmp(c->p, word, n) : strncmp(c->p, word, n)) != 0)
                return false;
        c->p += n;
        return true;
}

/* The longer ones first: t begins true. */
static int take_truth(Cursor *c, Value *ret)
{
        static const struct {
                const char *word;
                bool value;
        } words[] = {{"true", true},   {"True", true},   {"TRUE", true},   {"t", true},  {"T", true},
                     {"false", false}, {"False", false}, {"FALSE", false}, {"f", false}, {"F", false}};
        const char *where = c->p;

        for (size_t i = 0; i < ARRAY_SIZE(words); i++)
                if (take_exactly(c, words[i].word, false)) {
                        *ret = (Value){.kind = VALUE_BOOLEAN, .boolean = words[i].value};
                        return 0;
                }
        if (at(c, '-') || at(c, '+'))
                c->p++;
        if (take_exactly(c, "nan", true) || take_exactly(c, "inf", true))
                return refuse_at(c, where, REFUSAL_NAN, "NaN or infinity");
        return malformed(c, where, "expected a value: 1.5, 12i, 12u, t, f or a text in quotes");
}

static bool begins_negative(const Cursor *c)
{
        return at(c, '-') && c->p + 1 < c->end && (c->p[1] == '.' || (c->p[1] >= '0' && c->p[1] <= '9'));
}

static int take_value(Cursor *c, Value *ret)
{
        const char *where = c->p;
        int r;

        if (at(c, '"'))
                r = take_text(c, ret);
        else if (is_digit(c) || at(c, '.') || begins_negative(c))
                r = take_number(c, ret);
        else
                r = take_truth(c, ret);
        if (r == 0 && c->p < c->end && !at(c, ',') && !at_blank(c))
                return malformed(c, where, "expected a value: 1.5, 12i, 12u, t, f or a text in quotes");
        return r;
}

/* ---- parts ---- */

static int take_measurement(Cursor *c, char *ret_end)
{
        const char *where = c->p;
        size_t size;
        char *name;

        *ret_end = take_word(c, ", ", ", ", &name, &size);
        if (*ret_end == 0)
                return malformed(c, c->end, "expected fields behind the measurement: name field=value");
        if (!make_name(name, size))
                return malformed(c, where, "not UTF-8");
        if (!name_is_valid(name))
                return malformed(c, where, "the measurement, which names the sensor, is a letter, then at most 31 "
                                           "letters, digits and _ (which stands for any other)");
        c->line->sensor = name;
        return 0;
}

static int take_tag(Cursor *c, char *ret_end)
{
        const char *where = c->p;
        char *name, *text, *begin;
        size_t size;
        int r = take_name(c, &name);

        if (r != 0)
                return r;
        begin = c->p;
        *ret_end = take_word(c, "=, ", ",= ", &text, &size);
        if (*ret_end == 0)
                return malformed(c, c->end, "expected fields behind the tags: name,tag=text field=value");
        if (*ret_end == '=')
                return malformed(c, c->p - 1, "an equals sign within a tag's text needs a backslash");
        if (size == 0)
                return malformed(c, begin, "a tag without a text");
        r = check_text(c, begin, text, size);
        return r != 0 ? r : add_channel(c, where, name, &(Value){.kind = VALUE_TEXT, .text = text});
}

static int take_field(Cursor *c)
{
        const char *where = c->p;
        char *name;
        Value value;
        int r = take_name(c, &name);

        if (r == 0)
                r = take_value(c, &value);
        return r != 0 ? r : add_channel(c, where, name, &value);
}

static int take_time(Cursor *c)
{
        const char *where = c->p;
        uint64_t nsec = 0;

        if (at(c, '-'))
                return refuse_at(c, where, REFUSAL_RANGE, "a time before 1970");
        if (!is_digit(c))
                return malformed(c, where, "expected a time in nanoseconds since 1970, or the end of the line");
        for (; is_digit(c); c->p++)
                if (__builtin_mul_overflow(nsec, (uint64_t)10, &nsec) ||
                    __builtin_add_overflow(nsec, (uint64_t)(*c->p - '0'), &nsec) || nsec > INT64_MAX)
                        return refuse_at(c, where, REFUSAL_RANGE,
                                         "a time beyond 64 bits; it counts nanoseconds since 1970");
        if (c->p < c->end && !at_blank(c))
                return malformed(c, c->p, "expected a time in nanoseconds since 1970, or the end of the line");
        if (nsec < 1000)
                return refuse_at(c, where, REFUSAL_RANGE, "no time: it counts nanoseconds since 1970");
        c->line->wall_usec = nsec / 1000;
        return 0;
}

int influx_line_parse(char *text, size_t size, ReadingLine *ret)
{
        Cursor c = {text, text, text + size, ret};
        char end;
        int r;

        ret->n_channels = 0;
        ret->sensor = NULL;
        ret->wall_usec = 0;
        skip_blanks(&c);
        if (at(&c, '#'))
                return READING_LINE_E_COMMENT;
        r = take_measurement(&c, &end);
        while (r == 0 && end == ',')
                r = take_tag(&c, &end);
        if (r != 0)
                return r;
        skip_blanks(&c);
        for (;;) {
                r = take_field(&c);
                if (r != 0)
                        return r;
                if (!at(&c, ','))
                        break;
                c.p++;
        }
        skip_blanks(&c);
        r = c.p < c.end ? take_time(&c) : 0;
        if (r != 0)
                return r;
        skip_blanks(&c);
        return c.p < c.end ? malformed(&c, c.p, "something behind the time") : 0;
}
