/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/diagnosis.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/macro.h"
#include "base/tls-authority.h"
#include "suite.h"

/* ---- where the queue lies ---- */

START_TEST(mounts_are_judged_by_what_is_worst)
{
        static const struct {
                const char *kind, *options;
                MountState state;
        } cases[] = {
                {"ext4", ",rw,noatime,rw,", MOUNT_WELL},
                {"ext4", ",rw,relatime,rw,", MOUNT_WELL},
                {"ext4", ",rw,rw,", MOUNT_ATIME},
                {"ext4", ",rw,strictatime,rw,", MOUNT_ATIME},
                {"ext4", ",rw,relatime,rw,sync,", MOUNT_SYNC},
                {"ext4", ",rw,relatime,rw,async,dirsync,", MOUNT_WELL},
                {"ext4", ",rw,relatime,ro,", MOUNT_READ_ONLY},
                {"ext4", ",ro,sync,", MOUNT_READ_ONLY},
                {"ext4", ",rw,relatime,rw,errors=remount-ro,", MOUNT_WELL},
                {"tmpfs", ",ro,", MOUNT_READ_ONLY},
                {"ramfs", ",rw,relatime,", MOUNT_WELL},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                MountPoint m = {};

                (void)snprintf(m.kind, sizeof(m.kind), "%s", cases[i].kind);
                (void)snprintf(i % 2 ? m.own : m.super, sizeof(m.own), "%s", cases[i].options);
                ck_assert_int_eq(diagnosis_is_memory(&m), strcmp(cases[i].kind, "ext4") != 0);
                ck_assert_msg(diagnosis_of_mount(&m) == cases[i].state, "%s %s", cases[i].kind, cases[i].options);
        }
}
END_TEST

START_TEST(flash_says_how_far_it_is_worn)
{
        static const struct {
                const char *text;
                unsigned percent; /* 0: it does not */
        } cases[] = {
                {"0x01 0x02\n", 20}, {"0x0a 0x01\n", 100}, {"0x0b 0x0b\n", 100}, {"0x00 0x09\n", 90},
                {"0x00 0x00\n", 0},  {"", 0},               {"0x01\n", 0},        {"none\n", 0},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                unsigned percent = 0;

                ck_assert_int_eq(diagnosis_of_wear(cases[i].text, &percent), cases[i].percent > 0);
                ck_assert_uint_eq(percent, cases[i].percent);
        }
}
END_TEST

/* ---- the clock ---- */

#define AT(seconds) ((usec_t)(seconds) * USEC_PER_SEC)
#define NOW         AT(1800000000)

START_TEST(a_clock_is_synchronised_or_believed)
{
        static const bool yes = true, no = false;

        ck_assert_int_eq(diagnosis_of_clock(NOW, true, &no), CLOCK_SYNCHRONISED);
        ck_assert_int_eq(diagnosis_of_clock(NOW, true, NULL), CLOCK_SYNCHRONISED);
        ck_assert_int_eq(diagnosis_of_clock(NOW, true, &yes), CLOCK_TRUSTED);
        ck_assert_int_eq(diagnosis_of_clock(NOW, false, &yes), CLOCK_TRUSTED);
        ck_assert_int_eq(diagnosis_of_clock(NOW, false, &no), CLOCK_UNTRUSTED);
        ck_assert_int_eq(diagnosis_of_clock(NOW, false, NULL), CLOCK_UNKNOWN);
        /* whoever says so */
        for (int synchronised = 0; synchronised < 2; synchronised++) {
                ck_assert_int_eq(diagnosis_of_clock(0, synchronised, &yes), CLOCK_IMPLAUSIBLE);
                ck_assert_int_eq(diagnosis_of_clock(AT(1735689600) - 1, synchronised, &no), CLOCK_IMPLAUSIBLE);
                ck_assert_int_ne(diagnosis_of_clock(AT(1735689600), synchronised, &no), CLOCK_IMPLAUSIBLE);
        }
}
END_TEST

START_TEST(a_hub_tells_its_time)
{
        usec_t at;

        ck_assert(diagnosis_find_date("HTTP/1.1 401 Unauthorized\r\nDate: Fri, 15 Jan 2027 08:00:00 GMT\r\n\r\n", &at));
        ck_assert_uint_eq(at, NOW);
        ck_assert(diagnosis_find_date("HTTP/1.1 200\r\nX: y\r\ndate: Fri, 15 Jan 2027 08:00:00 GMT\r\n", &at));
        ck_assert(!diagnosis_find_date("HTTP/1.1 200\r\nX-Date: Fri, 15 Jan 2027 08:00:00 GMT\r\n", &at));
        ck_assert(!diagnosis_find_date("HTTP/1.1 200\r\nDate: yesterday\r\n", &at));
        ck_assert(!diagnosis_find_date("HTTP/1.1 200\r\nDate: Thu, 01 Jan 1960 00:00:00 GMT\r\n", &at));
        ck_assert(!diagnosis_find_date("", &at));
}
END_TEST

START_TEST(a_clock_may_be_a_little_off)
{
        for (int ahead = 0; ahead < 2; ahead++) {
                static const struct {
                        usec_t off;
                        ClockSkew skew;
                } cases[] = {
                        {0, SKEW_NONE},       {AT(30), SKEW_NONE},      {AT(30) + 1, SKEW_LOOSE},
                        {AT(300), SKEW_LOOSE}, {AT(300) + 1, SKEW_WRONG}, {NOW, SKEW_WRONG},
                };

                for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
                        ck_assert_int_eq(ahead ? diagnosis_of_skew(NOW + cases[i].off, NOW)
                                               : diagnosis_of_skew(NOW, NOW + cases[i].off), cases[i].skew);
        }
}
END_TEST

/* ---- certificates ---- */

static char *issued(void)
{
        char folder[] = "/tmp/test-diagnosis-XXXXXX", path[64];
        static const char *const names[] = {"ca.pem", "ca.key", "server.pem", "server.key"};
        const char *error = "";
        char *text = calloc(1, 8192);
        FILE *f;
        int fd;

        ck_assert_ptr_nonnull(mkdtemp(folder));
        fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        ck_assert_int_eq(tls_authority_ensure(fd, "hub", NOW, &error), 0);
        (void)snprintf(path, sizeof(path), "%s/ca.pem", folder);
        f = fopen(path, "re");
        ck_assert_ptr_nonnull(f);
        ck_assert_uint_gt(fread(text, 1, 8191, f), 0);
        (void)fclose(f);
        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                (void)unlinkat(fd, names[i], 0);
        (void)close(fd);
        (void)rmdir(folder);
        return text;
}

/* At every time of a store's life. */
START_TEST(certificates_are_counted_and_judged)
{
        static const char junk[] = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        _cleanup_free_ char *one = issued(), *text = NULL;
        CertificateStore s;
        usec_t end;

        ck_assert_int_gt(asprintf(&text, "# of ours\n%s%s%s", one, junk, one), 0);
        s = diagnosis_count_certificates(text, NOW);
        ck_assert_uint_eq(s.n, 2);
        ck_assert_uint_eq(s.n_expired, 0);
        ck_assert_int_eq(diagnosis_of_store(&s, NOW), STORE_WELL);
        end = s.last_end;
        ck_assert_uint_gt(end, NOW);
        ck_assert_int_eq(diagnosis_of_store(&s, end - 30 * USEC_PER_DAY), STORE_WELL);
        ck_assert_int_eq(diagnosis_of_store(&s, end - 30 * USEC_PER_DAY + 1), STORE_EXPIRES);
        s = diagnosis_count_certificates(text, end + 1);
        ck_assert_uint_eq(s.n_expired, 2);
        ck_assert_int_eq(diagnosis_of_store(&s, end + 1), STORE_EXPIRED);

        /* one of two is not most of them */
        s = (CertificateStore){.n = 2, .n_expired = 1, .last_end = NOW + 31 * USEC_PER_DAY};
        ck_assert_int_eq(diagnosis_of_store(&s, NOW), STORE_WELL);
        s = diagnosis_count_certificates(junk, NOW);
        ck_assert_int_eq(diagnosis_of_store(&s, NOW), STORE_EMPTY);
        s = diagnosis_count_certificates("", NOW);
        ck_assert_int_eq(diagnosis_of_store(&s, NOW), STORE_EMPTY);
}
END_TEST

/* ---- files that are watched ---- */

START_TEST(a_watch_is_shared_by_all_that_want_it)
{
        static const char *const paths[] = {"/var/log/a", "/var/log/b", "/var/log/a", "/var/log/x/a",
                                            "/a", "/b", "/var/logs/a"};
        static const size_t needed[] = {0, 2, 3, 3, 5, 7, 8, 10};

        for (size_t n = 0; n <= ARRAY_SIZE(paths); n++)
                ck_assert_uint_eq(diagnosis_count_watches(paths, n), needed[n]);
}
END_TEST

/* ---- all of it ---- */

START_TEST(a_script_hears_of_problems_and_of_warnings_if_it_wants_to)
{
        for (size_t problems = 0; problems < 3; problems++)
                for (size_t warnings = 0; warnings < 3; warnings++) {
                        ck_assert_int_eq(diagnosis_is_bad(problems, warnings, false), problems > 0);
                        ck_assert_int_eq(diagnosis_is_bad(problems, warnings, true), problems + warnings > 0);
                }
}
END_TEST

int main(void)
{
        Suite *s = suite_create("ctl/diagnosis");
        TCase *c = suite_case(s, "the disk");

        tcase_add_test(c, mounts_are_judged_by_what_is_worst);
        tcase_add_test(c, flash_says_how_far_it_is_worn);
        c = suite_case(s, "the clock");
        tcase_add_test(c, a_clock_is_synchronised_or_believed);
        tcase_add_test(c, a_hub_tells_its_time);
        tcase_add_test(c, a_clock_may_be_a_little_off);
        c = suite_case(s, "certificates");
        tcase_add_test(c, certificates_are_counted_and_judged);
        c = suite_case(s, "files that are watched");
        tcase_add_test(c, a_watch_is_shared_by_all_that_want_it);
        c = suite_case(s, "all of it");
        tcase_add_test(c, a_script_hears_of_problems_and_of_warnings_if_it_wants_to);
        return suite_run(s);
}
