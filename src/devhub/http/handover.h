/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * HTTP handover - connections that have become WebSockets
 *
 * libmicrohttpd stops reading them and gives their descriptor away; whoever has it says when it is done with it.
 *
 * Owns:   what libmicrohttpd wants to be told at the end.
 */

#include <microhttpd.h>

#include "devhub/http/upgrade.h"

typedef struct Handover Handover;

typedef struct Handovers {
        Handover *first;
        void (*wake)(void *userdata); /* libmicrohttpd has work, but not on this stack */
        void *userdata;
} Handovers;

/* Replies 101, and hands the connection over when that has left. The headers are in the call. *ret: until it is given
 * back, for handover_request_over(). */
enum MHD_Result handovers_begin(Handovers *handovers, struct MHD_Connection *connection, const HttpCall *call,
                                const HttpWebSocket *socket, Handover **ret);
/* The request is over: it may never have come to the 101. */
void handover_request_over(Handover *handover);
