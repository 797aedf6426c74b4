/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Twins over HTTPS - read, merged and replaced by the service side (protocol reference 8.4)
 */

#include "devhub/http/router.h"

int http_twins_add(HttpRouter *router, const Hub *hub);
