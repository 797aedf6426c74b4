/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Query over HTTPS - twins that meet a condition, page by page (protocol reference 8.5)
 */

#include "devhub/http/router.h"

int http_query_add(HttpRouter *router, const Hub *hub);
