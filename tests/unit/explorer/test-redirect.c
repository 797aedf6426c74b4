/* SPDX-License-Identifier: Apache-2.0 */
#include "explorer/redirect.h"

#include <errno.h>

#include "suite.h"

static const struct {
        const char *address, *host_name, *network_host;
        uint16_t port;
        const char *host, *tcp;
        uint16_t to;
        const char *entity;
} ways[] = {
        /* as the hub writes it for those who asked for $management, for a partition, for neither */
        {"amqps://ns.example:5671/eh-1/$management", "ns.example", "ns.example", 5671, "ns.example", NULL, 5671, "eh-1"},
        {"amqps://ns.example:5671/eh-1/ConsumerGroups/$Default/Partitions/0", NULL, NULL, 5671, "ns.example", NULL,
         5671, "eh-1"},
        {"amqps://ns.example:5671/eh-1/consumergroups/g/partitions/12", NULL, NULL, 0, "ns.example", NULL, 5671, "eh-1"},
        {"amqps://ns.example:5671/eh-1/", NULL, NULL, 0, "ns.example", NULL, 5671, "eh-1"},
        {"amqps://ns.example:5671/eh-1", NULL, NULL, 0, "ns.example", NULL, 5671, "eh-1"},
        /* another port, in the address or beside it */
        {"amqps://ns.example:15671/eh-1/$management", NULL, NULL, 5671, "ns.example", NULL, 15671, "eh-1"},
        {"amqps://ns.example/eh-1/$management", NULL, NULL, 7000, "ns.example", NULL, 7000, "eh-1"},
        {"amqps://ns.example/eh-1", NULL, NULL, 0, "ns.example", NULL, 5671, "eh-1"},
        /* another road to the same name */
        {"amqps://ns.example:5671/eh-1", "ns.example", "10.0.0.7", 0, "ns.example", "10.0.0.7", 5671, "eh-1"},
        {"amqps://[::1]:5671/eh-1", NULL, NULL, 0, "::1", NULL, 5671, "eh-1"},
        /* a bare path: the host is told beside it */
        {"eh-1/ConsumerGroups/$Default/Partitions/0", "ns.example", NULL, 0, "ns.example", NULL, 5671, "eh-1"},
        {"/eh-1/$management", "ns.example", "gw.example", 5671, "ns.example", "gw.example", 5671, "eh-1"},
        {"eh-1", NULL, "gw.example", 5671, "gw.example", NULL, 5671, "eh-1"},
        /* an entity of two parts stays one */
        {"amqps://ns.example:5671/a/b/$management", NULL, NULL, 0, "ns.example", NULL, 5671, "a/b"},
        {"sb://ns.example/eh-1/$managementX", NULL, NULL, 0, "ns.example", NULL, 5671, "eh-1/$managementX"},
};

START_TEST(every_form_leads_there)
{
        for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
                Redirect r;

                ck_assert_msg(redirect_parse(ways[i].address, ways[i].host_name, ways[i].network_host, ways[i].port,
                                             &r) == 0,
                              "%s", ways[i].address);
                ck_assert_str_eq(r.host, ways[i].host);
                ck_assert_pstr_eq(r.address, ways[i].tcp);
                ck_assert_uint_eq(r.port, ways[i].to);
                ck_assert_str_eq(r.entity, ways[i].entity);
                redirect_done(&r);
        }
}
END_TEST

START_TEST(what_leads_nowhere_is_refused)
{
        static const char *const bad[] = {
                NULL,
                "",
                "eh-1", /* without a host */
                "amqps://",
                "amqps://ns.example",
                "amqps://ns.example:5671",
                "amqps://ns.example:5671/",
                "amqps://:5671/eh-1",
                "amqps://ns.example:0/eh-1",
                "amqps://ns.example:65536/eh-1",
                "amqps://ns.example:56x1/eh-1",
                "amqps://ns.example:/eh-1",
                "amqps://[::1/eh-1",
                "amqps://[::1]5671/eh-1",
        };

        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                Redirect r;
                int e = redirect_parse(bad[i], NULL, NULL, 0, &r);

                ck_assert_msg(e == -EBADMSG, "%s", bad[i]);
                redirect_done(&r);
        }
}
END_TEST

int main(void)
{
        Suite *s = suite_create("explorer/redirect");
        TCase *c = suite_case(s, "where to");

        tcase_add_test(c, every_form_leads_there);
        tcase_add_test(c, what_leads_nowhere_is_refused);
        return suite_run(s);
}
