/* SPDX-License-Identifier: Apache-2.0 */
#include "base/tls-authority.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/tls-server.h"
#include "suite.h"

#define NOW  (1800000000 * USEC_PER_SEC)
#define HOST "hub.example.net"

static char folder[] = "/tmp/tls-authority-XXXXXX";
static int dir_fd = -1;

static void begin(void)
{
        ck_assert_ptr_nonnull(mkdtemp(folder));
        dir_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        ck_assert_int_ge(dir_fd, 0);
}

static void end(void)
{
        static const char *const names[] = {"ca.pem", "ca.key", "server.pem", "server.key"};

        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                (void)unlinkat(dir_fd, names[i], 0);
        dir_fd = safe_close(dir_fd);
        ck_assert_int_eq(rmdir(folder), 0); /* and nothing else was left */
        memcpy(folder + strlen(folder) - 6, "XXXXXX", 6);
}

static int ensure(const char *host, usec_t now)
{
        const char *error = "";
        int r = tls_authority_ensure(dir_fd, host, now, &error);

        ck_assert_msg(r != -EBADMSG || *error, "no reason");
        return r;
}

static void read_file(const char *name, char text[static 4096])
{
        int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);
        ssize_t n = read(fd, text, 4095);

        ck_assert_int_gt(n, 0);
        text[n] = 0;
        close(fd);
}

static void write_file(const char *name, const char *text)
{
        int fd = openat(dir_fd, name, O_WRONLY | O_TRUNC | O_CREAT | O_CLOEXEC, 0600);

        ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
        close(fd);
}

START_TEST(files_are_made_and_usable)
{
        char certificate[64], key[64];
        const char *error = "";
        TlsServer *server;
        struct stat st;

        begin();
        ck_assert_int_eq(ensure(HOST, NOW), 0);
        ck_assert_int_eq(fstatat(dir_fd, "ca.key", &st, 0), 0);
        ck_assert_uint_eq(st.st_mode & 07777, 0600);
        ck_assert_int_eq(fstatat(dir_fd, "server.key", &st, 0), 0);
        ck_assert_uint_eq(st.st_mode & 07777, 0600);

        (void)snprintf(certificate, sizeof(certificate), "%s/server.pem", folder);
        (void)snprintf(key, sizeof(key), "%s/server.key", folder);
        ck_assert_int_eq(tls_server_new(&server, certificate, key, &error), 0);
        tls_server_free(server);
        (void)snprintf(key, sizeof(key), "%s/ca.key", folder);
        ck_assert_int_eq(tls_server_new(&server, certificate, key, &error), -EBADMSG);
        ck_assert(strstr(error, "key"));
        end();
}
END_TEST

START_TEST(what_is_good_is_left_alone)
{
        char ca[4096], server[4096], again[4096];

        begin();
        ck_assert_int_eq(ensure(HOST, NOW), 0);
        read_file("ca.pem", ca);
        read_file("server.pem", server);
        ck_assert_int_eq(ensure(HOST, NOW + 30 * USEC_PER_DAY), 0);
        read_file("server.pem", again);
        ck_assert_str_eq(server, again);

        /* another host, an end that is near, a file that is gone: a new one, of the same authority */
        ck_assert_int_eq(ensure("other.example.net", NOW), 0);
        read_file("server.pem", again);
        ck_assert_str_ne(server, again);
        memcpy(server, again, sizeof(server));
        ck_assert_int_eq(ensure("other.example.net", NOW + 380 * USEC_PER_DAY), 0);
        read_file("server.pem", again);
        ck_assert_str_ne(server, again);
        memcpy(server, again, sizeof(server));
        ck_assert_int_eq(unlinkat(dir_fd, "server.key", 0), 0);
        ck_assert_int_eq(ensure("other.example.net", NOW + 380 * USEC_PER_DAY), 0);
        read_file("server.pem", again);
        ck_assert_str_ne(server, again);
        read_file("ca.pem", again);
        ck_assert_str_eq(ca, again);
        end();
}
END_TEST

/* Clients trust it already: it is not replaced behind their backs. */
START_TEST(a_broken_authority_is_said)
{
        char ca[4096];

        begin();
        ck_assert_int_eq(ensure(HOST, NOW), 0);
        read_file("ca.pem", ca);
        write_file("ca.key", "nonsense");
        ck_assert_int_eq(ensure(HOST, NOW), -EBADMSG);
        ck_assert_int_eq(unlinkat(dir_fd, "ca.key", 0), 0);
        ck_assert_int_eq(ensure(HOST, NOW), -EBADMSG);
        write_file("ca.pem", "nonsense");
        ck_assert_int_eq(ensure(HOST, NOW), -EBADMSG);
        end();
}
END_TEST

START_TEST(a_first_start_cut_short_begins_again)
{
        begin();
        write_file("ca.key", "half a ke"); /* its certificate was never written */
        ck_assert_int_eq(ensure(HOST, NOW), 0);
        ck_assert_int_eq(unlinkat(dir_fd, "server.pem", 0), 0);
        ck_assert_int_eq(ensure(HOST, NOW), 0);
        end();
}
END_TEST

int main(void)
{
        Suite *s = suite_create("base/tls-authority");
        TCase *c = suite_case(s, "certificates");

        tcase_add_test(c, files_are_made_and_usable);
        tcase_add_test(c, what_is_good_is_left_alone);
        tcase_add_test(c, a_broken_authority_is_said);
        tcase_add_test(c, a_first_start_cut_short_begins_again);
        return suite_run(s);
}
