/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Events over HTTPS - a device sends one with a POST, or several as a batch (protocol reference 3.2)
 *
 * The properties of one stand in headers. All are committed before the reply leaves, or none is; they are events like
 * any other.
 */

#include "devhub/http/router.h"

int http_events_add(HttpRouter *router, const Hub *hub);
