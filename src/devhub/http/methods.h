/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Direct methods over HTTPS (protocol reference 4)
 *
 * The caller waits, for the device to come and then for its answer; when it goes meanwhile, so does the call.
 */

#include "devhub/http/router.h"

int http_methods_add(HttpRouter *router, const Hub *hub);
