/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Provisioning desk - the guests on MQTT: who they are, what they ask, what they are told
 *
 * A guest is known by its user name. Its CONNECT is accepted whatever its token is, with no session of its own, and
 * the refusal comes on the response topic (protocol reference 7.1): clients rely on both.
 *
 * Owns:   the guests.
 * Knows:  the hub, which outlives it.
 */

#include "devhub/device/desk.h"
#include "devhub/hub/hub.h"

typedef struct DpsDesk DpsDesk;

int dps_desk_new(DpsDesk **ret, const Hub *hub);
DpsDesk *dps_desk_free(DpsDesk *desk);
DEFINE_CLEANUP(DpsDesk *, dps_desk_free);

Desk dps_desk_seat(DpsDesk *desk); /* for server_add_desk() */
