/* SPDX-License-Identifier: Apache-2.0 */

/* Whether it is the unit that keeps a device or other users from us. */

#include "sensor/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/macro.h"
#include "suite.h"

static char root[64];

static void make(const char *path, bool folder)
{
        char whole[256];
        int fd;

        (void)snprintf(whole, sizeof(whole), "%s/%s", root, path);
        if (folder)
                ck_assert_int_eq(mkdir(whole, 0755), 0);
        else {
                ck_assert_int_ge(fd = open(whole, O_CREAT | O_WRONLY, 0644), 0);
                safe_close(fd);
        }
}

static void setup(void)
{
        strcpy(root, "/tmp/hublink-sandbox-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(root));
        make("class", true);
        make("class/i2c-dev", true);
        make("class/i2c-dev/i2c-1", false);
        make("class/tty", true);
        make("class/tty/ttyUSB0", false);
}

static void teardown(void)
{
        static const char *const made[] = {"class/tty/ttyUSB0", "class/tty", "class/i2c-dev/i2c-1", "class/i2c-dev", "class",
                                           "uid_map", "mountinfo", ""};
        char whole[256];

        for (size_t i = 0; i < ARRAY_SIZE(made); i++) {
                (void)snprintf(whole, sizeof(whole), "%s/%s", root, made[i]);
                (void)remove(whole);
        }
}

START_TEST(a_device_that_the_unit_keeps_away)
{
        static const struct {
                const char *path;
                int error;
                const char *remedy;
        } cases[] = {
                {"/dev/i2c-1", ENOENT, "i2c"},   {"/dev/i2c-2", ENOENT, NULL},       {"/dev/i2c-2", EACCES, "i2c"},
                {"/dev/i2c-2", EPERM, "i2c"},    {"/dev/i2c-1", EMFILE, NULL},       {"/dev/ttyUSB0", ENOENT, "serial"},
                {"/dev/ttyUSB1", ENOENT, NULL},  {"/dev/ttyUSB1", EACCES, "serial"}, {"/dev/ttyUSB0", EIO, NULL},
                {"/srv/i2c-1", ENOENT, NULL},    {"/srv/diary", EACCES, NULL},       {"/dev/hidraw0", EACCES, NULL},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                const char *remedy = sandbox_remedy(root, cases[i].path, cases[i].error);

                ck_assert_msg(remedy == cases[i].remedy || (remedy && cases[i].remedy && strcmp(remedy, cases[i].remedy) == 0),
                              "%s %s: %s", cases[i].path, strerror(cases[i].error), remedy ?: "none");
        }
}
END_TEST

/* Whoever follows the advice gets what was promised, and who gets none has nothing to follow. */
START_TEST(what_is_promised_is_what_the_drop_in_opens)
{
        static const char *const others[] = {"/dev/tty", "/dev/tty1", "/dev/ttyprintk", "/dev/ttySomething0", "/dev/ttyS",
                                             "/dev/ttyGS0", "/dev/ttyp0"};
        FILE *f = fopen(DROPINS "/serial.conf", "re");
        char line[256], path[300];
        unsigned opened = 0;

        ck_assert_ptr_nonnull(f);
        while (fgets(line, sizeof(line), f)) {
                const char *remedy, *class = line + strlen("DeviceAllow=char-");

                if (strncmp(line, "DeviceAllow=char-", strlen("DeviceAllow=char-")) != 0)
                        continue;
                (void)snprintf(path, sizeof(path), "/dev/%.*s0", (int)strcspn(class, " "), class);
                remedy = sandbox_remedy(root, path, EPERM);
                ck_assert_msg(remedy && strcmp(remedy, "serial") == 0, "%s", path);
                opened++;
        }
        ck_assert_uint_eq(opened, 18);
        ck_assert_int_eq(fclose(f), 0);
        for (size_t i = 0; i < ARRAY_SIZE(others); i++)
                ck_assert_msg(!sandbox_remedy(root, others[i], EACCES), "%s", others[i]);
}
END_TEST

START_TEST(users_that_the_unit_keeps_away)
{
        static const struct {
                const char *map;
                bool hidden;
        } cases[] = {
                {"         0          0 4294967295\n", false},
                {"         0          0          1\n       997        997          1\n", true},
                {"         0     100000      65536\n", true},
                {"", false},
        };
        char path[128];

        (void)snprintf(path, sizeof(path), "%s/uid_map", root);
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                FILE *f = fopen(path, "w");

                ck_assert_ptr_nonnull(f);
                (void)fputs(cases[i].map, f);
                ck_assert_int_eq(fclose(f), 0);
                ck_assert_msg(sandbox_hides_users(path) == cases[i].hidden, "%s", cases[i].map);
        }
        ck_assert(!sandbox_hides_users("/nonexistent/map"));
}
END_TEST

/* Where one's own things lie, and the file is there for everybody else. */
START_TEST(folders_that_the_unit_keeps_away)
{
        static const char mounts[] = "26 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw\n"
                                     "30 26 8:2 / /home rw - ext4 /dev/sda2 rw\n"
                                     "31 26 0:24 / /run rw,nosuid - tmpfs tmpfs rw\n"
                                     "40 30 0:24 /systemd/inaccessible/dir /home ro,nosuid - tmpfs tmpfs rw\n"
                                     "41 26 0:24 /systemd/inaccessible/dir /root ro,nosuid - tmpfs tmpfs rw\n"
                                     "42 31 0:24 /systemd/inaccessible/dir /run/user ro,nosuid - tmpfs tmpfs rw\n"
                                     "43 26 0:30 /systemd-private-0a-hublinkd.service-x/tmp /tmp rw - tmpfs tmpfs rw\n"
                                     "44 26 8:1 /var/tmp/systemd-private-0a-hublinkd.service-x/tmp /var/tmp rw - ext4 /dev/sda1 rw\n"
                                     "45 43 8:1 /srv/open /tmp/open rw - ext4 /dev/sda1 rw\n"
                                     "\n46 43\n";
        static const struct {
                const char *path, *setting;
        } cases[] = {
                {"/home/op/value", "ProtectHome"}, {"/root/value", "ProtectHome"},  {"/run/user/1000/value", "ProtectHome"},
                {"/tmp/value", "PrivateTmp"},      {"/var/tmp/a/b", "PrivateTmp"},  {"/home", "ProtectHome"},
                {"/tmp/open/value", NULL},         {"/homework/value", NULL},       {"/run/value", NULL},
                {"/var/lib/value", NULL},          {"/", NULL},                     {"value", NULL},
        };
        char path[128];
        FILE *f;

        (void)snprintf(path, sizeof(path), "%s/mountinfo", root);
        f = fopen(path, "w");
        ck_assert_ptr_nonnull(f);
        (void)fputs(mounts, f);
        ck_assert_int_eq(fclose(f), 0);
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                const char *setting = sandbox_hides_path(path, cases[i].path);

                ck_assert_msg(setting == cases[i].setting || (setting && cases[i].setting && strcmp(setting, cases[i].setting) == 0),
                              "%s: %s", cases[i].path, setting ?: "none");
        }
        ck_assert_ptr_null(sandbox_hides_path("/nonexistent/mountinfo", "/home/op/value"));
}
END_TEST

int main(void)
{
        Suite *s = suite_create("sensor/sandbox");
        TCase *c = suite_case(s, "what the unit keeps away has a name");

        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_test(c, a_device_that_the_unit_keeps_away);
        tcase_add_test(c, folders_that_the_unit_keeps_away);
        tcase_add_test(c, what_is_promised_is_what_the_drop_in_opens);
        tcase_add_test(c, users_that_the_unit_keeps_away);
        return suite_run(s);
}
