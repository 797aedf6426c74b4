/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Registrations over HTTPS - what has become of the devices that were provisioned (protocol reference 7.6)
 */

#include "devhub/http/router.h"

int http_registrations_add(HttpRouter *router, const Hub *hub);
