/* SPDX-License-Identifier: Apache-2.0 */
#include "model/json-grammar.h"

#include <stdint.h>
#include <string.h>

#include "base/utf8.h"

typedef struct Scan {
        const char *p, *end;
        const char *fault;
        size_t n_values, values_max;
} Scan;

static bool fail(Scan *s, const char *fault)
{
        if (!s->fault)
                s->fault = fault;
        return false;
}

static bool at(const Scan *s, char c)
{
        return s->p < s->end && *s->p == c;
}

static bool take(Scan *s, char c)
{
        if (!at(s, c))
                return false;
        s->p++;
        return true;
}

static void skip_blanks(Scan *s)
{
        while (at(s, ' ') || at(s, '\t') || at(s, '\n') || at(s, '\r'))
                s->p++;
}

/* ---- leaves ---- */

static size_t skip_digits(Scan *s)
{
        const char *first = s->p;

        while (s->p < s->end && *s->p >= '0' && *s->p <= '9')
                s->p++;
        return (size_t)(s->p - first);
}

static bool scan_number(Scan *s)
{
        static const char fault[] = "it has a malformed number";

        (void)take(s, '-');
        if (!take(s, '0') && skip_digits(s) == 0)
                return fail(s, fault);
        if (take(s, '.') && skip_digits(s) == 0)
                return fail(s, fault);
        if (take(s, 'e') || take(s, 'E')) {
                if (!take(s, '+'))
                        (void)take(s, '-');
                if (skip_digits(s) == 0)
                        return fail(s, fault);
        }
        return true;
}

static bool is_hex(char c)
{
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Behind the backslash. */
static bool scan_escape(Scan *s, bool in_name)
{
        static const char fault[] = "it has a malformed escape";

        if (s->p == s->end)
                return fail(s, fault);
        if (*s->p != 'u') {
                if (!memchr("\"\\/bfnrt", *s->p, 8))
                        return fail(s, fault);
                s->p++;
                return true;
        }
        if (s->end - s->p < 5 || !is_hex(s->p[1]) || !is_hex(s->p[2]) || !is_hex(s->p[3]) || !is_hex(s->p[4]))
                return fail(s, fault);
        if (in_name && memcmp(s->p, "u0000", 5) == 0)
                return fail(s, "it has a name with a NUL");
        s->p += 5;
        return true;
}

static bool scan_string(Scan *s, bool in_name)
{
        if (!take(s, '"'))
                return fail(s, "it lacks a quote");
        while (s->p < s->end) {
                char c = *s->p++;

                if (c == '"')
                        return true;
                if ((unsigned char)c < 0x20)
                        return fail(s, "it has a control character in a text");
                if (c == '\\' && !scan_escape(s, in_name))
                        return false;
        }
        return fail(s, "it ends within a text");
}

static bool scan_word(Scan *s, const char *word)
{
        size_t n = strlen(word);

        if ((size_t)(s->end - s->p) < n || memcmp(s->p, word, n) != 0)
                return fail(s, "it has a word that is none of true, false, null");
        s->p += n;
        return true;
}

/* ---- trees ---- */

static bool scan_value(Scan *s, unsigned depth);

static bool scan_member(Scan *s, unsigned depth)
{
        skip_blanks(s);
        if (!scan_string(s, true))
                return false;
        skip_blanks(s);
        return take(s, ':') ? scan_value(s, depth) : fail(s, "it lacks a colon");
}

/* Behind the bracket, to the one that ends it. */
static bool scan_list(Scan *s, bool (*scan)(Scan *s, unsigned depth), char end, unsigned depth)
{
        if (depth > JSON_DEPTH_MAX)
                return fail(s, "it is nested too deep");
        skip_blanks(s);
        if (take(s, end))
                return true;
        do {
                if (!scan(s, depth))
                        return false;
        } while (take(s, ','));
        return take(s, end) || fail(s, "it lacks a comma or a bracket");
}

/* With the blanks around it. */
static bool scan_value(Scan *s, unsigned depth)
{
        bool whole;

        if (++s->n_values > s->values_max)
                return fail(s, "it has too many values");
        skip_blanks(s);
        if (take(s, '{'))
                whole = scan_list(s, scan_member, '}', depth + 1);
        else if (take(s, '['))
                whole = scan_list(s, scan_value, ']', depth + 1);
        else if (at(s, '"'))
                whole = scan_string(s, false);
        else if (at(s, 't'))
                whole = scan_word(s, "true");
        else if (at(s, 'f'))
                whole = scan_word(s, "false");
        else if (at(s, 'n'))
                whole = scan_word(s, "null");
        else if (s->p == s->end)
                whole = fail(s, "it ends too early");
        else
                whole = scan_number(s);
        skip_blanks(s);
        return whole;
}

const char *json_grammar_fault_at(const char *text, size_t size, size_t *ret_at)
{
        Scan s = {.p = text, .end = text + size, .values_max = SIZE_MAX};
        bool whole;

        *ret_at = 0;
        if (!utf8_is_valid(text, size))
                return "it is not UTF-8";
        whole = scan_value(&s, 0);
        *ret_at = (size_t)(s.p - text);
        if (!whole)
                return s.fault;
        return s.p < s.end ? "something follows its end" : NULL;
}

const char *json_grammar_fault(const char *text, size_t size)
{
        size_t at;

        return json_grammar_fault_at(text, size, &at);
}

bool json_grammar_is_within(const char *text, size_t size, size_t values_max)
{
        Scan s = {.p = text, .end = text + size, .values_max = values_max};

        (void)scan_value(&s, 0);
        return s.n_values <= values_max;
}

bool json_grammar_next(const char **at, const char *end, JsonMember *ret)
{
        Scan s = {.p = *at, .end = end, .values_max = SIZE_MAX};

        skip_blanks(&s);
        if (!take(&s, '{') && !take(&s, ','))
                return false;
        skip_blanks(&s);
        ret->name = s.p;
        if (!scan_string(&s, true))
                return false;
        ret->name_size = (size_t)(s.p - ret->name);
        skip_blanks(&s);
        if (!take(&s, ':'))
                return false;
        ret->value = s.p;
        if (!scan_value(&s, 1))
                return false;
        ret->size = (size_t)(s.p - ret->value);
        ret->n_values = s.n_values;
        *at = s.p;
        return true;
}
