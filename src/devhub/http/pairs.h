/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * HTTP pairs - names with their values, in the order in which they came: headers, queries, parts of a path
 *
 * Owns:   copies of both.
 */

#include "base/macro.h"

typedef struct HttpPair {
        char *name;
        char *value;
} HttpPair;

typedef struct HttpPairs {
        HttpPair *items;
        size_t n, n_allocated;
} HttpPairs;

int http_pairs_add(HttpPairs *pairs, const char *name, const char *value); /* -ENOMEM */
const char *http_pairs_find(const HttpPairs *pairs, const char *name); /* the first; without regard to case; or NULL */
void http_pairs_done(HttpPairs *pairs);
