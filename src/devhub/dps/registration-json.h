/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Registration JSON - registrations as devices and the service's REST API are told of them. Pure.
 */

#include <json-c/json.h>

#include "devhub/dps/registration.h"

/* NULL: no memory. */
json_object *registration_to_json(const Registration *registration);
/* What a device is told: operationId, status, and the registration unless it is still being assigned. */
json_object *registration_operation_to_json(const Registration *registration);
