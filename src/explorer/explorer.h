/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Explorer - what every command is given
 *
 * hublink-explorer is the service side: it asks a hub what the hub's owner may ask. A command is a row of a table
 * (command.h) whose function gets this and the words of its command line (words.h), and returns the program's
 * exit code. What came from a hub goes out by output.h, where nothing reaches a terminal raw.
 */

#include "base/clock.h"
#include "base/screen.h"
#include "explorer/login.h"

typedef enum ExitCode {
        EXPLORER_OK = 0,
        EXPLORER_FAILED = 1,
        EXPLORER_USAGE = 2,
        EXPLORER_TIMEOUT = 4,
        EXPLORER_REFUSED = 5, /* by the hub: a right, an unknown id, a limit */
} ExitCode;

#define EXPLORER_TIMEOUT_DEFAULT USEC_PER_MIN

typedef struct Explorer {
        Login login;
        struct Https *https;  /* for https.h alone */
        bool json;            /* one document of JSON, or one a line for what goes on */
        bool quiet;           /* no remarks on what is only under way */
        usec_t timeout_usec;  /* --timeout: for the whole of one question, tries and waits included */
        Screen screen;
} Explorer;
