/* SPDX-License-Identifier: Apache-2.0 */
#include "explorer/words.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/nearest.h"
#include "base/quantity.h"
#include "base/secret.h"
#include "explorer/output.h"

/* ---- reading ---- */

/* The line while it is read: which words there are is known before whose options they may be. */
typedef struct Reader {
        int argc;
        char **argv;
        const char **words; /* that are no options */
        size_t n_words;
        Words *into;
} Reader;

static const Option *find_option(const Option *options, const char *name, size_t size)
{
        for (const Option *o = options; o && o->name; o++)
                if (strlen(o->name) == size && memcmp(o->name, name, size) == 0)
                        return o;
        return NULL;
}

/* Until the command is known, any command's option may be meant: whether its value is the next word must be known
 * all the same. That two commands differ in this is excluded by a test. */
static const Option *find_anywhere(const char *name, size_t size)
{
        const Option *o = find_option(options_of_all, name, size);

        for (size_t i = 0; !o && i < n_commands; i++)
                o = find_option(commands[i]->options, name, size);
        return o;
}

static bool is_option(const char *word)
{
        return word[0] == '-' && word[1] != 0 && !isdigit((unsigned char)word[1]);
}

/* How many of argv an option takes: itself, and its value where that is a word of its own. */
static int span_of(const Reader *r, int i)
{
        const char *name = r->argv[i] + 2;
        size_t size = strcspn(name, "=");
        const Option *o = find_anywhere(name, size);

        return o && o->value && name[size] != '=' && i + 1 < r->argc ? 2 : 1;
}

static void collect_words(Reader *r)
{
        bool literal = false;

        for (int i = 1; i < r->argc;) {
                if (!literal && strcmp(r->argv[i], "--") == 0) {
                        literal = true;
                        i++;
                } else if (!literal && is_option(r->argv[i])) {
                        i += span_of(r, i);
                } else {
                        r->words[r->n_words++] = r->argv[i++];
                }
        }
}

static int no_such_option(const Command *command, const char *word, size_t size)
{
        char name[NEAREST_WORD_MAX + 1] = "";
        Nearest nearest = nearest_begin(name);

        memcpy(name, word, MIN(size, sizeof(name) - 1));
        if (find_anywhere(name, strlen(name)))
                return bad_usage("--%s does not belong to '%s'", name, command->name);
        for (const Option *o = options_of_all; o->name; o++)
                nearest_offer(&nearest, o->name);
        for (const Option *o = command ? command->options : NULL; o && o->name; o++)
                nearest_offer(&nearest, o->name);
        return nearest.found ? bad_usage("there is no option --%s, did you mean --%s?", name, nearest.found)
                             : bad_usage("there is no option --%s", name);
}

static int keep(Words *w, const Option *option, char *value)
{
        Given *more = reallocarray(w->given, w->n_given + 1, sizeof(*more));
        char *copy = more && value ? strdup(value) : NULL;

        if (more)
                w->given = more;
        if (!more || (value && !copy)) {
                (void)out_of_memory();
                return EXPLORER_FAILED;
        }
        w->given[w->n_given++] = (Given){option, copy};
        if (option->flags & OPTION_SECRET)
                memset(value, '*', strlen(value));
        return EXPLORER_OK;
}

/* *i: moves behind what was taken. */
static int take_option(Reader *r, int *i)
{
        char *word = r->argv[*i], *name, *value;
        const Option *o;
        size_t size;

        if (strcmp(word, "-h") == 0)
                name = (char *)"help";
        else if (word[1] == '-')
                name = word + 2;
        else
                return bad_usage("there is no option %s", word);
        size = strcspn(name, "=");
        o = find_option(options_of_all, name, size);
        if (!o && r->into->command)
                o = find_option(r->into->command->options, name, size);
        if (!o)
                return no_such_option(r->into->command, name, size);
        value = name[size] == '=' ? name + size + 1 : NULL;
        ++*i;
        if (!o->value && value)
                return bad_usage("--%s takes no value", o->name);
        if (o->value && !value) {
                if (*i >= r->argc)
                        return bad_usage("--%s needs a value", o->name);
                value = r->argv[(*i)++];
        }
        if (words_have(r->into, o->name) && !(o->flags & OPTION_MANY) && o->value)
                return bad_usage("--%s is given twice", o->name);
        return keep(r->into, o, value);
}

static int take_options(Reader *r)
{
        for (int i = 1; i < r->argc;) {
                int e;

                if (strcmp(r->argv[i], "--") == 0)
                        break;
                if (!is_option(r->argv[i])) {
                        i++;
                        continue;
                }
                e = take_option(r, &i);
                if (e != EXPLORER_OK)
                        return e;
        }
        return EXPLORER_OK;
}

static int take_operands(Words *w, const char *const words[], size_t n)
{
        const Command *c = w->command;

        if (n < c->n_least)
                return bad_usage("'%s' needs %s", c->name, c->operands);
        if (n > c->n_most)
                return *c->operands ? bad_usage("'%s' is one word too many: '%s' takes %s", words[c->n_most], c->name,
                                                c->operands)
                                    : bad_usage("'%s' is one word too many: '%s' takes none", words[c->n_most],
                                                c->name);
        for (size_t i = 0; i < n; i++)
                w->operands[i] = words[i];
        w->n_operands = n;
        return EXPLORER_OK;
}

static int read_line(Reader *r)
{
        size_t n = 0;
        int e;

        collect_words(r);
        if (r->n_words > 0) {
                r->into->command = command_find(r->words, r->n_words, &n);
                if (!r->into->command)
                        return EXPLORER_USAGE;
        }
        e = take_options(r);
        if (e != EXPLORER_OK || words_have(r->into, "help") || words_have(r->into, "version"))
                return e;
        if (!r->into->command)
                return bad_usage("which command?");
        return take_operands(r->into, r->words + n, r->n_words - n);
}

int words_read(int argc, char **argv, Words *ret)
{
        _cleanup_free_ const char **words = calloc((size_t)argc + 1, sizeof(*words));
        Reader r = {argc, argv, words, 0, ret};

        *ret = (Words){};
        return words ? read_line(&r) : out_of_memory();
}

void words_done(Words *w)
{
        for (size_t i = 0; i < w->n_given; i++)
                secret_free(w->given[i].value);
        free(w->given);
        *w = (Words){};
}

/* ---- asking ---- */

const char *words_operand(const Words *w, size_t i)
{
        return i < w->n_operands ? w->operands[i] : NULL;
}

static const Given *find_given(const Words *w, const char *option)
{
        for (size_t i = w->n_given; i > 0; i--)
                if (strcmp(w->given[i - 1].option->name, option) == 0)
                        return &w->given[i - 1];
        return NULL;
}

bool words_have(const Words *w, const char *option)
{
        return find_given(w, option);
}

bool words_have_besides(const Words *w, const char *option)
{
        for (const Option *o = w->command->options; o && o->name; o++)
                if (strcmp(o->name, option) != 0 && words_have(w, o->name))
                        return true;
        return false;
}

const char *words_value(const Words *w, const char *option)
{
        const Given *g = find_given(w, option);

        return g ? g->value : NULL;
}

const char *words_next(const Words *w, const char *option, size_t *at)
{
        while (*at < w->n_given) {
                const Given *g = &w->given[(*at)++];

                if (strcmp(g->option->name, option) == 0)
                        return g->value;
        }
        return NULL;
}

int words_time(const Words *w, const char *option, usec_t *value)
{
        const char *text = words_value(w, option);

        if (text && quantity_parse_time(text, value) < 0)
                return bad_usage("--%s takes a time such as 500ms, 10s or 5min, not '%s'", option, text);
        return EXPLORER_OK;
}

int words_number(const Words *w, const char *option, uint64_t least, uint64_t most, uint64_t *value)
{
        const char *text = words_value(w, option);
        unsigned long long v;
        char *end;

        if (!text)
                return EXPLORER_OK;
        errno = 0;
        v = strtoull(text, &end, 10);
        if (!isdigit((unsigned char)*text) || *end || errno || v < least || v > most) {
                if (most == UINT64_MAX)
                        return bad_usage("--%s takes a whole number from %" PRIu64 ", not '%s'", option, least, text);
                return bad_usage("--%s takes a whole number from %" PRIu64 " to %" PRIu64 ", not '%s'", option, least,
                                 most, text);
        }
        *value = v;
        return EXPLORER_OK;
}

int words_choice(const Words *w, const char *option, const char *const choices[], const char **value)
{
        const char *text = words_value(w, option);
        _cleanup_(buffer_done) Buffer all = BUFFER_NULL;

        if (!text)
                return EXPLORER_OK;
        for (size_t i = 0; choices[i]; i++) {
                if (strcmp(text, choices[i]) == 0) {
                        *value = choices[i];
                        return EXPLORER_OK;
                }
                buffer_printf(&all, "%s%s", i == 0 ? "" : choices[i + 1] ? ", " : " or ", choices[i]);
        }
        return bad_usage("--%s takes %s, not '%s'", option, all.data ?: "", text);
}
