/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What the settings name no more, with a twin that is a real one: it is gone at the hub, and its name is free.
 */

#include <stdio.h>
#include <string.h>

#include "flow/pnp.h"
#include "log-capture.h"
#include "suite.h"
#include "twin-cloud.h"

static Cloud c;
static Pnp *pnp;
static LogCapture capture;

static int on_keep(void *userdata, Document *state)
{
        return pnp_keep(pnp, state);
}

static void on_told_changed(void *userdata)
{
        twin_keep_changed(c.twin);
}

static void on_changed(void *userdata)
{
        pnp_twin_changed(pnp);
}

static void begin_run(void)
{
        _cleanup_(document_freep) Document *state = NULL;
        const TwinDesk desk = twin_desk(c.twin);
        const char *error;

        insist(!c.stored || document_parse(&state, c.stored, strlen(c.stored), &error) == 0);
        insist(pnp_new(&pnp, &c.clock.clock, &desk) == 0);
        insist(pnp_remember(pnp, state, on_told_changed, NULL) == 0);
}

static void run(void)
{
        Ticker t = pnp_ticker(pnp);

        for (int i = 0; i < 10; i++) {
                for (int k = 0; t.deadline(t.userdata) <= c.clock.boot_usec; k++) {
                        insist(k < 20);
                        t.tick(t.userdata, c.clock.boot_usec);
                }
                cloud_run(&c, 30 * USEC_PER_SEC);
        }
}

static void restart(void)
{
        cloud_restart(&c);
        pnp = pnp_free(pnp);
        begin_run();
}

static void setup(void)
{
        log_capture_begin(&capture);
        cloud_init(&c, 1);
        c.keep = on_keep;
        c.changed = on_changed;
        begin_run();
        cloud_connect(&c);
}

static void teardown(void)
{
        cloud_done(&c);
        pnp_free(pnp);
        log_capture_end(&capture);
}

/* property NULL: the sensor reports none; target NULL: none can be written. */
static void configure(const char *component, const char *property, const char *target)
{
        ReportSettings report = {"", "temperature", REPORT_MAX};
        SensorSettings sensor = {.name = "room", .reports = &report, .n_reports = property != NULL};
        WritableSettings writable = {"target", "", "", WRITABLE_DOUBLE, {true, 5, 90}, (char *)"21"};
        PnpSettings settings = {&sensor, 1, &writable, target != NULL, NULL, 0};

        (void)snprintf(report.property, sizeof(Name), "%s", property ?: "");
        (void)snprintf(writable.property, sizeof(Name), "%s", target ?: "");
        (void)snprintf(sensor.component, sizeof(Name), "%s", component);
        (void)snprintf(writable.component, sizeof(Name), "%s", component);
        insist(pnp_configure(pnp, &settings) == 0);
}

static void read_room(double temperature)
{
        Channel channel = {"temperature", {.kind = VALUE_NUMBER, .number = temperature}};

        pnp_reading(pnp, &(Reading){.sensor = "room", .channels = &channel, .n_channels = 1});
}

static void report_both(const char *component)
{
        configure(component, "maximum", "target");
        run();
        read_room(21.5);
        run();
}

START_TEST(a_property_that_the_settings_drop_is_gone)
{
        for (int restarts = 0; restarts < 2; restarts++) {
                report_both("");
                ck_assert_str_eq(cloud_reported(&c, "maximum"), "21.5");
                ck_assert_str_ne(cloud_reported(&c, "target"), "");
                ck_assert_int_eq(cloud_report_as(&c, "ann", "", "{\"maximum\":1}").error, REQUEST_NOT_OWNER);
                if (restarts)
                        restart();
                configure("", NULL, "goal");
                cloud_connect(&c);
                run();
                ck_assert_str_eq(cloud_reported(&c, "maximum"), "");
                ck_assert_str_eq(cloud_reported(&c, "target"), "");
                ck_assert_str_ne(cloud_reported(&c, "goal"), "");
                ck_assert_int_eq(cloud_report_as(&c, "ann", "", "{\"maximum\":1}").error, REQUEST_OK);
                run();
                ck_assert_str_eq(cloud_reported(&c, "maximum"), "1"); /* and it is not ours any more */
                restart();
                configure("", NULL, NULL);
                cloud_connect(&c);
                run();
                ck_assert_str_eq(cloud_reported(&c, "goal"), "");
                ck_assert_str_eq(cloud_reported(&c, "maximum"), "1");
                ck_assert_int_eq(cloud_report_as(&c, "ann", "", "{\"maximum\":null}").error, REQUEST_OK);
                run();
        }
}
END_TEST

START_TEST(of_a_component_the_rest_stays)
{
        report_both("room");
        restart();
        configure("room", NULL, "target");
        cloud_connect(&c);
        run();
        ck_assert_ptr_null(strstr(cloud_reported(&c, "room"), "maximum"));
        ck_assert_ptr_nonnull(strstr(cloud_reported(&c, "room"), "target"));
        configure("", NULL, "target"); /* it is the device's now */
        run();
        ck_assert_str_eq(cloud_reported(&c, "room"), "");
        ck_assert_str_ne(cloud_reported(&c, "target"), "");
        ck_assert_int_eq(cloud_report_as(&c, "ann", "room", "{\"x\":1}").error, REQUEST_OK);
}
END_TEST

START_TEST(what_a_service_has_beside_it_stays)
{
        ck_assert_int_eq(cloud_report_as(&c, "ann", "room", "{\"x\":1}").error, REQUEST_OK);
        ck_assert_int_eq(cloud_report_as(&c, "ann", "", "{\"maximum\":7}").error, REQUEST_OK);
        report_both("room");
        configure("", "maximum", NULL);
        run();
        ck_assert_str_eq(cloud_reported(&c, "room"), "{\"x\":1,\"__t\":\"c\"}");
        ck_assert_str_eq(cloud_reported(&c, "maximum"), "21.5");
        configure("", NULL, NULL); /* it was ann's before */
        run();
        ck_assert_str_eq(cloud_reported(&c, "maximum"), "21.5");
        ck_assert_int_eq(cloud_report_as(&c, "ann", "", "{\"maximum\":8}").error, REQUEST_OK);
        ck_assert_str_eq(cloud_reported(&c, "room"), "{\"x\":1,\"__t\":\"c\"}");
}
END_TEST

START_TEST(without_a_link_it_goes_later)
{
        report_both("");
        cloud_disconnect(&c);
        configure("", NULL, NULL);
        run();
        ck_assert_str_eq(cloud_reported(&c, "maximum"), "21.5");
        restart(); /* between the one and the other */
        configure("", NULL, NULL);
        run();
        cloud_connect(&c);
        run();
        ck_assert_str_eq(cloud_reported(&c, "maximum"), "");
        ck_assert_str_eq(cloud_reported(&c, "target"), "");
}
END_TEST

START_TEST(what_is_named_still_costs_nothing)
{
        uint64_t patches, stores;

        report_both("room");
        patches = c.patches;
        stores = c.stores;
        for (int i = 0; i < 5; i++) {
                configure("room", "maximum", "target");
                run();
        }
        ck_assert_uint_eq(c.patches, patches);
        ck_assert_uint_eq(c.stores, stores);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("flow/pnp-told");
        TCase *t = suite_case(s, "what the settings name no more");

        tcase_add_checked_fixture(t, setup, teardown);
        tcase_add_test(t, a_property_that_the_settings_drop_is_gone);
        tcase_add_test(t, of_a_component_the_rest_stays);
        tcase_add_test(t, what_a_service_has_beside_it_stays);
        tcase_add_test(t, without_a_link_it_goes_later);
        tcase_add_test(t, what_is_named_still_costs_nothing);
        return suite_run(s);
}
