/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/settings-scan.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "base/utf8.h"

#define DEPTH_MAX 32

typedef struct Scan {
        const char *p; /* the next byte */
        const char *end;
        Place place; /* its line moves along */
        Buffer *copy;
        Problems *problems;
        struct {
                char bracket;
                unsigned line;
        } open[DEPTH_MAX];
        size_t depth;
        bool failed;
} Scan;

#define complain(s, line_, ...)                                                                             \
        do {                                                                                                \
                Place _place = (s)->place;                                                                  \
                _place.line = (line_);                                                                      \
                (s)->failed = true;                                                                         \
                problems_add((s)->problems, _place, __VA_ARGS__);                                           \
        } while (0)

static void take(Scan *s, size_t n)
{
        for (const char *p = s->p; p < s->p + n; p++)
                if (*p == '\n')
                        s->place.line++;
        buffer_append(s->copy, s->p, n);
        s->p += n;
}

static bool at(const Scan *s, const char *word)
{
        size_t n = strlen(word);

        return (size_t)(s->end - s->p) >= n && memcmp(s->p, word, n) == 0;
}

static void take_comment(Scan *s)
{
        unsigned begun = s->place.line;

        if (!at(s, "/*")) {
                const char *eol = memchr(s->p, '\n', (size_t)(s->end - s->p));

                take(s, (size_t)((eol ? eol : s->end) - s->p));
                return;
        }
        take(s, 2);
        while (s->p < s->end && !at(s, "*/"))
                take(s, 1);
        if (s->p == s->end)
                complain(s, begun, "the comment that begins here has no end: */ is missing");
        else
                take(s, 2);
}

static void take_text(Scan *s)
{
        unsigned begun = s->place.line;

        take(s, 1);
        while (s->p < s->end && *s->p != '"')
                take(s, *s->p == '\\' && s->end - s->p > 1 ? 2 : 1);
        if (s->p == s->end)
                complain(s, begun, "the text that begins here has no end: a closing \" is missing");
        else
                take(s, 1);
}

static bool is_word(char c)
{
        return isalnum((unsigned char)c) || strchr("_-*.+", c);
}

/* libconfig would make it infinite, and what was written would be gone. */
static bool is_infinite(const char *text)
{
        double x;

        return number_parse(text, &x) == -ERANGE;
}

/* A whole number gets its L when it needs more than 32 bits; all else passes as it is. */
static void take_word(Scan *s)
{
        char text[32], *end;
        const char *digits;
        size_t n = 0;
        bool hexadecimal;
        uint64_t v;

        while (s->p + n < s->end && s->p[n] && is_word(s->p[n]))
                n++;
        (void)snprintf(text, sizeof(text), "%.*s", (int)n, s->p);
        digits = text + strspn(text, "+-");
        hexadecimal = digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X');
        if (n < sizeof(text) && is_infinite(text)) {
                complain(s, s->place.line, "%s is more than a number can hold", text);
                take(s, n);
                return;
        }
        if (!isdigit((unsigned char)digits[0])) {
                take(s, n);
                return;
        }
        errno = 0;
        v = strtoull(digits, &end, hexadecimal ? 16 : 10);
        if (n < sizeof(text) && *end && strcmp(end, "L") != 0 && strcmp(end, "LL") != 0) {
                take(s, n); /* a fraction, or what libconfig will refuse */
                return;
        }
        if (n >= sizeof(text) || errno == ERANGE || (!hexadecimal && v > INT64_MAX)) {
                complain(s, s->place.line, "%.*s is more than 64 bits hold", (int)MIN(n, (size_t)40), s->p);
                take(s, n);
                return;
        }
        take(s, n);
        if (v > INT32_MAX && *end != 'L')
                buffer_append_char(s->copy, 'L');
}

static void take_bracket(Scan *s)
{
        static const char opening[] = "{([", closing[] = "})]";
        char c = *s->p;
        const char *o = strchr(opening, c);

        if (o && s->depth == DEPTH_MAX) {
                complain(s, s->place.line, "groups within groups, deeper than %d", DEPTH_MAX);
                s->p = s->end;
                return;
        }
        if (o) {
                s->open[s->depth].bracket = c;
                s->open[s->depth++].line = s->place.line;
        } else if (s->depth == 0) {
                complain(s, s->place.line, "this %c closes nothing", c);
                s->p = s->end;
                return;
        } else if (closing[strchr(opening, s->open[s->depth - 1].bracket) - opening] != c) {
                complain(s, s->place.line, "this %c does not close the %c of line %u", c,
                         s->open[s->depth - 1].bracket, s->open[s->depth - 1].line);
                s->p = s->end;
                return;
        } else {
                s->depth--;
        }
        take(s, 1);
}

bool settings_scan(const char *text, size_t size, Place file, Buffer *b, Problems *problems)
{
        Scan s = {.p = text, .end = text + size, .place = file, .copy = b, .problems = problems};

        s.place.line = 1;
        if (memchr(text, 0, size) || !utf8_is_valid(text, size)) {
                complain(&s, 0, "is not a text in UTF-8");
                return false;
        }
        while (s.p < s.end)
                if (*s.p == '#' || at(&s, "//") || at(&s, "/*")) {
                        take_comment(&s);
                } else if (*s.p == '"') {
                        take_text(&s);
                } else if (strchr("{([])}", *s.p)) {
                        take_bracket(&s);
                } else if (at(&s, "@include")) {
                        complain(&s, s.place.line,
                                 "@include is not taken here: put the other file into the folder conf.d");
                        take_comment(&s);
                } else if (is_word(*s.p)) {
                        take_word(&s);
                } else {
                        take(&s, 1);
                }
        /* Only when nothing was wrong so far is the end of the file where it seems to be. */
        if (!s.failed && s.depth > 0)
                complain(&s, s.open[s.depth - 1].line, "the %c that opens here is never closed",
                         s.open[s.depth - 1].bracket);
        return !s.failed;
}
