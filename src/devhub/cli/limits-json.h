/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Limits as JSON - what the running server tells of them
 *
 *   {"tier": "S1", "units": 1, "day": "2026-11-21", "chunk": 4096, "quota": 400000, "billed": 7,
 *    "operations": {"d2c-send": {"per_minute": 6000, "billed": 7, "delayed": 0, "throttled": 0, "over_quota": 0}, ...}}
 *
 * Billed counts since midnight UTC, the others since the server began. Without a tier: {"tier": null}.
 */

#include <json-c/json.h>

#include "devhub/hub/limits.h"

void limits_to_json(Limits *limits, json_object *ret); /* limits NULL: there is no tier */
