/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Routes - every noun's table, in one list for the door and for the fuzzer
 */

#include "devhub/http/router.h"

int http_routes_add(HttpRouter *router, const Hub *hub);
