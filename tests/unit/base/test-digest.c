/* SPDX-License-Identifier: Apache-2.0 */
#include "base/digest.h"

#include <string.h>

#include "suite.h"

/* FIPS 180: the digests of "abc" begin and end so. */
START_TEST(known_digests)
{
        uint8_t sha1[DIGEST_SHA1_SIZE], sha256[DIGEST_SHA256_SIZE];

        ck_assert_int_eq(digest_sha1("abc", 3, sha1), 0);
        ck_assert_mem_eq(sha1, ((const uint8_t[]){0xa9, 0x99, 0x3e, 0x36}), 4);
        ck_assert_mem_eq(sha1 + 16, ((const uint8_t[]){0x9c, 0xd0, 0xd8, 0x9d}), 4);
        ck_assert_int_eq(digest_sha256("abc", 3, sha256), 0);
        ck_assert_mem_eq(sha256, ((const uint8_t[]){0xba, 0x78, 0x16, 0xbf}), 4);
        ck_assert_mem_eq(sha256 + 28, ((const uint8_t[]){0xf2, 0x00, 0x15, 0xad}), 4);
        ck_assert_int_eq(digest_sha1("", 0, sha1), 0);
        ck_assert_uint_eq(sha1[0], 0xda);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("base/digest");
        TCase *c = suite_case(s, "digests");

        tcase_add_test(c, known_digests);
        return suite_run(s);
}
