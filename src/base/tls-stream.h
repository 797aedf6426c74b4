/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * TLS stream - bytes over TLS on one descriptor, without ever waiting
 *
 * Runs TLS over a connected, non-blocking descriptor, as a server or as a client: -EAGAIN says "again when
 * tls_stream_events() came true", which after a renegotiated key need not be the direction one asked for.
 *
 * Owns:   its descriptor, when it could be made.
 */

#include <sys/types.h>

#include "base/certificate.h"
#include "base/tls-client.h"

struct ssl_ctx_st;

typedef struct TlsStream TlsStream;

/* What a single read can give: read with at least this much room, and nothing stays behind in the stream where
 * poll does not see it. */
#define TLS_RECORD_MAX 16384

/* Takes the descriptor on success. The client outlives the stream, and knows why a certificate was refused. */
int tls_stream_new_client(TlsStream **ret, TlsClient *client, int fd);
int tls_stream_new_server(TlsStream **ret, struct ssl_ctx_st *context, int fd); /* by way of TlsServer */
TlsStream *tls_stream_free(TlsStream *stream); /* with a close-notify if there is room for it; closes the descriptor */
DEFINE_CLEANUP(TlsStream *, tls_stream_free);

int tls_stream_handshake(TlsStream *stream); /* 0: done; -EAGAIN; -EPROTO: no agreement; -ECONNRESET */

/* The number of bytes; 0: the peer closed. -EAGAIN, -EPROTO or another errno: the stream is dead. */
ssize_t tls_stream_read(TlsStream *stream, void *data, size_t size);
/* The number of bytes, at least one. After -EAGAIN the same bytes are offered again, or more that begin so. */
ssize_t tls_stream_write(TlsStream *stream, const void *data, size_t size);

/* The certificate that the peer showed, whoever signed it. -ENODATA: none. */
int tls_stream_peer(const TlsStream *stream, Certificate **ret);
int tls_stream_fd(const TlsStream *stream);
bool tls_stream_is_ready(const TlsStream *stream); /* the handshake is done */
uint32_t tls_stream_events(const TlsStream *stream); /* EPOLLIN or EPOLLOUT: what the last -EAGAIN waits for */
const char *tls_stream_version(const TlsStream *stream); /* "TLSv1.3"; static */
const char *tls_stream_error(const TlsStream *stream); /* why it died, in words; static or the stream's */
