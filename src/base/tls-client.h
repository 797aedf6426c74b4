/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * TLS client - whom we trust, and what was wrong with whom we do not
 *
 * Makes the context for one connection: TLS 1.2 or later, the system's CA store or one file instead of it, and
 * the name that the certificate must be for. Verification cannot be switched off. The name is also what SNI
 * says, whatever name or number the connection's maker passes to its TLS object: an address may differ from the
 * name that is to be proved. When the peer is refused, the fault is kept in words, since by then the TLS object
 * is often gone.
 *
 * One for each connection, used by one thread at a time; reads its CA files anew, so that a changed store is
 * noticed. Outlives every TLS object made from it.
 *
 * OpenSSL's types stay opaque here: its header has few homes.
 */

#include "base/macro.h"

struct ssl_st;
struct ssl_ctx_st;

typedef struct TlsClient TlsClient;

typedef enum TlsFault {
        TLS_FAULT_NONE,      /* no certificate was refused */
        TLS_FAULT_UNTRUSTED, /* the chain does not end at a CA that we trust, or is malformed or weak */
        TLS_FAULT_HOSTNAME,  /* the certificate is for another name */
        TLS_FAULT_EXPIRED,   /* expired or not yet valid, by this machine's clock */
} TlsFault;

#define TLS_CLIENT_WORDS_MAX 512

/* name: a host name or an IP address. ca_file: NULL for the system's store. -EBADMSG: the file cannot be used;
 * ret_words says why. -ENOMEM. */
int tls_client_new(TlsClient **ret, const char *name, const char *ca_file, char ret_words[static TLS_CLIENT_WORDS_MAX]);
/* With a ca_file: what the system trusts is trusted beside it. -ENOMEM. */
int tls_client_trust_system_too(TlsClient *c);
TlsClient *tls_client_free(TlsClient *c);
DEFINE_CLEANUP(TlsClient *, tls_client_free);

/* Called with the descriptor just before the first byte of a handshake: the place to wait for TCP, if the caller's
 * library begins the handshake before TCP stands. */
void tls_client_before_handshake(TlsClient *c, void (*hook)(void *userdata, int fd), void *userdata);

struct ssl_ctx_st *tls_client_context(TlsClient *c); /* borrowed */

/* Why a certificate was refused, and in words. */
TlsFault tls_client_fault(const TlsClient *c, const char **ret_words);

/* ---- questions to a TLS object that another library owns ---- */

bool tls_client_is_secured(const struct ssl_st *ssl); /* the handshake is over */
bool tls_client_wants_write(const struct ssl_st *ssl);
/* Bytes decrypted and not yet read: no poll() tells of them. */
size_t tls_client_pending(const struct ssl_st *ssl);
/* All of it or nothing: 0, or -EAGAIN (the connection cannot be used any more), -EPIPE. */
int tls_client_write(struct ssl_st *ssl, const void *data, size_t size);
