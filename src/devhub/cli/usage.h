/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Usage - what the program says to a command line that it cannot follow, and how it ends
 */

#include "base/macro.h"

typedef enum ExitCode {
        EXIT_USAGE = 2,
        EXIT_TIMEOUT = 4, /* fewer than --count when the time was over */
} ExitCode;

/* Says so on stderr, with where help is. -EINVAL. */
int usage_complain(const char *fmt, ...) _printf_(1, 2);
