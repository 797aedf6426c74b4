/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Said - what a function wrote to standard error or standard output
 */

#include <stdio.h>

void said_begin(FILE *stream);
const char *said_end(void); /* the text; lives until the next beginning */
