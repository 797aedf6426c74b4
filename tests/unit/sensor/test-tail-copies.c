/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A growing file that is rotated, read with some delay, left and gone on with, while somebody makes copies of it under
 * names like those of its rotation: each line comes once, in its order, and nothing else.
 */

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buffer.h"
#include "sensor/rotated.h"
#include "sensor/tail-file.h"
#include "suite.h"

#define WALKS     60
#define STEPS     120
#define FILES_MAX 256
#define NAME      160
#define IN_FUTURE 1000 /* seconds */
#define LONG_AGO  1000000000

enum {
        BY_NAME = 1,
        BY_COPY = 2,
};

static char folder[64], path[96];
static int writer = -1;
static uint64_t dice;
static unsigned n_numbered, n_names; /* of this walk: x.log.1 and on, and all the others */
static char names[FILES_MAX][NAME];  /* of those that have no number */
static bool dated;
static struct timespec now;
static Buffer written, got;
static TailFile *file;
static TailLook look;
static SourcePosition at;

static unsigned roll(unsigned n)
{
        dice = dice * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        return (unsigned)(dice >> 33) % n;
}

/* To the next step of the clock that the kernel gives files their times from. Copies are made within the step of a
 * write, but of two rotations within one step only the names tell, and a copy's name would belie that. */
static void pass_time(void)
{
        now.tv_sec++;
}

static void stamp(int fd)
{
        const struct timespec times[2] = {now, now};

        insist(futimens(fd, times) == 0);
}

/* A number and some letters, so that no two lines are alike. */
static void write_lines(unsigned n)
{
        while (n-- > 0) {
                char line[128];
                size_t size = (size_t)snprintf(line, sizeof(line), "%zu ", written.size);

                for (unsigned letters = 40 + roll(60); letters > 0; letters--)
                        line[size++] = (char)('a' + roll(26));
                line[size++] = '\n';
                insist(write(writer, line, size) == (ssize_t)size);
                buffer_append(&written, line, size);
        }
        stamp(writer);
}

static size_t size_of_path(void)
{
        struct stat st;

        insist(fstat(writer, &st) == 0);
        return (size_t)st.st_size;
}

static void open_writer(void)
{
        if (writer >= 0)
                close(writer);
        writer = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        insist(writer >= 0);
        stamp(writer);
}

static const char *new_name(const char *between, unsigned number)
{
        insist(n_names < FILES_MAX);
        (void)snprintf(names[n_names], NAME, "%s%s%u", path, between, number);
        return names[n_names++];
}

/* Where the file goes that is rotated now. */
static const char *rotation_name(void)
{
        static char to[NAME];

        if (dated)
                return new_name("-", 20260101 + n_names);
        for (unsigned i = n_numbered++; i > 0; i--) {
                char from[NAME];

                (void)snprintf(from, sizeof(from), "%s.%u", path, i);
                (void)snprintf(to, sizeof(to), "%s.%u", path, i + 1);
                insist(rename(from, to) == 0);
        }
        (void)snprintf(to, sizeof(to), "%s.1", path);
        return to;
}

static void copy_to(const char *to)
{
        static char chunk[1024 * 1024];
        int fd = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        ssize_t n = pread(writer, chunk, sizeof(chunk), 0);

        insist(fd >= 0 && n >= 0 && n < (ssize_t)sizeof(chunk) && write(fd, chunk, (size_t)n) == n);
        stamp(fd);
        close(fd);
}

/* ---- reading ---- */

static int look_once(void)
{
        int r = tail_file_look(file, &look);

        insist(!look.gap);
        if (r != TAIL_BYTES)
                return r;
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
        return r;
}

static void begin(const SourcePosition *from)
{
        file = tail_file_free(file);
        insist(tail_file_new(&file, path, from, false) == 0);
}

static void read_on(void)
{
        int r;

        while ((r = look_once()) != TAIL_END)
                insist(r != TAIL_FAILED);
}

static void maybe_look(void)
{
        if (roll(3) == 0)
                (void)look_once();
        if (roll(25) == 0)
                begin(&at);
}

/* ---- what happens ---- */

static void rotate_by_name(void)
{
        pass_time();
        insist(rename(path, rotation_name()) == 0);
        maybe_look();
        pass_time();
        open_writer();
        maybe_look();
        if (roll(3) > 0)
                write_lines(5 + roll(5));
}

/* Its copy is known by what was read: so that has to be something. */
static void rotate_by_copy(void)
{
        pass_time();
        if (size_of_path() < 2000)
                write_lines(30);
        copy_to(rotation_name());
        maybe_look();
        insist(ftruncate(writer, 0) == 0);
        pass_time();
        stamp(writer);
        maybe_look();
        if (roll(3) > 0)
                write_lines(5 + roll(40));
}

static void somebody_copies(void)
{
        if (size_of_path() < 600)
                return;
        if (roll(2) == 0)
                copy_to(new_name("-", 19100000 + n_names));
        else
                copy_to(new_name(".", 100 + n_names));
}

static void step(unsigned rotations)
{
        unsigned what = roll(16);

        if (what < 6)
                write_lines(1 + roll(12));
        else if (what < 10)
                (void)look_once();
        else if (what < 12 && (rotations & BY_NAME))
                rotate_by_name();
        else if (what < 14 && (rotations & BY_COPY))
                rotate_by_copy();
        else if (what == 15)
                somebody_copies();
        if (roll(20) == 0)
                begin(&at);
        if (roll(3) > 0)
                pass_time();
}

static void clear(void)
{
        char name[NAME];

        if (writer >= 0)
                close(writer);
        writer = -1;
        file = tail_file_free(file);
        (void)unlink(path);
        for (; n_numbered > 0; n_numbered--) {
                (void)snprintf(name, sizeof(name), "%s.%u", path, n_numbered);
                insist(unlink(name) == 0);
        }
        while (n_names > 0)
                insist(unlink(names[--n_names]) == 0);
        buffer_clear(&written);
        buffer_clear(&got);
        at = (SourcePosition){};
}

/* Five lines were read. */
static void start(void)
{
        clear();
        now = (struct timespec){.tv_sec = time(NULL) + IN_FUTURE}; /* none was written before it was made */
        open_writer();
        write_lines(5);
        begin(NULL);
        (void)look_once();
}

static void insist_on_all(unsigned walk)
{
        size_t same = 0;

        while (same < MIN(written.size, got.size) && written.data[same] == got.data[same])
                same++;
        ck_assert_msg(same == written.size && same == got.size,
                      "walk %u: of %zu bytes written %zu came; byte %zu differs", walk, written.size, got.size, same);
}

static void walk_all(unsigned rotations)
{
        for (unsigned walk = 0; walk < WALKS; walk++) {
                dice = walk + 1;
                dated = walk & 1;
                start();
                for (unsigned i = 0; i < STEPS; i++)
                        step(rotations);
                pass_time();
                read_on();
                write_lines(3);
                read_on();
                insist_on_all(walk);
        }
}

static void setup(void)
{
        (void)snprintf(folder, sizeof(folder), "%s/hublink-copies-XXXXXX",
                       access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
        ck_assert_ptr_nonnull(mkdtemp(folder));
        (void)snprintf(path, sizeof(path), "%s/x.log", folder);
}

static void teardown(void)
{
        clear();
        buffer_done(&written);
        buffer_done(&got);
        ck_assert_int_eq(rmdir(folder), 0);
}

START_TEST(copies_beside_rotation_by_name_are_passed_over)
{
        walk_all(BY_NAME);
}
END_TEST

START_TEST(copies_beside_rotation_by_copy_are_passed_over)
{
        walk_all(BY_COPY);
}
END_TEST

START_TEST(copies_beside_both_rotations_are_passed_over)
{
        walk_all(BY_NAME | BY_COPY);
}
END_TEST

/* While another one is read, PATH is copied, once or twice. */
START_TEST(a_copy_of_what_is_still_to_be_read_is_passed_over)
{
        for (unsigned copies = 1; copies <= 2; copies++) {
                dated = true;
                start();
                write_lines(5);
                insist(rename(path, rotation_name()) == 0);
                open_writer();
                write_lines(5);
                for (unsigned i = 0; i < copies; i++) {
                        pass_time();
                        copy_to(new_name("-", 20261122 + i));
                        write_lines(1);
                }
                read_on();
                insist_on_all(copies);
        }
}
END_TEST

/* It has the time of the file that it was made of, and a name that makes it the younger one. */
START_TEST(a_copy_within_one_step_of_the_clock_is_passed_over)
{
        dated = true;
        start();
        write_lines(5);
        copy_to(new_name(".", 500));
        write_lines(5);
        insist(rename(path, rotation_name()) == 0);
        open_writer();
        pass_time();
        write_lines(5);
        read_on();
        insist_on_all(0);
}
END_TEST

/* Its copy was made for good: the file was cut, and nothing else holds what was in it. */
START_TEST(a_copy_of_a_file_that_was_cut_is_read)
{
        dated = true;
        start();
        insist(rename(path, rotation_name()) == 0);
        open_writer();
        write_lines(10);
        rotate_by_copy();
        write_lines(40);
        read_on();
        insist_on_all(0);
}
END_TEST

static bool file_system_tells_births(void)
{
        struct statx st;

        insist(statx(AT_FDCWD, path, 0, STATX_BTIME, &st) == 0);
        return st.stx_mask & STATX_BTIME;
}

/* The same lines each day, in a file of its own: that of yesterday was written before that of today was made. */
START_TEST(an_older_file_of_the_same_lines_is_no_copy)
{
        char lines[4096];
        size_t begun, n;

        dated = true;
        start();
        now.tv_sec = LONG_AGO;
        stamp(writer);
        insist(rename(path, rotation_name()) == 0);
        pass_time();
        open_writer();
        begun = written.size;
        write_lines(20);
        insist(rename(path, rotation_name()) == 0);
        open_writer();
        n = written.size - begun;
        insist(n < sizeof(lines));
        memcpy(lines, written.data + begun, n);
        insist(write(writer, lines, n) == (ssize_t)n);
        buffer_append(&written, lines, n);
        if (!file_system_tells_births())
                return;
        read_on();
        insist_on_all(0);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("sensor/tail-copies");
        TCase *c = suite_case(s, "somebody's copies of a growing file");

        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_test(c, copies_beside_rotation_by_name_are_passed_over);
        tcase_add_test(c, copies_beside_rotation_by_copy_are_passed_over);
        tcase_add_test(c, copies_beside_both_rotations_are_passed_over);
        tcase_add_test(c, a_copy_of_what_is_still_to_be_read_is_passed_over);
        tcase_add_test(c, a_copy_within_one_step_of_the_clock_is_passed_over);
        tcase_add_test(c, a_copy_of_a_file_that_was_cut_is_read);
        tcase_add_test(c, an_older_file_of_the_same_lines_is_no_copy);
        return suite_run(s);
}
