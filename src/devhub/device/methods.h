/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Methods, at the device's side - direct methods brought to devices and modules over MQTT
 *
 * A device listens when its link is open and subscribed to methods. Requests leave at QoS 0; an answer to none that
 * is under way is dropped.
 *
 * Owns:   the methods under way.
 * Knows:  the hub, the links.
 */

#include "base/ticker.h"
#include "devhub/device/desk.h"
#include "devhub/hub/hub.h"

typedef struct MethodDesk MethodDesk;

int method_desk_new(MethodDesk **ret, const Hub *hub, const Links *links);
MethodDesk *method_desk_free(MethodDesk *d); /* the links must not call it any more */
DEFINE_CLEANUP(MethodDesk *, method_desk_free);

Desk method_desk(MethodDesk *d);
Ticker method_desk_ticker(MethodDesk *d);
Methods *method_desk_methods(MethodDesk *d);
