/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Policies - the shared access policies of the hub, in the store; found by registry_find_policy()
 */

#include "devhub/hub/store.h"

/* Makes those of a new hub, within a transaction of the caller's. */
int policies_prepare(Store *store);
