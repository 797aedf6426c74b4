/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Query expression - what stands behind WHERE, from its text
 *
 * Bounded in depth and size, since the text is anybody's. Pure.
 */

#include "devhub/hub/query-words.h"

/* *ret is the caller's, also on failure. */
int query_take_expression(QueryText *x, QueryNode **ret);
