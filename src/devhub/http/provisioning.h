/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Provisioning over HTTPS - the device side, for devices that do not speak MQTT (protocol reference 7.2)
 */

#include "devhub/http/router.h"

int http_provisioning_add(HttpRouter *router, const Hub *hub);
