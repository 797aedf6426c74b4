/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Visible - text from elsewhere, as it may go to a terminal
 *
 * Control characters (those of ASCII, DEL, U+0080 to U+009F) and what turns the direction of writing come out as
 * \u001b, so that no sender can move a cursor, hide a line or rename a window; bytes that are not UTF-8 become
 * U+FFFD. Within a string of JSON that is the same text still.
 */

#include <string.h>

#include "base/buffer.h"

void visible_text(Buffer *b, const char *s, size_t size); /* of one line: line feeds and tabs are control characters */
void visible_lines(Buffer *b, const char *s, size_t size); /* line feeds and tabs stay */
static inline void visible_string(Buffer *b, const char *s)
{
        visible_text(b, s, strlen(s));
}
