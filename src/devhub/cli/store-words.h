/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Store words - why the hub's database cannot be used, and the way out where there is one
 */

#include "devhub/hub/state-dir.h"
#include "devhub/hub/store.h"

/* error: negative errno. */
void store_words_put(Buffer *b, const StateDir *dir, const Store *store, int error);
/* The same on standard error; EXIT_FAILURE. */
int store_words_complain(const StateDir *dir, const Store *store, int error);
