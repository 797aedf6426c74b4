/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mount.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "suite.h"

static const char mounts[] = "22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw,discard\n"
                             "30 22 254:1 / /var rw,noatime - ext4 /dev/vdb ro,errors=remount-ro\n"
                             "31 30 0:60 / /var/lib/hublink ro,nosuid - tmpfs none rw,size=4m\n"
                             "32 22 254:2 / /data rw - ext4 /dev/vdc rw\n"
                             "33 22 254:3 / /data ro - xfs /dev/vdd rw,sync\n"
                             "a line of another kind\n";

static MountPoint found(const char *path)
{
        FILE *f = fmemopen((char *)mounts, strlen(mounts), "r");
        MountPoint m = {};

        ck_assert_ptr_nonnull(f);
        ck_assert(mount_find_in(f, path, &m));
        (void)fclose(f);
        return m;
}

START_TEST(the_deepest_and_of_two_the_later)
{
        ck_assert_str_eq(found("/").source, "/dev/vda");
        ck_assert_str_eq(found("/variable").source, "/dev/vda");
        ck_assert_str_eq(found("/var").source, "/dev/vdb");
        ck_assert_str_eq(found("/var/lib/hublinked").source, "/dev/vdb");
        ck_assert_str_eq(found("/var/lib/hublink/queue/normal").kind, "tmpfs");
        ck_assert_str_eq(found("/data/x").kind, "xfs");
}
END_TEST

START_TEST(two_sets_of_options)
{
        MountPoint of_disk = found("/var"), alone = found("/var/lib/hublink"), none = found("/");

        ck_assert_str_eq(of_disk.own, ",rw,noatime,");
        ck_assert_str_eq(of_disk.super, ",ro,errors=remount-ro,");
        ck_assert_str_eq(alone.own, ",ro,nosuid,");
        ck_assert_str_eq(alone.super, ",rw,size=4m,");
        ck_assert(mount_has(&of_disk, "ro") && mount_has(&alone, "ro") && !mount_has(&none, "ro"));
        ck_assert(mount_has(&none, "relatime") && !mount_has(&none, "atime"));
}
END_TEST

START_TEST(this_machine_has_mounts)
{
        char folder[] = "/tmp/hublink-mount-XXXXXX", path[PATH_MAX], nearest[PATH_MAX];
        MountPoint m;

        ck_assert_ptr_nonnull(mkdtemp(folder));
        (void)snprintf(path, sizeof(path), "%s/not/there", folder);
        ck_assert(!mount_find(path, &m));
        ck_assert(mount_nearest(path, nearest));
        ck_assert_str_eq(nearest, folder);
        ck_assert(mount_find(nearest, &m));
        ck_assert(mount_has(&m, "rw"));
        ck_assert(!mount_is_walled(path) && !mount_is_walled(folder));
        ck_assert_int_eq(rmdir(folder), 0);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("base/mount");
        TCase *c = suite_case(s, "mount");

        tcase_add_test(c, the_deepest_and_of_two_the_later);
        tcase_add_test(c, two_sets_of_options);
        tcase_add_test(c, this_machine_has_mounts);
        return suite_run(s);
}
