/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Twin, at the device's side - what devices and modules ask about their twins over MQTT, and what they are told
 *
 * A request is answered on the topic of answers, in the order in which requests come, once what it changed is
 * committed; a client that is not subscribed there gets no answer. A change of the desired section goes to whoever is
 * connected and subscribed at that moment, and to nobody later. All of it leaves at QoS 0.
 *
 * Knows:  the hub, the links.
 */

#include "devhub/device/desk.h"
#include "devhub/hub/hub.h"

typedef struct TwinDesk TwinDesk;

int twin_desk_new(TwinDesk **ret, const Hub *hub, const Links *links);
TwinDesk *twin_desk_free(TwinDesk *t); /* the links must not call it any more */
DEFINE_CLEANUP(TwinDesk *, twin_desk_free);

Desk twin_desk(TwinDesk *t);
HubTwins twin_desk_twins(TwinDesk *t);
