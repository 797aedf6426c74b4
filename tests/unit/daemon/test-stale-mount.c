/* SPDX-License-Identifier: Apache-2.0 */

/* A new start is asked for when it helps, and never when the mount is read-only because somebody wants it so. */

#include "daemon/stale-mount.h"

#include "base/macro.h"
#include "suite.h"

static MountState state;
static unsigned n_looks;
static usec_t now;
static StaleMount mount;

static MountState look(const char *path)
{
        ck_assert_str_eq(path, "/queue");
        n_looks++;
        return state;
}

static void setup(void)
{
        state = MOUNT_WRITABLE;
        n_looks = 0;
        now = 100 * USEC_PER_SEC;
        stale_mount_init(&mount, "/queue", look);
}

/* Is a new start asked for within so long, as the ticker would have it? */
static bool asks_within(usec_t usec)
{
        for (usec_t end = now + usec; mount.due_usec <= end; now = MAX(now, mount.due_usec))
                if (mount.due_usec <= now && stale_mount_check(&mount, now))
                        return true;
        return false;
}

START_TEST(nobody_looks_while_nothing_is_wrong)
{
        stale_mount_hear(&mount, false, now);
        ck_assert_uint_eq(mount.due_usec, USEC_INFINITY);
        ck_assert(!asks_within(USEC_PER_HOUR));
        ck_assert_uint_eq(n_looks, 0);
}
END_TEST

START_TEST(a_copy_that_is_left_behind)
{
        stale_mount_hear(&mount, true, now);
        state = MOUNT_OF_DISK;
        ck_assert(!asks_within(USEC_PER_HOUR));
        ck_assert_uint_ge(n_looks, 100);
        ck_assert_uint_le(n_looks, 1000);
        stale_mount_hear(&mount, true, now);
        state = MOUNT_ALONE;
        ck_assert(asks_within(10 * USEC_PER_SEC));
}
END_TEST

START_TEST(a_mount_that_is_meant_to_be_read_only)
{
        stale_mount_hear(&mount, true, now);
        state = MOUNT_ALONE;
        ck_assert(!asks_within(USEC_PER_HOUR));
        state = MOUNT_UNKNOWN;
        ck_assert(!asks_within(USEC_PER_HOUR));
}
END_TEST

START_TEST(what_was_mended_by_itself_is_forgotten)
{
        stale_mount_hear(&mount, true, now);
        state = MOUNT_OF_DISK;
        ck_assert(!asks_within(USEC_PER_MIN));
        stale_mount_hear(&mount, false, now);
        ck_assert_uint_eq(mount.due_usec, USEC_INFINITY);
        stale_mount_hear(&mount, true, now);
        state = MOUNT_ALONE;
        ck_assert(!asks_within(USEC_PER_HOUR));
}
END_TEST

int main(void)
{
        Suite *s = suite_create("daemon/stale-mount");
        TCase *c = suite_case(s, "stale mount");

        tcase_add_checked_fixture(c, setup, NULL);
        tcase_add_test(c, nobody_looks_while_nothing_is_wrong);
        tcase_add_test(c, a_copy_that_is_left_behind);
        tcase_add_test(c, a_mount_that_is_meant_to_be_read_only);
        tcase_add_test(c, what_was_mended_by_itself_is_forgotten);
        return suite_run(s);
}
