/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Registry over HTTPS - identities for the service side (protocol reference 8.3)
 */

#include "devhub/http/router.h"

int http_registry_add(HttpRouter *router, const Hub *hub);
