/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Command - a row of what the explorer can do
 *
 * Its options are a table too: parsing (words.h), --help and the nearest match to a mistyped word come from it.
 */

#include "explorer/explorer.h"

struct Words;

typedef enum OptionFlags {
        OPTION_MANY = 1 << 0,   /* may be given several times: see words_next() */
        OPTION_SECRET = 1 << 1, /* its value is wiped from the command line that other users can read */
} OptionFlags;

typedef struct Option {
        const char *name;  /* without the dashes */
        const char *value; /* what --help calls it; NULL: the option takes none */
        const char *help;
        unsigned flags;
} Option;

typedef struct Command {
        const char *name;        /* one word, or two: "enrollment create" */
        const char *operands;    /* "DEVICE [PAYLOAD]", or "" */
        unsigned n_least, n_most; /* how many operands */
        const char *summary;     /* one line of --help */
        const char *text;        /* more, for its own --help; or NULL */
        const Option *options;   /* the last row has no name; or NULL */
        int (*run)(const Explorer *e, const struct Words *words);
} Command;

/* All of them, in the order of --help. main.c has the table. */
extern const Command *const commands[];
extern const size_t n_commands;
extern const Option options_of_all[]; /* that every command takes */

/* Looks words up: as many as make a name. Complains and gives NULL when there is no such command. *ret_n is how
 * many words it took. */
const Command *command_find(const char *const words[], size_t n_words, size_t *ret_n);

void command_print_help(const Command *command); /* NULL: of the whole program */
