/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Bag - the properties at the end of a topic: k=v&k=v
 *
 * Names and values are percent-encoded UTF-8. A name without `=` has the value NULL; `name=` is empty. Pure.
 */

#include "base/buffer.h"

/* Appends `&` when the bag (which began at byte `start` of b) is not empty, then name=value encoded. */
void bag_append(Buffer *b, size_t start, const char *name, const char *value);

typedef struct BagEntry {
        char *name;
        char *value; /* NULL: the name stood alone */
} BagEntry;

typedef struct Bag {
        BagEntry *entries;
        size_t n_entries;
} Bag;

/* One leading `?` is stripped. -EBADMSG: a value without a name, or bytes that are no text after decoding (not
 * UTF-8, or NUL); -E2BIG: more than 512 entries. */
int bag_parse(const char *text, size_t size, Bag *ret);
void bag_done(Bag *bag);
const BagEntry *bag_find(const Bag *bag, const char *name); /* the first of that name */
