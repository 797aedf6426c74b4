/* SPDX-License-Identifier: Apache-2.0 */

/* What a command is asked and what it answers, on a real file system: whole, readable by the group, and never a link. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/command-files.h"
#include "model/order.h"
#include "suite.h"

typedef struct Folders {
        char base[64], run[80], unit[160], request[128], response[192];
} Folders;

static void write_text(const char *path, const char *text, size_t size)
{
        FILE *f = fopen(path, "w");

        ck_assert_ptr_nonnull(f);
        ck_assert_uint_eq(fwrite(text, 1, size, f), size);
        ck_assert_int_eq(fclose(f), 0);
}

static void begin(Folders *f)
{
        char path[128];

        (void)snprintf(f->base, sizeof(f->base), "/tmp/hublink-command-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(f->base));
        (void)snprintf(f->run, sizeof(f->run), "%s/run", f->base);
        (void)snprintf(path, sizeof(path), "%s-command", f->run);
        (void)snprintf(f->unit, sizeof(f->unit), "%s/pump", path);
        (void)snprintf(f->request, sizeof(f->request), "%s/command/pump/request", f->run);
        (void)snprintf(f->response, sizeof(f->response), "%s/response", f->unit);
        ck_assert(mkdir(f->run, 0755) == 0 && mkdir(path, 0755) == 0 && mkdir(f->unit, 0755) == 0);
        (void)umask(0077);
}

static void end(Folders *f)
{
        char path[256];

        (void)unlink(f->response);
        (void)rmdir(f->response);
        (void)unlink(f->request);
        (void)rmdir(f->unit);
        for (int i = 0; i < 4; i++) {
                static const char *const forms[] = {"%s/run/command/pump", "%s/run/command", "%s/run-command", "%s/run"};

                (void)snprintf(path, sizeof(path), forms[i], f->base);
                (void)rmdir(path);
        }
        ck_assert_int_eq(rmdir(f->base), 0); /* nothing else was left */
}

static void check_mode(const char *path, mode_t mode)
{
        struct stat st;

        ck_assert_int_eq(lstat(path, &st), 0);
        ck_assert_uint_eq(st.st_mode, mode);
}

START_TEST(the_argument_is_for_the_group)
{
        char text[32] = "", folder[128];
        CommandMark mark;
        Folders f;
        int fd;

        begin(&f);
        ck_assert_int_eq(command_files_put(f.run, "pump", "{\"a\":1}", 7, &mark), 0);
        ck_assert_int_eq(command_files_put(f.run, "pump", "[2]", 3, &mark), 0);
        ck_assert_uint_eq(mark.inode, 0);
        check_mode(f.request, S_IFREG | 0640);
        (void)snprintf(folder, sizeof(folder), "%s/command/pump", f.run);
        check_mode(folder, S_IFDIR | 0750);
        (void)snprintf(folder, sizeof(folder), "%s/command", f.run);
        check_mode(folder, S_IFDIR | 0750);
        fd = open(f.request, O_RDONLY | O_CLOEXEC);
        ck_assert_int_eq(read(fd, text, sizeof(text)), 3);
        ck_assert_str_eq(text, "[2]");
        ck_assert_int_eq(close(fd), 0);
        end(&f);
}
END_TEST

START_TEST(without_a_folder_it_says_why)
{
        CommandMark mark;

        ck_assert_int_eq(command_files_put("/nonexistent/run", "pump", "1", 1, &mark), -ENOENT);
        ck_assert_int_eq(command_files_get("/nonexistent/run", "pump", &mark, &BUFFER_NULL), COMMAND_E_NONE);
}
END_TEST

static int get(Folders *f, const CommandMark *mark, Buffer *b)
{
        buffer_clear(b);
        return command_files_get(f->run, "pump", mark, b);
}

START_TEST(an_answer_of_before_is_none)
{
        Buffer b = BUFFER_NULL;
        CommandMark mark;
        Folders f;

        begin(&f);
        ck_assert_int_eq(command_files_put(f.run, "pump", "1", 1, &mark), 0);
        ck_assert_int_eq(get(&f, &mark, &b), COMMAND_E_NONE);
        write_text(f.response, "[1]", 3);
        ck_assert_int_eq(get(&f, &mark, &b), 0);
        ck_assert_str_eq(b.data, "[1]");

        /* the next run leaves none; then one of the same length in the same file, and another file */
        for (int i = 0; i < 50; i++) {
                ck_assert_int_eq(command_files_put(f.run, "pump", "2", 1, &mark), 0);
                ck_assert_int_eq(get(&f, &mark, &b), COMMAND_E_NONE);
                if (i % 2)
                        ck_assert_int_eq(unlink(f.response), 0);
                else
                        (void)usleep(20000); /* the file system's clock ticks by 4 ms or 10 */
                write_text(f.response, "[2]", 3);
                if (i % 2 == 0)
                        ck_assert_int_eq(get(&f, &mark, &b), 0);
        }
        write_text(f.response, "", 0);
        ck_assert_int_eq(get(&f, &(CommandMark){}, &b), COMMAND_E_NONE);
        buffer_done(&b);
        end(&f);
}
END_TEST

START_TEST(only_a_file_is_an_answer)
{
        char *large = malloc(METHOD_PAYLOAD_MAX + 1);
        CommandMark none = {};
        Buffer b = BUFFER_NULL;
        Folders f;

        begin(&f);
        memset(large, '1', METHOD_PAYLOAD_MAX + 1);
        write_text(f.response, large, METHOD_PAYLOAD_MAX);
        ck_assert_int_eq(get(&f, &none, &b), 0);
        ck_assert_uint_eq(b.size, METHOD_PAYLOAD_MAX);
        write_text(f.response, large, METHOD_PAYLOAD_MAX + 1);
        ck_assert_int_eq(get(&f, &none, &b), -EFBIG);
        ck_assert_int_eq(unlink(f.response), 0);

        ck_assert_int_eq(symlink("/etc/passwd", f.response), 0);
        ck_assert_int_eq(get(&f, &none, &b), -ELOOP);
        ck_assert_int_eq(unlink(f.response), 0);
        ck_assert_int_eq(mkfifo(f.response, 0644), 0);
        ck_assert_int_eq(get(&f, &none, &b), -EBADF);
        ck_assert_int_eq(unlink(f.response), 0);
        ck_assert_int_eq(mkdir(f.response, 0755), 0);
        ck_assert_int_eq(get(&f, &none, &b), -EBADF);
        buffer_done(&b);
        free(large);
        end(&f);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("daemon/command-files");
        TCase *c = suite_case(s, "files");

        tcase_add_test(c, the_argument_is_for_the_group);
        tcase_add_test(c, without_a_folder_it_says_why);
        tcase_add_test(c, an_answer_of_before_is_none);
        tcase_add_test(c, only_a_file_is_an_answer);
        return suite_run(s);
}
