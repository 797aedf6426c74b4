/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Relay - a TLS client joined to a plain descriptor
 *
 * For a library that speaks its protocol on sockets, but is not to have the TLS: certificates, those of clients and
 * the faults about them, are the same on every port then. Neither side is read faster than the other takes.
 *
 * Owns:   both sockets.
 */

#include "devhub/net/wire.h"

typedef struct Relay Relay;

/* Nothing more will come. Free it, but not within this call. */
typedef void (*RelayEnded)(void *userdata, Relay *relay);

/* Takes both descriptors, also on failure; inner_fd is non-blocking. */
int relay_new(Relay **ret, sd_event *event, TlsServer *server, int fd, const char *peer, int inner_fd, RelayEnded ended,
              void *userdata);
Relay *relay_free(Relay *relay);
DEFINE_CLEANUP(Relay *, relay_free);

const Certificate *relay_certificate(Relay *relay); /* that the client showed; or NULL */
Wire *relay_wire(Relay *relay); /* the client's side */
void relay_stall(Relay *relay); /* a fault: its handshake stays without an answer */
