/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Place - where something stands in a JSON text
 *
 * "devices[3].modules[0]" is what people are told; the line is where they look. Pure.
 */

#include <stddef.h>

/* The line, from 1, of what stands at that place, or as near to it as there is something. The text is JSON. */
unsigned place_line(const char *text, const char *place);

/* The line of a byte. */
unsigned place_line_of(const char *text, size_t offset);
