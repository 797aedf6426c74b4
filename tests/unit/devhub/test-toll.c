/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/http/toll.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "azure/token.h"
#include "devhub-house.h"
#include "devhub/http/methods.h"
#include "devhub/http/router.h"
#include "devhub/hub/limits.h"
#include "devhub/hub/policies.h"
#include "suite.h"

#define HOST    "hub.localdomain"
#define VERSION "?api-version=2021-04-12"
#define CHUNK   4096

static DevhubHouse house;
static Faults faults;
static Limits *limits;
static Methods *methods;
static HttpRouter *router;
static Hub hub;
static char authorization[512];

static HttpCall *waiting;
static uint64_t billed_at_commit;
static int commit_result;

/* ---- the bench ---- */

static int on_commit(void *userdata)
{
        billed_at_commit = limits->meter.total;
        return commit_result;
}

static void reach_large(void *userdata, HttpCall *call)
{
        static const char page[CHUNK + 1];

        http_reply_bytes(call, 200, "text/plain", page, sizeof(page));
}

static void reach_refusal(void *userdata, HttpCall *call)
{
        http_reply_error(call, SERVICE_ERROR_DEVICE_NOT_FOUND, "There is none");
}

static void on_gone(void *userdata)
{
}

static void reach_later(void *userdata, HttpCall *call)
{
        waiting = call;
        http_call_later(call, on_gone, NULL);
}

static const HttpRoute routes[] = {
        {"GET", "/read", 0, reach_large, .operation = OPERATION_TWIN_READ},
        {"GET", "/refused", 0, reach_refusal, .operation = OPERATION_TWIN_READ},
        {"GET", "/later", 0, reach_later, .operation = OPERATION_QUERY},
        {"PATCH", "/update", 0, reach_large, .operation = OPERATION_TWIN_UPDATE},
};

static int nobody_is_there(void *userdata, const char *device_id, const char *module_id, const char *name,
                           const char *rid, const char *payload, size_t size)
{
        return -ENOTCONN;
}

static void authorize(void)
{
        _cleanup_(policy_done) Policy policy = {};
        _cleanup_(buffer_done) Buffer token = BUFFER_NULL;

        ck_assert_int_eq(policy_find(&house.store, "iothubowner", &policy), 0);
        ck_assert_int_eq(token_make(&token, policy.primary_key, HOST, "iothubowner",
                                    clock_wall(hub.clock) / USEC_PER_SEC + 60),
                         0);
        (void)snprintf(authorization, sizeof(authorization), "%s", token.data);
}

static void setup(void)
{
        static const MethodsSink sink = {nobody_is_there, NULL};

        devhub_house_open(&house);
        ck_assert_int_eq(meter_prepare(&house.store), 0);
        ck_assert_int_eq(limits_new(&limits, &house.store, &house.time.clock, TIER_S1, 1), 0);
        ck_assert_int_eq(methods_new(&methods, &sink, 1), 0);
        hub = (Hub){
                .store = &house.store,
                .clock = &house.time.clock,
                .host = HOST,
                .faults = &faults,
                .methods = methods,
                .limits = limits,
                .commit = on_commit,
        };
        ck_assert_int_eq(http_router_new(&router, &hub), 0);
        ck_assert_int_eq(http_router_add(router, routes, ARRAY_SIZE(routes), NULL), 0);
        ck_assert_int_eq(http_methods_add(router, &hub), 0);
        authorize();
        commit_result = 0;
}

static void teardown(void)
{
        router = http_router_free(router);
        methods = methods_free(methods);
        limits = limits_free(limits);
        faults_done(&faults);
        devhub_house_close(&house);
}

static void begin_call(HttpCall *call, const char *method, const char *target, const char *body)
{
        billed_at_commit = 0;
        insist(http_call_init(call, &hub, target) == 0);
        call->method = strdup(method);
        insist(http_pairs_add(&call->headers, "authorization", authorization) == 0);
        if (body)
                insist(http_call_take_body(call, body, strlen(body)) == 0);
        http_router_dispatch(router, call);
}

static unsigned status_of(const char *method, const char *target, const char *body)
{
        _cleanup_(http_call_done) HttpCall call;

        begin_call(&call, method, target, body);
        insist(call.replied);
        return call.status;
}

/* ---- bills ---- */

START_TEST(the_bill_is_in_the_transaction_of_the_reply)
{
        ck_assert_uint_eq(status_of("GET", "/read" VERSION, NULL), 200);
        ck_assert_uint_eq(billed_at_commit, 2);
        ck_assert_uint_eq(status_of("PATCH", "/update" VERSION, "{}"), 200);
        ck_assert_uint_eq(billed_at_commit, 2 + 1);
        ck_assert_uint_eq(limits->meter.total, 2 + 1);
}
END_TEST

START_TEST(a_reply_that_comes_later_is_billed_too)
{
        _cleanup_(http_call_done) HttpCall call;

        begin_call(&call, "GET", "/later" VERSION, NULL);
        ck_assert_uint_eq(limits->meter.total, 0);
        http_reply_empty(waiting, 200);
        ck_assert_uint_eq(billed_at_commit, 1);
        ck_assert_uint_eq(limits->meter.total, 1);
}
END_TEST

START_TEST(a_refusal_is_not_billed)
{
        ck_assert_uint_eq(status_of("GET", "/refused" VERSION, NULL), 404);
        ck_assert_uint_eq(status_of("GET", "/read", NULL), 400);
        ck_assert_uint_eq(limits->meter.total, 0);
}
END_TEST

/* ---- methods ---- */

/* A chunk exactly; the body around it has more. */
static void write_wish(char *wish, size_t room)
{
        char payload[CHUNK + 1];

        memset(payload, 'x', sizeof(payload));
        payload[0] = payload[CHUNK - 1] = '"';
        payload[CHUNK] = 0;
        (void)snprintf(wish, room, "{\"methodName\":\"m\",\"payload\":%s}", payload);
}

START_TEST(a_method_is_limited_by_the_size_that_it_is_billed_by)
{
        uint64_t n = tier_per_minute(TIER_S1, 1, OPERATION_METHOD) / CHUNK * operation_burst(OPERATION_METHOD) /
                     (60 * USEC_PER_SEC);
        char wish[CHUNK + 64];

        write_wish(wish, sizeof(wish));
        ck_assert_uint_gt(n, 100);
        for (uint64_t i = 0; i < n; i++)
                insist(status_of("POST", "/twins/d1/methods" VERSION, wish) == 404);
        ck_assert_uint_eq(status_of("POST", "/twins/d1/methods" VERSION, wish), 429);
        ck_assert_uint_eq(limits->meter.billed[OPERATION_METHOD], n);
        ck_assert_uint_eq(limits->tallies[OPERATION_METHOD].n_throttled, 1);
}
END_TEST

static void on_done(void *userdata, const MethodResult *result)
{
}

START_TEST(a_method_is_billed_with_its_outcome_and_not_when_too_many_are_under_way)
{
        MethodRequest request = {.device_id = "d1", .name = "m", .connect_timeout_usec = USEC_PER_SEC};
        MethodErrand *one;

        ck_assert_uint_eq(status_of("POST", "/twins/d1/methods" VERSION, "{\"methodName\":\"m\"}"), 404);
        ck_assert_uint_eq(billed_at_commit, 1);
        for (int i = 0; i < METHODS_MAX; i++)
                insist(methods_call(methods, &request, on_done, NULL, 0, &one) == 0);
        ck_assert_uint_eq(status_of("POST", "/twins/d1/methods" VERSION, "{\"methodName\":\"m\"}"), 429);
        ck_assert_uint_eq(limits->meter.total, 1);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("devhub/toll");
        TCase *c;

        c = suite_case(s, "bills");
        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_test(c, the_bill_is_in_the_transaction_of_the_reply);
        tcase_add_test(c, a_reply_that_comes_later_is_billed_too);
        tcase_add_test(c, a_refusal_is_not_billed);
        c = suite_case(s, "methods");
        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_test(c, a_method_is_limited_by_the_size_that_it_is_billed_by);
        tcase_add_test(c, a_method_is_billed_with_its_outcome_and_not_when_too_many_are_under_way);
        return suite_run(s);
}
