/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Plug and Play between readings, a twin that notes what it is told, and whoever calls a command.
 */

#include "flow/pnp.h"

#include <stdio.h>
#include <string.h>

#include "fake-clock.h"
#include "log-capture.h"
#include "suite.h"

#define TOLD_MAX 16

typedef struct Told {
        char section[40], json[256];
} Told;

static struct {
        FakeClock clock;
        Pnp *pnp;
        Told told[TOLD_MAX];
        size_t n_told;
        RequestError refuses; /* what is reported */
        /* the desired half, of which one section is looked at */
        const char *section, *desired;
        uint64_t version;
        bool known;
        /* what an earlier run reported of that section, and what the settings give at first */
        const char *reported, *initial;
} t;

/* ---- the twin ---- */

static void on_desired(void *userdata, const char *section, TwinDesired *ret)
{
        if (!t.known)
                *ret = (TwinDesired){.error = REQUEST_NOT_CONNECTED, .detail = "", .json = ""};
        else
                *ret = (TwinDesired){
                        .json = t.section && strcmp(section, t.section) == 0 ? t.desired : "{}",
                        .version = t.version,
                };
}

static void on_reported(void *userdata, const char *section, TwinDesired *ret)
{
        *ret = (TwinDesired){
                .json = t.reported && strcmp(section, t.section) == 0 ? t.reported : "{}",
                .version = 7,
        };
}

static void on_report(void *userdata, const char *section, const char *json, const char *client, DoneFn done,
                      void *done_userdata)
{
        ck_assert_ptr_null(client);
        insist(t.n_told < TOLD_MAX);
        (void)snprintf(t.told[t.n_told].section, sizeof(t.told->section), "%s", section);
        (void)snprintf(t.told[t.n_told++].json, sizeof(t.told->json), "%s", json);
        done(done_userdata, t.refuses, t.refuses ? "no" : NULL);
}

static void on_owners(void *userdata, TwinOwnerFn each, void *each_userdata)
{
}

static void turn(void)
{
        Ticker ticker = pnp_ticker(t.pnp);
        usec_t now = clock_boot(&t.clock.clock);

        for (unsigned i = 0; ticker.deadline(ticker.userdata) <= now; i++) {
                insist(i < 10);
                ticker.tick(ticker.userdata, now);
        }
}

static void expect_told(const char *section, const char *json)
{
        ck_assert_uint_eq(t.n_told, 1);
        ck_assert_str_eq(t.told[0].section, section);
        ck_assert_str_eq(t.told[0].json, json);
        t.n_told = 0;
}

static void expect_silence(void)
{
        turn();
        ck_assert_uint_eq(t.n_told, 0);
}

/* ---- the tutorial's thermostat ---- */

static ReportSettings max_report = {"maxTempSinceLastReboot", "temperature", REPORT_MAX};

static void configure(const char *component, const ReportSettings *reports, size_t n_reports)
{
        SensorSettings sensors[] = {{.name = "outside"}, {.name = "room"}};
        WritableSettings writables[] = {
                {"target", "targetTemperature", "", WRITABLE_DOUBLE, {true, 5, 90}, (char *)(uintptr_t)t.initial},
                {"count", "", "", WRITABLE_INTEGER, {}},
                {"on", "", "", WRITABLE_BOOLEAN, {}},
                {"label", "", "", WRITABLE_STRING, {}},
        };
        CommandSettings commands[] = {{"getMaxMinReport", "", 0, (char *)"room.temperature"},
                                      {"outer", "getMaxMinReport", 0, (char *)"outside.temperature"}};
        PnpSettings settings = {sensors, 2, writables, 4, commands, 2};

        sensors[1].reports = (ReportSettings *)(uintptr_t)reports;
        sensors[1].n_reports = n_reports;
        (void)snprintf(sensors[1].component, sizeof(Name), "%s", component);
        for (size_t i = 0; i < 4; i++)
                (void)snprintf(writables[i].component, sizeof(Name), "%s", component);
        ck_assert_int_eq(pnp_configure(t.pnp, &settings), 0);
}

static void setup(void)
{
        TwinDesk desk = {.desired = on_desired, .reported = on_reported, .report = on_report, .owners = on_owners};

        memset(&t, 0, sizeof(t));
        fake_clock_init(&t.clock);
        ck_assert_int_eq(pnp_new(&t.pnp, &t.clock.clock, &desk), 0);
        configure("", &max_report, 1);
}

static void teardown(void)
{
        pnp_free(t.pnp);
}

static void read_channel(const char *sensor, const char *name, Value value)
{
        Channel channels[] = {{"humidity", {.kind = VALUE_NUMBER, .number = 99}}, {name, value}};

        pnp_reading(t.pnp, &(Reading){.sensor = sensor, .channels = channels, .n_channels = 2});
}

static void read_room(double temperature)
{
        read_channel("room", "temperature", (Value){.kind = VALUE_NUMBER, .number = temperature});
        fake_clock_advance(&t.clock, 8 * USEC_PER_SEC);
}

/* ---- reports ---- */

START_TEST(the_maximum_is_reported_when_it_rises)
{
        expect_silence();
        read_room(21.5);
        turn();
        expect_told("", "{\"maxTempSinceLastReboot\":21.5}");
        read_room(21.25);
        read_room(21.5);
        expect_silence();
        read_room(22);
        read_room(23.125);
        turn();
        expect_told("", "{\"maxTempSinceLastReboot\":23.125}");
}
END_TEST

START_TEST(of_a_component_it_is_marked_so)
{
        configure("thermostat1", &max_report, 1);
        read_room(21.5);
        turn();
        expect_told("thermostat1", "{\"__t\":\"c\",\"maxTempSinceLastReboot\":21.5}");
}
END_TEST

START_TEST(each_kind_of_value)
{
        static const char *const words[] = {"{\"p\":24}", "{\"p\":20}", "{\"p\":22}", "{\"p\":22}"};
        ReportSettings report = {"p", "temperature", REPORT_MAX};

        for (ReportValue v = 0; v < _REPORT_VALUE_MAX; v++) {
                teardown();
                setup();
                report.value = v;
                configure("", &report, 1);
                read_room(20);
                read_room(24);
                read_room(22);
                turn();
                expect_told("", words[v]);
        }
}
END_TEST

START_TEST(what_moves_with_each_reading_is_told_once_a_minute)
{
        ReportSettings report = {"p", "temperature", REPORT_LAST};

        configure("", &report, 1);
        read_room(1);
        turn();
        expect_told("", "{\"p\":1}");
        for (unsigned n = 2; n <= 7; n++) { /* one each 8 s */
                read_room(n);
                expect_silence();
        }
        fake_clock_advance(&t.clock, 12 * USEC_PER_SEC - 1);
        expect_silence();
        fake_clock_advance(&t.clock, 1);
        turn();
        expect_told("", "{\"p\":7}");
        fake_clock_advance(&t.clock, USEC_PER_HOUR);
        expect_silence();
        read_room(8);
        turn();
        expect_told("", "{\"p\":8}");
}
END_TEST

START_TEST(only_numbers_of_that_channel_count)
{
        read_channel("room", "pressure", (Value){.kind = VALUE_NUMBER, .number = 1});
        read_channel("outside", "temperature", (Value){.kind = VALUE_NUMBER, .number = 1});
        read_channel("room", "temperature", (Value){.kind = VALUE_TEXT, .text = "warm"});
        read_channel("room", "temperature", (Value){.kind = VALUE_BOOLEAN, .boolean = true});
        expect_silence();
        read_channel("room", "temperature", (Value){.kind = VALUE_INTEGER, .integer = -7});
        turn();
        expect_told("", "{\"maxTempSinceLastReboot\":-7}");
}
END_TEST

START_TEST(what_the_twin_refuses_is_told_again)
{
        LogCapture capture;

        log_capture_begin(&capture);
        t.refuses = REQUEST_BUSY;
        read_room(21.5);
        turn();
        expect_told("", "{\"maxTempSinceLastReboot\":21.5}");
        expect_silence();
        fake_clock_advance(&t.clock, USEC_PER_MIN);
        turn();
        expect_told("", "{\"maxTempSinceLastReboot\":21.5}");
        t.refuses = REQUEST_OK;
        fake_clock_advance(&t.clock, USEC_PER_MIN);
        turn();
        expect_told("", "{\"maxTempSinceLastReboot\":21.5}");
        fake_clock_advance(&t.clock, USEC_PER_HOUR);
        expect_silence();
        ck_assert_uint_eq(log_capture_count(&capture, "is not reported"), 1);
        log_capture_end(&capture);
}
END_TEST

START_TEST(a_reload_keeps_what_was_read)
{
        read_room(25);
        turn();
        t.n_told = 0;
        configure("thermostat1", &max_report, 1);
        read_room(20);
        turn();
        expect_told("thermostat1", "{\"__t\":\"c\",\"maxTempSinceLastReboot\":25}");
}
END_TEST

/* ---- writable properties ---- */

static void wish(const char *section, const char *desired)
{
        t.known = true;
        t.section = section;
        t.desired = desired;
        t.version++;
        pnp_twin_changed(t.pnp);
        turn();
}

typedef struct Wish {
        const char *section, *desired, *answer;
} Wish;

static const Wish wishes[] = {
        {"targetTemperature", "86.3", "{\"value\":86.3,\"ac\":200,\"av\":1,\"ad\":\"Successfully executed patch\"}"},
        {"targetTemperature", "{\"value\":86.3}",
         "{\"value\":86.3,\"ac\":200,\"av\":1,\"ad\":\"Successfully executed patch\"}"},
        {"targetTemperature", "5", "{\"value\":5,\"ac\":200,\"av\":1,\"ad\":\"Successfully executed patch\"}"},
        {"targetTemperature", "90.1", "{\"value\":90.1,\"ac\":400,\"av\":1,\"ad\":\"expected a number from 5 to 90\"}"},
        {"targetTemperature", "\"warm\"",
         "{\"value\":\"warm\",\"ac\":400,\"av\":1,\"ad\":\"expected a number from 5 to 90\"}"},
        {"targetTemperature", "{\"valeu\":1}",
         "{\"value\":{\"valeu\":1},\"ac\":400,\"av\":1,\"ad\":\"expected a number from 5 to 90\"}"},
        {"count", "7", "{\"value\":7,\"ac\":200,\"av\":1,\"ad\":\"Successfully executed patch\"}"},
        {"count", "7.5", "{\"value\":7.5,\"ac\":400,\"av\":1,\"ad\":\"expected a whole number\"}"},
        {"on", "{\"value\":true}", "{\"value\":true,\"ac\":200,\"av\":1,\"ad\":\"Successfully executed patch\"}"},
        {"on", "1", "{\"value\":1,\"ac\":400,\"av\":1,\"ad\":\"expected true or false\"}"},
        {"label", "\"a \\\"b\\\"\"",
         "{\"value\":\"a \\\"b\\\"\",\"ac\":200,\"av\":1,\"ad\":\"Successfully executed patch\"}"},
        {"label", "[\"a\"]", "{\"value\":[\"a\"],\"ac\":400,\"av\":1,\"ad\":\"expected a text\"}"},
};

START_TEST(a_wish_is_answered)
{
        const Wish *w = &wishes[_i];
        char expected[256], desired[128];

        wish(w->section, w->desired);
        (void)snprintf(expected, sizeof(expected), "{\"%s\":%s}", w->section, w->answer);
        expect_told("", expected);

        teardown();
        setup();
        configure("thermostat1", &max_report, 1);
        (void)snprintf(desired, sizeof(desired), "{\"__t\":\"c\",\"%s\":%s}", w->section, w->desired);
        wish("thermostat1", desired);
        (void)snprintf(expected, sizeof(expected), "{\"__t\":\"c\",\"%s\":%s}", w->section, w->answer);
        expect_told("thermostat1", expected);
}
END_TEST

START_TEST(a_wish_that_is_refused_leaves_what_is_in_effect)
{
        wish("targetTemperature", "21");
        t.n_told = 0;
        wish("targetTemperature", "1000");
        expect_told("", "{\"targetTemperature\":{\"value\":21,\"ac\":400,\"av\":2,"
                        "\"ad\":\"expected a number from 5 to 90\"}}");
        configure("", &max_report, 1);
        turn();
        expect_told("", "{\"targetTemperature\":{\"value\":21,\"ac\":400,\"av\":2,"
                        "\"ad\":\"expected a number from 5 to 90\"}}");
}
END_TEST

START_TEST(each_version_is_answered_once)
{
        wish("targetTemperature", "21");
        t.n_told = 0;
        pnp_twin_changed(t.pnp);
        expect_silence();
        wish("targetTemperature", "21"); /* the same once more: the service waits for its version */
        expect_told("", "{\"targetTemperature\":{\"value\":21,\"ac\":200,\"av\":2,"
                        "\"ad\":\"Successfully executed patch\"}}");
}
END_TEST

START_TEST(without_a_wish_there_is_no_answer)
{
        pnp_twin_changed(t.pnp);
        expect_silence();
        wish("somethingElse", "1");
        expect_silence();
        configure("thermostat1", &max_report, 1);
        wish("thermostat1", "{\"__t\":\"c\",\"other\":1}");
        expect_silence();
        wish("thermostat1", "7"); /* no component at all */
        expect_silence();
}
END_TEST

/* ---- before anybody wished, and after a restart ---- */

#define TARGET(value, ac, av, ad) "{\"targetTemperature\":{\"value\":" value ",\"ac\":" ac ",\"av\":" av ",\"ad\":\"" ad "\"}}"
#define EXPECTED                  "expected a number from 5 to 90"

START_TEST(an_initial_value_counts_while_nobody_wishes)
{
        t.initial = "22.5";
        configure("", &max_report, 1);
        pnp_twin_changed(t.pnp);
        expect_silence(); /* the hub has not been asked yet */
        wish("other", "1");
        expect_told("", TARGET("22.5", "203", "0", "initial value"));
        wish("targetTemperature", "\"warm\"");
        expect_told("", TARGET("22.5", "400", "2", EXPECTED));
        wish("targetTemperature", "86.3");
        expect_told("", TARGET("86.3", "200", "3", "Successfully executed patch"));
        wish("targetTemperature", "1000");
        expect_told("", TARGET("86.3", "400", "4", EXPECTED));
        wish("other", "1");
        expect_told("", TARGET("22.5", "203", "0", "initial value"));
        t.initial = "30"; /* other settings */
        configure("", &max_report, 1);
        turn();
        expect_told("", TARGET("30", "203", "0", "initial value"));
}
END_TEST

static const struct {
        const char *initial, *reported, *desired, *answer;
} restarts[] = {
        /* refused before, and refused again: with what was in effect */
        {NULL, "{\"value\":86.3,\"ac\":400,\"av\":3,\"ad\":\"\"}", "\"warm\"", TARGET("86.3", "400", "1", EXPECTED)},
        {"22.5", "{\"value\":86.3,\"ac\":400,\"av\":3,\"ad\":\"\"}", "\"warm\"", TARGET("86.3", "400", "1", EXPECTED)},
        /* taken before, and a bad wish came while we were away */
        {NULL, "{\"value\":86.3,\"ac\":200,\"av\":3,\"ad\":\"\"}", "1000", TARGET("86.3", "400", "1", EXPECTED)},
        /* there was nothing in effect: the wish was all there was to name */
        {NULL, "{\"value\":\"warm\",\"ac\":400,\"av\":3,\"ad\":\"\"}", "\"warm\"", TARGET("\"warm\"", "400", "1", EXPECTED)},
        {"22.5", "{\"value\":\"warm\",\"ac\":400,\"av\":3}", "\"warm\"", TARGET("22.5", "400", "1", EXPECTED)},
        /* what is not within the range any more is not in effect either */
        {"22.5", "{\"value\":99,\"ac\":200,\"av\":3}", "1000", TARGET("22.5", "400", "1", EXPECTED)},
        /* an initial value of other settings */
        {"22.5", "{\"value\":30,\"ac\":203,\"av\":0}", "1000", TARGET("22.5", "400", "1", EXPECTED)},
        /* no answer of ours at all */
        {NULL, "30", "1000", TARGET("1000", "400", "1", EXPECTED)},
        {NULL, "{\"value\":30}", "1000", TARGET("1000", "400", "1", EXPECTED)},
        {"22.5", "{\"value\":86.3,\"ac\":200,\"av\":3}", "{}", TARGET("22.5", "203", "0", "initial value")},
};

START_TEST(what_is_in_effect_outlives_a_restart)
{
        t.initial = restarts[_i].initial;
        t.reported = restarts[_i].reported;
        configure("", &max_report, 1);
        wish("targetTemperature", restarts[_i].desired);
        expect_told("", restarts[_i].answer);
}
END_TEST

/* ---- the command ---- */

static void expect_run(const char *method, const char *json, int status, const char *answer)
{
        _cleanup_(buffer_done) Buffer b = BUFFER_NULL;

        ck_assert_int_eq(pnp_run(t.pnp, method, json, strlen(json), &b), status);
        ck_assert_str_eq(b.data, answer);
}

static void expect_error(const char *method, const char *json, int status)
{
        _cleanup_(buffer_done) Buffer b = BUFFER_NULL;

        ck_assert_int_eq(pnp_run(t.pnp, method, json, strlen(json), &b), status);
        ck_assert_int_eq(strncmp(b.data, "{\"error\":\"", 10), 0);
}

START_TEST(the_report_since_the_start_and_since_a_time)
{
        static const char *const nothing[] = {"", "null"};

        read_room(20); /* at 00:00:00 */
        read_room(24); /* at 00:00:08 */
        read_room(22); /* at 00:00:16; now it is :24 */
        for (size_t i = 0; i < ARRAY_SIZE(nothing); i++)
                expect_run("getMaxMinReport", nothing[i], 200,
                           "{\"maxTemp\":24,\"minTemp\":20,\"avgTemp\":22,\"startTime\":\"2026-01-01T00:00:00.000Z\","
                           "\"endTime\":\"2026-01-01T00:00:24.000Z\"}");
        expect_run("getMaxMinReport", "\"2026-01-01T00:00:08Z\"", 200,
                   "{\"maxTemp\":24,\"minTemp\":22,\"avgTemp\":23,\"startTime\":\"2026-01-01T00:00:08.000Z\","
                   "\"endTime\":\"2026-01-01T00:00:24.000Z\"}");
        expect_run("getMaxMinReport", "\"2026-01-01T01:00:09+01:00\"", 200,
                   "{\"maxTemp\":22,\"minTemp\":22,\"avgTemp\":22,\"startTime\":\"2026-01-01T00:00:09.000Z\","
                   "\"endTime\":\"2026-01-01T00:00:24.000Z\"}");
        expect_run("getMaxMinReport", "\"1999-01-01T00:00:00Z\"", 200,
                   "{\"maxTemp\":24,\"minTemp\":20,\"avgTemp\":22,\"startTime\":\"1999-01-01T00:00:00.000Z\","
                   "\"endTime\":\"2026-01-01T00:00:24.000Z\"}");
}
END_TEST

/* What a service sends that has nothing to say: the first moment that its language knows. */
START_TEST(a_time_before_all_readings_is_the_start)
{
        static const char *const times[] = {"\"0001-01-01T00:00:00Z\"", "\"1970-01-01T00:00:00+05:00\"",
                                            "\"1969-12-31T23:59:59.999Z\"", "\"1970-01-01T00:00:00Z\""};

        read_room(20);
        read_room(24);
        for (size_t i = 0; i < ARRAY_SIZE(times); i++)
                expect_run("getMaxMinReport", times[i], 200,
                           "{\"maxTemp\":24,\"minTemp\":20,\"avgTemp\":22,\"startTime\":\"1970-01-01T00:00:00.000Z\","
                           "\"endTime\":\"2026-01-01T00:00:16.000Z\"}");
        expect_error("getMaxMinReport", "\"1969-02-29T00:00:00Z\"", 400); /* there was no such day */
}
END_TEST

START_TEST(a_clock_that_is_set_moves_no_reading)
{
        t.clock.wall_usec = 0; /* as at a start without a battery */
        read_room(20);
        read_room(24);
        t.clock.wall_usec = UINT64_C(1767225600000000); /* 2026: the last one was 8 s before */
        expect_run("getMaxMinReport", "\"2025-12-31T23:59:50Z\"", 200,
                   "{\"maxTemp\":24,\"minTemp\":24,\"avgTemp\":24,\"startTime\":\"2025-12-31T23:59:50.000Z\","
                   "\"endTime\":\"2026-01-01T00:00:00.000Z\"}");
}
END_TEST

START_TEST(what_cannot_be_answered)
{
        static const char *const bad[] = {"{", "5", "\"yesterday\"", "\"\"", "{\"since\":\"2026-01-01T00:00:00Z\"}",
                                          "[]", "true", "\"2026-01-01T00:00:00Z\" x", "\xff"};

        expect_error("getMaxMinReport", "", 404); /* nothing was read */
        read_room(20);
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
                expect_error("getMaxMinReport", bad[i], 400);
        expect_error("getMaxMinReport", "\"2026-01-01T00:00:01Z\"", 404);
        expect_error("getMaxMinReport", "\"2999-01-01T00:00:00Z\"", 404);
        expect_error("outer", "", 404); /* its command has another name */
}
END_TEST

START_TEST(of_a_component_it_is_called_so)
{
        SensorSettings sensors[] = {{.name = "room2"}, {.name = "room", .component = "thermostat1"}};
        CommandSettings command = {"report", "", 0, (char *)"room.temperature"};
        char method[PNP_METHOD_MAX];

        pnp_method(&command, sensors, 2, method);
        ck_assert_str_eq(method, "thermostat1*report");
        memcpy(command.command, "getMaxMinReport", sizeof("getMaxMinReport"));
        pnp_method(&command, sensors, 2, method);
        ck_assert_str_eq(method, "thermostat1*getMaxMinReport");
        pnp_method(&command, sensors, 1, method);
        ck_assert_str_eq(method, "getMaxMinReport");

        configure("thermostat1", NULL, 0);
        read_room(20);
        expect_error("getMaxMinReport", "", 404);
        expect_run("thermostat1*getMaxMinReport", "", 200,
                   "{\"maxTemp\":20,\"minTemp\":20,\"avgTemp\":20,\"startTime\":\"2026-01-01T00:00:00.000Z\","
                   "\"endTime\":\"2026-01-01T00:00:08.000Z\"}");
}
END_TEST

int main(void)
{
        Suite *s = suite_create("flow/pnp");
        TCase *c = suite_case(s, "what is reported");

        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_test(c, the_maximum_is_reported_when_it_rises);
        tcase_add_test(c, of_a_component_it_is_marked_so);
        tcase_add_test(c, each_kind_of_value);
        tcase_add_test(c, what_moves_with_each_reading_is_told_once_a_minute);
        tcase_add_test(c, only_numbers_of_that_channel_count);
        tcase_add_test(c, what_the_twin_refuses_is_told_again);
        tcase_add_test(c, a_reload_keeps_what_was_read);
        c = suite_case(s, "what is written");
        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_loop_test(c, a_wish_is_answered, 0, ARRAY_SIZE(wishes));
        tcase_add_test(c, a_wish_that_is_refused_leaves_what_is_in_effect);
        tcase_add_test(c, each_version_is_answered_once);
        tcase_add_test(c, without_a_wish_there_is_no_answer);
        tcase_add_test(c, an_initial_value_counts_while_nobody_wishes);
        tcase_add_loop_test(c, what_is_in_effect_outlives_a_restart, 0, ARRAY_SIZE(restarts));
        c = suite_case(s, "the command");
        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_test(c, the_report_since_the_start_and_since_a_time);
        tcase_add_test(c, a_time_before_all_readings_is_the_start);
        tcase_add_test(c, a_clock_that_is_set_moves_no_reading);
        tcase_add_test(c, what_cannot_be_answered);
        tcase_add_test(c, of_a_component_it_is_called_so);
        return suite_run(s);
}
