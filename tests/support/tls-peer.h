/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * TLS peer - the far end of a real socket, as good or as bad as the test wants
 *
 * Listens on 127.0.0.1 and runs a script on a thread of its own: plain blocking calls in the order in which
 * things shall happen. Every call gives up after ten seconds, so that no test hangs. Certificates are made for
 * each peer, of a CA of its own.
 */

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PEER_NAME "devhub.example.net" /* what a good certificate is for */

typedef enum PeerCertificate {
        PEER_CERTIFICATE_GOOD,
        PEER_CERTIFICATE_OTHER_CA, /* ca_file names a CA that did not sign it */
        PEER_CERTIFICATE_OTHER_NAME,
        PEER_CERTIFICATE_EXPIRED,
        PEER_CERTIFICATE_FUTURE,
        PEER_CERTIFICATE_ADDRESS, /* for 127.0.0.1, not for a name */
} PeerCertificate;

typedef struct Peer Peer;
typedef void (*PeerScript)(Peer *peer);

struct Peer {
        char directory[64], ca_file[96];
        uint16_t port;
        int listen_fd;
        int fd;              /* of the present connection */
        void *context, *ssl; /* OpenSSL's */
        char sni[256];       /* what the client asked for; "": nothing */
        PeerScript script;
        pthread_t thread;
        void *userdata;
        atomic_int accepted; /* connections */
        atomic_int n[5];     /* for the script to count in */
        atomic_bool go;      /* from the test to the script, see peer_await_go() */
};

void peer_start(Peer *p, PeerCertificate certificate, PeerScript script, void *userdata);
void peer_stop(Peer *p); /* waits for the end of the script */

/* ---- for scripts; false: the other side is gone, or too slow ---- */

bool peer_accept(Peer *p);
bool peer_handshake(Peer *p);
bool peer_answer(Peer *p); /* handshake, read CONNECT, answer CONNACK 0 */
bool peer_serve(Peer *p);  /* accept, then answer */
bool peer_write(Peer *p, const void *data, size_t size); /* one TLS record */
bool peer_write_plain(Peer *p, const void *data, size_t size);
/* A whole MQTT packet: its first byte, and its variable part, of which the first `room` bytes are kept. */
bool peer_read_packet(Peer *p, uint8_t *ret_head, uint8_t *body, size_t room, size_t *ret_size);
bool peer_read_publish(Peer *p, uint16_t *ret_mid); /* answers PINGREQ meanwhile */
bool peer_write_puback(Peer *p, uint16_t mid);
bool peer_await_end(Peer *p); /* reads until the client closes */
void peer_close(Peer *p);
void peer_reset(Peer *p); /* TCP RST */
bool peer_await_go(Peer *p);
