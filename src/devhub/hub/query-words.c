/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/hub/query-words.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/number.h"
#include "base/utf8.h"

#define BLANKS       " \t\r\n"
#define QUOTED_MAX   24 /* bytes of the text that an error shows */
#define HEX_DIGITS_MAX 13 /* as many as a double holds exactly */

/* ---- what is wrong ---- */

/* That other databases have, and people try. */
static const char *const foreign[] = {
        "order",  "having", "join",  "distinct", "like",   "between", "limit",  "offset",
        "union",  "case",   "exists", "insert",  "update", "delete",  "value",
};

static bool is_foreign(const char *word, size_t size)
{
        for (size_t i = 0; i < ARRAY_SIZE(foreign); i++)
                if (strlen(foreign[i]) == size && strncasecmp(foreign[i], word, size) == 0)
                        return true;
        return false;
}

static size_t column(const QueryText *x)
{
        size_t n = 1;

        for (const char *p = x->text; p < x->p; p++)
                n += ((unsigned char)*p & 0xc0) != 0x80;
        return n;
}

/* The word that stands there, or what else does up to the next blank. */
static size_t shown_size(const char *p)
{
        size_t word = query_word_size(p), end = word > 0 ? word : strcspn(p, BLANKS), n = 0;

        while (n < end && n < QUOTED_MAX)
                n += MAX(utf8_character(p + n, end - n), (size_t)1);
        return MIN(n, end);
}

int query_refuse(QueryText *x, const char *wanted)
{
        size_t size;

        x->p += strspn(x->p, BLANKS);
        size = shown_size(x->p);
        if (!*x->p)
                buffer_printf(x->error, "The query wants %s at its end, column %zu", wanted, column(x));
        else if (is_foreign(x->p, size))
                buffer_printf(x->error, "The query wants %s at column %zu: IoT Hub's language has no '%.*s'", wanted,
                              column(x), (int)size, x->p);
        else
                buffer_printf(x->error, "The query wants %s at column %zu, not '%.*s'", wanted, column(x), (int)size,
                              x->p);
        return buffer_error(x->error) ? -ENOMEM : -EBADMSG;
}

/* ---- words and signs ---- */

static void pass_blanks(QueryText *x)
{
        x->p += strspn(x->p, BLANKS);
}

static bool begins_word(char c)
{
        return isalpha((unsigned char)c) || c == '_' || c == '$';
}

static bool is_in_word(char c)
{
        return begins_word(c) || isdigit((unsigned char)c);
}

/* A hyphen between letters is the word's: names may have some, and a difference is written with blanks. */
size_t query_word_size(const char *p)
{
        size_t n = 0;

        if (begins_word(*p))
                while (is_in_word(p[n]) || (p[n] == '-' && is_in_word(p[n + 1])))
                        n++;
        return n;
}

bool query_take_word(QueryText *x, const char *word)
{
        size_t size = strlen(word);

        pass_blanks(x);
        if (query_word_size(x->p) != size || strncasecmp(x->p, word, size) != 0)
                return false;
        x->p += size;
        return true;
}

bool query_take_sign(QueryText *x, const char *sign)
{
        size_t size = strlen(sign);

        pass_blanks(x);
        if (strncmp(x->p, sign, size) != 0)
                return false;
        x->p += size;
        return true;
}

bool query_at_call(QueryText *x)
{
        size_t n;

        pass_blanks(x);
        n = query_word_size(x->p);
        return n > 0 && x->p[n + strspn(x->p + n, BLANKS)] == '(';
}

/* ---- names ---- */

static int take_part(QueryText *x, size_t size, char **ret)
{
        *ret = strndup(x->p, size);
        if (!*ret)
                return -ENOMEM;
        x->p += size;
        return 0;
}

int query_take_name(QueryText *x, char **ret)
{
        size_t size;

        pass_blanks(x);
        size = query_word_size(x->p);
        return size == 0 ? query_refuse(x, "a name") : take_part(x, size, ret);
}

/* Within its quotes a quote stands doubled, or behind a backslash. */
static int take_quoted(QueryText *x, Buffer *b)
{
        const char *p = x->p;
        char quote = *p++;

        for (;;) {
                if (*p == '\\' && p[1])
                        p++;
                else if (*p == quote && p[1] == quote)
                        p++;
                else if (!*p || *p == quote)
                        break;
                buffer_append_char(b, *p++);
        }
        if (!*p)
                return query_refuse(x, "a text with its closing quote");
        x->p = p + 1;
        return buffer_error(b) ? -ENOMEM : 0;
}

static bool at_quote(const QueryText *x)
{
        return *x->p == '\'' || *x->p == '"';
}

/* Behind a name in brackets; it is freed when they do not close. */
static int close_brackets(QueryText *x, const char *end, char **name)
{
        if (query_take_sign(x, end))
                return 0;
        free(TAKE_PTR(*name));
        return query_refuse(x, end);
}

/* Behind [ */
static int take_quoted_name(QueryText *x, char **ret)
{
        _cleanup_(buffer_done) Buffer b = BUFFER_NULL;
        int r;

        pass_blanks(x);
        if (!at_quote(x))
                return query_refuse(x, "a name in quotes");
        r = take_quoted(x, &b);
        if (r < 0)
                return r;
        *ret = strndup(b.data ? b.data : "", b.size);
        return *ret ? close_brackets(x, "]", ret) : -ENOMEM;
}

/* Behind [[ */
static int take_bracketed_name(QueryText *x, char **ret)
{
        size_t size = strcspn(x->p, "]");
        int r = size == 0 ? query_refuse(x, "a name") : take_part(x, size, ret);

        return r < 0 ? r : close_brackets(x, "]]", ret);
}

/* The next of a path's names. 1: there is none. */
static int take_further(QueryText *x, char **ret)
{
        bool dotted = query_take_sign(x, ".");

        if (query_take_sign(x, "[["))
                return take_bracketed_name(x, ret);
        if (!dotted && query_take_sign(x, "["))
                return take_quoted_name(x, ret);
        return dotted ? query_take_name(x, ret) : 1;
}

int query_take_path(QueryText *x, QueryPath *ret)
{
        int r = query_take_sign(x, "[[") ? take_bracketed_name(x, &ret->names[0]) : query_take_name(x, &ret->names[0]);

        while (r == 0) {
                char *name;

                ret->n++;
                if (ret->n == QUERY_NAMES_MAX)
                        return query_refuse(x, "a shorter path");
                r = take_further(x, &name);
                if (r == 0)
                        ret->names[ret->n] = name;
        }
        return MIN(r, 0);
}

/* ---- literals ---- */

static int take_text(QueryText *x, json_object **ret)
{
        _cleanup_(buffer_done) Buffer b = BUFFER_NULL;
        int r = take_quoted(x, &b);

        if (r < 0)
                return r;
        *ret = json_object_new_string_len(b.data ? b.data : "", (int)b.size);
        return *ret ? 0 : -ENOMEM;
}

static int take_hexadecimal(QueryText *x, json_object **ret)
{
        size_t n = strspn(x->p + 2, "0123456789abcdefABCDEF");

        if (n == 0 || n > HEX_DIGITS_MAX || is_in_word(x->p[2 + n]))
                return query_refuse(x, "a number");
        *ret = json_object_new_int64((int64_t)strtoull(x->p + 2, NULL, 16));
        x->p += 2 + n;
        return *ret ? 0 : -ENOMEM;
}

static bool at_number(const char *p)
{
        p += *p == '-';
        p += *p == '.';
        return isdigit((unsigned char)*p);
}

/* 2, -2.5, .5, 2e-3: as long as it goes */
static size_t number_size(const char *p)
{
        size_t n = *p == '-';

        n += strspn(p + n, "0123456789.");

        if (p[n] == 'e' || p[n] == 'E') {
                n++;
                n += p[n] == '+' || p[n] == '-';
                n += strspn(p + n, "0123456789.");
        }
        while (is_in_word(p[n]))
                n++;
        return n;
}

static int take_number(QueryText *x, json_object **ret)
{
        size_t size = number_size(x->p);
        _cleanup_free_ char *text = NULL;
        double v;

        if (x->p[0] == '0' && (x->p[1] == 'x' || x->p[1] == 'X'))
                return take_hexadecimal(x, ret);
        text = strndup(x->p, size);
        if (!text)
                return -ENOMEM;
        if (number_parse(text, &v) < 0)
                return query_refuse(x, "a number");
        *ret = json_object_new_double(v);
        x->p += size;
        return *ret ? 0 : -ENOMEM;
}

int query_take_literal(QueryText *x, json_object **ret)
{
        bool truth;

        *ret = NULL;
        pass_blanks(x);
        if (at_quote(x))
                return take_text(x, ret);
        if (at_number(x->p))
                return take_number(x, ret);
        if (query_take_word(x, "null"))
                return 0;
        truth = query_take_word(x, "true");
        if (!truth && !query_take_word(x, "false"))
                return 1;
        *ret = json_object_new_boolean(truth);
        return *ret ? 0 : -ENOMEM;
}
