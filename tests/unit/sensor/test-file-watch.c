/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/file-watch.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log-id.h"
#include "fake-clock.h"
#include "log-capture.h"
#include "suite.h"

/* Real files and a real inotify: events are there when the call that made them returns. */

#define MANY 250 /* more than the instances that a user has on many systems */

typedef struct Seen {
        unsigned n, n_closed;
} Seen;

static char folder[64];
static FakeClock now;
static sd_event *event;
static FileWatches *all;
static FileWatch *watches[MANY];
static Seen seen[MANY];

static void on_changed(void *userdata, bool closed)
{
        Seen *s = userdata;

        s->n++;
        s->n_closed += closed;
}

static const char *path_of(const char *name)
{
        static char path[128];

        (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
        return path;
}

static void watch(unsigned i, const char *name)
{
        insist(file_watch_new(&watches[i], all, path_of(name), on_changed, &seen[i]) == 0);
}

static void append(const char *name)
{
        FILE *f = fopen(path_of(name), "ae");

        insist(f);
        insist(fputs("line\n", f) >= 0);
        insist(fclose(f) == 0);
}

static void rename_to(const char *from, const char *to)
{
        char path[128];

        (void)snprintf(path, sizeof(path), "%s", path_of(from));
        insist(rename(path, path_of(to)) == 0);
}

/* How often the loop was woken. */
static unsigned wakes(void)
{
        unsigned n = 0;

        while (sd_event_run(event, 0) > 0)
                n++;
        return n;
}

static void wait_for(usec_t usec)
{
        fake_clock_advance(&now, usec);
        file_watches_tick(all, now.boot_usec);
}

static void turn(void)
{
        memset(seen, 0, sizeof(seen));
        wait_for(100 * USEC_PER_MSEC);
        (void)wakes();
}

static unsigned n_instances(void)
{
        DIR *dir = opendir("/proc/self/fd");
        unsigned n = 0;

        insist(dir);
        for (struct dirent *e; (e = readdir(dir));) {
                char target[64] = "";

                if (readlinkat(dirfd(dir), e->d_name, target, sizeof(target) - 1) > 0)
                        n += strcmp(target, "anon_inode:inotify") == 0;
        }
        closedir(dir);
        return n;
}

static void setup(void)
{
        strcpy(folder, "/tmp/hublink-watch-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(folder));
        insist(sd_event_new(&event) >= 0);
        fake_clock_init(&now);
        insist(file_watches_new(&all, event, &now.clock) == 0);
}

static void teardown(void)
{
        char command[96];

        for (size_t i = 0; i < MANY; i++)
                watches[i] = file_watch_free(watches[i]);
        file_watches_free(all);
        sd_event_unref(event);
        (void)snprintf(command, sizeof(command), "rm -rf %s", folder);
        insist(system(command) == 0);
}

START_TEST(many_share_one_instance)
{
        char name[32];

        ck_assert_uint_eq(n_instances(), 0);
        for (unsigned i = 0; i < MANY; i++) {
                (void)snprintf(name, sizeof(name), "%u.log", i);
                if (i % 2 == 0)
                        append(name);
                watch(i, name);
        }
        ck_assert_uint_eq(n_instances(), 1);
        turn();
        for (unsigned i = 0; i < MANY; i++) {
                (void)snprintf(name, sizeof(name), "%u.log", i);
                append(name);
                turn();
                for (unsigned k = 0; k < MANY; k++)
                        ck_assert_msg((seen[k].n > 0) == (k == i), "%u of %u", k, i);
                ck_assert_uint_eq(seen[i].n_closed > 0, i % 2 == 0); /* what was just made has no watch of its own yet */
        }
}
END_TEST

START_TEST(who_writes_without_end_wakes_nobody_without_end)
{
        unsigned n = 0;

        append("a");
        append("b");
        watch(0, "a");
        watch(1, "b");
        turn();
        wait_for(100 * USEC_PER_MSEC);
        ck_assert_uint_eq(file_watches_deadline(all), USEC_INFINITY); /* nothing happens: nothing is due */
        memset(seen, 0, sizeof(seen));
        for (unsigned i = 0; i < 1000; i++) { /* for a second */
                append("a");
                n += wakes();
                wait_for(USEC_PER_MSEC);
        }
        ck_assert_uint_ge(n, 10);
        ck_assert_uint_le(n, 11);
        ck_assert_uint_eq(seen[0].n, n);
        ck_assert_uint_eq(seen[1].n, 0);
        /* what comes last is told as well, of all */
        turn();
        append("a");
        append("b");
        ck_assert_uint_eq(wakes(), 0);
        ck_assert_uint_eq(file_watches_deadline(all), now.boot_usec + 100 * USEC_PER_MSEC);
        turn();
        ck_assert(seen[0].n == 1 && seen[1].n == 1 && seen[1].n_closed == 1);
}
END_TEST

START_TEST(who_rests_is_not_woken_by_what_is_written)
{
        append("a");
        watch(0, "a");
        watch(1, "a");
        turn();
        file_watch_rest(watches[0]);
        append("a"); /* the other one still wants to know */
        turn();
        ck_assert(seen[0].n == 0 && seen[1].n == 1);
        file_watch_rest(watches[1]);
        turn(); /* the kernel says that the watch is gone */
        wait_for(100 * USEC_PER_MSEC);
        append("a");
        ck_assert_uint_eq(wakes(), 0);
        rename_to("a", "a.1"); /* its name is another matter; what then has it is not watched yet either */
        append("a");
        turn();
        ck_assert(seen[0].n == 1 && seen[1].n == 1);
        wait_for(100 * USEC_PER_MSEC);
        append("a");
        ck_assert_uint_eq(wakes(), 0);
        file_watch_renew(watches[0]);
        append("a");
        turn();
        ck_assert(seen[0].n == 1 && seen[1].n == 0);
}
END_TEST

START_TEST(who_leaves_takes_no_watch_of_others)
{
        append("a");
        for (unsigned i = 0; i < 3; i++)
                watch(i, "a");
        watch(3, "b");
        watches[1] = file_watch_free(watches[1]);
        watches[3] = file_watch_free(watches[3]);
        append("a");
        turn();
        ck_assert(seen[0].n > 0 && seen[1].n == 0 && seen[2].n > 0 && seen[3].n == 0);
        watches[0] = file_watch_free(watches[0]);
        rename_to("a", "a.1");
        append("a");
        turn();
        ck_assert_uint_gt(seen[2].n, 0);
        append("a"); /* it is the new one that is watched now, */
        turn();
        ck_assert_uint_gt(seen[2].n_closed, 0);
        append("a.1"); /* and the old one no more */
        turn();
        ck_assert_uint_eq(seen[2].n, 0);
        append("other");
        turn();
        ck_assert_uint_eq(seen[2].n, 0);
        append("a.2"); /* it may be of a */
        turn();
        ck_assert_uint_gt(seen[2].n, 0);
}
END_TEST

/* The one's folder is the other's file. */
START_TEST(one_watch_may_be_of_two_kinds)
{
        insist(mkdir(path_of("sub"), 0700) == 0);
        watch(0, "sub/a");
        watch(1, "sub");
        append("sub/a");
        turn();
        ck_assert_uint_gt(seen[0].n, 0);
        watches[1] = file_watch_free(watches[1]);
        rename_to("sub/a", "sub/b");
        turn();
        ck_assert_uint_gt(seen[0].n, 0);
}
END_TEST

START_TEST(a_folder_that_comes_again_is_watched_again)
{
        insist(mkdir(path_of("sub"), 0700) == 0);
        append("sub/a");
        watch(0, "sub/a");
        watch(1, "sub/b");
        insist(unlink(path_of("sub/a")) == 0 && rmdir(path_of("sub")) == 0);
        turn();
        ck_assert(seen[0].n > 0 && seen[1].n > 0);
        insist(mkdir(path_of("sub"), 0700) == 0);
        append("sub/a");
        file_watch_renew(watches[0]);
        file_watch_renew(watches[1]);
        append("sub/a");
        append("sub/b");
        turn();
        ck_assert(seen[0].n > 0 && seen[1].n > 0);
}
END_TEST

START_TEST(what_the_kernel_refuses_is_told_once)
{
        struct rlimit limit, none;
        LogCapture capture;
        unsigned n = 0;

        log_capture_begin(&capture);
        insist(getrlimit(RLIMIT_NOFILE, &limit) == 0);
        none = limit;
        none.rlim_cur = 0;
        insist(setrlimit(RLIMIT_NOFILE, &none) == 0);
        watch(0, "a");
        watch(1, "b");
        insist(setrlimit(RLIMIT_NOFILE, &limit) == 0);
        for (size_t i = 0; i < capture.n_lines; i++)
                n += capture.ids[i] && strcmp(capture.ids[i], LOG_ID_FILES_NOT_WATCHED) == 0;
        ck_assert_uint_eq(n, 1);
        ck_assert_uint_eq(log_capture_count(&capture, "fs.inotify.max_user_instances"), 1);
        log_capture_end(&capture);

        /* and it is tried again */
        append("a");
        file_watch_renew(watches[0]);
        append("a");
        turn();
        ck_assert_uint_gt(seen[0].n, 0);
}
END_TEST

START_TEST(whether_there_is_one_more_is_asked_and_leaves_nothing)
{
        struct rlimit limit, none;

        ck_assert_int_eq(file_watch_try(folder), 0);
        ck_assert_uint_eq(n_instances(), 0);
        ck_assert_int_eq(file_watch_try(path_of("none")), -ENOENT);
        ck_assert_uint_eq(n_instances(), 0);
        insist(getrlimit(RLIMIT_NOFILE, &limit) == 0);
        none = limit;
        none.rlim_cur = 0;
        insist(setrlimit(RLIMIT_NOFILE, &none) == 0);
        ck_assert_int_eq(file_watch_try(folder), -EMFILE);
        insist(setrlimit(RLIMIT_NOFILE, &limit) == 0);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("sensor/file-watch");
        TCase *c = suite_case(s, "a word when files change");

        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_test(c, many_share_one_instance);
        tcase_add_test(c, who_writes_without_end_wakes_nobody_without_end);
        tcase_add_test(c, who_rests_is_not_woken_by_what_is_written);
        tcase_add_test(c, who_leaves_takes_no_watch_of_others);
        tcase_add_test(c, one_watch_may_be_of_two_kinds);
        tcase_add_test(c, a_folder_that_comes_again_is_watched_again);
        tcase_add_test(c, what_the_kernel_refuses_is_told_once);
        tcase_add_test(c, whether_there_is_one_more_is_asked_and_leaves_nothing);
        return suite_run(s);
}
