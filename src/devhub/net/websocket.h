/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * WebSocket - a conversation inside the frames of RFC 6455, as a conversation
 *
 * Begins behind the HTTP upgrade. Binary messages carry the inner conversation's bytes, wherever they are cut; pings
 * are answered; when the inner one is over a close frame goes out behind its last words. Pure: the frames are
 * libwslay's.
 *
 * Owns:   its buffers; not the inner conversation.
 */

#include "devhub/net/wire.h"

typedef struct WebSocket WebSocket;

int websocket_new(WebSocket **ret, const Conversation *inner);
WebSocket *websocket_free(WebSocket *websocket);
DEFINE_CLEANUP(WebSocket *, websocket_free);

Conversation websocket_conversation(WebSocket *websocket);
