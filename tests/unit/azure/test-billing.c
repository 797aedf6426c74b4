/* SPDX-License-Identifier: Apache-2.0 */
#include "azure/billing.h"

#include "suite.h"

START_TEST(started_chunks_are_counted)
{
        static const size_t chunks[] = {BILLING_CHUNK, BILLING_CHUNK_FREE};

        for (size_t i = 0; i < sizeof(chunks) / sizeof(*chunks); i++)
                for (size_t size = 0; size <= 5 * chunks[i]; size++) {
                        uint64_t n = billed_messages(size, chunks[i]);

                        insist(n >= 1);
                        insist(n * chunks[i] >= size);
                        insist(n == 1 || (n - 1) * chunks[i] < size);
                }
}
END_TEST

START_TEST(the_reference_counts_so)
{
        ck_assert_uint_eq(billed_messages(0, BILLING_CHUNK), 1);
        ck_assert_uint_eq(billed_messages(4096, BILLING_CHUNK), 1);
        ck_assert_uint_eq(billed_messages(4097, BILLING_CHUNK), 2);
        ck_assert_uint_eq(billed_messages((size_t)5 * 1024, BILLING_CHUNK), 2);
        ck_assert_uint_eq(billed_messages((size_t)256 * 1024, BILLING_CHUNK), 64);
        ck_assert_uint_eq(billed_messages((size_t)5 * 1024, BILLING_CHUNK_FREE), 10);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("azure/billing");
        TCase *c = suite_case(s, "messages");

        tcase_add_test(c, started_chunks_are_counted);
        tcase_add_test(c, the_reference_counts_so);
        return suite_run(s);
}
