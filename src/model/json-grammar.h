/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * JSON grammar - is a text JSON, to the letter of RFC 8259?
 *
 * json-c takes more: `1.`, single quotes, control characters within texts, and what follows a NUL. Some of that it
 * would write again as it came, for others to stumble over. Pure.
 */

#include <stdbool.h>
#include <stddef.h>

#define JSON_DEPTH_MAX 64

/* NULL, or what is wrong with it (static). A name with a NUL is refused too: json-c would cut it there. */
const char *json_grammar_fault(const char *text, size_t size);
/* The same, and about where: a byte of the text. */
const char *json_grammar_fault_at(const char *text, size_t size, size_t *ret_at);

/* Is that one value of at most so many, those within it and null counted too? What is no JSON is, as far as it goes. In
 * memory a value takes many times the room of its text: this asks before it is taken there. */
bool json_grammar_is_within(const char *text, size_t size, size_t values_max);

/* A member of an object, as it stands in the text. */
typedef struct JsonMember {
        const char *name; /* with its quotes, and escaped as it is */
        size_t name_size;
        const char *value;
        size_t size;
        size_t n_values; /* it, and those within it */
} JsonMember;

/* One after another, without memory for them. *at: the beginning of the object, and then where the walk is. False:
 * there is no other, or it is no object. */
bool json_grammar_next(const char **at, const char *end, JsonMember *ret);
