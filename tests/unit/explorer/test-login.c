/* SPDX-License-Identifier: Apache-2.0 */
#include "explorer/login.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "explorer/explorer.h"
#include "said.h"
#include "suite.h"

#define KEY          "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="
#define CS(host)     "HostName=" host ";SharedAccessKeyName=service;SharedAccessKey=" KEY
#define ENDPOINTS(host) "{\"host\":\"" host "\",\"listen\":\"0.0.0.0\",\"https_port\":8443,\"amqps_port\":8671," \
                        "\"ca_file\":\"/hub/ca.pem\",\"owner_connection_string\":" \
                        "\"HostName=" host ";SharedAccessKeyName=iothubowner;SharedAccessKey=" KEY "\"}"

static char folder[64];

static void make_folder(void)
{
        (void)snprintf(folder, sizeof(folder), "/tmp/hublink-login-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void remove_folder(void)
{
        char path[128];

        for (const char *const *name = (const char *const[]){"login", "endpoints.json", NULL}; *name; name++) {
                (void)snprintf(path, sizeof(path), "%s/%s", folder, *name);
                (void)unlink(path);
        }
        (void)rmdir(folder);
}

static const char *put_file(const char *name, const char *text, size_t size, mode_t mode)
{
        static char path[128];
        int fd;

        (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
        fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(write(fd, text, size), (ssize_t)size);
        ck_assert_int_eq(fchmod(fd, mode), 0);
        (void)close(fd);
        return path;
}

static const char *put_text(const char *name, const char *text, mode_t mode)
{
        return put_file(name, text, strlen(text), mode);
}

static int find(const LoginSources *s, Login *ret, const char **ret_said)
{
        int r;

        said_begin(stderr);
        r = login_find(s, ret);
        *ret_said = said_end();
        /* whatever it is, no complaint shows a key */
        ck_assert_msg(!strstr(*ret_said, KEY), "%s", *ret_said);
        return r;
}

START_TEST(the_command_line_outranks_the_environment)
{
        _cleanup_(login_done) Login option, file, environment;
        const char *said;

        (void)put_text("login", CS("file.net") "\n", 0600);
        {
                char path[128];
                LoginSources s = {.environment = CS("environment.net")};

                (void)snprintf(path, sizeof(path), "%s/login", folder);
                ck_assert_int_eq(find(&s, &environment, &said), EXPLORER_OK);
                ck_assert_str_eq(environment.host, "environment.net");
                s.login_file = path;
                ck_assert_int_eq(find(&s, &file, &said), EXPLORER_OK);
                ck_assert_str_eq(file.host, "file.net");
                s.login_file = NULL;
                s.login = CS("option.net");
                ck_assert_int_eq(find(&s, &option, &said), EXPLORER_OK);
                ck_assert_str_eq(option.host, "option.net");
                ck_assert_str_eq(option.policy, "service");
                ck_assert_str_eq(option.key, KEY);
                ck_assert_uint_eq(option.https_port, 443);
                ck_assert_uint_eq(option.amqps_port, 5671);
                ck_assert_ptr_null(option.address);
                ck_assert_ptr_null(option.ca_file);
        }
}
END_TEST

START_TEST(a_devhub_gives_everything)
{
        _cleanup_(login_done) Login own, other, ca;
        LoginSources s = {.devhub = folder, .environment = CS("environment.net")};
        const char *said;

        (void)put_text("endpoints.json", ENDPOINTS("devhub.localdomain"), 0600);
        ck_assert_int_eq(find(&s, &own, &said), EXPLORER_OK);
        ck_assert_str_eq(own.host, "devhub.localdomain");
        ck_assert_str_eq(own.policy, "iothubowner");
        ck_assert_str_eq(own.address, "127.0.0.1");
        ck_assert_str_eq(own.ca_file, "/hub/ca.pem");
        ck_assert_uint_eq(own.https_port, 8443);
        ck_assert_uint_eq(own.amqps_port, 8671);
        s.login = CS("devhub.localdomain");
        ck_assert_int_eq(find(&s, &other, &said), EXPLORER_OK);
        ck_assert_str_eq(other.policy, "service");
        ck_assert_str_eq(other.address, "127.0.0.1");
        s.ca_file = "/mine.pem";
        ck_assert_int_eq(find(&s, &ca, &said), EXPLORER_OK);
        ck_assert_str_eq(ca.ca_file, "/mine.pem");
}
END_TEST

START_TEST(a_login_for_another_hub_than_the_devhub_is_refused)
{
        LoginSources s = {.devhub = folder, .login = CS("prod.azure-devices.net")};
        const char *said;
        Login l;

        (void)put_text("endpoints.json", ENDPOINTS("devhub.localdomain"), 0600);
        ck_assert_int_eq(find(&s, &l, &said), EXPLORER_USAGE);
        ck_assert_ptr_nonnull(strstr(said, "prod.azure-devices.net"));
        ck_assert_ptr_nonnull(strstr(said, "devhub.localdomain"));
}
END_TEST

START_TEST(what_is_no_login_is_told)
{
        static const struct {
                LoginSources sources;
                const char *said;
        } cases[] = {
                {{}, "--login-file FILE"},
                {{.login = "nonsense"}, "what --login says is not a connection string"},
                {{.login = ""}, "it is empty"},
                {{.environment = "HostName=h"}, "what HUBLINK_LOGIN says"},
                {{.login = "HostName=h.net;DeviceId=d;SharedAccessKey=" KEY}, "of a device"},
                {{.login = "HostName=h.net;SharedAccessKeyName=p;x509=true"}, "has no SharedAccessKey"},
                {{.login = CS("h.net"), .login_file = "/x"}, "twice"},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                const char *said;
                Login l;

                ck_assert_int_eq(find(&cases[i].sources, &l, &said), EXPLORER_USAGE);
                ck_assert_msg(strstr(said, cases[i].said), "%zu: %s", i, said);
                ck_assert_ptr_null(l.key);
        }
}
END_TEST

START_TEST(a_file_that_others_can_read_is_refused)
{
        static const mode_t modes[] = {0644, 0640, 0604, 0620, 0602, 0660, 0677};

        for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
                LoginSources s = {.login_file = put_text("login", CS("h.net"), modes[i])};
                const char *said;
                Login l;

                ck_assert_int_eq(find(&s, &l, &said), EXPLORER_USAGE);
                ck_assert_msg(strstr(said, "chmod 0600"), "%s", said);
        }
}
END_TEST

START_TEST(a_file_that_is_no_login_is_told)
{
        static char large[8192];
        const struct {
                const char *text;
                size_t size;
                const char *said;
        } cases[] = {
                {"", 0, "it is empty"},
                {"nonsense", 8, "is not a connection string"},
                {"Host\0Name", 9, "cannot be read"},
                {large, sizeof(large), "cannot be read"},
        };
        LoginSources absent = {.login_file = "/nowhere/at/all"}, directory = {.login_file = folder};
        const char *said;
        Login l;

        memset(large, 'x', sizeof(large));
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                LoginSources s = {.login_file = put_file("login", cases[i].text, cases[i].size, 0400)};

                ck_assert_int_eq(find(&s, &l, &said), EXPLORER_USAGE);
                ck_assert_msg(strstr(said, cases[i].said), "%zu: %s", i, said);
                (void)unlink(s.login_file);
        }
        ck_assert_int_eq(find(&absent, &l, &said), EXPLORER_FAILED);
        ck_assert_ptr_nonnull(strstr(said, "/nowhere/at/all cannot be read"));
        ck_assert_int_eq(find(&directory, &l, &said), EXPLORER_USAGE);
        ck_assert_ptr_nonnull(strstr(said, "no regular file"));
}
END_TEST

START_TEST(endpoints_that_are_none_are_told)
{
        static const char *const texts[] = {"", "{", "[]", "7", "{\"host\":\"h\"}", "{\"host\":7,\"listen\":\"x\"}"};
        LoginSources s = {.devhub = folder};
        const char *said;
        Login l;

        ck_assert_int_eq(find(&s, &l, &said), EXPLORER_FAILED);
        ck_assert_ptr_nonnull(strstr(said, "no hublink-devhub runs in"));
        for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
                (void)put_text("endpoints.json", texts[i], 0600);
                ck_assert_int_eq(find(&s, &l, &said), EXPLORER_FAILED);
                ck_assert_msg(strstr(said, "is not what a hublink-devhub"), "%zu: %s", i, said);
        }
}
END_TEST

int main(void)
{
        Suite *s = suite_create("explorer/login");
        TCase *c = suite_case(s, "whoever is meant is found");

        tcase_add_checked_fixture(c, make_folder, remove_folder);
        tcase_add_test(c, the_command_line_outranks_the_environment);
        tcase_add_test(c, a_devhub_gives_everything);
        c = suite_case(s, "what is no login is told, and never shown");
        tcase_add_checked_fixture(c, make_folder, remove_folder);
        tcase_add_test(c, a_login_for_another_hub_than_the_devhub_is_refused);
        tcase_add_test(c, what_is_no_login_is_told);
        tcase_add_test(c, a_file_that_others_can_read_is_refused);
        tcase_add_test(c, a_file_that_is_no_login_is_told);
        tcase_add_test(c, endpoints_that_are_none_are_told);
        return suite_run(s);
}
