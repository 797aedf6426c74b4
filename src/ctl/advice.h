/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Advice - what is wrong, since when, what to do, and when the next try comes, in words
 *
 * The head of `status`. Whoever reads it stands before a gateway that does not send and wants to know
 * what to touch. Pure.
 */

#include "ctl/client.h"
#include "ctl/screen.h"

/* A line each, without its end. */
void advice_put_disk(Buffer *b, const GatewayStatus *status); /* nothing when all is well */
Colour advice_put_link(Buffer *b, const GatewayStatus *status, usec_t now); /* how bad it is; now: wall clock */
