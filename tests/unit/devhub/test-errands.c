/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/hub/errands.h"

#include <stdio.h>
#include <string.h>

#include "azure/token.h"
#include "devhub-house.h"
#include "devhub/http/call-core.h"
#include "devhub/http/query.h"
#include "devhub/http/router.h"
#include "devhub/hub/hub.h"
#include "devhub/hub/mailbox.h"
#include "devhub/hub/policies.h"
#include "devhub/hub/presence.h"
#include "devhub/hub/registry.h"
#include "devhub/hub/twin.h"
#include "suite.h"

static Errands *errands;
static Ticker ticker;

static void setup(void)
{
        ck_assert_int_eq(errands_new(&errands), 0);
        ticker = errands_ticker(errands);
}

static void teardown(void)
{
        errands = errands_free(errands);
}

/* Ticks while something is due; how many. */
static unsigned run(unsigned at_most)
{
        unsigned n = 0;

        while (n < at_most && ticker.deadline(ticker.userdata) == 0) {
                ticker.tick(ticker.userdata, 0);
                n++;
        }
        return n;
}

/* ---- errands ---- */

typedef struct Work {
        char name;
        unsigned steps_left;
        Buffer *said;
} Work;

static bool step(void *userdata)
{
        Work *work = userdata;

        buffer_printf(work->said, "%c", work->name);
        return --work->steps_left > 0;
}

START_TEST(each_in_turn_until_it_is_done)
{
        _cleanup_(buffer_done) Buffer said = BUFFER_NULL;
        Work a = {'a', 3, &said}, b = {'b', 1, &said}, c = {'c', 2, &said};
        Errand *one;

        ck_assert(ticker.deadline(ticker.userdata) == USEC_INFINITY);
        ck_assert_int_eq(errands_add(errands, step, &a, &one), 0);
        ck_assert_int_eq(errands_add(errands, step, &b, &one), 0);
        ck_assert_int_eq(errands_add(errands, step, &c, &one), 0);
        ck_assert_uint_eq(run(100), 6);
        ck_assert_str_eq(said.data, "abcaca");
        ck_assert(ticker.deadline(ticker.userdata) == USEC_INFINITY);
}
END_TEST

START_TEST(what_is_called_off_is_not_done)
{
        _cleanup_(buffer_done) Buffer said = BUFFER_NULL;
        Work a = {'a', 3, &said}, b = {'b', 3, &said};
        Errand *one, *other;

        ck_assert_int_eq(errands_add(errands, step, &a, &one), 0);
        ck_assert_int_eq(errands_add(errands, step, &b, &other), 0);
        ck_assert_uint_eq(run(3), 3);
        errands_cancel(errands, one);
        ck_assert_uint_eq(run(100), 2);
        ck_assert_str_eq(said.data, "ababb");
}
END_TEST

/* ---- a query, which is one ---- */

#define HOST  "hub.localdomain"
#define MORE  250
#define STEPS 2 /* of a hundred twins and more, behind the first that is taken at once */

static DevhubHouse house;
static Faults faults;
static HttpRouter *router;
static Hub hub;
static char authorization[512];
static HttpCall call;
static unsigned n_woken, n_commits;

static int on_commit(void *userdata)
{
        n_commits++;
        return 0;
}

static bool nobody_is_connected(void *userdata, const char *device_id, const char *module_id)
{
        return false;
}

static usec_t never(void *userdata, const char *device_id, const char *module_id)
{
        return 0;
}

static void on_woken(void *userdata)
{
        n_woken++;
}

static void create_devices(void)
{
        insist(store_begin(&house.store) == 0);
        for (int i = 0; i < MORE; i++) {
                _cleanup_(identity_done) Identity identity = {};
                char name[16];

                (void)snprintf(name, sizeof(name), "x%03d", i);
                insist(registry_create(&house.store, name, NULL, &identity) == 0);
        }
        insist(store_commit(&house.store) == 0);
}

static void open_hub(void)
{
        _cleanup_(policy_done) Policy policy = {};
        _cleanup_(buffer_done) Buffer token = BUFFER_NULL;

        setup();
        devhub_house_open(&house);
        ck_assert_int_eq(twin_prepare(&house.store), 0);
        ck_assert_int_eq(presence_prepare(&house.store), 0);
        ck_assert_int_eq(mailbox_prepare(&house.store), 0);
        create_devices();
        hub = (Hub){
                .store = &house.store,
                .clock = &house.time.clock,
                .host = HOST,
                .faults = &faults,
                .errands = errands,
                .devices = {.are_connected = nobody_is_connected, .last_activity = never},
                .commit = on_commit,
        };
        ck_assert_int_eq(http_router_new(&router, &hub), 0);
        ck_assert_int_eq(http_query_add(router, &hub), 0);
        ck_assert_int_eq(policy_find(&house.store, "iothubowner", &policy), 0);
        ck_assert_int_eq(token_make(&token, policy.primary_key, HOST, "iothubowner",
                                    clock_wall(hub.clock) / USEC_PER_SEC + 60),
                         0);
        (void)snprintf(authorization, sizeof(authorization), "%s", token.data);
        n_woken = n_commits = 0;
}

static void close_hub(void)
{
        http_call_done(&call);
        router = http_router_free(router);
        faults_done(&faults);
        teardown();
        devhub_house_close(&house);
}

static void ask(const char *body)
{
        ck_assert_int_eq(http_call_init(&call, &hub, "/devices/query?api-version=2021-04-12"), 0);
        call.method = strdup("POST");
        call.replied_later = on_woken;
        ck_assert_int_eq(http_pairs_add(&call.headers, "authorization", authorization), 0);
        ck_assert_int_eq(http_call_take_body(&call, body, strlen(body)), 0);
        http_router_dispatch(router, &call);
}

START_TEST(a_long_walk_lets_others_be_heard)
{
        ask("{\"query\":\"SELECT COUNT() AS n FROM devices WHERE status = 'enabled'\"}");
        ck_assert(!call.replied);
        ck_assert_uint_eq(run(1), 1);
        ck_assert(!call.replied);
        ck_assert_uint_eq(n_commits, 1); /* what others brought meanwhile does not wait for the end */
        ck_assert_uint_eq(run(100), STEPS - 1);
        ck_assert_uint_eq(n_woken, 1);
        ck_assert_uint_eq(call.status, 200);
        ck_assert_str_eq(call.reply.data, "[{\"n\":252}]");
}
END_TEST

START_TEST(a_page_is_found_over_many_steps)
{
        ask("{\"query\":\"SELECT deviceId FROM devices WHERE deviceId IN ['d1', 'x100', 'x249']\"}");
        ck_assert(!call.replied);
        ck_assert_uint_eq(run(100), STEPS);
        ck_assert_str_eq(call.reply.data, "[{\"deviceId\":\"d1\"},{\"deviceId\":\"x100\"},{\"deviceId\":\"x249\"}]");
}
END_TEST

START_TEST(what_changes_behind_a_step_does_no_harm)
{
        ask("{\"query\":\"SELECT COUNT() AS n FROM devices WHERE status = 'enabled'\"}");
        ck_assert_uint_eq(run(1), 1);
        /* where it stands, and before and behind that */
        for (int i = 190; i < 210; i++) {
                char name[16];

                (void)snprintf(name, sizeof(name), "x%03d", i);
                ck_assert_int_eq(registry_delete(&house.store, name, NULL), 0);
        }
        ck_assert_uint_eq(run(100), STEPS - 1);
        ck_assert_str_eq(call.reply.data, "[{\"n\":240}]");
}
END_TEST

START_TEST(who_has_gone_is_not_worked_for)
{
        ask("{\"query\":\"SELECT * FROM devices WHERE status = 'enabled' AND deviceId = 'x249'\"}");
        ck_assert(!call.replied);
        http_call_cancel(&call);
        ck_assert_uint_eq(run(100), 0);
}
END_TEST

START_TEST(to_count_all_nobody_is_looked_at)
{
        ask("{\"query\":\"SELECT COUNT() AS n, COUNT() AS again FROM devices\"}");
        ck_assert(call.replied);
        ck_assert_str_eq(call.reply.data, "[{\"n\":252,\"again\":252}]");
        ck_assert_uint_eq(run(1), 0);
}
END_TEST

START_TEST(modules_are_counted_apart)
{
        ask("{\"query\":\"SELECT COUNT() AS n FROM devices.modules\"}");
        ck_assert_str_eq(call.reply.data, "[{\"n\":1}]");
}
END_TEST

int main(void)
{
        Suite *s = suite_create("devhub/errands");
        TCase *c;

        c = suite_case(s, "errands");
        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_test(c, each_in_turn_until_it_is_done);
        tcase_add_test(c, what_is_called_off_is_not_done);
        c = suite_case(s, "queries");
        tcase_add_checked_fixture(c, open_hub, close_hub);
        tcase_add_test(c, a_long_walk_lets_others_be_heard);
        tcase_add_test(c, a_page_is_found_over_many_steps);
        tcase_add_test(c, what_changes_behind_a_step_does_no_harm);
        tcase_add_test(c, who_has_gone_is_not_worked_for);
        tcase_add_test(c, to_count_all_nobody_is_looked_at);
        tcase_add_test(c, modules_are_counted_apart);
        return suite_run(s);
}
