/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Dump - the document that seeds another hub like this one
 *
 * In the order of ids, so that two hubs that are alike have one dump. What a hub makes by itself (etags, versions,
 * times, reported properties, registrations) is not in it; nor are keys, unless they are asked for: a hub that is
 * seeded without makes new ones.
 */

#include <json-c/json.h>

#include "devhub/hub/store.h"

int dump_make(Store *store, bool with_secrets, json_object **ret);
