/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Advice - what is wrong, since when, what to do, and when the next try comes, in words
 *
 * The head of `status`. Whoever reads it stands before a gateway that does not send and wants to know
 * what to touch. Pure.
 */

#include "base/screen.h"
#include "ctl/client.h"

/* A line each, without its end, in the order of how much is at stake; nothing when all is well. */
void advice_put_disk(Buffer *b, const GatewayStatus *status);   /* COLOUR_BAD */
void advice_put_room(Buffer *b, const GatewayStatus *status);   /* COLOUR_BAD */
void advice_put_losses(Buffer *b, const GatewayStatus *status); /* COLOUR_CARE */
/* Always one. How bad it is; now: wall clock */
Colour advice_put_link(Buffer *b, const GatewayStatus *status, usec_t now);
