/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/http/router.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "azure/token.h"
#include "devhub-house.h"
#include "devhub/http/call-core.h"
#include "devhub/hub/registry.h"
#include "suite.h"

#define HOST    "hub.localdomain"
#define VERSION "?api-version=2021-04-12"

typedef struct Bench {
        DevhubHouse house;
        Faults faults;
        Hub hub;
        HttpRouter *router;
        char token[512];
        HttpCall call;
        bool has_call;

        const char *reached; /* the path of the route that was taken */
        HttpCall *waiting;
        unsigned n_gone, n_woken, n_commits;
        int commit_result;
} Bench;


static int on_commit(void *userdata)
{
        Bench *b = userdata;

        b->n_commits++;
        return b->commit_result;
}

#define REACHED(name, text)                                                                                          \
        static void name(void *userdata, HttpCall *call)                                                             \
        {                                                                                                            \
                ((Bench *)userdata)->reached = text;                                                                 \
                http_reply_empty(call, 204);                                                                         \
        }
REACHED(reach_list, "list")
REACHED(reach_device, "device")
REACHED(reach_query, "query")
REACHED(reach_module, "module")
REACHED(reach_modules, "modules")
REACHED(reach_own, "own")
REACHED(reach_open, "open")
REACHED(reach_small, "small")

static void on_gone(void *userdata)
{
        ((Bench *)userdata)->n_gone++;
}

static void reach_later(void *userdata, HttpCall *call)
{
        Bench *b = userdata;

        b->waiting = call;
        http_call_later(call, on_gone, b);
}

static void reach_new_error(void *userdata, HttpCall *call)
{
        json_object *info = json_object_new_object();

        json_object_object_add(info, "timeout", json_object_new_string("00:00:05"));
        http_reply_error_info(call, SERVICE_ERROR_DEVICE_NOT_ONLINE, info, "The \"device\" is away");
}

static void reach_old_error(void *userdata, HttpCall *call)
{
        http_reply_error(call, SERVICE_ERROR_DEVICE_NOT_FOUND, "Device %s not registered", "a\"b");
}

static const HttpRoute routes[] = {
        {"GET", "/devices/{d}", RIGHT_REGISTRY_READ, reach_device},
        {"GET", "/devices/query", RIGHT_REGISTRY_READ, reach_query},
        {"GET", "/devices", RIGHT_REGISTRY_READ, reach_list},
        {"PUT", "/devices/{d}", RIGHT_REGISTRY_WRITE, reach_device},
        {"GET", "/devices/{d}/modules/{m}", RIGHT_REGISTRY_READ | RIGHT_SERVICE_CONNECT, reach_module},
        {"GET", "/devices/{d}/modules", RIGHT_REGISTRY_READ, reach_modules},
        {"POST", "/devices/{d}/messages", RIGHT_DEVICE_CONNECT, reach_own},
        {"POST", "/open", 0, reach_open},
        {"POST", "/small", 0, reach_small, .body_max = 4},
        {"POST", "/later", 0, reach_later},
        {"POST", "/new", 0, reach_new_error, .new_errors = true},
        {"POST", "/old", 0, reach_old_error},
};

static void open_bench(Bench *b)
{
        _cleanup_(policy_done) Policy policy = {};
        _cleanup_(buffer_done) Buffer token = BUFFER_NULL;

        *b = (Bench){};
        devhub_house_open(&b->house);
        b->hub = (Hub){
                .store = &b->house.store,
                .clock = &b->house.time.clock,
                .host = HOST,
                .faults = &b->faults,
                .commit = on_commit,
                .userdata = b,
        };
        ck_assert_int_eq(http_router_new(&b->router, &b->hub), 0);
        ck_assert_int_eq(http_router_add(b->router, routes, ARRAY_SIZE(routes), b), 0);
        ck_assert_int_eq(policy_find(&b->house.store, "iothubowner", &policy), 0);
        ck_assert_int_eq(token_make(&token, policy.primary_key, HOST, "iothubowner",
                                    clock_wall(b->hub.clock) / USEC_PER_SEC + 60),
                         0);
        (void)snprintf(b->token, sizeof(b->token), "%s", token.data);
}

static void end_call(Bench *b)
{
        if (b->has_call)
                http_call_done(&b->call);
        b->has_call = false;
}

static void close_bench(Bench *b)
{
        end_call(b);
        http_router_free(b->router);
        faults_done(&b->faults);
        devhub_house_close(&b->house);
}

/* The status; 0: it comes later. */
static unsigned call(Bench *b, const char *method, const char *target, const char *body)
{
        end_call(b);
        b->reached = NULL;
        b->n_commits = 0;
        ck_assert_int_eq(http_call_init(&b->call, &b->hub, target), 0);
        b->has_call = true;
        b->call.method = strdup(method);
        if (*b->token)
                ck_assert_int_eq(http_pairs_add(&b->call.headers, "authorization", b->token), 0);
        if (body)
                ck_assert_int_eq(http_call_take_body(&b->call, body, strlen(body)), 0);
        http_router_dispatch(b->router, &b->call);
        return b->call.replied ? b->call.status : 0;
}

static const char *header(Bench *b, const char *name)
{
        const char *value = http_pairs_find(&b->call.reply_headers, name);

        return value ? value : "";
}

static void expect(Bench *b, const char *target, const char *reached)
{
        unsigned status = call(b, "GET", target, NULL);

        if (reached) {
                ck_assert_msg(status == 204, "%s: %u", target, status);
                ck_assert_str_eq(b->reached, reached);
        } else {
                ck_assert_msg(status == 404, "%s: %u", target, status);
        }
}

/* ---- paths ---- */

START_TEST(paths_lead_to_their_routes)
{
        Bench b;

        open_bench(&b);
        expect(&b, "/devices" VERSION, "list");
        expect(&b, "/devices/" VERSION, "list");
        expect(&b, "/DEVICES" VERSION, "list");
        expect(&b, "/devices/d1" VERSION, "device");
        expect(&b, "/devices/d1/" VERSION, "device");
        expect(&b, "/devices/query" VERSION, "query");
        expect(&b, "/devices/Query" VERSION, "query");
        expect(&b, "/devices/query1" VERSION, "device");
        expect(&b, "/devices/d1/modules" VERSION, "modules");
        expect(&b, "/devices/d1/modules/m1" VERSION, "module");
        expect(&b, "/" VERSION, NULL);
        expect(&b, "" VERSION, NULL);
        expect(&b, "/devic" VERSION, NULL);
        expect(&b, "/devicess" VERSION, NULL);
        expect(&b, "devices" VERSION, NULL);
        expect(&b, "//devices" VERSION, NULL);
        expect(&b, "/devices//" VERSION, NULL);
        expect(&b, "/devices//modules" VERSION, NULL);
        expect(&b, "/devices/d1/modules/m1/x" VERSION, NULL);
        expect(&b, "*", NULL);
        close_bench(&b);
}
END_TEST

START_TEST(parts_are_decoded_and_told_apart)
{
        Bench b;

        open_bench(&b);
        ck_assert_uint_eq(call(&b, "GET", "/devices/a%2Fb%2541/modules/%C3%BC+%3F" VERSION, NULL), 204);
        ck_assert_str_eq(http_call_part(&b.call, "d"), "a/b%41");
        ck_assert_str_eq(http_call_part(&b.call, "m"), "\xc3\xbc+?");
        ck_assert_ptr_null(http_call_part(&b.call, "x"));
        ck_assert_uint_eq(call(&b, "GET", "/devices/%FF" VERSION, NULL), 400);
        ck_assert_uint_eq(call(&b, "GET", "/devices/a%00" VERSION, NULL), 400);
        ck_assert_uint_eq(call(&b, "GET", "/devices/%" VERSION, NULL), 204);
        ck_assert_str_eq(http_call_part(&b.call, "d"), "%");
        close_bench(&b);
}
END_TEST

START_TEST(queries_are_decoded)
{
        Bench b;

        open_bench(&b);
        ck_assert_uint_eq(call(&b, "GET", "/devices?a=1%262&&b&=x&API-version=v&c=%3D=&a=2", NULL), 204);
        ck_assert_str_eq(http_call_query(&b.call, "a"), "1&2");
        ck_assert_str_eq(http_call_query(&b.call, "b"), "");
        ck_assert_str_eq(http_call_query(&b.call, "c"), "==");
        ck_assert_ptr_null(http_call_query(&b.call, "d"));
        close_bench(&b);
}
END_TEST

START_TEST(another_method_is_405_and_names_those_there_are)
{
        Bench b;

        open_bench(&b);
        ck_assert_uint_eq(call(&b, "DELETE", "/devices/d1" VERSION, NULL), 405);
        ck_assert_str_eq(header(&b, "Allow"), "GET, PUT");
        ck_assert_uint_eq(call(&b, "get", "/devices" VERSION, NULL), 405);
        ck_assert_str_eq(header(&b, "Allow"), "GET");
        close_bench(&b);
}
END_TEST

/* ---- order ---- */

START_TEST(path_then_right_then_version_then_size)
{
        Bench b;

        open_bench(&b);
        b.token[0] = 0;
        ck_assert_uint_eq(call(&b, "GET", "/nowhere", NULL), 404);
        ck_assert_uint_eq(call(&b, "GET", "/devices", NULL), 401);
        ck_assert_str_eq(header(&b, "iothub-errorcode"), "IotHubUnauthorizedAccess");
        ck_assert_uint_eq(call(&b, "POST", "/small", "12345"), 400);
        ck_assert_str_eq(header(&b, "iothub-errorcode"), "InvalidProtocolVersion");
        ck_assert_uint_eq(call(&b, "POST", "/small?api-version=", "1"), 400);
        ck_assert_uint_eq(call(&b, "POST", "/small?api-version=x", "12345"), 413);
        ck_assert_str_eq(header(&b, "iothub-errorcode"), "MessageTooLarge");
        ck_assert_ptr_null(b.reached);
        ck_assert_uint_eq(call(&b, "POST", "/small?api-version=x", "1234"), 204);
        close_bench(&b);
}
END_TEST

START_TEST(any_of_a_routes_rights_suffices)
{
        _cleanup_(policy_done) Policy policy = {};
        _cleanup_(buffer_done) Buffer token = BUFFER_NULL;
        Bench b;

        open_bench(&b);
        ck_assert_int_eq(policy_find(&b.house.store, "service", &policy), 0);
        ck_assert_int_eq(token_make(&token, policy.primary_key, HOST, "service",
                                    clock_wall(b.hub.clock) / USEC_PER_SEC + 60),
                         0);
        (void)snprintf(b.token, sizeof(b.token), "%s", token.data);
        ck_assert_uint_eq(call(&b, "GET", "/devices/d1/modules/m1" VERSION, NULL), 204);
        ck_assert_str_eq(http_call_access(&b.call)->policy, "service");
        ck_assert_uint_eq(call(&b, "GET", "/devices/d1" VERSION, NULL), 401);
        ck_assert_uint_eq(call(&b, "POST", "/devices/d1/messages" VERSION, NULL), 401);
        ck_assert_uint_eq(call(&b, "POST", "/open" VERSION, NULL), 204);
        close_bench(&b);
}
END_TEST

START_TEST(a_device_reaches_its_own_routes_only)
{
        _cleanup_(identity_done) Identity identity = {};
        _cleanup_(buffer_done) Buffer token = BUFFER_NULL;
        Bench b;

        open_bench(&b);
        ck_assert_int_eq(registry_find(&b.house.store, "d1", NULL, &identity), 0);
        ck_assert_int_eq(token_make(&token, identity.primary_key, HOST "/devices/d1", NULL,
                                    clock_wall(b.hub.clock) / USEC_PER_SEC + 60),
                         0);
        (void)snprintf(b.token, sizeof(b.token), "%s", token.data);
        ck_assert_uint_eq(call(&b, "POST", "/devices/d1/messages" VERSION, NULL), 204);
        ck_assert_uint_eq(call(&b, "POST", "/devices/d2/messages" VERSION, NULL), 401);
        ck_assert_uint_eq(call(&b, "GET", "/devices/d1" VERSION, NULL), 401);
        ck_assert_uint_eq(call(&b, "GET", "/devices" VERSION, NULL), 401);
        close_bench(&b);
}
END_TEST

/* ---- bodies ---- */

START_TEST(a_body_is_kept_up_to_its_limit_and_no_further)
{
        static char block[65536];
        HttpCall c;
        Hub hub = {};
        size_t size;

        memset(block, 'x', sizeof(block));
        ck_assert_int_eq(http_call_init(&c, &hub, "/"), 0);
        ck_assert_str_eq(http_call_body(&c, &size), "");
        for (size_t i = 0; i < HTTP_BODY_MAX / sizeof(block); i++)
                ck_assert_int_eq(http_call_take_body(&c, block, sizeof(block)), 0);
        ck_assert(!c.too_large);
        (void)http_call_body(&c, &size);
        ck_assert_uint_eq(size, HTTP_BODY_MAX);
        ck_assert_int_eq(http_call_take_body(&c, block, 1), 0);
        ck_assert(c.too_large);
        (void)http_call_body(&c, &size);
        ck_assert_uint_eq(size, 0);
        ck_assert_int_eq(http_call_take_body(&c, block, sizeof(block)), 0);
        (void)http_call_body(&c, &size);
        ck_assert_uint_eq(size, 0);
        http_call_done(&c);
}
END_TEST

/* ---- replies ---- */

START_TEST(trap_34_a_new_error_is_json_in_a_string_and_agrees_with_its_header)
{
        json_object *outer, *inner, *member;
        Bench b;

        open_bench(&b);
        ck_assert_uint_eq(call(&b, "POST", "/new" VERSION, NULL), 404);
        ck_assert_str_eq(header(&b, "iothub-errorcode"), "DeviceNotOnline");
        outer = json_tokener_parse(b.call.reply.data);
        ck_assert(json_object_object_get_ex(outer, "ExceptionMessage", &member));
        ck_assert(json_object_object_get_ex(outer, "Message", &member));
        ck_assert(json_object_is_type(member, json_type_string));
        inner = json_tokener_parse(json_object_get_string(member));
        ck_assert(json_object_object_get_ex(inner, "errorCode", &member));
        ck_assert_int_eq(json_object_get_int(member), 404103);
        ck_assert(json_object_object_get_ex(inner, "message", &member));
        ck_assert_str_eq(json_object_get_string(member), "The \"device\" is away");
        ck_assert(json_object_object_get_ex(inner, "info", &member));
        ck_assert_str_eq(json_object_to_json_string_ext(member, JSON_C_TO_STRING_PLAIN), "{\"timeout\":\"00:00:05\"}");
        ck_assert(json_object_object_get_ex(inner, "trackingId", &member));
        ck_assert(json_object_object_get_ex(inner, "timestampUtc", &member));
        json_object_put(inner);
        json_object_put(outer);
        close_bench(&b);
}
END_TEST

START_TEST(an_old_error_names_itself_in_its_message)
{
        json_object *body, *member;
        Bench b;

        open_bench(&b);
        ck_assert_uint_eq(call(&b, "POST", "/old" VERSION, NULL), 404);
        ck_assert_str_eq(header(&b, "iothub-errorcode"), "DeviceNotFound");
        body = json_tokener_parse(b.call.reply.data);
        ck_assert(json_object_object_get_ex(body, "Message", &member));
        ck_assert_str_eq(json_object_get_string(member), "ErrorCode:DeviceNotFound;Device a\"b not registered");
        json_object_put(body);
        close_bench(&b);
}
END_TEST

START_TEST(what_is_promised_is_committed_first)
{
        Bench b;

        open_bench(&b);
        ck_assert_uint_eq(call(&b, "GET", "/devices" VERSION, NULL), 204);
        ck_assert_uint_eq(b.n_commits, 1);
        b.commit_result = -EIO;
        ck_assert_uint_eq(call(&b, "GET", "/devices" VERSION, NULL), 500);
        ck_assert_str_eq(header(&b, "iothub-errorcode"), "ServerError");
        b.commit_result = 0;
        close_bench(&b);
}
END_TEST

START_TEST(a_header_cannot_bring_another)
{
        HttpCall c;
        Hub hub = {};

        ck_assert_int_eq(http_call_init(&c, &hub, "/"), 0);
        http_reply_header(&c, "ETag", "\"%s\"", "a\r\nSet-Cookie: x");
        ck_assert_ptr_null(http_pairs_find(&c.reply_headers, "ETag"));
        http_reply_header(&c, "ETag", "\"%s\"", "a");
        ck_assert_str_eq(http_pairs_find(&c.reply_headers, "ETag"), "\"a\"");
        http_call_done(&c);
}
END_TEST

/* ---- later ---- */

static void on_replied_later(void *userdata)
{
        ((Bench *)userdata)->n_woken++;
}

START_TEST(a_reply_may_come_later_and_wakes_the_server)
{
        Bench b;

        open_bench(&b);
        ck_assert_uint_eq(call(&b, "POST", "/later" VERSION, NULL), 0);
        b.call.replied_later = on_replied_later;
        b.call.server_userdata = &b;
        http_reply_empty(b.waiting, 200);
        ck_assert_uint_eq(b.n_woken, 1);
        ck_assert_uint_eq(b.call.status, 200);
        /* the caller goes after it: nobody is told */
        http_call_cancel(&b.call);
        ck_assert_uint_eq(b.n_gone, 0);
        close_bench(&b);
}
END_TEST

START_TEST(who_waits_is_told_once_that_the_caller_has_gone)
{
        Bench b;

        open_bench(&b);
        ck_assert_uint_eq(call(&b, "POST", "/later" VERSION, NULL), 0);
        http_call_cancel(&b.call);
        http_call_cancel(&b.call);
        ck_assert_uint_eq(b.n_gone, 1);
        close_bench(&b);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("devhub/http");
        TCase *c;

        c = suite_case(s, "paths");
        tcase_add_test(c, paths_lead_to_their_routes);
        tcase_add_test(c, parts_are_decoded_and_told_apart);
        tcase_add_test(c, queries_are_decoded);
        tcase_add_test(c, another_method_is_405_and_names_those_there_are);
        c = suite_case(s, "order");
        tcase_add_test(c, path_then_right_then_version_then_size);
        tcase_add_test(c, any_of_a_routes_rights_suffices);
        tcase_add_test(c, a_device_reaches_its_own_routes_only);
        c = suite_case(s, "bodies and replies");
        tcase_add_test(c, a_body_is_kept_up_to_its_limit_and_no_further);
        tcase_add_test(c, trap_34_a_new_error_is_json_in_a_string_and_agrees_with_its_header);
        tcase_add_test(c, an_old_error_names_itself_in_its_message);
        tcase_add_test(c, what_is_promised_is_committed_first);
        tcase_add_test(c, a_header_cannot_bring_another);
        c = suite_case(s, "later");
        tcase_add_test(c, a_reply_may_come_later_and_wakes_the_server);
        tcase_add_test(c, who_waits_is_told_once_that_the_caller_has_gone);
        return suite_run(s);
}
