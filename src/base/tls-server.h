/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * TLS server - a certificate to show, and the streams of those who come
 *
 * TLS 1.2 and 1.3; 1.2 must stay, one official SDK pins it.
 *
 * Owns:   its certificate and key.
 */

#include "base/tls-stream.h"

/* Clients are asked for a certificate, and may have none, or any: who serves them judges it (tls_stream_peer()). */
typedef struct TlsServer TlsServer;

/* The files are PEM. -EBADMSG when they are not, or do not belong together; ret_error says so. */
int tls_server_new(TlsServer **ret, const char *certificate_file, const char *key_file, const char **ret_error);
TlsServer *tls_server_free(TlsServer *server);
DEFINE_CLEANUP(TlsServer *, tls_server_free);

/* A stream for one who came; takes the descriptor on success. */
int tls_stream_new(TlsStream **ret, TlsServer *server, int fd);
