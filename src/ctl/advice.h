/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Advice - what is wrong, since when, what to do, and when the next try comes, in words
 *
 * The first line of `status`. Whoever reads it stands before a gateway that does not send and wants to know
 * what to touch. Pure.
 */

#include "ctl/client.h"
#include "ctl/screen.h"

/* The line without its end; returns how bad it is. now: wall clock. */
Colour advice_put(Buffer *b, const GatewayStatus *status, usec_t now);
