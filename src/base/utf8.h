/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * UTF-8 - is this text, and where does its next character end
 */

#include <stdbool.h>
#include <stddef.h>

/* The length of the well-formed character at s (1 to 4 bytes), 0 if the bytes there are not one. */
size_t utf8_character(const char *s, size_t size);
bool utf8_is_valid(const char *s, size_t size);
