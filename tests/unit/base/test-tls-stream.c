/* SPDX-License-Identifier: Apache-2.0 */
#include "base/tls-stream.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/tls-authority.h"
#include "base/tls-server.h"
#include "suite.h"

/* Both ends of a connection between a client of ours and a server of ours. */
typedef struct Pair {
        TlsServer *server;
        TlsClient *client;
        TlsStream *at_server, *at_client;
} Pair;

/* A hub's certificate for `certified`, as `expected` by a client who has its CA, or that of another hub. */
static void pair_begin(Pair *p, const char *certified, const char *expected, bool foreign_ca)
{
        static const char *const names[] = {"ca.pem", "ca.key", "server.pem", "server.key"};
        char folder[] = "/tmp/tls-stream-XXXXXX", path[3][64], words[TLS_CLIENT_WORDS_MAX];
        const char *error = "";
        int dir_fd, ends[2];

        ck_assert_ptr_nonnull(mkdtemp(folder));
        dir_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        ck_assert_int_eq(tls_authority_ensure(dir_fd, certified, clock_wall(&clock_system), &error), 0);
        (void)snprintf(path[0], sizeof(path[0]), "%s/server.pem", folder);
        (void)snprintf(path[1], sizeof(path[1]), "%s/server.key", folder);
        (void)snprintf(path[2], sizeof(path[2]), "%s/ca.pem", folder);
        ck_assert_int_eq(tls_server_new(&p->server, path[0], path[1], &error), 0);
        if (foreign_ca) {
                for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                        ck_assert_int_eq(unlinkat(dir_fd, names[i], 0), 0);
                ck_assert_int_eq(tls_authority_ensure(dir_fd, certified, clock_wall(&clock_system), &error), 0);
        }
        ck_assert_int_eq(tls_client_new(&p->client, expected, path[2], words), 0);
        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                ck_assert_int_eq(unlinkat(dir_fd, names[i], 0), 0);
        close(dir_fd);
        ck_assert_int_eq(rmdir(folder), 0);

        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
        ck_assert_int_eq(tls_stream_new(&p->at_server, p->server, ends[0]), 0);
        ck_assert_int_eq(tls_stream_new_client(&p->at_client, p->client, ends[1]), 0);
}

static void pair_end(Pair *p)
{
        tls_stream_free(p->at_client);
        tls_stream_free(p->at_server);
        tls_client_free(p->client);
        tls_server_free(p->server);
}

/* Gives what the client's handshake came to. */
static int shake_hands(Pair *p)
{
        int client = -EAGAIN;

        for (int i = 0; i < 10 && client == -EAGAIN; i++) {
                client = tls_stream_handshake(p->at_client);
                (void)tls_stream_handshake(p->at_server);
        }
        return client;
}

START_TEST(bytes_go_both_ways)
{
        char text[TLS_RECORD_MAX];
        Pair p;

        pair_begin(&p, "hub.example", "hub.example", false);
        ck_assert_int_eq(shake_hands(&p), 0);
        ck_assert(tls_stream_is_ready(p.at_client) && tls_stream_is_ready(p.at_server));
        ck_assert_int_eq(tls_stream_write(p.at_client, "there", 5), 5);
        ck_assert_int_eq(tls_stream_read(p.at_server, text, sizeof(text)), 5);
        ck_assert_int_eq(tls_stream_write(p.at_server, "and back", 8), 8);
        ck_assert_int_eq(tls_stream_read(p.at_client, text, sizeof(text)), 8);
        ck_assert_mem_eq(text, "and back", 8);
        ck_assert_int_eq(tls_stream_read(p.at_client, text, sizeof(text)), -EAGAIN);
        p.at_server = tls_stream_free(p.at_server);
        ck_assert_int_eq(tls_stream_read(p.at_client, text, sizeof(text)), 0);
        pair_end(&p);
}
END_TEST

static void refuses(const char *certified, const char *expected, bool foreign_ca, TlsFault fault, const char *words)
{
        const char *said;
        Pair p;

        pair_begin(&p, certified, expected, foreign_ca);
        ck_assert_int_eq(shake_hands(&p), -EPROTO);
        ck_assert_int_eq(tls_client_fault(p.client, &said), fault);
        ck_assert_msg(strstr(said, words) != NULL, "%s", said);
        pair_end(&p);
}

START_TEST(a_client_proves_whom_it_talks_to)
{
        refuses("hub.example", "other.example", false, TLS_FAULT_HOSTNAME, "not for other.example");
        refuses("hub.example", "hub.example", true, TLS_FAULT_UNTRUSTED, "is not trusted");
}
END_TEST

int main(void)
{
        Suite *s = suite_create("base/tls-stream");
        TCase *c = suite_case(s, "a client and a server");

        (void)signal(SIGPIPE, SIG_IGN); /* as every program of ours */
        tcase_add_test(c, bytes_go_both_ways);
        tcase_add_test(c, a_client_proves_whom_it_talks_to);
        return suite_run(s);
}
