/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Initial twin - tags and desired properties that a device begins with
 *
 * {"tags":{},"properties":{"desired":{}}}, as an enrollment has it; kept there as its text.
 */

#include <json-c/json.h>

#include "base/clock.h"
#include "devhub/hub/store.h"

/* NULL: it keeps the rules of twins; else what is wrong with it (static). */
const char *initial_twin_check(json_object *twin);

/* In place of the tags and desired properties that there are. text NULL: empty ones. */
int initial_twin_write(Store *store, const char *device_id, const char *text, usec_t wall_now);
