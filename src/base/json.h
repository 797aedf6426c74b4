/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * JSON - written straight into a Buffer
 *
 * For bodies on the hot path and for output of programs. Reading JSON is json-c's work, save for the lines of
 * sensors (sensor/json-line.h). The caller writes the punctuation; these write the parts that can go wrong.
 */

#include "base/buffer.h"

/* A string in quotes, escaped. Bytes that are not UTF-8 become U+FFFD, so that the text is always valid. */
void json_string(Buffer *b, const char *s);
void json_string_n(Buffer *b, const char *s, size_t size);
/* The same without the quotes: to go on within a string. */
void json_text(Buffer *b, const char *s, size_t size);

/* The shortest decimal; null for infinity and NaN, which JSON has no word for. */
void json_number(Buffer *b, double x);

/* Whole numbers, without the cost of printf. */
void json_unsigned(Buffer *b, uint64_t v);
void json_integer(Buffer *b, int64_t v);
