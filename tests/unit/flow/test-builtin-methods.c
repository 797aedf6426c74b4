/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/builtin-methods.h"

#include <errno.h>
#include <stdio.h>

#include "fake-clock.h"
#include "log-capture.h"
#include "model/json-read.h"
#include "suite.h"

/* A daemon whose parts do what the test says. */
typedef struct House {
        FakeClock time;
        LogCapture lines;
        Audit *audit;
        Methods *methods;
        BuiltinMethods *builtin;
        MethodsSettings settings;
        Status status;

        DoneFn flushed;
        void *flushed_userdata;
        void *waiting[BUILTIN_FLUSHES_MAX]; /* for flushed(), each of them */
        unsigned n_waiting;
        int answer; /* of set_interval() */
        const char *why;
        bool disk_is_slow;
        DoneFn kept;
        void *kept_userdata;
        char sensor[64];
        usec_t interval;

        unsigned n_answers;
        int got;
        char json[4096];
} House;

static int on_invoke(void *userdata, const char *destination, const char *name, const char *json, usec_t deadline,
                     uint64_t call)
{
        ck_abort_msg("nobody is asked");
        return 0;
}

static const Status *on_status(void *userdata)
{
        return &((House *)userdata)->status;
}

static void on_flush(void *userdata, DoneFn done, void *done_userdata)
{
        House *h = userdata;

        h->flushed = done;
        h->flushed_userdata = done_userdata;
        insist(h->n_waiting < BUILTIN_FLUSHES_MAX);
        h->waiting[h->n_waiting++] = done_userdata;
}

static int on_set_interval(void *userdata, const char *sensor, usec_t interval, usec_t *ret, Buffer *why)
{
        House *h = userdata;

        (void)snprintf(h->sensor, sizeof(h->sensor), "%s", sensor);
        h->interval = interval;
        if (h->why)
                buffer_append_string(why, h->why);
        *ret = interval == USEC_INFINITY ? 7 * USEC_PER_SEC : interval; /* what the settings say */
        return h->answer;
}

/* The disk answers at once, or when the test says so. */
static int on_await_disk(void *userdata, DoneFn done, void *done_userdata)
{
        House *h = userdata;

        if (h->disk_is_slow) {
                h->kept = done;
                h->kept_userdata = done_userdata;
        } else {
                done(done_userdata, REQUEST_OK, NULL);
        }
        return 0;
}

static void begin(House *h)
{
        BuiltinPeers peers = {
                .status = {on_status, h},
                .control = {.flush = on_flush, .userdata = h},
                .set_interval = on_set_interval,
                .await_disk = on_await_disk,
                .userdata = h,
        };

        *h = (House){.settings = {.timeout_usec = METHODS_TIMEOUT_DEFAULT}, .status = {.version = "1"}};
        fake_clock_init(&h->time);
        log_capture_begin(&h->lines);
        h->audit = audit_new();
        ck_assert_int_eq(methods_new(&h->methods, &h->settings, &h->time.clock, h->audit,
                                     &(ResponderPort){on_invoke, h}),
                         0);
        ck_assert_int_eq(builtin_methods_new(&h->builtin, h->methods, &peers, &h->time.clock), 0);
}

static void end(House *h)
{
        methods_free(h->methods);
        builtin_methods_free(h->builtin);
        audit_free(h->audit);
        log_capture_end(&h->lines);
}

static void on_answer(void *userdata, const MethodAnswer *a)
{
        House *h = userdata;

        h->n_answers++;
        h->got = a->status;
        (void)snprintf(h->json, sizeof(h->json), "%s", a->json);
}

static int call(House *h, const char *name, const char *json)
{
        h->n_answers = 0;
        h->got = 0;
        methods_call(h->methods, &(MethodCall){"1", name, json, strlen(json)}, on_answer, h);
        return h->got;
}

START_TEST(ping_tells_version_and_time)
{
        House h;

        begin(&h);
        ck_assert_int_eq(call(&h, "ping", ""), 200);
        ck_assert_str_eq(h.json, "{\"version\":\"" HUBLINK_VERSION "\",\"time\":\"2026-01-01T00:00:00.000Z\"}");
        ck_assert_int_eq(call(&h, "ping", "[1,2]"), 200);
        end(&h);
}
END_TEST

START_TEST(status_is_json_of_the_present)
{
        SensorStatus room = {.name = "room", .state = SENSOR_FAILING, .errors = 3, .interval_usec = 8 * USEC_PER_SEC};
        const SensorStatus *sensors[] = {&room, &room};
        _cleanup_json_ json_object *o = NULL;
        const char *error;
        House h;

        begin(&h);
        h.status.link_state = LINK_CONNECTED;
        h.status.ledger.accepted = 7;
        h.status.sensors = sensors;
        h.status.n_sensors = 2;
        ck_assert_int_eq(call(&h, "getStatus", ""), 200);
        ck_assert_int_eq(json_read(h.json, strlen(h.json), &o, &error), 0);
        ck_assert_ptr_nonnull(strstr(h.json, "\"link_state\":\"connected\""));
        ck_assert_ptr_nonnull(strstr(h.json, "\"ledger\":{\"accepted\":7,\"acknowledged\":0,\"waiting\":7,"));
        ck_assert_ptr_nonnull(strstr(h.json, "{\"name\":\"room\",\"state\":\"failing\",\"time\":0,\"errors\":3,"
                                             "\"interval\":8000000},{"));
        h.status.queue.unknown = true;
        ck_assert_int_eq(call(&h, "getStatus", ""), 200);
        ck_assert_ptr_null(strstr(h.json, "ledger"));
        end(&h);
}
END_TEST

START_TEST(flush_answers_when_it_is_done)
{
        Ticker t;
        House h;

        begin(&h);
        ck_assert_int_eq(call(&h, "flush", ""), 0);
        h.flushed(h.flushed_userdata, REQUEST_OK, NULL);
        ck_assert_int_eq(h.got, 200);
        ck_assert_str_eq(h.json, "{\"flushed\":true}");
        ck_assert_int_eq(call(&h, "flush", ""), 0);
        h.flushed(h.flushed_userdata, REQUEST_NOT_CONNECTED, NULL);
        ck_assert_int_eq(h.got, METHOD_UNAVAILABLE);
        ck_assert_int_eq(call(&h, "flush", ""), 0);
        h.flushed(h.flushed_userdata, REQUEST_DISK_ERROR, "no \"space\"");
        ck_assert_int_eq(h.got, METHOD_FAILED);
        ck_assert_str_eq(h.json, "{\"error\":\"no \\\"space\\\"\"}");

        /* late, and after the end of all */
        ck_assert_int_eq(call(&h, "flush", ""), 0);
        t = methods_ticker(h.methods);
        fake_clock_advance(&h.time, METHODS_TIMEOUT_DEFAULT);
        t.tick(t.userdata, h.time.boot_usec);
        ck_assert_int_eq(h.got, METHOD_TIMEOUT);
        h.flushed(h.flushed_userdata, REQUEST_OK, NULL);
        ck_assert_uint_eq(h.n_answers, 1);
        ck_assert_int_eq(call(&h, "flush", ""), 0);
        methods_stop(h.methods);
        ck_assert_int_eq(h.got, METHOD_UNAVAILABLE);
        h.flushed(h.flushed_userdata, REQUEST_NOT_CONNECTED, NULL);
        ck_assert_uint_eq(h.n_answers, 1);
        end(&h);
}
END_TEST

START_TEST(intervals_are_set)
{
        static const struct {
                const char *json;
                usec_t interval;
        } good[] = {
                {"{\"sensor\":\"room\",\"interval\":\"5min\"}", 5 * USEC_PER_MIN},
                {"{\"interval\":2,\"sensor\":\"room\"}", 2 * USEC_PER_SEC},
                {"{\"sensor\":\"room\",\"interval\":0.25}", 250 * USEC_PER_MSEC},
        };
        static const char *const bad[] = {
                "",
                "null",
                "[]",
                "\"room\"",
                "{}",
                "{\"sensor\":\"room\"}",
                "{\"sensor\":\"room\",\"interval\":\"soon\"}",
                "{\"sensor\":\"room\",\"interval\":true}",
                "{\"sensor\":\"room\",\"interval\":-1}",
                "{\"sensor\":\"room\",\"interval\":1e300}",
                "{\"sensor\":7,\"interval\":1}",
                "{\"sensor\":null,\"interval\":1}",
                "{\"sensor\":\"room\",\"interval\":1,\"more\":1}",
        };
        House h;

        begin(&h);
        for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
                insist(call(&h, "setInterval", good[i].json) == 200);
                insist(h.interval == good[i].interval && strcmp(h.sensor, "room") == 0);
        }
        ck_assert_str_eq(h.json, "{\"sensor\":\"room\",\"interval\":\"250ms\"}");
        insist(call(&h, "setInterval", "{\"sensor\":\"room\",\"interval\":null}") == 200);
        insist(h.interval == USEC_INFINITY);
        ck_assert_str_eq(h.json, "{\"sensor\":\"room\",\"interval\":\"7s\"}");
        h.interval = 0;
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                insist(call(&h, "setInterval", bad[i]) == METHOD_BAD_REQUEST);
                insist(h.interval == 0 && strncmp(h.json, "{\"error\":\"", 10) == 0);
        }
        end(&h);
}
END_TEST

/* What a restart would forget is not said to be done. */
START_TEST(an_interval_is_answered_when_it_is_on_the_disk)
{
        House h;

        begin(&h);
        h.disk_is_slow = true;
        ck_assert_int_eq(call(&h, "setInterval", "{\"sensor\":\"room\",\"interval\":\"10s\"}"), 0);
        ck_assert_uint_eq(h.interval, 10 * USEC_PER_SEC);
        h.kept(h.kept_userdata, REQUEST_OK, NULL);
        ck_assert_int_eq(h.got, METHOD_OK);
        ck_assert_str_eq(h.json, "{\"sensor\":\"room\",\"interval\":\"10s\"}");
        ck_assert_int_eq(call(&h, "setInterval", "{\"sensor\":\"room\",\"interval\":\"20s\"}"), 0);
        h.kept(h.kept_userdata, REQUEST_DISK_ERROR, "No space left on device");
        ck_assert_int_eq(h.got, METHOD_FAILED);
        ck_assert_ptr_nonnull(strstr(h.json, "it is not on the disk (No space left on device)"));
        ck_assert_int_eq(call(&h, "setInterval", "{\"sensor\":\"room\",\"interval\":\"30s\"}"), 0);
        methods_stop(h.methods); /* and the disk has the last word */
        ck_assert_int_eq(h.got, METHOD_UNAVAILABLE);
        h.kept(h.kept_userdata, REQUEST_OK, NULL);
        ck_assert_uint_eq(h.n_answers, 1);
        end(&h);
}
END_TEST

START_TEST(an_interval_that_cannot_be_is_refused_in_words)
{
        static const struct {
                int r, status;
                const char *words;
        } cases[] = {
                {-ENOENT, METHOD_NOT_FOUND, "there is no sensor \\\"room\\\""},
                {-EOPNOTSUPP, METHOD_BAD_REQUEST, "driven by its source"},
                {-ERANGE, METHOD_BAD_REQUEST, "from 10ms to 1d"},
                {-EINVAL, METHOD_BAD_REQUEST, "interval: it does not go with other settings: rules.hot: no \\\"é\\\""},
                {-ENOMEM, METHOD_FAILED, "memory"},
        };
        House h;

        begin(&h);
        h.why = "rules.hot: no \"é\"";
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                h.answer = cases[i].r;
                insist(call(&h, "setInterval", "{\"sensor\":\"room\",\"interval\":1}") == cases[i].status);
                insist(strstr(h.json, cases[i].words));
        }
        h.why = NULL;
        h.answer = -EINVAL;
        ck_assert_int_eq(call(&h, "setInterval", "{\"sensor\":\"room\",\"interval\":1}"), METHOD_BAD_REQUEST);
        ck_assert_str_eq(h.json, "{\"error\":\"interval: it does not go with other settings\"}");
        end(&h);
}
END_TEST

/* A backlog may take hours, and a flush that nobody waits for any more ends with it. */
START_TEST(flushes_that_hang_take_no_method_away)
{
        Ticker t;
        House h;

        begin(&h);
        t = methods_ticker(h.methods);
        for (int i = 0; i < BUILTIN_FLUSHES_MAX; i++) {
                ck_assert_int_eq(call(&h, "flush", ""), 0);
                fake_clock_advance(&h.time, METHODS_TIMEOUT_DEFAULT);
                t.tick(t.userdata, h.time.boot_usec);
                ck_assert_int_eq(h.got, METHOD_TIMEOUT);
        }
        for (int i = 0; i < METHODS_CALLS_MAX; i++)
                ck_assert_int_eq(call(&h, "flush", ""), METHOD_BUSY);
        ck_assert_str_eq(h.json, "{\"error\":\"16 flushes wait for the hub to acknowledge the backlog already\"}");
        ck_assert_int_eq(call(&h, "ping", ""), METHOD_OK);

        while (h.n_waiting > 0)
                h.flushed(h.waiting[--h.n_waiting], REQUEST_OK, NULL);
        ck_assert_int_eq(call(&h, "flush", ""), 0);
        h.flushed(h.flushed_userdata, REQUEST_OK, NULL);
        ck_assert_int_eq(h.got, METHOD_OK);
        end(&h);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("flow/builtin-methods");
        TCase *c = suite_case(s, "the daemon's own methods");

        tcase_add_test(c, ping_tells_version_and_time);
        tcase_add_test(c, status_is_json_of_the_present);
        tcase_add_test(c, flush_answers_when_it_is_done);
        tcase_add_test(c, flushes_that_hang_take_no_method_away);
        tcase_add_test(c, intervals_are_set);
        tcase_add_test(c, an_interval_is_answered_when_it_is_on_the_disk);
        tcase_add_test(c, an_interval_that_cannot_be_is_refused_in_words);
        return suite_run(s);
}
