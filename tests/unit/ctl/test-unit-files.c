/* SPDX-License-Identifier: Apache-2.0 */

/* A tree with the files of a unit: which of them count, and what they say, as systemd reads them. */

#include "ctl/unit-files.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "suite.h"

#define UNIT "hublinkd.service"
#define USR  "/usr/lib/systemd/system/" UNIT
#define ETC  "/etc/systemd/system/" UNIT
#define RUN  "/run/systemd/system/" UNIT

static char root[32];
static UnitFiles unit;

static void set_up(void)
{
        (void)snprintf(root, sizeof(root), "/tmp/unit-files-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(root));
}

static void tear_down(void)
{
        char command[64];

        unit_files_done(&unit);
        (void)snprintf(command, sizeof(command), "rm -r %s", root);
        ck_assert_int_eq(system(command), 0);
}

static void place(const char *path, char whole[static PATH_MAX])
{
        (void)snprintf(whole, PATH_MAX, "%s%s", root, path);
        for (char *slash = strchr(whole + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
                *slash = 0;
                (void)mkdir(whole, 0755);
                *slash = '/';
        }
}

static void put(const char *path, const char *text)
{
        char whole[PATH_MAX];
        FILE *f;

        place(path, whole);
        f = fopen(whole, "we");
        ck_assert_ptr_nonnull(f);
        (void)fputs(text, f);
        (void)fclose(f);
}

static void link_to(const char *target, const char *path)
{
        char whole[PATH_MAX];

        place(path, whole);
        ck_assert_int_eq(symlink(target, whole), 0);
}

static const char *value(const char *key)
{
        const UnitWord *w = unit_files_find(&unit, "Service", key);

        return w ? w->value : "(none)";
}

static void look(void)
{
        unit_files_done(&unit);
        ck_assert_int_eq(unit_files_read(&unit, root, UNIT), 0);
}

START_TEST(what_a_line_says)
{
        static const struct {
                const char *text, *value;
        } cases[] = {
                {"[Service]\nWatchdogSec=30s\n", "30s"},
                {"[Service]\n  WatchdogSec \t= 30s  \t\r\n", "30s"},
                {"[Service]\nWatchdogSec=30s", "30s"},
                {"[Service]\nWatchdogSec=1\n#WatchdogSec=2\n ; WatchdogSec=3\n", "1"},
                {"[Service]\nWatchdogSec=1 \\\n# between\n  2\n", "1    2"},
                {"[Service]\n# no end \\\nWatchdogSec=1\n", "1"},
                {"[Service]\nWatchdogSec=1\nWatchdogSec=\n", ""},
                {"[Unit]\nWatchdogSec=1\n", "(none)"},
                {"WatchdogSec=1\n", "(none)"},
                {"[Service]\nWatchdogSec=1=2\\", "1=2"},
                {"[Service]\nWatchdogSec\n", "(none)"},
                {"[Service]\nEnvironment=WatchdogSec=1\n", "(none)"},
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                put(USR, cases[i].text);
                look();
                ck_assert_msg(strcmp(value("WatchdogSec"), cases[i].value) == 0, "%zu: '%s'", i, value("WatchdogSec"));
        }
}
END_TEST

START_TEST(which_unit_counts)
{
        look();
        ck_assert_ptr_null(unit.fragment);
        put(USR, "[Service]\nUser=usr\n");
        look();
        ck_assert_str_eq(value("User"), "usr");
        ck_assert_str_eq(unit.fragment, USR);
        put(RUN, "[Service]\nUser=run\n");
        look();
        ck_assert_str_eq(value("User"), "run");
        link_to("/opt/" UNIT, ETC);
        put("/opt/" UNIT, "[Service]\nUser=opt\n");
        look();
        ck_assert_str_eq(value("User"), "opt");
        ck_assert_str_eq(unit.fragment, ETC);
        ck_assert(!unit.masked);
}
END_TEST

START_TEST(a_unit_that_is_masked)
{
        put(USR, "[Service]\nUser=usr\n");
        link_to("/dev/null", ETC);
        look();
        ck_assert(unit.masked);
        ck_assert_str_eq(value("User"), "(none)");
}
END_TEST

START_TEST(drop_ins_are_read_by_name_whatever_their_folder)
{
        const UnitWord *w;

        put(USR, "[Service]\nUser=unit\n");
        put(ETC ".d/a.conf", "[Service]\nUser=a\n");
        put(USR ".d/b.conf", "# first\n[Service]\nUser=b\n");
        put(ETC ".d/c.txt", "[Service]\nUser=c\n");
        put(ETC ".d/.d.conf", "[Service]\nUser=d\n");
        look();
        w = unit_files_find(&unit, "Service", "User");
        ck_assert_str_eq(w->value, "b");
        ck_assert_str_eq(w->file, USR ".d/b.conf");
        ck_assert_uint_eq(w->line, 3);
        put("/run/systemd/system/service.d/x.conf", "[Service]\nUser=all\n");
        look();
        ck_assert_str_eq(value("User"), "all");
}
END_TEST

START_TEST(drop_ins_hide_those_of_their_name)
{
        put(USR, "[Service]\nUser=unit\n");
        put(USR ".d/a.conf", "[Service]\nUser=usr\n");
        put(RUN ".d/a.conf", "[Service]\nUser=run\n");
        look();
        ck_assert_str_eq(value("User"), "run");
        put(ETC ".d/a.conf", "");
        look();
        ck_assert_str_eq(value("User"), "unit");
        put("/etc/systemd/system/service.d/b.conf", "[Service]\nUser=all\n");
        link_to("/dev/null", USR ".d/b.conf");
        look();
        ck_assert_str_eq(value("User"), "unit");
}
END_TEST

START_TEST(a_list_can_be_taken_back)
{
        size_t at = 0;

        put(USR, "[Service]\nSupplementaryGroups=i2c\nSupplementaryGroups=\nSupplementaryGroups=dialout\n");
        put(ETC ".d/a.conf", "[Service]\nSupplementaryGroups=video\n");
        look();
        ck_assert_str_eq(unit_files_next(&unit, "Service", "SupplementaryGroups", &at)->value, "dialout");
        ck_assert_str_eq(unit_files_next(&unit, "Service", "SupplementaryGroups", &at)->value, "video");
        ck_assert_ptr_null(unit_files_next(&unit, "Service", "SupplementaryGroups", &at));
}
END_TEST

START_TEST(which_credential_counts)
{
        static const struct {
                const char *text;
                UnitCredentialKind kind;
                const char *path;
        } cases[] = {
                {"", UNIT_CREDENTIAL_NONE, ""},
                {"LoadCredential = device.cs:/a", UNIT_CREDENTIAL_LOAD, "/a"},
                {"LoadCredential=device.csv:/a\nLoadCredential=device:/b", UNIT_CREDENTIAL_NONE, ""},
                {"LoadCredential=device.cs:/a\nLoadCredential=device.cs:/b", UNIT_CREDENTIAL_LOAD, "/b"},
                {"LoadCredential=device.cs:/a\nLoadCredentialEncrypted=device.cs:/b", UNIT_CREDENTIAL_LOAD_ENCRYPTED, "/b"},
                {"LoadCredential=device.cs:/a\nLoadCredential=", UNIT_CREDENTIAL_NONE, ""},
                {"LoadCredential=device.cs:/a\nLoadCredentialEncrypted=", UNIT_CREDENTIAL_NONE, ""},
                {"LoadCredential=device.cs:/a\nSetCredential=device.cs:none", UNIT_CREDENTIAL_LOAD, "/a"},
                {"SetCredential=device.cs:none", UNIT_CREDENTIAL_SET, ""},
                {"SetCredentialEncrypted=device.cs:AA==", UNIT_CREDENTIAL_SET_ENCRYPTED, ""},
                {"LoadCredential=device.cs", UNIT_CREDENTIAL_LOAD, "/etc/credstore/device.cs"},
                {"LoadCredential=device.cs:gw", UNIT_CREDENTIAL_LOAD, "/etc/credstore/gw"},
        };
        UnitCredential got;
        char text[256];

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                (void)snprintf(text, sizeof(text), "[Service]\n%s\n", cases[i].text);
                put(USR, text);
                look();
                ck_assert_int_eq(unit_files_credential(&unit, "device.cs", &got), cases[i].kind);
                ck_assert_str_eq(got.path, cases[i].path);
                ck_assert((got.word != NULL) == (got.kind != UNIT_CREDENTIAL_NONE));
        }
}
END_TEST

START_TEST(who_else_hands_over_a_credential)
{
        const UnitWord *w;
        size_t at = 0;

        put(USR, "[Service]\nLoadCredential=device.cs:/a\nSetCredential=device.cs:b\nLoadCredentialEncrypted=\n"
                 "LoadCredential=other:/c\nLoadCredential=device.cs:/d\n[Unit]\nLoadCredential=device.cs:/e\n");
        look();
        w = unit_files_next_credential(&unit, "device.cs", &at);
        ck_assert_uint_eq(w->line, 3);
        w = unit_files_next_credential(&unit, "device.cs", &at);
        ck_assert_uint_eq(w->line, 6);
        ck_assert_ptr_null(unit_files_next_credential(&unit, "device.cs", &at));
}
END_TEST

START_TEST(links_do_not_lead_out_of_a_tree)
{
        char outside[64], folder[128];

        (void)snprintf(outside, sizeof(outside), "%s-outside", root);
        ck_assert_int_eq(mkdir(outside, 0755), 0);
        (void)snprintf(folder, sizeof(folder), "%s/own.conf", outside);
        link_to(outside, ETC ".d");
        ck_assert_int_eq(close(open(folder, O_CREAT | O_WRONLY | O_CLOEXEC, 0644)), 0);
        put(USR, "[Service]\nUser=unit\n");
        look();
        ck_assert_uint_eq(unit.n_files, 1);
        ck_assert_int_eq(unlink(folder), 0);
        ck_assert_int_eq(rmdir(outside), 0);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("ctl/unit-files");
        TCase *c = suite_case(s, "what systemd reads of a unit");

        tcase_add_checked_fixture(c, set_up, tear_down);
        tcase_add_test(c, what_a_line_says);
        tcase_add_test(c, which_unit_counts);
        tcase_add_test(c, a_unit_that_is_masked);
        tcase_add_test(c, drop_ins_are_read_by_name_whatever_their_folder);
        tcase_add_test(c, drop_ins_hide_those_of_their_name);
        tcase_add_test(c, a_list_can_be_taken_back);
        tcase_add_test(c, which_credential_counts);
        tcase_add_test(c, who_else_hands_over_a_credential);
        tcase_add_test(c, links_do_not_lead_out_of_a_tree);
        return suite_run(s);
}
