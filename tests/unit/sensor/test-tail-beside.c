/* SPDX-License-Identifier: Apache-2.0 */

/* What is beside a growing file and did not come from it: other logs, and copies that somebody made. */

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "sensor/tail-file.h"
#include "suite.h"

static char folder[64];
static TailFile *file;
static TailLook look;
static SourcePosition at;
static Buffer got;

static void run(const char *fmt, ...)
{
        char command[1024], script[900];
        va_list ap;

        va_start(ap, fmt);
        insist(vsnprintf(script, sizeof(script), fmt, ap) < (int)sizeof(script));
        va_end(ap);
        insist(snprintf(command, sizeof(command), "cd %s && %s", folder, script) < (int)sizeof(command));
        ck_assert_msg(system(command) == 0, "%s", command);
}

/* Times of files in the order of the calls, whatever the clock's steps are. */
static void add(const char *name, unsigned from, unsigned to, unsigned time)
{
        run("seq -f '%s line %%g' %u %u >> %s && touch -d @%u %s", strncmp(name, "m.log", 5) == 0 ? "m" : "other", from, to,
            name, 1000000000 + time, name);
}

static void begin(const SourcePosition *from)
{
        char path[96];

        (void)snprintf(path, sizeof(path), "%s/m.log", folder);
        file = tail_file_free(file);
        insist(tail_file_new(&file, path, from, false) == 0);
}

/* To the end of all that there is. */
static void read_on(void)
{
        int r;

        while ((r = tail_file_look(file, &look)) != TAIL_END) {
                insist(r == TAIL_BYTES || r == TAIL_TURNED);
                if (r != TAIL_BYTES)
                        continue;
                buffer_append(&got, look.data + look.before, look.size);
                at = (SourcePosition){
                        .serial = at.serial + 1,
                        .file = look.file,
                        .offset = look.offset,
                        .mtime = look.mtime,
                        .check = tail_check(look.start,
                                            look.data + look.before + look.size - MIN(look.offset, (uint64_t)TAIL_MARK),
                                            look.offset),
                };
        }
}

/* These lines of m, each once, in their order, and nothing else. */
static void insist_on_lines(unsigned from, unsigned to)
{
        size_t at_byte = 0;

        for (unsigned i = from; i <= to; i++) {
                char line[32];
                size_t n = (size_t)snprintf(line, sizeof(line), "m line %u\n", i);

                ck_assert_msg(got.size - at_byte >= n && memcmp(got.data + at_byte, line, n) == 0,
                              "in place of line %u there is \"%.*s\"", i, (int)MIN(got.size - at_byte, (size_t)20),
                              got.data + at_byte);
                at_byte += n;
        }
        ck_assert_msg(at_byte == got.size, "more came: \"%.*s\"", (int)MIN(got.size - at_byte, (size_t)20),
                      got.data + at_byte);
}

static void setup(void)
{
        (void)snprintf(folder, sizeof(folder), "%s/hublink-beside-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
        ck_assert_ptr_nonnull(mkdtemp(folder));
        at = (SourcePosition){};
}

static void teardown(void)
{
        file = tail_file_free(file);
        buffer_done(&got);
        run("rm -r %s", folder);
}

static const char *const others[] = {"m-2.log", "m_3.log", "m-20261122.log", "m.log-20261122", "m.log.7"};

/* Each of them grows, and is younger than all that is ours. */
static void grow_others(unsigned time)
{
        for (size_t i = 0; i < ARRAY_SIZE(others); i++)
                add(others[i], 1, 20, time);
}

START_TEST(another_log_is_not_read_when_ours_is_renamed)
{
        add("m.log", 1, 3, 1);
        grow_others(2);
        begin(NULL);
        read_on();
        for (unsigned i = 0; i < 3; i++) {
                grow_others(10 * i + 10);
                run("mv m.log m.log.%u", 3 - i);
                add("m.log", 4 + i, 4 + i, 10 * i + 11);
                grow_others(10 * i + 12);
                read_on();
        }
        insist_on_lines(1, 6);
}
END_TEST

START_TEST(another_log_is_not_read_when_ours_is_copied_and_cut)
{
        add("m.log", 1, 3, 1);
        grow_others(2);
        begin(NULL);
        read_on();
        for (unsigned i = 0; i < 3; i++) {
                add("m.log", 4 + 2 * i, 4 + 2 * i, 10 * i + 10); /* in the copy alone */
                grow_others(10 * i + 11);
                run("cp m.log m.log.%u && : > m.log", 3 - i);
                add("m.log", 5 + 2 * i, 5 + 2 * i, 10 * i + 12);
                grow_others(10 * i + 13);
                read_on();
        }
        insist_on_lines(1, 9);
}
END_TEST

/* A head line is all that was read, and the other one has it too. */
START_TEST(another_log_of_the_same_head_is_no_copy)
{
        run("echo head > m.log && echo head > m-20261122.log && echo foreign >> m-20261122.log");
        begin(NULL);
        read_on();
        run(": > m.log && touch m-20261122.log");
        add("m.log", 1, 1, 2000000000 - 1000000000);
        read_on();
        buffer_append(&got, "", 1);
        ck_assert_str_eq(got.data, "head\nm line 1\n");
}
END_TEST

/* After two rotations the first one has the name, and may have the number, of one that was there before. */
START_TEST(one_of_an_old_name_is_another_one)
{
        for (int i = 0; i < 20; i++) {
                unsigned n = (unsigned)i;

                got.size = 0;
                at = (SourcePosition){};
                run("rm -f m.log*");
                add("m.log.1", 1, 1, 10 * n);
                add("m.log", 1, 20, 10 * n + 1);
                begin(NULL);
                read_on();
                run("mv m.log m.log.2 && rm m.log.1");
                add("m.log", 21, 22, 10 * n + 2);
                run("mv m.log m.log.1");
                add("m.log", 23, 24, 10 * n + 3);
                read_on();
                insist_on_lines(1, 24);
        }
}
END_TEST

/* Somebody's copy: it is long enough to be known, or it was seen before the rotation. */
START_TEST(a_copy_that_somebody_made_is_not_read_again)
{
        static const struct {
                unsigned n;
                bool seen, restarts;
        } cases[] = {{3, true, false}, {100, true, false}, {100, false, false}, {100, false, true}, {100, true, true}};

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                got.size = 0;
                at = (SourcePosition){};
                run("rm -f m.log*");
                add("m.log", 1, cases[i].n, 1);
                begin(NULL);
                read_on();
                run("cp m.log m.log-20261122");
                if (cases[i].seen)
                        read_on();
                if (cases[i].restarts)
                        begin(&at);
                run("mv m.log m.log.1");
                add("m.log", cases[i].n + 1, cases[i].n + 2, 2);
                read_on();
                insist_on_lines(1, cases[i].n + 2);
        }
}
END_TEST

/* The one line that was read is like itself, but the file holds all that its copy does. */
START_TEST(a_copy_of_a_file_of_which_one_line_was_read_is_no_cut)
{
        add("m.log", 1, 1, 1);
        begin(NULL);
        read_on();
        add("m.log", 2, 100, 2);
        run("cp m.log m.log-20261122");
        add("m.log", 101, 102, 3);
        begin(&at);
        read_on();
        insist_on_lines(1, 102);
}
END_TEST

/* The one that was left is gone, and its copy was written on. */
START_TEST(a_copy_that_holds_more_is_gone_on_with)
{
        add("m.log", 1, 100, 1);
        begin(NULL);
        read_on();
        run("cp m.log m.log.1 && rm m.log");
        add("m.log.1", 101, 110, 2);
        add("m.log", 111, 112, 3);
        read_on();
        insist_on_lines(1, 112);
}
END_TEST

/* Lines that are all the same do not tell: to have them twice is better than not at all. */
START_TEST(a_successor_that_looks_alike_is_read)
{
        size_t size;

        run("yes alike | head -n 50 > m.log && touch -d @1000000000 m.log");
        begin(NULL);
        read_on();
        size = got.size;
        run("mv m.log m.log.2 && yes alike | head -n 60 > m.log.1 && touch -d @1000000001 m.log.1 && echo end > m.log");
        read_on();
        ck_assert_uint_eq(got.size, size + 60 * strlen("alike\n") + strlen("end\n"));
}
END_TEST

int main(void)
{
        Suite *s = suite_create("sensor/tail-beside");
        TCase *c = suite_case(s, "what is beside a growing file and is not of it");

        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_test(c, another_log_is_not_read_when_ours_is_renamed);
        tcase_add_test(c, another_log_is_not_read_when_ours_is_copied_and_cut);
        tcase_add_test(c, another_log_of_the_same_head_is_no_copy);
        tcase_add_test(c, one_of_an_old_name_is_another_one);
        tcase_add_test(c, a_copy_that_somebody_made_is_not_read_again);
        tcase_add_test(c, a_copy_of_a_file_of_which_one_line_was_read_is_no_cut);
        tcase_add_test(c, a_copy_that_holds_more_is_gone_on_with);
        tcase_add_test(c, a_successor_that_looks_alike_is_read);
        return suite_run(s);
}
