/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Arguments - the command line of hublinkd
 */

#include "base/macro.h"

typedef enum Verb {
        VERB_RUN,
        VERB_CHECK,
        VERB_PRINT_CONFIG,
        VERB_VERSION,
        VERB_HELP,
} Verb;

typedef struct Arguments {
        Verb verb;
        const char *config;    /* borrowed, as the others */
        const char *state_dir; /* without a slash at its end */
        const char *bus;       /* "system", "session" or an address */
} Arguments;

/* What the programs of this house end with. */
enum {
        EXIT_RUNTIME = 1,
        EXIT_USAGE = 2,
        EXIT_CONFIG = 78, /* as sysexits.h */
};

/* false: they cannot be understood, and stderr says why. Changes argv. */
bool arguments_parse(int argc, char *argv[], Arguments *ret);
void arguments_help(void);
