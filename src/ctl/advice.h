/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Advice - what is wrong, since when, what to do, what is kept, and when the next try comes, in words
 *
 * The head of `status`. Whoever reads it stands before a gateway that does not do what it should, and wants to know
 * what to touch. Pure.
 */

#include "base/screen.h"
#include "ctl/client.h"

/* A line each, without its end, in the order of how much is at stake; nothing when all is well. */
void advice_put_disk(Buffer *b, const GatewayStatus *status);   /* COLOUR_BAD */
void advice_put_room(Buffer *b, const GatewayStatus *status);   /* COLOUR_BAD */
void advice_put_settings(Buffer *b, const GatewayStatus *status); /* COLOUR_BAD */
void advice_put_state(Buffer *b, const GatewayStatus *status);    /* COLOUR_BAD */
void advice_put_aside(Buffer *b, const GatewayStatus *status);    /* COLOUR_BAD */
void advice_put_alarms(Buffer *b, const GatewayStatus *status); /* COLOUR_BAD */
void advice_put_sensors(Buffer *b, const SensorList *sensors);  /* COLOUR_CARE */
void advice_put_inbox(Buffer *b, const GatewayStatus *status);  /* COLOUR_CARE */
void advice_put_losses(Buffer *b, const GatewayStatus *status); /* COLOUR_CARE */
void advice_put_twin(Buffer *b, const GatewayStatus *status);    /* COLOUR_CARE */
void advice_put_metrics(Buffer *b, const GatewayStatus *status); /* COLOUR_CARE */
/* There are no sensors, and nobody else has handed in anything. */
bool advice_reads_nothing(const GatewayStatus *status, const SensorList *sensors);
/* Always one. How bad it is; sensors: NULL: not asked for; now: wall clock */
Colour advice_put_link(Buffer *b, const GatewayStatus *status, const SensorList *sensors, usec_t now);
