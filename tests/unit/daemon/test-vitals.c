/* SPDX-License-Identifier: Apache-2.0 */

/* A part that is stuck is found out, a slow one never, and time in which nobody looked is nobody's fault. */

#include "daemon/vitals.h"

#include "log-capture.h"
#include "suite.h"

#define LOOK     (15 * USEC_PER_SEC)
#define PATIENCE (20 * LOOK)

static usec_t stuck[2];
static bool in_kernel;
static usec_t now;
static Vitals vitals;
static LogCapture captured;

static usec_t stuck_since(void *userdata, const char **ret_what)
{
        return *(usec_t *)userdata;
}

static usec_t stuck_on(void *userdata, const char **ret_what)
{
        *ret_what = "/dev/i2c-1";
        return *(usec_t *)userdata;
}

static bool waits_in_kernel(void)
{
        return in_kernel;
}

static void setup(void)
{
        log_capture_begin(&captured);
        stuck[0] = stuck[1] = USEC_INFINITY;
        in_kernel = false;
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
        in_kernel = true;
        ck_assert(goes_on(USEC_PER_DAY));
        ck_assert_uint_eq(captured.n_lines, 1);
        ck_assert(log_capture_has(&captured, "waits in the kernel"));
        /* the device gave the thread back, which hangs on elsewhere */
        in_kernel = false;
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
                in_kernel = !in_kernel;
                (void)goes_on(LOOK);
        }
        ck_assert_uint_eq(captured.n_lines, 1);
        ck_assert(log_capture_has(&captured, "service manager"));
}
END_TEST

START_TEST(this_process_does_not_wait)
{
        ck_assert(!vitals_waits_in_kernel());
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
        tcase_add_test(c, this_process_does_not_wait);
        return suite_run(s);
}
