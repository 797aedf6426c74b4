/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * HTTP upgrade - from a request to a WebSocket (RFC 6455 4.2)
 *
 * Who serves a sub-protocol says so; a request that offers it gets 101, and its connection is handed over, decrypted.
 */

#include "devhub/http/call.h"

/* The connection. It is given back by release(), called once. */
typedef struct HttpSocket {
        int fd; /* non-blocking */
        const char *peer;
        const void *first; /* what came behind the request already */
        size_t first_size;
        void (*release)(void *userdata);
        void *userdata;
} HttpSocket;

typedef struct HttpWebSocket {
        const char *path;
        const char *protocol; /* compared without regard to case */
        void (*open)(void *userdata, const HttpSocket *socket);
        void *userdata;
} HttpWebSocket;

/* Does it ask for a WebSocket? */
bool http_upgrade_is_wanted(const HttpCall *call);
/* Can it have one? Then the headers of the reply are in the call; else the refusal is. NULL: it cannot. */
const HttpWebSocket *http_upgrade_find(HttpCall *call, const HttpWebSocket *sockets, size_t n_sockets);
