/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/state-file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fake-disk.h"
#include "suite.h"

#define PATH "/state/twin.json"

typedef struct Told {
        int n, error;
} Told;

static void on_stored(void *userdata, int error)
{
        Told *told = userdata;

        told->n++;
        told->error = error;
}

static StateFile *open_file(FakeDisk *disk, Told *told)
{
        StateFile *f = NULL;

        insist(state_file_new(&f, PATH, &disk->disk, on_stored, told) == 0);
        return f;
}

static void store(StateFile *f, FakeDisk *disk, const char *text)
{
        insist(state_file_store(f, text, strlen(text)) == 0);
        if (!disk->held)
                disk_dispatch(&disk->disk);
}

static bool holds(FakeDisk *disk, const char *text)
{
        size_t size = 0;
        const uint8_t *bytes = fake_disk_file(disk, PATH, &size);

        return bytes && size == strlen(text) && memcmp(bytes, text, size) == 0;
}

START_TEST(it_is_there_and_told)
{
        _cleanup_(fake_disk_freep) FakeDisk *disk = fake_disk_new();
        Told told = {};
        StateFile *f = open_file(disk, &told);

        store(f, disk, "one");
        ck_assert_int_eq(told.n, 1);
        ck_assert_int_eq(told.error, 0);
        ck_assert(holds(disk, "one"));
        store(f, disk, "three and four");
        store(f, disk, "2");
        ck_assert_int_eq(told.n, 3);
        ck_assert(holds(disk, "2"));
        ck_assert(!state_file_is_busy(f));
        state_file_free(f);
}
END_TEST

START_TEST(what_comes_meanwhile_goes_together)
{
        _cleanup_(fake_disk_freep) FakeDisk *disk = fake_disk_new();
        Told told = {};
        StateFile *f = open_file(disk, &told);

        disk->held = true;
        store(f, disk, "1");
        store(f, disk, "2");
        store(f, disk, "3");
        ck_assert(state_file_is_busy(f));
        ck_assert(fake_disk_step(disk));
        ck_assert_int_eq(told.n, 1);
        ck_assert(holds(disk, "1"));
        ck_assert(fake_disk_step(disk));
        ck_assert_int_eq(told.n, 3);
        ck_assert(holds(disk, "3"));
        ck_assert(!fake_disk_step(disk));
        store(f, disk, "4");
        store(f, disk, "5");
        state_file_free(f); /* nobody is told, and nothing is left */
        (void)fake_disk_step(disk);
        ck_assert_int_eq(told.n, 3);
}
END_TEST

/* Whoever could not read it does not know what he would write over. */
START_TEST(what_is_withheld_is_not_written_over)
{
        _cleanup_(fake_disk_freep) FakeDisk *disk = fake_disk_new();
        Told told = {};
        StateFile *f = open_file(disk, &told);

        store(f, disk, "of another user");
        state_file_withhold(f, -EACCES);
        for (int i = 0; i < 3; i++) {
                ck_assert_int_eq(state_file_store(f, "new", 3), -EACCES);
                disk_dispatch(&disk->disk);
        }
        state_file_free(f);
        ck_assert(holds(disk, "of another user"));
        ck_assert_int_eq(told.n, 1);
}
END_TEST

/* Whenever the power goes, the file is the one or the other; once it was told, it is the other. */
START_TEST(a_cut_leaves_one_of_the_two)
{
        static const char before[] = "{\"the\":\"one before\"}", after[] = "{\"the\":\"other, which is longer\"}";
        _cleanup_(fake_disk_freep) FakeDisk *disk = fake_disk_new();
        Told told = {};
        StateFile *f = open_file(disk, &told);
        size_t first, n_new = 0;

        store(f, disk, before);
        first = disk->n_entries;
        store(f, disk, after);
        state_file_free(f);
        for (size_t n = first; n <= disk->n_entries; n++)
                for (int cut = 0; cut < _FAKE_CUT_MAX; cut++)
                        for (uint64_t seed = 1; seed <= 8; seed++) {
                                _cleanup_(fake_disk_freep) FakeDisk *later = fake_disk_after_cut(disk, n, cut, seed);
                                bool is_new = holds(later, after);

                                insist(is_new || holds(later, before));
                                insist(is_new || n < disk->n_entries);
                                n_new += is_new;
                        }
        ck_assert_uint_gt(n_new, 0);
}
END_TEST

/* Whichever call fails, it is told, the file is whole, and the next time it goes well. */
START_TEST(a_call_that_fails_is_told)
{
        uint64_t n_failed = 0;

        for (uint64_t at = 1;; at++) {
                _cleanup_(fake_disk_freep) FakeDisk *disk = fake_disk_new();
                Told told = {};
                StateFile *f = open_file(disk, &told);
                uint64_t before;

                store(f, disk, "before");
                before = disk->n_calls;
                disk->fail_at = before + at;
                disk->fail_count = 1;
                disk->fail_errno = ENOSPC;
                store(f, disk, "after");
                insist(told.n == 2);
                if (told.error)
                        n_failed++;
                insist(told.error ? holds(disk, "before") || holds(disk, "after") : holds(disk, "after"));
                if (disk->n_calls < disk->fail_at) {
                        state_file_free(f);
                        break;
                }
                store(f, disk, "again");
                insist(told.n == 3 && told.error == 0 && holds(disk, "again"));
                state_file_free(f);
        }
        ck_assert_uint_ge(n_failed, 5); /* open, write, sync, replace, open of the folder, its sync */
}
END_TEST

/* ---- read at the start ---- */

static char folder[] = "/tmp/hublink-state-file-XXXXXX";
static char path[64];

static void setup(void)
{
        (void)strcpy(folder, "/tmp/hublink-state-file-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(folder));
        (void)snprintf(path, sizeof(path), "%s/twin.json", folder);
}

static void teardown(void)
{
        (void)unlink(path);
        (void)rmdir(path);
        ck_assert_int_eq(rmdir(folder), 0);
}

static void put(const char *name, const char *text)
{
        FILE *f = fopen(name, "we");

        ck_assert_ptr_nonnull(f);
        ck_assert_int_ge(fputs(text, f), 0);
        ck_assert_int_eq(fclose(f), 0);
}

static void expect(int result, const char *text)
{
        _cleanup_(buffer_done) Buffer b = BUFFER_NULL;

        ck_assert_int_eq(state_file_load(path, 16, &b), result);
        if (result == 0)
                ck_assert_str_eq(b.data ?: "", text);
}

START_TEST(what_is_there_is_read)
{
        expect(0, "");
        put(path, "sixteen letters.");
        expect(0, "sixteen letters.");
        put(path, "seventeen letters");
        expect(-EFBIG, NULL);
}
END_TEST

START_TEST(what_hangs_or_leads_elsewhere_is_no_state_file)
{
        char elsewhere[80];

        ck_assert_int_eq(mkfifo(path, 0600), 0);
        expect(-ENXIO, NULL);
        ck_assert_int_eq(unlink(path), 0);

        ck_assert_int_eq(symlink("/dev/zero", path), 0);
        expect(-ELOOP, NULL);
        ck_assert_int_eq(unlink(path), 0);

        (void)snprintf(elsewhere, sizeof(elsewhere), "%s/elsewhere", folder);
        put(elsewhere, "of others");
        ck_assert_int_eq(symlink(elsewhere, path), 0);
        expect(-ELOOP, NULL);
        ck_assert_int_eq(unlink(elsewhere), 0);
        expect(-ELOOP, NULL); /* to nowhere: it is not as if there was none */
        ck_assert_int_eq(unlink(path), 0);

        ck_assert_int_eq(mkdir(path, 0700), 0);
        expect(-EISDIR, NULL);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("flow/state-file");
        TCase *c = suite_case(s, "always whole");

        tcase_add_test(c, it_is_there_and_told);
        tcase_add_test(c, what_comes_meanwhile_goes_together);
        tcase_add_test(c, what_is_withheld_is_not_written_over);
        tcase_add_test(c, a_cut_leaves_one_of_the_two);
        tcase_add_test(c, a_call_that_fails_is_told);
        c = suite_case(s, "read at the start");
        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_test(c, what_is_there_is_read);
        tcase_add_test(c, what_hangs_or_leads_elsewhere_is_no_state_file);
        return suite_run(s);
}
