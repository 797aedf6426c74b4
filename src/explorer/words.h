/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Words - a command line, read by its command's tables
 *
 * Options stand anywhere, as "--name value" or "--name=value"; "--" ends them. Every mistake is told on standard
 * error, with the word that was probably meant.
 *
 * Owns: copies of the values; those of secret options are wiped from argv when read, and from memory when done.
 */

#include "explorer/command.h"

#define WORDS_OPERANDS_MAX 8

typedef struct Given {
        const Option *option;
        char *value; /* NULL: it takes none */
} Given;

typedef struct Words {
        const Command *command; /* NULL: none was named, with --help or --version */
        const char *operands[WORDS_OPERANDS_MAX];
        size_t n_operands;
        Given *given;
        size_t n_given;
} Words;

int words_read(int argc, char **argv, Words *ret); /* EXPLORER_OK or EXPLORER_USAGE */
void words_done(Words *w);

const char *words_operand(const Words *w, size_t i);              /* NULL: not given */
bool words_have(const Words *w, const char *option);
bool words_have_besides(const Words *w, const char *option); /* another one of the command's own */
const char *words_value(const Words *w, const char *option);      /* the last one; NULL: not given */
/* Begin with *at == 0; NULL after the last. */
const char *words_next(const Words *w, const char *option, size_t *at);

/* Leave *value as it is when the option was not given. EXPLORER_OK or, having complained, EXPLORER_USAGE. */
int words_time(const Words *w, const char *option, usec_t *value);
int words_number(const Words *w, const char *option, uint64_t least, uint64_t most, uint64_t *value);
int words_choice(const Words *w, const char *option, const char *const choices[], const char **value); /* NULL ends */
