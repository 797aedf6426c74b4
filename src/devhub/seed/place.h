/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Place - where something stands in a JSON text
 *
 * "devices[3].modules[0]" is what people are told; the line is where they look. Pure.
 */

#include <stdbool.h>
#include <stddef.h>

/* The line, from 1, of what stands at that place, or as near to it as there is something. The text is JSON. */
unsigned place_line(const char *text, const char *place);

/* Is there an escape of half a character, as "\ud800" without "\udc00" behind it? The grammar allows it, but it stands
 * for no text, and json-c would put another character there. *ret_at: its byte. The text is JSON. */
bool place_of_half_character(const char *text, size_t size, size_t *ret_at);

/* The line of a byte. */
unsigned place_line_of(const char *text, size_t offset);
