/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Orders - where the hub's orders go: each kind to the part that obeys it, and its answers back to the hub
 *
 * Cloud messages go into the inbox, which tells the hub of each whether it is stored; calls go to the methods, which
 * find who answers; the twin keeps itself.
 *
 * Knows:  the places where the parts stand. A part may come later than this, and go before it.
 */

#include "flow/inbox.h"
#include "flow/methods.h"
#include "flow/twin.h"
#include "hub/hub.h"

typedef struct Orders {
        Hub *const *hub;
        Inbox *const *inbox;
        Methods *const *methods;
        Twin *const *twin; /* of these three one that is not there is NULL, or has no place */
} Orders;

OrderSink orders_sink(Orders *o);
void orders_lost(Orders *o); /* as HubSink.lost() */
InboxPort orders_inbox_port(Orders *o);
