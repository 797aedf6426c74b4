/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Toll - the limits of the hub's tier as callers over HTTPS meet them
 *
 * Before the handler the router asks whether the call is let in; a handler that alone knows the size that counts asks
 * itself. What was done is billed with the reply, in the transaction that is committed before the reply leaves.
 */

#include "devhub/http/call-core.h"
#include "devhub/hub/tier.h"

/* False: not now, and that has been replied. */
bool http_admit(const Hub *hub, HttpCall *call, Operation operation, size_t size);

/* The call is about to be answered with that status: those whose size is that of the call or of its reply. Others are
 * billed by their handlers. */
void http_bill(const HttpCall *call, unsigned status);
