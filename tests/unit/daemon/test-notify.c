/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A manager that does not read holds nothing up, and hears what it has to once it reads again. A call that blocks ends the
 * test by its time.
 */

#include "daemon/notify.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "suite.h"

static char folder[] = "/tmp/hublink-notify-XXXXXX";
static int fd;
static char heard[256 * 1024];

static void bind_to(const char *name)
{
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        size_t n = strlen(name);

        memcpy(address.sun_path, name, n);
        if (name[0] == '@')
                address.sun_path[0] = 0;
        fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)), 0);
        ck_assert_int_eq(setenv("NOTIFY_SOCKET", name, 1), 0);
}

static void setup(void)
{
        char name[64];

        (void)strcpy(folder, "/tmp/hublink-notify-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(folder));
        (void)snprintf(name, sizeof(name), "%s/manager", folder);
        (void)unsetenv("WATCHDOG_USEC");
        bind_to(name);
        notify_open();
}

static void teardown(void)
{
        char name[64];

        notify_close();
        close(fd);
        (void)snprintf(name, sizeof(name), "%s/manager", folder);
        (void)unlink(name);
        ck_assert_int_eq(rmdir(folder), 0);
}

/* What waits in the socket, a '|' after each. */
static const char *hear(void)
{
        size_t size = 0;
        ssize_t n;

        while ((n = recv(fd, heard + size, sizeof(heard) - size - 2, 0)) >= 0) {
                size += (size_t)n;
                heard[size++] = '|';
        }
        heard[size] = 0;
        return heard;
}

static usec_t next(void)
{
        Ticker t = notify_ticker();

        return t.deadline(t.userdata);
}

static void tick(void)
{
        Ticker t = notify_ticker();

        t.tick(t.userdata, next());
}

START_TEST(what_is_told_is_heard)
{
        const char *text;

        notify_status("All is well");
        notify_ready();
        ck_assert_str_eq(hear(), "STATUS=All is well|READY=1|");
        notify_reloading();
        notify_ready();
        text = hear();
        ck_assert(strncmp(text, "RELOADING=1\nMONOTONIC_USEC=", 27) == 0);
        ck_assert(strlen(text) > 8 && strcmp(text + strlen(text) - 8, "READY=1|") == 0);
        notify_stopping();
        ck_assert(strncmp(hear(), "STOPPING=1\nSTATUS=", 18) == 0);
        ck_assert_uint_eq(next(), USEC_INFINITY);
}
END_TEST

static void flood(void)
{
        char line[32];

        for (int i = 0; i < 10000; i++) {
                (void)snprintf(line, sizeof(line), "line %d", i);
                notify_status(line);
        }
        ck_assert_uint_ne(next(), USEC_INFINITY);
}

START_TEST(one_that_does_not_read_holds_nothing_up)
{
        const char *text;

        flood();
        tick(); /* it is full still */
        ck_assert_ptr_null(strstr(hear(), "line 9999|"));
        tick();
        ck_assert_str_eq(hear(), "STATUS=line 9999|");
        ck_assert_uint_eq(next(), USEC_INFINITY);

        /* of many reloads the last, in order */
        flood();
        for (int i = 0; i < 100; i++) {
                notify_reloading();
                notify_ready();
        }
        notify_stopping();
        ck_assert_ptr_null(strstr(hear(), "RELOADING"));
        tick();
        text = hear();
        ck_assert(strncmp(text, "RELOADING=1", 11) == 0);
        ck_assert_ptr_nonnull(strstr(text, "|READY=1|STOPPING=1"));
        ck_assert_ptr_null(strstr(text + 11, "RELOADING"));
        ck_assert_ptr_nonnull(strstr(text, "STATUS=line 9999|"));
        ck_assert_uint_eq(next(), USEC_INFINITY);
}
END_TEST

START_TEST(one_without_a_file_hears_as_well)
{
        char name[64];

        close(fd);
        (void)snprintf(name, sizeof(name), "@hublink-notify-%d", (int)getpid());
        bind_to(name);
        notify_open();
        notify_ready();
        ck_assert_str_eq(hear(), "READY=1|");
}
END_TEST

START_TEST(where_there_is_none_nothing_waits)
{
        close(fd);
        notify_ready(); /* it has gone */
        ck_assert_uint_eq(next(), USEC_INFINITY);
        ck_assert_int_eq(unsetenv("NOTIFY_SOCKET"), 0);
        notify_open();
        notify_status("x");
        notify_ready();
        ck_assert_uint_eq(next(), USEC_INFINITY);
        fd = dup(0);
}
END_TEST

START_TEST(the_watchdog_hears_twice_as_often_as_it_asks)
{
        char pid[16];
        usec_t at = 0;

        (void)snprintf(pid, sizeof(pid), "%d", (int)getpid());
        ck_assert_int_eq(setenv("WATCHDOG_USEC", "20000000", 1) | setenv("WATCHDOG_PID", pid, 1), 0);
        notify_open();
        for (int i = 0; i < 5; i++) {
                ck_assert_uint_eq(next(), at);
                tick();
                ck_assert_str_eq(hear(), "WATCHDOG=1|");
                at += 10 * USEC_PER_SEC;
        }
        /* one that does not read is offered it again, and nothing waits for it */
        flood();
        for (int i = 0; i < 30; i++)
                tick();
        (void)hear();
        for (int i = 0; i < 3; i++)
                tick();
        ck_assert_ptr_nonnull(strstr(hear(), "WATCHDOG=1|"));
}
END_TEST

int main(void)
{
        Suite *s = suite_create("daemon/notify");
        TCase *c = suite_case(s, "a manager that reads, and one that does not");

        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_test(c, what_is_told_is_heard);
        tcase_add_test(c, one_that_does_not_read_holds_nothing_up);
        tcase_add_test(c, one_without_a_file_hears_as_well);
        tcase_add_test(c, where_there_is_none_nothing_waits);
        tcase_add_test(c, the_watchdog_hears_twice_as_often_as_it_asks);
        return suite_run(s);
}
