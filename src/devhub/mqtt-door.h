/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * MQTT door - where MQTT clients come in: at the listener, or handed over by HTTPS as a WebSocket
 *
 * Makes links of them, and turns away those for whom there is no room.
 *
 * Owns:   the listener.
 * Knows:  the links, which are freed elsewhere; the faults that strike newcomers. Both outlive it.
 */

#include "devhub/device/strikes.h"
#include "devhub/net/listener.h"

typedef struct MqttDoor {
        sd_event *event; /* borrowed */
        Links *links;
        Strikes *strikes;
        LinkSink sink; /* of every link */
        Listener *listener;
} MqttDoor;

/* The other fields are set. address: numeric. port 0: a free one. *ret_error (static) says what could not be done. */
int mqtt_door_open(MqttDoor *door, const char *address, uint16_t port, const char **ret_error);
void mqtt_door_close(MqttDoor *door); /* nobody comes in any more; links stay */

/* Takes what is handed over, also when it is turned away. */
void mqtt_door_take_websocket(MqttDoor *door, const WireHandover *handover);

uint16_t mqtt_door_port(const MqttDoor *door);
