/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * C2D - the mail of devices and modules, brought to them over MQTT
 *
 * A link that is subscribed gets what is in its mailbox, in order. At QoS 1 the PUBACK completes a message; without
 * one its lock ends, and it is sent again: as a duplicate on the same link. What a link held when it ended waits for
 * the next. At QoS 0 a message is complete once it is written.
 *
 * Callbacks only note what is to be done. It is done at the tick, when no link is on the stack, and committed there:
 * that is also the tick of mailbox and feedback.
 *
 * Owns:   what it knows of the links.
 * Knows:  the hub. The sink of its mailbox is taken.
 */

#include "base/ticker.h"
#include "devhub/device/desk.h"
#include "devhub/hub/hub.h"

typedef struct C2d C2d;

int c2d_new(C2d **ret, const Hub *hub); /* with mailbox and feedback in it */
C2d *c2d_free(C2d *c2d); /* the links must not call it any more */
DEFINE_CLEANUP(C2d *, c2d_free);

Desk c2d_desk(C2d *c2d);
Ticker c2d_ticker(C2d *c2d);
size_t c2d_n_parcels(const C2d *c2d); /* messages under way to links; of a link never more than a mailbox holds */
