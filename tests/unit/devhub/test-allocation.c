/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/dps/allocation.h"

#include <stdio.h>
#include <string.h>

#include "suite.h"

#define HOST "hub-a.example.net"

static LinkedHubs two_more(void)
{
        LinkedHubs linked = {.n = 2};

        (void)snprintf(linked.all[0].host, sizeof(linked.all[0].host), "hub-b.example.net");
        (void)snprintf(linked.all[1].host, sizeof(linked.all[1].host), "hub-c.example.net");
        return linked;
}

START_TEST(static_takes_the_first_that_is_allowed)
{
        LinkedHubs linked = two_more();
        Enrollment e = {.allocation = ALLOCATION_STATIC};

        ck_assert_str_eq(allocation_choose(&e, "dev1", NULL, HOST, &linked), HOST);
        ck_assert_str_eq(allocation_choose(&e, "dev1", NULL, HOST, NULL), HOST);
        e.iot_hubs = (char *)"hub-c.example.net,HUB-B.example.net";
        ck_assert_str_eq(allocation_choose(&e, "dev1", NULL, HOST, &linked), "hub-b.example.net");
}
END_TEST

START_TEST(a_device_stays_where_it_may_stay)
{
        LinkedHubs linked = two_more();
        Enrollment e = {.allocation = ALLOCATION_STATIC};

        ck_assert_str_eq(allocation_choose(&e, "dev1", "Hub-C.example.net", HOST, &linked), "hub-c.example.net");
        ck_assert_str_eq(allocation_choose(&e, "dev1", "nowhere.example.net", HOST, &linked), HOST);
        e.iot_hubs = (char *)"hub-b.example.net";
        ck_assert_str_eq(allocation_choose(&e, "dev1", HOST, HOST, &linked), "hub-b.example.net");
        ck_assert_ptr_null(allocation_choose(&e, "dev1", HOST, HOST, NULL)); /* the one that is allowed is not there */
}
END_TEST

START_TEST(hashed_and_geo_latency_spread_evenly_and_always_alike)
{
        static const Allocation policies[] = {ALLOCATION_HASHED, ALLOCATION_GEO_LATENCY};
        LinkedHubs linked = two_more();

        for (size_t p = 0; p < ARRAY_SIZE(policies); p++) {
                Enrollment e = {.allocation = policies[p]};
                unsigned n[3] = {};

                for (unsigned i = 0; i < 3000; i++) {
                        char id[16];
                        const char *host;

                        (void)snprintf(id, sizeof(id), "dev%u", i);
                        host = allocation_choose(&e, id, NULL, HOST, &linked);
                        insist(host && strcmp(host, allocation_choose(&e, id, NULL, HOST, &linked)) == 0);
                        n[strcmp(host, HOST) == 0 ? 0 : host == linked.all[0].host ? 1 : 2]++;
                }
                for (size_t i = 0; i < ARRAY_SIZE(n); i++)
                        ck_assert_msg(n[i] > 850 && n[i] < 1150, "hub %zu has %u of 3000", i, n[i]);
        }
}
END_TEST

int main(void)
{
        Suite *s = suite_create("devhub/allocation");
        TCase *c = suite_case(s, "which hub");

        tcase_add_test(c, static_takes_the_first_that_is_allowed);
        tcase_add_test(c, a_device_stays_where_it_may_stay);
        tcase_add_test(c, hashed_and_geo_latency_spread_evenly_and_always_alike);
        return suite_run(s);
}
