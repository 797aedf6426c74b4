/* SPDX-License-Identifier: Apache-2.0 */
#include "base/tls-stream.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <string.h>
#include <sys/epoll.h>

struct TlsStream {
        SSL *ssl;
        int fd;
        uint32_t events;
        bool dead; /* after a fatal error not even a close-notify may be tried */
        const char *error;
};

static int stream_new(TlsStream **ret, SSL_CTX *context, int fd)
{
        TlsStream *stream = calloc(1, sizeof(*stream));

        if (!stream)
                return -ENOMEM;
        stream->ssl = SSL_new(context);
        if (!stream->ssl || SSL_set_fd(stream->ssl, fd) != 1) {
                SSL_free(stream->ssl);
                free(stream);
                return -ENOMEM;
        }
        /* Bytes are offered from a buffer that may have moved and grown since. */
        SSL_set_mode(stream->ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                          SSL_MODE_RELEASE_BUFFERS);
        SSL_set_options(stream->ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
        stream->fd = fd;
        *ret = stream;
        return 0;
}

int tls_stream_new_server(TlsStream **ret, SSL_CTX *context, int fd)
{
        int r = stream_new(ret, context, fd);

        if (r < 0)
                return r;
        SSL_set_accept_state((*ret)->ssl);
        (*ret)->events = EPOLLIN;
        return 0;
}

int tls_stream_new_client(TlsStream **ret, TlsClient *client, int fd)
{
        int r = stream_new(ret, tls_client_context(client), fd);

        if (r < 0)
                return r;
        SSL_set_connect_state((*ret)->ssl);
        (*ret)->events = EPOLLOUT;
        return 0;
}

TlsStream *tls_stream_free(TlsStream *stream)
{
        if (!stream)
                return NULL;
        if (!stream->dead && SSL_is_init_finished(stream->ssl)) {
                ERR_clear_error();
                (void)SSL_shutdown(stream->ssl);
        }
        SSL_free(stream->ssl);
        safe_close(stream->fd);
        free(stream);
        return NULL;
}

/* What a call of OpenSSL came to: 0 (the peer closed), -EAGAIN, or the end of the stream. */
static int outcome(TlsStream *stream, int result, int saved_errno)
{
        switch (SSL_get_error(stream->ssl, result)) {
        case SSL_ERROR_WANT_READ:
                stream->events = EPOLLIN;
                return -EAGAIN;
        case SSL_ERROR_WANT_WRITE:
                stream->events = EPOLLOUT;
                return -EAGAIN;
        case SSL_ERROR_ZERO_RETURN:
                return 0;
        case SSL_ERROR_SYSCALL:
                stream->dead = true;
                stream->error = saved_errno ? strerror(saved_errno) : "the connection ended";
                return saved_errno ? -saved_errno : -ECONNRESET;
        default:
                stream->dead = true;
                stream->error = ERR_reason_error_string(ERR_peek_error());
                if (!stream->error)
                        stream->error = "unknown reason";
                return -EPROTO;
        }
}

int tls_stream_handshake(TlsStream *stream)
{
        int r;

        ERR_clear_error();
        errno = 0;
        r = SSL_do_handshake(stream->ssl);
        if (r == 1)
                return 0;
        r = outcome(stream, r, errno);
        if (r != 0)
                return r;
        stream->error = "the peer closed during the handshake";
        return -ECONNRESET;
}

ssize_t tls_stream_read(TlsStream *stream, void *data, size_t size)
{
        size_t n;
        int r;

        ERR_clear_error();
        errno = 0;
        r = SSL_read_ex(stream->ssl, data, size, &n);
        return r == 1 ? (ssize_t)n : outcome(stream, r, errno);
}

ssize_t tls_stream_write(TlsStream *stream, const void *data, size_t size)
{
        size_t n;
        int r;

        ERR_clear_error();
        errno = 0;
        r = SSL_write_ex(stream->ssl, data, size, &n);
        if (r == 1)
                return (ssize_t)n;
        r = outcome(stream, r, errno);
        return r == 0 ? -EPIPE : r;
}

int tls_stream_peer(const TlsStream *stream, Certificate **ret)
{
        X509 *leaf = SSL_get0_peer_certificate(stream->ssl);

        return leaf ? certificate_new(ret, leaf, SSL_get_peer_cert_chain(stream->ssl)) : -ENODATA;
}

int tls_stream_fd(const TlsStream *stream)
{
        return stream->fd;
}

bool tls_stream_is_ready(const TlsStream *stream)
{
        return SSL_is_init_finished(stream->ssl);
}

uint32_t tls_stream_events(const TlsStream *stream)
{
        return stream->events;
}

const char *tls_stream_version(const TlsStream *stream)
{
        return SSL_get_version(stream->ssl);
}

const char *tls_stream_error(const TlsStream *stream)
{
        return stream->error ? stream->error : "";
}
