/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * UTF-8 - is this text, where does its next character end, and which is it
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The length of the well-formed character at s (1 to 4 bytes), 0 if the bytes there are not one. */
size_t utf8_character(const char *s, size_t size);
bool utf8_is_valid(const char *s, size_t size);

/* The number of the well-formed character of that length at s. */
uint32_t utf8_code_point(const char *s, size_t length);
/* One of the 66 that are no characters and never will be, U+FFFF and the like: well-formed, and valid in JSON and MQTT,
 * but not for everybody. */
bool utf8_is_noncharacter(uint32_t code_point);
