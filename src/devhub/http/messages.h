/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Messages over HTTPS - mail for a device that comes and asks for it (protocol reference 3.2)
 *
 * A device takes its next message, and completes, rejects or abandons it: the last two cannot be done over MQTT. A
 * service purges a mailbox.
 */

#include "devhub/http/router.h"

int http_messages_add(HttpRouter *router, const Hub *hub);
