/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/tail-file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "sensor/rotated.h"
#include "suite.h"

/*
 * A file in a folder of its own is written to, rotated both ways, read, left, killed, in every order of so many steps: the
 * bytes that come out are those that were written. Its times are set, so that they are not all the same.
 */

#define WALK_STEPS   5
#define LONG_WALKS   60
#define LONG_STEPS   60
#define ROTATED_MAX  80

static char folder[64], path[96];
static int writer = -1;
static unsigned n_rotated;
static time_t now_sec;
static Buffer written, got;
static TailFile *file;
static TailLook look;

/* As of the last byte that was taken; and what would be known after a kill. */
static SourcePosition at, saved_at;
static size_t saved_size;

static void rotated(unsigned i, char name[static 128])
{
        (void)snprintf(name, 128, "%s.%u", path, i);
}

static void stamp(int fd)
{
        const struct timespec times[2] = {{.tv_sec = now_sec}, {.tv_sec = now_sec}};

        now_sec++;
        insist(futimens(fd, times) == 0);
}

static void write_line(void)
{
        char line[64];
        size_t n = (size_t)snprintf(line, sizeof(line), "line %zu of this test\n", written.size);

        insist(write(writer, line, n) == (ssize_t)n);
        stamp(writer);
        buffer_append(&written, line, n);
}

static void open_writer(void)
{
        writer = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        insist(writer >= 0);
        stamp(writer);
}

static void shift(void)
{
        for (unsigned i = n_rotated++; i > 0; i--) {
                char from[128], to[128];

                rotated(i, from);
                rotated(i + 1, to);
                insist(rename(from, to) == 0);
        }
}

static void rotate_by_rename(void)
{
        char to[128];

        shift();
        rotated(1, to);
        insist(rename(path, to) == 0);
        close(writer);
        open_writer();
}

static void copy(void)
{
        char to[128], chunk[65536];
        ssize_t n;
        int fd;

        shift();
        rotated(1, to);
        fd = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        insist(fd >= 0);
        n = pread(writer, chunk, sizeof(chunk), 0);
        insist(n >= 0 && n < (ssize_t)sizeof(chunk) && write(fd, chunk, (size_t)n) == n);
        stamp(fd);
        close(fd);
}

static void rotate_by_copy(void)
{
        copy();
        insist(ftruncate(writer, 0) == 0);
        stamp(writer);
}

/* What a look brought is taken as a whole. */
static void read_on(void)
{
        int r;

        while ((r = tail_file_look(file, &look)) != TAIL_END) {
                insist(r == TAIL_BYTES || r == TAIL_TURNED);
                insist(!look.gap);
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

static void read_once(void)
{
        int r = tail_file_look(file, &look);

        insist(r != TAIL_FAILED && !look.gap);
        insist(r != TAIL_BYTES || look.size > 0);
        if (r != TAIL_BYTES)
                return;
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

static void save(void)
{
        saved_at = at;
        saved_size = got.size;
}

static void begin(const SourcePosition *from)
{
        file = tail_file_free(file);
        insist(tail_file_new(&file, path, from, false) == 0);
}

static void kill_it(void)
{
        at = saved_at;
        buffer_truncate(&got, saved_size);
        begin(&at);
}

static void step(unsigned what)
{
        switch (what) {
        case 0:
                write_line();
                break;
        case 1:
                rotate_by_rename();
                break;
        case 2:
                rotate_by_copy();
                break;
        case 3:
                read_once();
                break;
        case 4:
                read_on();
                save();
                break;
        default:
                kill_it();
                break;
        }
}

static void clear(void)
{
        char name[128];

        if (writer >= 0)
                close(writer);
        writer = -1;
        file = tail_file_free(file);
        (void)unlink(path);
        for (; n_rotated > 0; n_rotated--) {
                rotated(n_rotated, name);
                insist(unlink(name) == 0);
        }
        buffer_clear(&written);
        buffer_clear(&got);
        at = (SourcePosition){};
}

/* One line was read, and that is known. */
static void start(void)
{
        clear();
        now_sec = 1000000000;
        open_writer();
        write_line();
        begin(NULL);
        read_on();
        save();
}

static void check_all(void)
{
        read_on();
        insist(got.size == written.size);
        insist(memcmp(got.data, written.data, got.size) == 0);
}

static void setup(void)
{
        /* in memory, where there is such a place: it is thousands of small files */
        (void)snprintf(folder, sizeof(folder), "%s/hublink-tail-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
        ck_assert_ptr_nonnull(mkdtemp(folder));
        (void)snprintf(path, sizeof(path), "%s/meter.log", folder);
}

static void teardown(void)
{
        clear();
        buffer_done(&written);
        buffer_done(&got);
        ck_assert_int_eq(rmdir(folder), 0);
}

START_TEST(every_order_of_steps_gives_what_was_written)
{
        unsigned n_walks = 1;

        for (unsigned i = 0; i < WALK_STEPS; i++)
                n_walks *= 6;
        for (unsigned walk = 0; walk < n_walks; walk++) {
                unsigned rest = walk;

                start();
                for (unsigned i = 0; i < WALK_STEPS; i++, rest /= 6)
                        step(rest % 6);
                check_all();
                kill_it();
                write_line();
                check_all();
        }
}
END_TEST

START_TEST(long_walks_give_what_was_written)
{
        uint64_t dice = 1;

        for (unsigned walk = 0; walk < LONG_WALKS; walk++) {
                start();
                for (unsigned i = 0; i < LONG_STEPS && n_rotated < ROTATED_MAX; i++) {
                        dice = dice * UINT64_C(6364136223846793005) + 1442695040888963407u;
                        step((unsigned)(dice >> 33) % 6);
                }
                check_all();
        }
}
END_TEST

/* Larger than a chunk, and cut while it is read. */
START_TEST(much_is_read_in_pieces)
{
        start();
        for (int i = 0; i < 6000; i++)
                write_line();
        read_once();
        save();
        ck_assert_uint_gt(written.size, 2 * TAIL_CHUNK - got.size);
        kill_it();
        rotate_by_rename();
        for (int i = 0; i < 10; i++)
                write_line();
        check_all();
}
END_TEST

START_TEST(two_within_one_tick_of_the_clock_keep_their_order)
{
        start();
        for (int i = 0; i < 4; i++) {
                time_t same = now_sec;

                write_line();
                now_sec = same;
                rotate_by_rename();
                now_sec = same;
        }
        write_line();
        check_all();
}
END_TEST

START_TEST(a_cut_without_a_copy_is_told)
{
        start();
        write_line();
        ck_assert_int_eq(ftruncate(writer, 0), 0);
        stamp(writer);
        ck_assert_msg(tail_file_look(file, &look) == TAIL_TURNED, "%s", look.error);
        ck_assert(look.gap);
        buffer_clear(&written);
        buffer_clear(&got);
        write_line();
        check_all();
        /* cut, and longer than before when it is looked at */
        ck_assert_int_eq(ftruncate(writer, 0), 0);
        for (int i = 0; i < 20; i++)
                insist(write(writer, "others this time\n", 17) == 17);
        stamp(writer);
        ck_assert_msg(tail_file_look(file, &look) == TAIL_TURNED, "%s", look.error);
        ck_assert(look.gap);
        ck_assert_int_eq(tail_file_look(file, &look), TAIL_BYTES);
        ck_assert_int_eq(strncmp(look.data + look.before, "others", 6), 0);
}
END_TEST

/* So many lines that are all the same, or the nth of their kind. */
static void write_alike(unsigned n, bool alike)
{
        for (unsigned i = 0; i < n; i++) {
                char line[64];
                size_t size = (size_t)snprintf(line, sizeof(line), "a line: %zu\n", alike ? (size_t)1 : written.size);

                insist(write(writer, line, size) == (ssize_t)size);
                buffer_append(&written, line, size);
        }
        stamp(writer);
}

/* 30 lines are read, and it ends. */
static void begin_alike(bool alike)
{
        clear();
        now_sec = 1000000000;
        open_writer();
        write_alike(30, alike);
        begin(NULL);
        read_on();
        file = tail_file_free(file);
}

/* As check_all, and was there any doubt? */
static bool finish(void)
{
        bool doubt = false;

        begin(&at);
        ck_assert_int_eq(tail_file_look(file, &look), TAIL_BYTES);
        doubt = look.perhaps_cut;
        file = tail_file_free(file);
        begin(&at);
        check_all();
        return doubt;
}

START_TEST(lines_that_are_alike_are_not_lost_by_a_cut)
{
        for (unsigned more = 0; more < 60; more++) {
                bool doubt;

                begin_alike(true);
                write_alike(5, true);
                rotate_by_copy();
                write_alike(more, true);
                doubt = finish();
                /* shorter than its copy, it was cut; if not, it may have been copied only */
                ck_assert_msg(doubt == (more >= 35), "%u", more);
        }
}
END_TEST

START_TEST(a_copy_alone_is_no_cut_where_lines_differ)
{
        begin_alike(false);
        write_alike(5, false);
        copy();
        write_alike(40, false);
        ck_assert(!finish());
}
END_TEST

START_TEST(what_is_gone_altogether_is_told)
{
        char name[128];

        start();
        write_line();
        file = tail_file_free(file);
        rotate_by_rename();
        rotated(1, name);
        ck_assert_int_eq(unlink(name), 0);
        n_rotated = 0;
        buffer_clear(&written);
        buffer_clear(&got);
        write_line();
        begin(&at);
        ck_assert_int_eq(tail_file_look(file, &look), TAIL_BYTES);
        ck_assert(look.gap);
        ck_assert_uint_eq(look.size, written.size);
        ck_assert_int_eq(tail_file_look(file, &look), TAIL_END);
        ck_assert(!look.gap);
}
END_TEST

START_TEST(from_the_end_is_behind_the_last_whole_line)
{
        start();
        write_line();
        insist(write(writer, "half", 4) == 4);
        file = tail_file_free(file);
        ck_assert_int_eq(tail_file_new(&file, path, NULL, true), 0);
        ck_assert_int_eq(tail_file_look(file, &look), TAIL_BYTES);
        ck_assert_uint_eq(look.size, 4);
        ck_assert_uint_eq(look.offset - look.size, written.size);
        ck_assert_uint_gt(look.before, 0);
}
END_TEST

START_TEST(what_is_not_there_yet_is_new_from_its_beginning)
{
        ck_assert_int_eq(tail_file_new(&file, path, NULL, true), 0);
        ck_assert_int_eq(tail_file_look(file, &look), TAIL_FAILED);
        ck_assert_ptr_nonnull(strstr(look.error, "does not exist"));
        open_writer();
        write_line();
        ck_assert_int_eq(tail_file_look(file, &look), TAIL_BYTES);
        ck_assert_uint_eq(look.size, written.size);
        /* away for good, the descriptor stays with it */
        write_line();
        ck_assert_int_eq(unlink(path), 0);
        ck_assert_int_eq(tail_file_look(file, &look), TAIL_BYTES);
        ck_assert_int_eq(tail_file_look(file, &look), TAIL_FAILED);
}
END_TEST

START_TEST(names_of_rotated_files_are_known)
{
        static const struct {
                const char *name, *of;
                bool is;
        } cases[] = {
                {"x.log.1", "x.log", true},          {"x.log.10", "x.log", true},
                {"x.log-20261121", "x.log", true},   {"x.log-20261121-1763719200", "x.log", true},
                {"x-20261121.log", "x.log", true},   {"x.2026-11-21.log", "x.log", true},
                {"x.log-202611", "x.log", true},     {"x.log_2026-11-21", "x.log", true},
                /* those are others' */
                {"x.1.log", "x.log", false},         {"x-2.log", "x.log", false},
                {"x_03.log", "x.log", false},        {"x-202611.log", "x.log", false},
                {"x.log-2", "x.log", false},         {"x.log_1", "x.log", false},
                {"x.log.2026-11-21T10:00:00Z", "x.log", true},
                {"x.log", "x.log", false},           {"x.log.1.gz", "x.log", false},
                {"x.log.zst", "x.log", false},       {"x.log.", "x.log", false},
                {"x.log.-", "x.log", false},         {"x.log1", "x.log", false},
                {"xx.log.1", "x.log", false},        {"x.log~", "x.log", false},
                {"x.log.bak", "x.log", false},       {"x-old.log", "x.log", false},
                {"meter.1", "meter", true},          {".x.1", ".x", true},
                {".1x", ".x", false},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
                ck_assert_msg(rotated_is_name(cases[i].name, cases[i].of) == cases[i].is, "%s", cases[i].name);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("sensor/tail-file");
        TCase *c = suite_case(s, "a growing file over its rotations");

        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_test(c, every_order_of_steps_gives_what_was_written);
        tcase_add_test(c, long_walks_give_what_was_written);
        tcase_add_test(c, much_is_read_in_pieces);
        tcase_add_test(c, two_within_one_tick_of_the_clock_keep_their_order);
        tcase_add_test(c, a_cut_without_a_copy_is_told);
        tcase_add_test(c, lines_that_are_alike_are_not_lost_by_a_cut);
        tcase_add_test(c, a_copy_alone_is_no_cut_where_lines_differ);
        tcase_add_test(c, what_is_gone_altogether_is_told);
        tcase_add_test(c, from_the_end_is_behind_the_last_whole_line);
        tcase_add_test(c, what_is_not_there_yet_is_new_from_its_beginning);
        tcase_add_test(c, names_of_rotated_files_are_known);
        return suite_run(s);
}
