/* SPDX-License-Identifier: Apache-2.0 */
#include "tls-peer.h"

#include <arpa/inet.h>
#include <check.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE_SEC 10
#define DAY          86400L

/* ---- certificates ---- */

static void add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
        X509_EXTENSION *extension;
        X509V3_CTX context;

        X509V3_set_ctx(&context, issuer, cert, NULL, NULL, 0);
        extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
        ck_assert_ptr_nonnull(extension);
        X509_add_ext(cert, extension, -1);
        X509_EXTENSION_free(extension);
}

static X509 *make_certificate(EVP_PKEY *key, const char *name, X509 *issuer, EVP_PKEY *issuer_key, long from, long to)
{
        X509 *cert = X509_new();
        X509_NAME *subject = X509_get_subject_name(cert);

        X509_set_version(cert, 2);
        ASN1_INTEGER_set(X509_get_serialNumber(cert), issuer ? 2 : 1);
        X509_gmtime_adj(X509_getm_notBefore(cert), from);
        X509_gmtime_adj(X509_getm_notAfter(cert), to);
        X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
        X509_set_issuer_name(cert, issuer ? X509_get_subject_name(issuer) : subject);
        X509_set_pubkey(cert, key);
        return cert;
}

static X509 *make_ca(EVP_PKEY *key)
{
        X509 *ca = make_certificate(key, "a test CA", NULL, key, -20 * DAY, 20 * DAY);

        add_extension(ca, ca, NID_basic_constraints, "critical,CA:TRUE");
        X509_sign(ca, key, EVP_sha256());
        return ca;
}

static X509 *make_server(EVP_PKEY *key, PeerCertificate kind, X509 *ca, EVP_PKEY *ca_key)
{
        long from = kind == PEER_CERTIFICATE_FUTURE ? 5 * DAY : -10 * DAY;
        long to = kind == PEER_CERTIFICATE_EXPIRED ? -5 * DAY : 10 * DAY;
        const char *name = kind == PEER_CERTIFICATE_OTHER_NAME ? "other.example.net" : PEER_NAME;
        char alternatives[128];
        X509 *cert = make_certificate(key, name, ca, ca_key, from, to);

        (void)snprintf(alternatives, sizeof(alternatives), "DNS:%s", name);
        add_extension(cert, ca, NID_subject_alt_name,
                      kind == PEER_CERTIFICATE_ADDRESS ? "IP:127.0.0.1" : alternatives);
        X509_sign(cert, ca_key, EVP_sha256());
        return cert;
}

static void write_certificate(const char *path, X509 *cert)
{
        FILE *f = fopen(path, "we");

        ck_assert_ptr_nonnull(f);
        ck_assert(PEM_write_X509(f, cert));
        (void)fclose(f);
}

static int on_sni(SSL *ssl, int *alert, void *userdata)
{
        Peer *p = userdata;
        const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

        (void)snprintf(p->sni, sizeof(p->sni), "%s", name ? name : "");
        return SSL_TLSEXT_ERR_OK;
}

static void make_context(Peer *p, PeerCertificate kind)
{
        EVP_PKEY *ca_key = EVP_EC_gen("P-256"), *other_key = EVP_EC_gen("P-256"), *key = EVP_EC_gen("P-256");
        X509 *ca = make_ca(ca_key), *other = make_ca(other_key), *cert = make_server(key, kind, ca, ca_key);
        SSL_CTX *context = SSL_CTX_new(TLS_server_method());

        ck_assert(SSL_CTX_use_certificate(context, cert) && SSL_CTX_use_PrivateKey(context, key));
        SSL_CTX_set_tlsext_servername_callback(context, on_sni);
        SSL_CTX_set_tlsext_servername_arg(context, p);
        /* not a word more than asked for: nothing wakes a client by chance */
        (void)SSL_CTX_set_num_tickets(context, 0);
        p->context = context;
        strcpy(p->directory, "/tmp/hublink-peer-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(p->directory));
        (void)snprintf(p->ca_file, sizeof(p->ca_file), "%s/ca.pem", p->directory);
        write_certificate(p->ca_file, kind == PEER_CERTIFICATE_OTHER_CA ? other : ca);
        X509_free(ca);
        X509_free(other);
        X509_free(cert);
        EVP_PKEY_free(ca_key);
        EVP_PKEY_free(other_key);
        EVP_PKEY_free(key);
}

/* ---- life ---- */

static void *peer_main(void *userdata)
{
        Peer *p = userdata;

        p->script(p);
        peer_close(p);
        return NULL;
}

void peer_start(Peer *p, PeerCertificate kind, PeerScript script, void *userdata)
{
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t size = sizeof(address);
        int room = 16384; /* little: a client that writes much finds the way stuffed */

        memset(p, 0, sizeof(*p));
        p->script = script;
        p->userdata = userdata;
        p->fd = -1;
        make_context(p, kind);
        p->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        (void)setsockopt(p->listen_fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
        ck_assert_int_eq(bind(p->listen_fd, (struct sockaddr *)&address, sizeof(address)), 0);
        ck_assert_int_eq(listen(p->listen_fd, 16), 0);
        ck_assert_int_eq(getsockname(p->listen_fd, (struct sockaddr *)&address, &size), 0);
        p->port = ntohs(address.sin_port);
        ck_assert_int_eq(pthread_create(&p->thread, NULL, peer_main, p), 0);
}

void peer_stop(Peer *p)
{
        (void)shutdown(p->listen_fd, SHUT_RDWR); /* ends a waiting accept */
        p->go = true;
        ck_assert_int_eq(pthread_join(p->thread, NULL), 0);
        (void)close(p->listen_fd);
        SSL_CTX_free(p->context);
        (void)unlink(p->ca_file);
        (void)rmdir(p->directory);
}

void peer_close(Peer *p)
{
        if (p->ssl) {
                (void)SSL_shutdown(p->ssl);
                SSL_free(p->ssl);
                p->ssl = NULL;
        }
        if (p->fd >= 0)
                (void)close(p->fd);
        p->fd = -1;
}

void peer_reset(Peer *p)
{
        struct linger hard = {.l_onoff = 1};

        (void)setsockopt(p->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
        SSL_free(p->ssl);
        p->ssl = NULL;
        peer_close(p);
}

/* ---- talking ---- */

bool peer_accept(Peer *p)
{
        struct pollfd fd = {.fd = p->listen_fd, .events = POLLIN};
        struct timeval patience = {.tv_sec = PATIENCE_SEC};
        int on = 1;

        peer_close(p);
        if (poll(&fd, 1, PATIENCE_SEC * 1000) <= 0)
                return false;
        p->fd = accept4(p->listen_fd, NULL, NULL, SOCK_CLOEXEC);
        if (p->fd < 0)
                return false;
        (void)setsockopt(p->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
        (void)setsockopt(p->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
        (void)setsockopt(p->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)); /* a reset throws away what waits */
        p->accepted++;
        return true;
}

bool peer_handshake(Peer *p)
{
        p->ssl = SSL_new(p->context);
        SSL_set_fd(p->ssl, p->fd);
        return SSL_accept(p->ssl) == 1;
}

bool peer_write(Peer *p, const void *data, size_t size)
{
        return SSL_write(p->ssl, data, (int)size) == (int)size;
}

bool peer_write_plain(Peer *p, const void *data, size_t size)
{
        return send(p->fd, data, size, MSG_NOSIGNAL) == (ssize_t)size;
}

static bool read_exactly(Peer *p, uint8_t *data, size_t size)
{
        size_t n;

        for (; size > 0; data += n, size -= n)
                if (!SSL_read_ex(p->ssl, data, size, &n))
                        return false;
        return true;
}

bool peer_read_packet(Peer *p, uint8_t *ret_head, uint8_t *body, size_t room, size_t *ret_size)
{
        uint8_t byte, rest[4096];
        size_t size = 0;

        if (!read_exactly(p, ret_head, 1))
                return false;
        for (int shift = 0; shift <= 21; shift += 7) {
                if (!read_exactly(p, &byte, 1))
                        return false;
                size |= (size_t)(byte & 0x7f) << shift;
                if (!(byte & 0x80))
                        break;
        }
        *ret_size = size;
        if (!read_exactly(p, body, size < room ? size : room))
                return false;
        for (size_t i = room; i < size; i += sizeof(rest))
                if (!read_exactly(p, rest, size - i < sizeof(rest) ? size - i : sizeof(rest)))
                        return false;
        return true;
}

bool peer_read_publish(Peer *p, uint16_t *ret_mid)
{
        static const uint8_t pingresp[] = {0xd0, 0};
        uint8_t head, body[8192];
        size_t size, topic;

        do {
                if (!peer_read_packet(p, &head, body, sizeof(body), &size))
                        return false;
                if (head == 0xc0 && !peer_write(p, pingresp, sizeof(pingresp)))
                        return false;
        } while (head == 0xc0);
        if (head >> 4 != 3 || size < 4)
                return false;
        topic = (size_t)body[0] << 8 | body[1];
        if (2 + topic + 2 > size)
                return false;
        *ret_mid = (uint16_t)(body[2 + topic] << 8 | body[3 + topic]);
        return true;
}

bool peer_write_puback(Peer *p, uint16_t mid)
{
        uint8_t puback[] = {0x40, 2, (uint8_t)(mid >> 8), (uint8_t)mid};

        return peer_write(p, puback, sizeof(puback));
}

bool peer_answer(Peer *p)
{
        static const uint8_t connack[] = {0x20, 2, 0, 0};
        uint8_t head, body[4096];
        size_t size;

        return peer_handshake(p) && peer_read_packet(p, &head, body, sizeof(body), &size) && head == 0x10 &&
               peer_write(p, connack, sizeof(connack));
}

bool peer_serve(Peer *p)
{
        return peer_accept(p) && peer_answer(p);
}

bool peer_await_end(Peer *p)
{
        uint8_t bytes[4096];
        size_t n;

        if (p->ssl)
                while (SSL_read_ex(p->ssl, bytes, sizeof(bytes), &n))
                        ;
        else
                while (recv(p->fd, bytes, sizeof(bytes), 0) > 0)
                        ;
        return true;
}

bool peer_await_go(Peer *p)
{
        for (int i = 0; i < PATIENCE_SEC * 1000 && !p->go; i++)
                (void)usleep(1000);
        return p->go;
}
