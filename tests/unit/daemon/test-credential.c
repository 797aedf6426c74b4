/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/credential.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "azure/derived-key.h"
#include "base/secret.h"
#include "suite.h"

#define GOOD "HostName=h.example;DeviceId=dev1;SharedAccessKey=c2VjcmV0c2VjcmV0\n"

typedef struct Folder {
        char path[32];
        char file[64];
} Folder;

static void folder_init(Folder *f, const char *text, mode_t mode)
{
        int fd;

        (void)snprintf(f->path, sizeof(f->path), "/tmp/hublink-test-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(f->path));
        (void)snprintf(f->file, sizeof(f->file), "%s/device.cs", f->path);
        fd = open(f->file, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
        ck_assert_int_eq(fchmod(fd, mode), 0);
        ck_assert_int_eq(close(fd), 0);
}

static void folder_done(Folder *f)
{
        (void)unlink(f->file);
        ck_assert_int_eq(rmdir(f->path), 0);
}

static void expect(int code, const char *file, const char *words)
{
        ConnectionString *cs = NULL;
        _cleanup_free_ char *error = NULL;

        ck_assert_int_eq(credential_read(file, &cs, &error), code);
        ck_assert_ptr_null(cs);
        ck_assert_msg(strstr(error, words), "%s: expected %s", error, words);
        ck_assert_ptr_null(strstr(error, "c2Vj"));
}

static void expect_unfit(const char *file, const char *words)
{
        expect(CREDENTIAL_E_UNFIT, file, words);
}

START_TEST(an_owners_file_is_taken)
{
        ConnectionString *cs = NULL;
        _cleanup_free_ char *error = NULL;
        Folder f;

        for (int mode = 0400; mode <= 0700; mode += 0100) {
                folder_init(&f, GOOD, (mode_t)mode);
                ck_assert_int_eq(credential_read(f.file, &cs, &error), 0);
                ck_assert_str_eq(cs->device_id, "dev1");
                cs = connection_string_free(cs);
                folder_done(&f);
        }
}
END_TEST

START_TEST(a_file_that_others_can_touch_is_refused)
{
        Folder f;

        for (mode_t bit = 1; bit <= 040; bit <<= 1) {
                folder_init(&f, GOOD, 0600 | bit);
                expect_unfit(f.file, "chmod 0600");
                folder_done(&f);
        }
}
END_TEST

START_TEST(a_strangers_file_is_refused)
{
        Folder f;

        if (geteuid() != 0) /* nobody else can give a file away */
                return;
        folder_init(&f, GOOD, 0600);
        ck_assert_int_eq(chown(f.file, 12345, 12345), 0);
        expect_unfit(f.file, "chown");
        folder_done(&f);
}
END_TEST

START_TEST(what_is_no_connection_string_is_refused)
{
        static const struct {
                const char *text;
                const char *words;
        } cases[] = {
                {"", "holds no connection string"},
                {"rubbish", "holds no connection string"},
                {"HostName=h.example;SharedAccessKeyName=owner;SharedAccessKey=c2VjcmV0c2VjcmV0",
                 "DeviceId"},
                {"HostName=h.example;DeviceId=dev1;x509=true", "SharedAccessKey"},
        };
        Folder f;

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                folder_init(&f, cases[i].text, 0600);
                expect_unfit(f.file, cases[i].words);
                folder_done(&f);
        }
        expect(CREDENTIAL_E_NONE, "/nonexistent/device.cs", "No such file");
        expect_unfit("/dev/null", "no regular file");
}
END_TEST

START_TEST(a_long_file_is_no_connection_string)
{
        char text[8192];
        Folder f;

        memset(text, 'x', sizeof(text) - 1);
        text[sizeof(text) - 1] = 0;
        folder_init(&f, text, 0600);
        expect_unfit(f.file, "too long");
        folder_done(&f);
}
END_TEST

START_TEST(a_name_is_a_credential_of_the_service)
{
        ConnectionString *cs = NULL;
        _cleanup_free_ char *error = NULL;
        Folder f;

        ck_assert_int_eq(unsetenv("CREDENTIALS_DIRECTORY"), 0);
        expect(CREDENTIAL_E_NONE, "device.cs", "LoadCredential=device.cs:");
        folder_init(&f, GOOD, 0440); /* as an access list looks; systemd guards the folder */
        ck_assert_int_eq(setenv("CREDENTIALS_DIRECTORY", f.path, 1), 0);
        ck_assert_int_eq(credential_read("device.cs", &cs, &error), 0);
        connection_string_free(cs);
        expect(CREDENTIAL_E_NONE, "other.cs", "No such file");
        folder_done(&f);
        /* what the unit hands over when it could not be had */
        folder_init(&f, CREDENTIAL_UNOPENED, 0400);
        expect(CREDENTIAL_E_UNFIT, f.file, "holds no connection string");
        ck_assert_int_eq(setenv("CREDENTIALS_DIRECTORY", f.path, 1), 0);
        expect(CREDENTIAL_E_NONE, "device.cs", "hublinkctl setup stores it anew");
        folder_done(&f);
        ck_assert_int_eq(unsetenv("CREDENTIALS_DIRECTORY"), 0);
}
END_TEST

/* ---- the key for the provisioning service ---- */

#define GROUP_KEY "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="

static void expect_no_key(const HubSettings *hub, int code, const char *words)
{
        _cleanup_free_ char *error = NULL;
        ConnectionString *cs = NULL;

        ck_assert_int_eq(credential_find(hub, &cs, &error), code);
        ck_assert_ptr_null(cs);
        ck_assert_msg(strstr(error, words), "%s: expected %s", error, words);
        ck_assert_ptr_null(strstr(error, "a2tr"));
}

START_TEST(a_key_is_read_and_a_groups_is_derived)
{
        HubSettings hub = {.dps = {.id_scope = (char *)"0ne1", .registration_id = (char *)"GW-17"}};
        _cleanup_(secret_buffer_done) Buffer derived = BUFFER_NULL;
        _cleanup_free_ char *error = NULL;
        ConnectionString *cs = NULL;
        Folder f;

        ck_assert_int_eq(derived_key(&derived, GROUP_KEY, "gw-17"), 0);
        folder_init(&f, " " GROUP_KEY " \r\n", 0600);
        hub.dps.key_file = f.file;
        ck_assert_int_eq(credential_find(&hub, &cs, &error), 0);
        ck_assert_str_eq(cs->shared_access_key, GROUP_KEY);
        ck_assert_ptr_null(cs->host_name);
        cs = connection_string_free(cs);

        hub.dps.key_file = NULL;
        hub.dps.group_key_file = f.file;
        ck_assert_int_eq(credential_find(&hub, &cs, &error), 0);
        ck_assert_str_eq(cs->shared_access_key, derived.data);
        cs = connection_string_free(cs);
        folder_done(&f);
}
END_TEST

START_TEST(a_gateway_without_a_name_has_no_credential_yet)
{
        HubSettings hub = {.dps = {.id_scope = (char *)"0ne1"}};
        Folder f;

        folder_init(&f, GROUP_KEY, 0600);
        hub.dps.group_key_file = f.file;
        expect_no_key(&hub, CREDENTIAL_E_NONE, "hub.dps.registration_id is missing");
        folder_done(&f);
}
END_TEST

START_TEST(what_is_no_key_is_refused)
{
        static const char *const texts[] = {"", "\n", "no key", "a2tra2tr a2tra2tr", "HostName=h;DeviceId=d"};
        HubSettings hub = {.dps = {.id_scope = (char *)"0ne1", .registration_id = (char *)"gw-17"}};
        Folder f;

        for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
                folder_init(&f, texts[i], 0600);
                hub.dps.key_file = f.file;
                expect_no_key(&hub, CREDENTIAL_E_UNFIT, "holds no key");
                folder_done(&f);
        }
        folder_init(&f, GROUP_KEY, 0640);
        hub.dps.key_file = f.file;
        expect_no_key(&hub, CREDENTIAL_E_UNFIT, "chmod 0600");
        folder_done(&f);
        hub.dps.key_file = (char *)"dps.key";
        ck_assert_int_eq(unsetenv("CREDENTIALS_DIRECTORY"), 0);
        expect_no_key(&hub, CREDENTIAL_E_NONE, "hub.dps.key_file");
}
END_TEST

int main(void)
{
        Suite *s = suite_create("daemon/credential");
        TCase *c = suite_case(s, "only the owner's");

        tcase_add_test(c, an_owners_file_is_taken);
        tcase_add_test(c, a_file_that_others_can_touch_is_refused);
        tcase_add_test(c, a_strangers_file_is_refused);
        tcase_add_test(c, what_is_no_connection_string_is_refused);
        tcase_add_test(c, a_long_file_is_no_connection_string);
        tcase_add_test(c, a_name_is_a_credential_of_the_service);

        c = suite_case(s, "for the provisioning service");
        tcase_add_test(c, a_key_is_read_and_a_groups_is_derived);
        tcase_add_test(c, a_gateway_without_a_name_has_no_credential_yet);
        tcase_add_test(c, what_is_no_key_is_refused);
        return suite_run(s);
}
