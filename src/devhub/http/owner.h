/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Owner - the device or module that a call is about, by the parts {d} and {m} of its path
 */

#include "devhub/http/call.h"
#include "devhub/hub/hub.h"
#include "devhub/hub/identity.h"

/* False: there is no such identity, or it cannot be read, and that has been replied. */
bool http_find_owner(const Hub *hub, HttpCall *call, Identity *ret);
void http_reply_no_owner(const Hub *hub, HttpCall *call);
