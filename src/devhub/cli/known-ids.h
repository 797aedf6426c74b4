/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Known ids - is there an identity of this name, and if not, which one was probably meant?
 */

#include "devhub/hub/store.h"

/* id: "DEVICE" or "DEVICE/MODULE". 1: there is one; 0: there is none, and *ret_nearest is what was probably meant
 * (NULL: none is near), to be freed. Negative: the store cannot be read. */
int known_ids_find(Store *store, const char *id, char **ret_nearest);

/* Says on stderr that there is none, which is no failure: it may come yet. */
void known_ids_warn(Store *store, const char *id);
