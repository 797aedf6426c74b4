/* SPDX-License-Identifier: Apache-2.0 */
#include "base/tls-server.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

struct TlsServer {
        SSL_CTX *context;
};

/* All that is wrong with a client's certificate is for its judge to find. */
static int believe(int ok, X509_STORE_CTX *context)
{
        return 1;
}

TlsServer *tls_server_free(TlsServer *server)
{
        if (!server)
                return NULL;
        SSL_CTX_free(server->context);
        free(server);
        return NULL;
}

int tls_server_new(TlsServer **ret, const char *certificate_file, const char *key_file, const char **ret_error)
{
        _cleanup_(tls_server_freep) TlsServer *server = calloc(1, sizeof(*server));

        if (!server)
                return -ENOMEM;
        ERR_clear_error();
        server->context = SSL_CTX_new(TLS_server_method());
        if (!server->context || !SSL_CTX_set_min_proto_version(server->context, TLS1_2_VERSION))
                return -ENOMEM;

        SSL_CTX_set_verify(server->context, SSL_VERIFY_PEER, believe);
        SSL_CTX_set_options(server->context, SSL_OP_CIPHER_SERVER_PREFERENCE);
        /* Links live for hours: nothing is gained by resuming, and tickets cost two flights. */
        SSL_CTX_set_session_cache_mode(server->context, SSL_SESS_CACHE_OFF);
        SSL_CTX_set_num_tickets(server->context, 0);

        if (SSL_CTX_use_certificate_chain_file(server->context, certificate_file) != 1) {
                *ret_error = "it is no certificate in PEM";
                return -EBADMSG;
        }
        if (SSL_CTX_use_PrivateKey_file(server->context, key_file, SSL_FILETYPE_PEM) != 1 ||
            SSL_CTX_check_private_key(server->context) != 1) {
                *ret_error = "its key is missing, or is that of another certificate";
                return -EBADMSG;
        }
        *ret = TAKE_PTR(server);
        return 0;
}

int tls_stream_new(TlsStream **ret, TlsServer *server, int fd)
{
        return tls_stream_new_server(ret, server->context, fd);
}
