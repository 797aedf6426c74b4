/* SPDX-License-Identifier: Apache-2.0 */

/* A part that is stuck is found out, a slow one never, and time in which nobody looked is nobody's fault. */

#include "daemon/vitals.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log-capture.h"
#include "suite.h"

#define LOOK     (15 * USEC_PER_SEC)
#define PATIENCE (20 * LOOK)

static usec_t stuck[3];   /* the disk, and two devices */
static bool in_kernel[5]; /* threads: 1 is the disk's, 2 the one device's, 4 and 5 the other's; 3 is nobody's */
static usec_t now;
static Vitals vitals;
static LogCapture captured;

static bool next_on_disk(void *userdata, size_t *at, Stuck *ret)
{
        if ((*at)++ > 0 || stuck[0] == USEC_INFINITY)
                return false;
        ret->since = stuck[0];
        thread_ids_add(&ret->threads, 1);
        return true;
}

/* One has a thread that hangs, the other two. */
static bool next_device(void *userdata, size_t *at, Stuck *ret)
{
        static const char *const names[] = {"/dev/i2c-1", "/dev/i2c-2"};

        while (*at < 2) {
                size_t i = (*at)++;

                if (stuck[1 + i] == USEC_INFINITY)
                        continue;
                ret->what = names[i];
                ret->since = stuck[1 + i];
                thread_ids_add(&ret->threads, i == 0 ? 2 : 4);
                if (i == 1)
                        thread_ids_add(&ret->threads, 5);
                return true;
        }
        return false;
}

static bool waits_in_kernel(pid_t thread)
{
        ck_assert_int_ge(thread, 1);
        ck_assert_int_le(thread, 5);
        return in_kernel[thread - 1];
}

static void setup(void)
{
        log_capture_begin(&captured);
        stuck[0] = stuck[1] = stuck[2] = USEC_INFINITY;
        memset(in_kernel, 0, sizeof(in_kernel));
        now = 100 * USEC_PER_SEC;
        vitals_init(&vitals, LOOK, waits_in_kernel);
        vitals_add(&vitals, (Vital){"disk", next_on_disk, NULL, PATIENCE});
        vitals_add(&vitals, (Vital){"sensors on", next_device, NULL, PATIENCE});
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

/* The one of two devices that cannot be killed is no excuse for the other either, whichever was stuck first. */
START_TEST(one_device_is_no_excuse_for_another)
{
        in_kernel[1] = true;
        stuck[1 + _i] = now;
        ck_assert(goes_on(PATIENCE / 2));
        stuck[2 - _i] = now;
        ck_assert(!goes_on(PATIENCE + 2 * LOOK));
        ck_assert(log_capture_has(&captured, "sensors on /dev/i2c-2: stuck for 300 s. The service manager"));
        stuck[2] = USEC_INFINITY;
        ck_assert(goes_on(USEC_PER_HOUR));
        ck_assert(log_capture_has(&captured, "It waits in the kernel"));
        ck_assert_uint_eq(captured.n_lines, 2);
}
END_TEST

/* Nor is its patience begun anew with each moment that the first one is seen outside. */
START_TEST(one_device_does_not_use_up_the_time_of_another)
{
        usec_t end;

        in_kernel[1] = true;
        stuck[1] = now;
        ck_assert(goes_on(PATIENCE + 4 * LOOK));
        stuck[2] = now;
        for (end = now + PATIENCE - 2 * LOOK; now < end;) {
                ck_assert(goes_on(2 * LOOK));
                in_kernel[1] = false;
                ck_assert(!goes_on(LOOK));
                in_kernel[1] = true;
        }
        ck_assert(!goes_on(4 * LOOK));
        ck_assert_uint_eq(log_capture_count(&captured, "sensors on /dev/i2c-2: stuck for 300 s."), 1);
}
END_TEST

/* A restart is not made for threads that it would not reach; for one that it would, it is. */
START_TEST(one_thread_is_no_excuse_for_another)
{
        stuck[2] = now;
        in_kernel[3] = true;
        ck_assert(!goes_on(PATIENCE + 2 * LOOK));
        in_kernel[4] = true;
        ck_assert(goes_on(USEC_PER_HOUR));
        in_kernel[3] = false;
        ck_assert(!goes_on(LOOK));
}
END_TEST

static const char many_names[VITALS_CASES_MAX]; /* "" each */

static bool next_of_many(void *userdata, size_t *at, Stuck *ret)
{
        size_t i = (*at)++;

        if (i >= VITALS_CASES_MAX)
                return false;
        ret->what = many_names + i;
        ret->since = stuck[0];
        thread_ids_add(&ret->threads, i == VITALS_CASES_MAX - 1 ? 1 : 2);
        return true;
}

/* As many as there may be, all since the same moment. */
START_TEST(the_last_of_many_is_found)
{
        vitals_init(&vitals, LOOK, waits_in_kernel);
        vitals_add(&vitals, (Vital){"sensors on", next_of_many, NULL, PATIENCE});
        stuck[0] = now;
        in_kernel[0] = in_kernel[1] = true;
        ck_assert(goes_on(USEC_PER_HOUR));
        in_kernel[0] = false;
        ck_assert(!goes_on(LOOK));
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
        tcase_add_loop_test(c, one_device_is_no_excuse_for_another, 0, 2);
        tcase_add_test(c, one_device_does_not_use_up_the_time_of_another);
        tcase_add_test(c, one_thread_is_no_excuse_for_another);
        tcase_add_test(c, the_last_of_many_is_found);
        tcase_add_test(c, looks_are_counted_for_each);
        tcase_add_test(c, a_thread_that_waits_there_is_told_from_others);
        return suite_run(s);
}
