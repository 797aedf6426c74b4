/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Events over HTTPS - a device sends one with a POST (protocol reference 3.2)
 *
 * Its properties stand in headers. It is committed before the reply leaves, and is an event like any other.
 */

#include "devhub/http/router.h"

int http_events_add(HttpRouter *router, const Hub *hub);
