/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/template.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/iso-time.h"
#include "base/json.h"
#include "base/number.h"
#include "model/value-json.h"

typedef enum Hole {
        HOLE_NONE, /* the piece is plain text */
        HOLE_DEVICE,
        HOLE_SENSOR,
        HOLE_CHANNEL,
        HOLE_VALUE,
        HOLE_UNIT,
        HOLE_TIME,
        HOLE_COUNT,
        _HOLE_MAX,
} Hole;

static const char *const hole_names[_HOLE_MAX] = {
        [HOLE_DEVICE] = "device", [HOLE_SENSOR] = "sensor", [HOLE_CHANNEL] = "channel", [HOLE_VALUE] = "value",
        [HOLE_UNIT] = "unit",     [HOLE_TIME] = "time",     [HOLE_COUNT] = "count",
};

#define KNOWN "${device} ${sensor} ${channel} ${value} ${value:.2f} ${value[CHANNEL]} ${unit} ${time} ${count}"

#define SHORTEST (-1) /* decimals: as many as it takes */

typedef struct Piece {
        Hole hole;
        size_t at, length; /* of a plain piece, in the text */
        int decimals;      /* of ${value} */
        Name channel;      /* of ${value[NAME]}; empty: the first */
        bool in_string;    /* JSON: between quotes of the template */
} Piece;

struct Template {
        TemplateKind kind;
        char *text;
        Piece *pieces;
        size_t n_pieces;
};

Template *template_free(Template *t)
{
        if (!t)
                return NULL;
        free(t->text);
        free(t->pieces);
        free(t);
        return NULL;
}

static int add_piece(Template *t, const Piece *piece)
{
        Piece *more = reallocarray(t->pieces, t->n_pieces + 1, sizeof(*more));

        if (!more)
                return -ENOMEM;
        t->pieces = more;
        t->pieces[t->n_pieces++] = *piece;
        return 0;
}

static int add_text(Template *t, size_t from, size_t to)
{
        return to > from ? add_piece(t, &(Piece){.hole = HOLE_NONE, .at = from, .length = to - from}) : 0;
}

/* ret_error is a courtesy: without memory for it the error number alone must do. */
static int complain(char **ret_error, size_t at, const char *what)
{
        Buffer b = BUFFER_NULL;

        if (!ret_error)
                return -EINVAL;
        buffer_printf(&b, "at character %zu: %s; known are %s, and $${ for a plain ${", at + 1, what, KNOWN);
        *ret_error = buffer_steal(&b);
        buffer_done(&b);
        return -EINVAL;
}

static Hole hole_from_name(const char *name, size_t length)
{
        for (int h = HOLE_NONE + 1; h < _HOLE_MAX; h++)
                if (strlen(hole_names[h]) == length && memcmp(hole_names[h], name, length) == 0)
                        return (Hole)h;
        return HOLE_NONE;
}

/* ".2f" and nothing else: -1 if it is not that. */
static int decimals_from_format(const char *format, size_t length)
{
        int decimals = 0;

        if (length < 3 || length > 4 || format[0] != '.' || format[length - 1] != 'f')
                return -1;
        for (size_t i = 1; i < length - 1; i++) {
                if (!isdigit((unsigned char)format[i]))
                        return -1;
                decimals = decimals * 10 + (format[i] - '0');
        }
        return decimals <= (int)NUMBER_DECIMALS_MAX ? decimals : -1;
}

/* "value[NAME]": what follows its [. False: that is no name of a channel. */
static bool parse_channel(const char *text, size_t length, Name ret)
{
        if (length < 2 || text[length - 1] != ']' || length - 1 >= sizeof(Name))
                return false;
        (void)snprintf(ret, sizeof(Name), "%.*s", (int)length - 1, text);
        return channel_name_is_valid(ret);
}

/* What stands between ${ and }. */
static int parse_hole(const char *inner, size_t length, size_t at, Piece *ret, char **ret_error)
{
        const char *colon = memchr(inner, ':', length);
        size_t name_length = colon ? (size_t)(colon - inner) : length;
        const char *bracket = memchr(inner, '[', name_length);
        size_t noun_length = bracket ? (size_t)(bracket - inner) : name_length;
        Piece piece = {.hole = hole_from_name(inner, noun_length), .decimals = SHORTEST};

        if (piece.hole == HOLE_NONE)
                return complain(ret_error, at, "no such variable");
        if (bracket && piece.hole != HOLE_VALUE)
                return complain(ret_error, at, "only ${value} takes a channel");
        if (bracket && !parse_channel(bracket + 1, name_length - noun_length - 1, piece.channel))
                return complain(ret_error, at, "between [ and ] stands the name of a channel");
        if (colon && piece.hole != HOLE_VALUE)
                return complain(ret_error, at, "only ${value} takes a format");
        if (colon) {
                piece.decimals = decimals_from_format(colon + 1, length - name_length - 1);
                if (piece.decimals < 0)
                        return complain(ret_error, at, "a format is .0f to .15f");
        }
        *ret = piece;
        return 0;
}

/* Follows the quotes of a JSON text over a plain stretch of it. */
static bool in_string_after(bool in_string, const char *text, size_t length)
{
        for (size_t i = 0; i < length; i++) {
                if (in_string && text[i] == '\\')
                        i++;
                else if (text[i] == '"')
                        in_string = !in_string;
        }
        return in_string;
}

static int compile(Template *t, char **ret_error)
{
        size_t plain = 0, at = 0;
        bool in_string = false;
        int r;

        while (t->text[at]) {
                const char *close;
                Piece piece;

                if (strncmp(t->text + at, "$${", 3) == 0) {
                        r = add_text(t, plain, at); /* the first $ is left out, the rest is plain text */
                        if (r < 0)
                                return r;
                        in_string = in_string_after(in_string, t->text + plain, at - plain);
                        plain = at + 1;
                        at += 3;
                        continue;
                }
                if (strncmp(t->text + at, "${", 2) != 0) {
                        at++;
                        continue;
                }
                close = strchr(t->text + at, '}');
                if (!close)
                        return complain(ret_error, at, "${ has no closing }");
                r = parse_hole(t->text + at + 2, (size_t)(close - t->text) - at - 2, at, &piece, ret_error);
                if (r < 0)
                        return r;
                in_string = in_string_after(in_string, t->text + plain, at - plain);
                piece.in_string = in_string;
                r = add_text(t, plain, at);
                if (r >= 0)
                        r = add_piece(t, &piece);
                if (r < 0)
                        return r;
                at = plain = (size_t)(close - t->text) + 1;
        }
        return add_text(t, plain, at);
}

int template_new(Template **ret, const char *text, TemplateKind kind, char **ret_error)
{
        _cleanup_(template_freep) Template *t = calloc(1, sizeof(*t));
        int r;

        if (!t)
                return -ENOMEM;
        t->kind = kind;
        t->text = strdup(text);
        if (!t->text)
                return -ENOMEM;
        r = compile(t, ret_error);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(t);
        return 0;
}

int template_check(const char *text, char **ret_error)
{
        _cleanup_(template_freep) Template *t = NULL;

        return template_new(&t, text, TEMPLATE_TEXT, ret_error);
}

bool template_has_nameless_value(const char *text)
{
        _cleanup_(template_freep) Template *t = NULL;
        bool has_value = false, has_name = false;

        if (!text || template_new(&t, text, TEMPLATE_TEXT, NULL) < 0)
                return false;
        for (size_t i = 0; i < t->n_pieces; i++) {
                has_value = has_value || (t->pieces[i].hole == HOLE_VALUE && !*t->pieces[i].channel);
                has_name = has_name || t->pieces[i].hole == HOLE_CHANNEL;
        }
        return has_value && !has_name;
}

static void fill_text(const Template *t, const Piece *piece, const char *s, Buffer *b)
{
        if (!s)
                s = "";
        if (t->kind == TEMPLATE_TEXT)
                buffer_append_string(b, s);
        else if (piece->in_string)
                json_text(b, s, strlen(s));
        else
                json_string(b, s);
}

static void fill_fixed(const Piece *piece, double x, Buffer *b)
{
        char text[NUMBER_FIXED_TEXT_MAX];

        buffer_append(b, text, number_format_fixed(x, (unsigned)piece->decimals, text));
}

static const Value *value_for(const Piece *piece, const TemplateValues *values)
{
        if (!*piece->channel)
                return values->value;
        for (size_t i = 0; i < values->n_channels; i++)
                if (strcmp(values->channels[i].name, piece->channel) == 0)
                        return &values->channels[i].value;
        return NULL;
}

static void fill_value(const Template *t, const Piece *piece, const TemplateValues *values, Buffer *b)
{
        const Value *v = value_for(piece, values);

        if (!v && *piece->channel && t->kind == TEMPLATE_JSON && !piece->in_string) {
                buffer_append_string(b, "null");
                return;
        }
        if (!v) {
                fill_text(t, piece, NULL, b);
                return;
        }
        if (v->kind == VALUE_TEXT)
                fill_text(t, piece, v->text, b);
        else if (piece->decimals != SHORTEST && v->kind == VALUE_NUMBER)
                fill_fixed(piece, v->number, b);
        else if (piece->decimals != SHORTEST && v->kind == VALUE_INTEGER)
                fill_fixed(piece, (double)v->integer, b);
        else
                value_to_json(v, b);
}

void template_fill(const Template *t, const TemplateValues *values, Buffer *b)
{
        char time[ISO_TIME_MAX];

        for (size_t i = 0; i < t->n_pieces; i++) {
                const Piece *piece = &t->pieces[i];

                switch (piece->hole) {
                case HOLE_NONE:
                        buffer_append(b, t->text + piece->at, piece->length);
                        break;
                case HOLE_DEVICE:
                        fill_text(t, piece, values->device, b);
                        break;
                case HOLE_SENSOR:
                        fill_text(t, piece, values->sensor, b);
                        break;
                case HOLE_CHANNEL:
                        fill_text(t, piece, values->channel, b);
                        break;
                case HOLE_VALUE:
                        fill_value(t, piece, values, b);
                        break;
                case HOLE_UNIT:
                        fill_text(t, piece, values->unit, b);
                        break;
                case HOLE_TIME:
                        (void)iso_time_format(values->time_usec, time);
                        fill_text(t, piece, time, b);
                        break;
                case HOLE_COUNT:
                        json_unsigned(b, values->count);
                        break;
                case _HOLE_MAX:
                        break;
                }
        }
}
