/* SPDX-License-Identifier: Apache-2.0 */

/* A part that is stuck is found out, a slow one never, and time in which nobody looked is nobody's fault. */

#include "daemon/vitals.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log-capture.h"
#include "suite.h"

#define LOOK     (15 * USEC_PER_SEC)
#define PATIENCE (20 * LOOK)

static usec_t stuck[2];
static bool in_kernel[3]; /* the threads 1 and 2, for which the parts wait; and another of this process */
static usec_t now;
static Vitals vitals;
static LogCapture captured;

static usec_t stuck_since(void *userdata, const char **ret_what, ThreadIds *ret_threads)
{
        thread_ids_add(ret_threads, 1);
        return *(usec_t *)userdata;
}

static usec_t stuck_on(void *userdata, const char **ret_what, ThreadIds *ret_threads)
{
        thread_ids_add(ret_threads, 2);
        *ret_what = "/dev/i2c-1";
        return *(usec_t *)userdata;
}

static bool waits_in_kernel(pid_t thread)
{
        ck_assert_int_ge(thread, 1);
        ck_assert_int_le(thread, 3);
        return in_kernel[thread - 1];
}

static void setup(void)
{
        log_capture_begin(&captured);
        stuck[0] = stuck[1] = USEC_INFINITY;
        in_kernel[0] = in_kernel[1] = in_kernel[2] = false;
        now = 100 * USEC_PER_SEC;
        vitals_init(&vitals, LOOK, waits_in_kernel);
        vitals_add(&vitals, (Vital){"disk", stuck_since, &stuck[0], PATIENCE});
        vitals_add(&vitals, (Vital){"sensors on", stuck_on, &stuck[1], PATIENCE});
}

static void teardown(void)
{
        log_capture_end(&captured);
}

/* Whether all was well at every look of so long. */
static bool goes_on(usec_t usec)
{
        for (usec_t end = now + usec; now < end;) {
                now += LOOK;
                if (!vitals_are_good(&vitals, now))
                        return false;
        }
        return true;
}

START_TEST(nothing_is_stuck)
{
        ck_assert(goes_on(USEC_PER_DAY));
        ck_assert_uint_eq(captured.n_lines, 0);
}
END_TEST

START_TEST(each_is_found_after_its_patience)
{
        usec_t began;

        ck_assert(goes_on(USEC_PER_HOUR));
        began = stuck[_i] = now;
        ck_assert(!goes_on(USEC_PER_HOUR));
        ck_assert_uint_ge(now - began, PATIENCE);
        ck_assert_uint_le(now - began, PATIENCE + 2 * LOOK);
        ck_assert_uint_eq(captured.n_lines, 1);
        ck_assert(log_capture_has(&captured, _i == 0 ? "disk: stuck for 300 s." : "sensors on /dev/i2c-1: stuck for"));
        ck_assert(log_capture_has(&captured, "service manager"));
        /* once told; it stays so until it gets on */
        ck_assert(!goes_on(USEC_PER_MIN));
        ck_assert_uint_eq(captured.n_lines, 1);
        stuck[_i] = USEC_INFINITY;
        ck_assert(goes_on(USEC_PER_HOUR));
}
END_TEST

/* Each job takes nearly as long as patience lasts; none takes longer. */
START_TEST(a_slow_one_is_not_stuck)
{
        for (unsigned i = 0; i < 100; i++) {
                stuck[0] = now;
                ck_assert(goes_on(PATIENCE - 2 * LOOK));
        }
}
END_TEST

START_TEST(sleep_does_not_count)
{
        stuck[0] = now;
        ck_assert(goes_on(PATIENCE / 2));
        now += USEC_PER_DAY;
        ck_assert(goes_on(PATIENCE / 4));
        ck_assert(!goes_on(PATIENCE));
}
END_TEST

START_TEST(what_cannot_be_killed_is_left)
{
        stuck[0] = now;
        in_kernel[0] = true;
        ck_assert(goes_on(USEC_PER_DAY));
        ck_assert_uint_eq(captured.n_lines, 1);
        ck_assert(log_capture_has(&captured, "waits in the kernel"));
        /* the device gave the thread back, which hangs on elsewhere */
        in_kernel[0] = false;
        ck_assert(!goes_on(LOOK));
        ck_assert_uint_eq(captured.n_lines, 2);
        ck_assert(log_capture_has(&captured, "service manager"));
        ck_assert(!goes_on(USEC_PER_MIN));
        ck_assert_uint_eq(captured.n_lines, 2);
}
END_TEST

/* A healthy thread writes, beside the one that is stuck. */
START_TEST(a_moment_in_the_kernel_is_not_told)
{
        stuck[0] = now;
        ck_assert(!goes_on(USEC_PER_HOUR));
        for (int i = 0; i < 10; i++) {
                in_kernel[0] = !in_kernel[0];
                (void)goes_on(LOOK);
        }
        ck_assert_uint_eq(captured.n_lines, 1);
        ck_assert(log_capture_has(&captured, "service manager"));
}
END_TEST

/* A folder of metrics, or a chip, that keeps a thread there says nothing of a disk or a lookup that is stuck elsewhere. */
START_TEST(one_that_cannot_be_killed_is_no_excuse_for_others)
{
        in_kernel[2] = true; /* no part waits for it */
        stuck[0] = now;
        ck_assert(!goes_on(PATIENCE + 2 * LOOK));
        ck_assert_uint_eq(captured.n_lines, 1);
        stuck[0] = USEC_INFINITY;
        ck_assert(goes_on(USEC_PER_HOUR));

        in_kernel[1] = true;
        stuck[1] = now;
        ck_assert(goes_on(USEC_PER_HOUR));
        ck_assert(log_capture_has(&captured, "sensors on /dev/i2c-1: stuck for"));
        stuck[0] = now;
        ck_assert(!goes_on(PATIENCE + 2 * LOOK));
        ck_assert_uint_eq(captured.n_lines, 3);
        ck_assert(!goes_on(USEC_PER_HOUR));
        ck_assert_uint_eq(captured.n_lines, 3);
        stuck[0] = USEC_INFINITY;
        ck_assert(goes_on(USEC_PER_HOUR));
}
END_TEST

/* What was seen there is counted by looks, for each part: two that are there for one look were not there for two. */
START_TEST(looks_are_counted_for_each)
{
        stuck[0] = stuck[1] = now;
        ck_assert(!goes_on(USEC_PER_HOUR));
        ck_assert_uint_eq(captured.n_lines, 2);
        stuck[0] = stuck[1] = USEC_INFINITY;
        ck_assert(goes_on(USEC_PER_HOUR));

        in_kernel[0] = in_kernel[1] = true;
        stuck[0] = stuck[1] = now;
        ck_assert(goes_on(PATIENCE + 2 * LOOK)); /* two looks since patience was over */
        ck_assert_uint_eq(captured.n_lines, 2);
        ck_assert(goes_on(LOOK));
        ck_assert_uint_eq(captured.n_lines, 4);
}
END_TEST

static atomic_int waiting;

/* Who has a child by vfork() waits in the kernel until it is gone. */
static void *have_child(void *userdata)
{
        pid_t child;

        atomic_store(&waiting, gettid());
        child = vfork();
        if (child == 0) {
                char c;

                (void)!read(*(int *)userdata, &c, 1);
                _exit(0);
        }
        (void)waitpid(child, NULL, 0);
        return NULL;
}

START_TEST(a_thread_that_waits_there_is_told_from_others)
{
        pthread_t thread;
        int fds[2], i;

        ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
        ck_assert_int_eq(pthread_create(&thread, NULL, have_child, &fds[0]), 0);
        for (i = 0; i < 2000 && !vitals_waits_in_kernel(atomic_load(&waiting)); i++)
                (void)usleep(1000);
        ck_assert_int_lt(i, 2000);
        ck_assert(!vitals_waits_in_kernel(gettid()));
        ck_assert_int_eq(write(fds[1], "x", 1), 1);
        ck_assert_int_eq(pthread_join(thread, NULL), 0);
        ck_assert(!vitals_waits_in_kernel(atomic_load(&waiting)));
        (void)close(fds[0]);
        (void)close(fds[1]);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("daemon/vitals");
        TCase *c = suite_case(s, "stuck, slow, asleep");

        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_test(c, nothing_is_stuck);
        tcase_add_loop_test(c, each_is_found_after_its_patience, 0, 2);
        tcase_add_test(c, a_slow_one_is_not_stuck);
        tcase_add_test(c, sleep_does_not_count);
        tcase_add_test(c, what_cannot_be_killed_is_left);
        tcase_add_test(c, a_moment_in_the_kernel_is_not_told);
        tcase_add_test(c, one_that_cannot_be_killed_is_no_excuse_for_others);
        tcase_add_test(c, looks_are_counted_for_each);
        tcase_add_test(c, a_thread_that_waits_there_is_told_from_others);
        return suite_run(s);
}
