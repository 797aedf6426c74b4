/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Percent - the encoding of names and values in topics, usernames and tokens
 *
 * Everything but A-Z a-z 0-9 - _ . ~ becomes %XX, upper case: what every party of IoT Hub decodes alike. A `+`
 * is a plus, never a blank. Pure.
 */

#include "base/buffer.h"

void percent_encode(Buffer *b, const char *s);

/* Appends the decoded bytes. A `%` that is not followed by two hex digits is kept as it stands: one SDK sends
 * values unencoded. */
void percent_decode(Buffer *b, const char *s, size_t size);
