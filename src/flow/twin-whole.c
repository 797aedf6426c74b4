/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The whole twin as the hub gives it, less what is too much.
 *
 * The hub counts neither empty values nor brackets, so a half of its 32 KiB may have tens of thousands of values, and
 * each costs memory here. What is too much is left out by whole sections before any of it is taken into memory: the
 * smallest have their place first, so it is the largest that go, and our own settings have theirs before any other.
 */

#include <errno.h>
#include <string.h>

#include "flow/twin-core.h"
#include "model/json-grammar.h"

#define REPORTED_VALUES_MAX (DOCUMENT_VALUES_MAX - TWIN_VALUES_MAX - 8) /* the rest of what a text may have */

typedef struct Section {
        JsonMember m;
        bool out;
} Section;

static bool is_called(const JsonMember *m, const char *name)
{
        size_t n = strlen(name);

        return m->name_size == n + 2 && memcmp(m->name + 1, name, n) == 0;
}

/* What the hub puts in for itself. */
static bool is_the_hubs(const JsonMember *m)
{
        return m->name[1] == '$';
}

static int compare(const void *left, const void *right)
{
        const Section *a = *(Section *const *)left, *b = *(Section *const *)right;
        int rank = is_called(&b->m, TWIN_SETTINGS) - is_called(&a->m, TWIN_SETTINGS);

        if (rank != 0)
                return rank;
        if (a->m.n_values != b->m.n_values)
                return a->m.n_values < b->m.n_values ? -1 : 1;
        return a->m.name < b->m.name ? -1 : 1;
}

static void choose(Section **in_turn, size_t n, size_t values_max)
{
        size_t sum = 1; /* the half */

        qsort(in_turn, n, sizeof(Section *), compare);
        for (size_t i = 0; i < n; i++) {
                in_turn[i]->out = sum + in_turn[i]->m.n_values > values_max;
                if (!in_turn[i]->out)
                        sum += in_turn[i]->m.n_values;
        }
}

static void put_member(Buffer *b, const JsonMember *m)
{
        buffer_append_string(b, b->data[b->size - 1] == '{' ? "" : ",");
        buffer_append(b, m->name, m->name_size);
        buffer_append_char(b, ':');
}

static void put_version(Buffer *b, const JsonMember *half)
{
        const char *at = half->value;
        JsonMember m;

        while (json_grammar_next(&at, half->value + half->size, &m))
                if (is_called(&m, "$version")) {
                        put_member(b, &m);
                        buffer_append(b, m.value, m.size);
                }
}

static size_t find_sections(const JsonMember *half, Section *sections)
{
        const char *at = half->value;
        size_t n = 0;
        JsonMember m;

        while (json_grammar_next(&at, half->value + half->size, &m))
                if (!is_the_hubs(&m)) {
                        if (sections)
                                sections[n] = (Section){m, false};
                        n++;
                }
        return n;
}

/* left_out: an object in the making, section and number of its values. */
static int put_half(Buffer *b, const JsonMember *half, size_t values_max, Buffer *left_out)
{
        size_t n = find_sections(half, NULL);
        _cleanup_free_ Section *sections = calloc(MAX(n, (size_t)1), sizeof(*sections));
        _cleanup_free_ Section **in_turn = calloc(MAX(n, (size_t)1), sizeof(*in_turn));

        if (!sections || !in_turn)
                return -ENOMEM;
        (void)find_sections(half, sections);
        for (size_t i = 0; i < n; i++)
                in_turn[i] = &sections[i];
        choose(in_turn, n, values_max);
        put_member(b, half);
        buffer_append_char(b, '{');
        put_version(b, half);
        for (size_t i = 0; i < n && buffer_error(b) == 0 && buffer_error(left_out) == 0; i++) {
                const JsonMember *m = &sections[i].m;

                put_member(sections[i].out ? left_out : b, m);
                if (sections[i].out)
                        buffer_printf(left_out, "%zu", m->n_values);
                else
                        buffer_append(b, m->value, m->size);
        }
        buffer_append_char(b, '}');
        return buffer_error(b);
}

/* What is no object at its place the reader of it stumbles over. */
static int put_halves(Buffer *b, const char *text, size_t size, Buffer *left_out)
{
        _cleanup_(buffer_done) Buffer unseen = BUFFER_NULL;
        const char *at = text;
        JsonMember m;
        int r = 0;

        buffer_append_char(b, '{');
        buffer_append_char(left_out, '{');
        buffer_append_char(&unseen, '{');
        if (buffer_error(b) < 0 || buffer_error(left_out) < 0 || buffer_error(&unseen) < 0)
                return -ENOMEM;
        while (r >= 0 && json_grammar_next(&at, text + size, &m))
                if (is_called(&m, "desired"))
                        r = put_half(b, &m, TWIN_VALUES_MAX, left_out);
                else if (is_called(&m, "reported")) /* which we know, or it is another's */
                        r = put_half(b, &m, REPORTED_VALUES_MAX, &unseen);
        buffer_append_char(b, '}');
        buffer_append_char(left_out, '}');
        return r < 0 ? r : buffer_error(b) < 0 ? -ENOMEM : buffer_error(left_out);
}

int twin_read_whole(const char *text, size_t size, Document **ret, Document **ret_left_out)
{
        _cleanup_(buffer_done) Buffer halves = BUFFER_NULL, left_out = BUFFER_NULL;
        _cleanup_(document_freep) Document *names = NULL;
        const char *error;
        int r;

        if (json_grammar_fault(text, size))
                return -EBADMSG;
        r = put_halves(&halves, text, size, &left_out);
        if (r < 0 || (r = document_parse_within(&names, left_out.data, left_out.size, SIZE_MAX, &error)) < 0 ||
            (r = document_parse(ret, halves.data, halves.size, &error)) < 0)
                return r;
        *ret_left_out = TAKE_PTR(names);
        return 0;
}
