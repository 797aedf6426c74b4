/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Tool - another program that does one thing for us
 *
 * Found by its name, without a shell. It gets what it is to work on by its standard input alone: a command line and an
 * environment are seen by others.
 */

#include <signal.h>

#include "base/buffer.h"

#define TOOL_MOST_USEC USEC_PER_MIN /* a TPM takes seconds; what takes longer hangs */

/* Appends what it said to output (NULL: not wanted); what it says of errors goes nowhere. Its exit status; negative
 * errno when it did not run to its end: -EINTR: one of the signals has come that are held back and are to end it (NULL:
 * there are none); -ETIMEDOUT. It is killed then. input: NULL for none. */
int tool_run(const char *const *arguments, const sigset_t *ends, const Buffer *input, Buffer *output);
