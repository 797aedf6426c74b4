/* SPDX-License-Identifier: Apache-2.0 */
#include "base/tls-server.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/tls-authority.h"
#include "suite.h"

/* What a client makes of it is proved with real ones in tests/system; here: what comes of those who are none. */

static char folder[] = "/tmp/tls-server-XXXXXX";
static TlsServer *server;
static TlsStream *stream;
static int peer = -1;

static void begin(void)
{
        static const char *const names[] = {"ca.pem", "ca.key", "server.pem", "server.key"};
        char certificate[64], key[64];
        const char *error = "";
        int dir_fd, pair[2];

        ck_assert_ptr_nonnull(mkdtemp(folder));
        dir_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        ck_assert_int_eq(tls_authority_ensure(dir_fd, "localhost", clock_wall(&clock_system), &error), 0);
        (void)snprintf(certificate, sizeof(certificate), "%s/server.pem", folder);
        (void)snprintf(key, sizeof(key), "%s/server.key", folder);
        ck_assert_int_eq(tls_server_new(&server, certificate, key, &error), 0);
        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                ck_assert_int_eq(unlinkat(dir_fd, names[i], 0), 0);
        close(dir_fd);
        ck_assert_int_eq(rmdir(folder), 0);
        memcpy(folder + strlen(folder) - 6, "XXXXXX", 6);

        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
        ck_assert_int_eq(tls_stream_new(&stream, server, pair[0]), 0);
        peer = pair[1];
}

static void end(void)
{
        stream = tls_stream_free(stream);
        server = tls_server_free(server);
        peer = safe_close(peer);
}

START_TEST(a_handshake_waits)
{
        begin();
        ck_assert_int_eq(tls_stream_handshake(stream), -EAGAIN);
        ck_assert(!tls_stream_is_ready(stream));
        end();
}
END_TEST

START_TEST(noise_is_no_handshake)
{
        begin();
        ck_assert_int_eq(write(peer, "GET / HTTP/1.0\r\n\r\n", 18), 18);
        ck_assert_int_eq(tls_stream_handshake(stream), -EPROTO);
        ck_assert(*tls_stream_error(stream));
        end();
}
END_TEST

START_TEST(a_peer_that_leaves_is_noticed)
{
        int r;

        begin();
        peer = safe_close(peer);
        r = tls_stream_handshake(stream);
        ck_assert_msg(r < 0 && r != -EAGAIN, "%d", r);
        ck_assert(*tls_stream_error(stream));
        end();
}
END_TEST

int main(void)
{
        Suite *s = suite_create("base/tls-server");
        TCase *c = suite_case(s, "those who speak no TLS");

        tcase_add_test(c, a_handshake_waits);
        tcase_add_test(c, noise_is_no_handshake);
        tcase_add_test(c, a_peer_that_leaves_is_noticed);
        return suite_run(s);
}
