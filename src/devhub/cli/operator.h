/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Operator - what commands ask of the running server, as JSON
 *
 *   {"verb":"fault-set","fault":"cut","device":"d1","for_usec":N,"count":N,"code":N,"delay_usec":N,
 *    "offset_usec":N,"match":"text","hub":"name"}
 *   {"verb":"fault-list"}                     -> {"faults":[{"fault","device","strikes","count","for_usec",...}]}
 *   {"verb":"fault-clear","fault":"cut"}      without "fault": all
 *   {"verb":"clock","by_usec":N}              -> {"wall_usec":N}
 *   {"verb":"forget","device":"d1","module":"m1"}
 *
 * Absent members mean: every device, without end, without limit. In a list count and for_usec are what is left.
 */

#include <json-c/json.h>

#include "devhub/server.h"

/* A ControlHandler; userdata is the Server. */
json_object *operator_answer(void *userdata, json_object *request);
