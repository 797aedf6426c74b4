/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Enrollments over HTTPS - the service side of provisioning (protocol reference 7.6)
 *
 * Errors have the provisioning service's own form, unlike the hub's: {"errorCode","trackingId","message",
 * "timestampUtc"}.
 */

#include "devhub/http/router.h"

int http_enrollments_add(HttpRouter *router, const Hub *hub);
