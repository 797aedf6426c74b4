/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Property - what a message carries beside its body: a name and a value
 *
 * A list of them is an array and its length, in the message that owns it. In records texts stand with the NUL that
 * ends them.
 */

#include "base/buffer.h"

typedef struct Property {
        char *name;
        char *value;
} Property;

void properties_free(Property *list, size_t n);
/* Copies both. -ENOMEM. */
int properties_add(Property **list, size_t *n, const char *name, const char *value);
size_t properties_size(const Property *list, size_t n); /* bytes of all names and values */
void properties_encode(const Property *list, size_t n, Buffer *b);

/* A text of a record: put, and taken from *p on. NULL: none ends before end. */
void record_text_put(Buffer *b, const char *text);
const char *record_text_take(const char **p, const char *end);
