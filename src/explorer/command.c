/* SPDX-License-Identifier: Apache-2.0 */
#include "explorer/command.h"

#include <stdio.h>
#include <string.h>

#include "base/nearest.h"
#include "explorer/output.h"

#define NAME_MAX_SIZE 64

/* ---- finding ---- */

/* "enrollment create" of two words, or "get" of one; 0: neither. */
static size_t matches(const Command *c, const char *const words[], size_t n_words)
{
        const char *blank = strchr(c->name, ' ');
        size_t first = blank ? (size_t)(blank - c->name) : strlen(c->name);

        if (n_words < (blank ? 2u : 1u) || strncmp(c->name, words[0], first) != 0 || words[0][first] != 0)
                return 0;
        if (blank && strcmp(blank + 1, words[1]) != 0)
                return 0;
        return blank ? 2 : 1;
}

/* Of a group of two-worded commands: the second words there are. */
static bool offer_second(Nearest *n, const char *first, Buffer *all)
{
        size_t size = strlen(first);
        bool any = false;

        for (size_t i = 0; i < n_commands; i++) {
                const char *name = commands[i]->name;

                if (strncmp(name, first, size) != 0 || name[size] != ' ')
                        continue;
                buffer_printf(all, "%s%s", any ? ", " : "", name + size + 1);
                if (n)
                        nearest_offer(n, name + size + 1);
                any = true;
        }
        return any;
}

static void no_such_second(const char *const words[], size_t n_words)
{
        _cleanup_(buffer_done) Buffer all = BUFFER_NULL;
        Nearest nearest = nearest_begin(n_words > 1 ? words[1] : "");

        (void)offer_second(n_words > 1 ? &nearest : NULL, words[0], &all);
        if (n_words < 2)
                (void)bad_usage("%s what? There is: %s", words[0], all.data ?: "");
        else if (nearest.found)
                (void)bad_usage("'%s' has no command '%s', did you mean '%s'?", words[0], words[1], nearest.found);
        else
                (void)bad_usage("'%s' has no command '%s'; there is: %s", words[0], words[1], all.data ?: "");
}

static void no_such_first(const char *word)
{
        char found[NAME_MAX_SIZE] = "";
        Nearest nearest = nearest_begin(word);

        for (size_t i = 0; i < n_commands; i++) {
                char first[NAME_MAX_SIZE];

                (void)snprintf(first, sizeof(first), "%.*s", (int)strcspn(commands[i]->name, " "), commands[i]->name);
                nearest_offer(&nearest, first);
                if (nearest.found == first)
                        nearest.found = memcpy(found, first, sizeof(found));
        }
        if (nearest.found)
                (void)bad_usage("there is no command '%s', did you mean '%s'?", word, found);
        else
                (void)bad_usage("there is no command '%s'", word);
}

const Command *command_find(const char *const words[], size_t n_words, size_t *ret_n)
{
        _cleanup_(buffer_done) Buffer all = BUFFER_NULL;

        for (size_t i = 0; i < n_commands; i++) {
                *ret_n = matches(commands[i], words, n_words);
                if (*ret_n > 0)
                        return commands[i];
        }
        if (offer_second(NULL, words[0], &all))
                no_such_second(words, n_words);
        else
                no_such_first(words[0]);
        return NULL;
}

/* ---- help ---- */

static void print_options(const Option *options)
{
        for (const Option *o = options; o && o->name; o++) {
                char left[NAME_MAX_SIZE];
                const char *line = o->help;

                (void)snprintf(left, sizeof(left), "--%s%s%s", o->name, o->value ? " " : "", o->value ?: "");
                printf("  %-24s ", left);
                for (;;) {
                        size_t n = strcspn(line, "\n");

                        printf("%.*s\n", (int)n, line);
                        if (!line[n])
                                break;
                        line += n + 1;
                        printf("%27s", "");
                }
        }
}

static void print_help_of_all(void)
{
        puts("hublink-explorer - the service side of Azure IoT Hub, or of a hublink-devhub\n\n"
             "usage: hublink-explorer [OPTIONS] COMMAND ...; more of each: hublink-explorer COMMAND --help\n");
        for (size_t i = 0; i < n_commands; i++)
                printf("  %s%s%s\n      %s\n", commands[i]->name, *commands[i]->operands ? " " : "",
                       commands[i]->operands, commands[i]->summary);
        puts("\nDEVICE is an id, or DEVICE/MODULE. D is a time: 500ms, 10s, 5min, 1h.\n");
        print_options(options_of_all);
        puts("\nexit: 0; 1 failed; 2 usage; 4 time-out; 5 refused by the hub");
}

void command_print_help(const Command *command)
{
        if (!command) {
                print_help_of_all();
                return;
        }
        printf("usage: hublink-explorer %s%s%s%s\n\n%s\n", command->name, *command->operands ? " " : "",
               command->operands, command->options ? " [OPTIONS]" : "", command->summary);
        if (command->text)
                printf("\n%s\n", command->text);
        if (command->options) {
                puts("");
                print_options(command->options);
        }
        puts("\nevery command");
        print_options(options_of_all);
}
