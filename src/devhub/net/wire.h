/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Wire - a client's socket, with TLS or without, and the conversation on it
 *
 * Moves bytes between the two and keeps the conversation's deadline. The conversation is pure: bytes in, bytes out.
 * It begins when the handshake is done; what stands in its output when it is over is still sent, for two seconds at
 * most. A client that does not read is not read either.
 *
 * Owns:   the socket, the stream, its event sources.
 */

#include <systemd/sd-event.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/tls-server.h"

typedef struct Wire Wire;

typedef struct Conversation {
        int (*begin)(void *userdata, usec_t now); /* once; nothing else is called before */
        void (*feed)(void *userdata, const void *data, size_t size, usec_t now);
        void (*tick)(void *userdata, usec_t now); /* at its deadline, or any time */
        usec_t (*deadline)(void *userdata);       /* boot clock */
        Buffer *(*output)(void *userdata);        /* sent from its front, and consumed */
        bool (*is_over)(void *userdata);
        void (*broke)(void *userdata, const char *reason); /* the socket is gone; static text */
        /* Nothing more will come. Free the wire, but not within this call: it is still on the stack. begin() may never
         * have been called. */
        void (*ended)(void *userdata);
        void *userdata;
        /* May be NULL: */
        bool (*is_full)(void *userdata); /* it is not fed; wire_settle() when that has changed */
        void (*sent)(void *userdata);    /* some of its output has left */
} Conversation;

/* Takes the descriptor, also on failure. server NULL: without TLS. peer: for the log. */
int wire_new(Wire **ret, sd_event *event, TlsServer *server, int fd, const char *peer,
             const Conversation *conversation);
Wire *wire_free(Wire *wire);
DEFINE_CLEANUP(Wire *, wire_free);

/* A connection that began elsewhere: its bytes come and go as they are. */
typedef struct WireHandover {
        int fd; /* non-blocking */
        const char *peer;
        const void *first; /* what was read from it already */
        size_t first_size;
        const Certificate *certificate; /* that the client showed; or NULL. Copied */
        void (*release)(void *userdata); /* instead of closing the descriptor; called once, also on failure */
        void *userdata;
} WireHandover;

/* To be told when the conversation begins, before its first bytes: who is told may end the wire, or silence it. */
void wire_on_begin(Wire *wire, void (*begun)(void *userdata, Wire *wire), void *userdata);

/* What was read already is fed by wire_feed(), when the caller is ready for it. */
int wire_new_handover(Wire **ret, sd_event *event, const WireHandover *handover, const Conversation *conversation);

/* verbs */
void wire_feed(Wire *wire, const void *data, size_t size); /* what was read from the socket before the wire had it */
void wire_settle(Wire *wire); /* after whatever may have changed the conversation from outside: sends, waits anew */
void wire_end(Wire *wire);    /* at once, whatever is still to be sent */
void wire_reset(Wire *wire);  /* likewise, with a TCP reset */
void wire_silence(Wire *wire); /* from here on it is heard and never answered, and ends when the client ends it */
void wire_stall(Wire *wire);  /* before it has begun: nothing is read until its time for the handshake is over */

/* questions */
const Certificate *wire_certificate(Wire *wire); /* that the client showed; NULL: none, or no TLS of ours */
const char *wire_peer(const Wire *wire);
bool wire_has_begun(const Wire *wire);
bool wire_has_ended(const Wire *wire);
