/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Tool - another program that does one thing for us
 *
 * Found by its name, without a shell. It gets what it is to work on by its standard input alone: a command line and an
 * environment are seen by others.
 */

#include "base/buffer.h"

/* Appends what it said to output (NULL: not wanted); what it says of errors goes nowhere. Its exit status; negative
 * errno when it did not run to its end. input: NULL for none. */
int tool_run(const char *const *arguments, const Buffer *input, Buffer *output);
