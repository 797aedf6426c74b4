/* SPDX-License-Identifier: Apache-2.0 */

/* Whatever keeps the service from a file of the settings is named, once, and what it lacks. Root alone can ask. */

#include "daemon/settings-rights.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "suite.h"

#define NOBODY 65534

static const ServiceUser nobody = {.known = true, .uid = NOBODY, .groups = {NOBODY}, .n_groups = 1};

/* In the order in which they are read. */
static const struct {
        const char *name, *text;
} files[] = {
        {"hublink.conf", "sensors: { a: { driver = \"i2c\"; bus = 1; chip = \"odd\"; address = 0x48; }; };\n"},
        {"conf.d/10.conf", "hub: { window = 8; };\n"},
        {"conf.d/20.conf", "hub: { window = 9; };\n"},
        {"methods.d/print.conf", "responder = \"org.example.Printer\";\n"},
        {"commands.d/reboot.conf", "method = \"reboot\";\n"},
        {"chips/odd.conf", "title = \"Odd\"; addresses = [ 0x48 ];\n"
                           "measure = ( { read = \"b\"; register = 0; bytes = 2; } );\n"
                           "channels: { x: { from = \"b\"; bytes = 2; }; };\n"},
};

static char house[] = "/tmp/test-rights-XXXXXX";
static Settings *settings;

static char *path_of(const char *name)
{
        static char path[128];

        (void)snprintf(path, sizeof(path), "%s%s%s", house, *name ? "/" : "", name);
        return path;
}

static int take_away(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
        (void)st;
        (void)type;
        (void)ftw;
        return remove(path);
}

static void setup(void)
{
        static const char *const folders[] = {"conf.d", "methods.d", "commands.d", "chips"};
        Problems problems = {};

        (void)strcpy(strrchr(house, '-'), "-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(house));
        ck_assert_int_eq(chmod(house, 0755), 0);
        for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
                ck_assert(mkdir(path_of(folders[i]), 0755) == 0 && chmod(path_of(folders[i]), 0755) == 0);
        for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
                FILE *f = fopen(path_of(files[i].name), "we");

                ck_assert_ptr_nonnull(f);
                ck_assert_int_ge(fputs(files[i].text, f), 0);
                ck_assert_int_eq(fclose(f), 0);
                ck_assert_int_eq(chmod(path_of(files[i].name), 0644), 0);
        }
        if (settings_load(&settings, path_of("hublink.conf"), SETTINGS_STATE_DIR, &problems) != 0)
                ck_abort_msg("%s", problems.n > 0 ? problems.items[0].text : "no settings");
        problems_done(&problems);
}

static void teardown(void)
{
        settings = settings_free(settings);
        (void)nftw(house, take_away, 8, FTW_DEPTH | FTW_PHYS);
}

/* Just this one. name: NULL for none. */
static void expect_closed(const char *name, const char *mode)
{
        SettingsClosed closed = {};
        size_t i = 0;

        if (geteuid() != 0)
                return;
        ck_assert_int_eq(settings_rights_next(&settings->files, &nobody, &i, &closed), name != NULL);
        if (!name)
                return;
        ck_assert_str_eq(closed.path, path_of(name));
        ck_assert_str_eq(closed.mode, mode);
        ck_assert_int_eq(closed.error, -EACCES);
        ck_assert_msg(!settings_rights_next(&settings->files, &nobody, &i, &closed), "and %s", closed.path);
}

START_TEST(what_all_can_read_is_open)
{
        expect_closed(NULL, NULL);
}
END_TEST

START_TEST(each_file_counts)
{
        ck_assert_int_eq(chmod(path_of(files[_i].name), 0640), 0);
        expect_closed(files[_i].name, "r");
        ck_assert_int_eq(chown(path_of(files[_i].name), (uid_t)-1, geteuid() == 0 ? NOBODY : (gid_t)-1), 0);
        expect_closed(geteuid() == 0 ? NULL : files[_i].name, "r");
}
END_TEST

START_TEST(a_folder_is_named_once_for_all_in_it)
{
        static const char *const folders[] = {"conf.d", "methods.d", "commands.d"};

        for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
                ck_assert_int_eq(chmod(path_of(folders[i]), 0700), 0);
                expect_closed(folders[i], "rx");
                ck_assert_int_eq(chmod(path_of(folders[i]), 0711), 0); /* what is in it is not seen */
                expect_closed(folders[i], "rx");
                ck_assert_int_eq(chmod(path_of(folders[i]), 0755), 0);
        }
        ck_assert_int_eq(chmod(path_of("chips"), 0700), 0); /* a chip is looked up by its name */
        expect_closed("chips", "x");
        ck_assert_int_eq(chmod(path_of("chips"), 0711), 0);
        expect_closed(NULL, NULL);
}
END_TEST

START_TEST(so_is_the_folder_of_all)
{
        ck_assert_int_eq(chmod(house, 0700), 0);
        expect_closed("", "x");
}
END_TEST

START_TEST(one_that_went_is_nobodys_fault)
{
        ck_assert_int_eq(unlink(path_of("conf.d/20.conf")), 0);
        expect_closed(NULL, NULL);
}
END_TEST

START_TEST(without_that_user_nothing_is_told)
{
        static const ServiceUser none;
        SettingsClosed closed = {};
        size_t i = 0;

        ck_assert_int_eq(chmod(path_of("hublink.conf"), 0600), 0);
        ck_assert(!settings_rights_next(&settings->files, &none, &i, &closed));
}
END_TEST

/* Those of other programs or trials are not the service's to read. */
START_TEST(only_the_services_own_file_is_judged)
{
        Problems problems = {};

        ck_assert_int_eq(chmod(path_of("hublink.conf"), 0600), 0);
        ck_assert_int_eq(settings_rights(settings, path_of("hublink.conf"), NULL, &problems), 0);
        ck_assert_uint_eq(problems.n, 0);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("daemon/settings-rights");
        TCase *c = suite_case(s, "rights");

        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_test(c, what_all_can_read_is_open);
        tcase_add_loop_test(c, each_file_counts, 0, ARRAY_SIZE(files));
        tcase_add_test(c, a_folder_is_named_once_for_all_in_it);
        tcase_add_test(c, so_is_the_folder_of_all);
        tcase_add_test(c, one_that_went_is_nobodys_fault);
        tcase_add_test(c, without_that_user_nothing_is_told);
        tcase_add_test(c, only_the_services_own_file_is_judged);
        return suite_run(s);
}
