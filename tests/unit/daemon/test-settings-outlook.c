/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What is missing on this machine is a warning with its line, and never an error.
 */

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/settings-outlook.h"
#include "suite.h"

static Problems look(const char *text)
{
        _cleanup_(settings_freep) Settings *s = NULL;
        Problems problems = {}, warnings = {};

        ck_assert_int_eq(settings_load_text(&s, "x.conf", text, SETTINGS_STATE_DIR, &problems), 0);
        ck_assert_int_eq(settings_outlook(s, &warnings), 0);
        return warnings;
}

#define BODY(body) "streams: { telemetry: { format = \"object\";\n body = \"" body "\"; }; };\n"
#define TWO \
        "sensors: { w: { driver = \"file\"; path = \"/x\"; channels: { a: {}; b: {}; }; interval = \"1s\"; }; };\n"
#define APPS "sensors: { apps: { driver = \"socket\"; listen = \"unix-dgram:/run/a\"; }; };\n"
#define CPU  "sensors: { cpu: { driver = \"file\"; path = \"/x\"; interval = \"1min\"; channels: { load: {}; }; }; };\n"

static const struct {
        const char *text;
        const char *warning; /* its beginning; NULL: none */
} cases[] = {
        {"hub: {};\n", NULL},
        {"hub: {\n ca_file = \"/nowhere/ca.pem\"; };\n", "x.conf:2: warning: hub.ca_file: /nowhere/ca.pem"},
        {"hub: { ca_file = \"/etc/passwd\"; };\n", NULL},
        {"hub: {\n connection_string_file = \"/nowhere/cs\"; };\n",
         "x.conf:2: warning: hub.connection_string_file: "},
        {"hub: { connection_string_file = \"device.cs\"; };\n", NULL},
        {"hub: { dps: { id_scope = \"0ne1\"; registration_id = \"g\"; key_file = \"k\"; }; };\n", NULL},
        {"hub: { dps: {\n id_scope = \"0ne1\"; key_file = \"k\"; }; };\n",
         "x.conf:2: warning: hub.dps.id_scope: hub.dps.registration_id is missing"},
        {"hub: { dps: { id_scope = \"0ne1\"; registration_id = \"g\";\n group_key_file = \"/nowhere/k\"; }; };\n",
         "x.conf:2: warning: hub.dps.group_key_file: /nowhere/k cannot be read"},
        {"queue: {\n directory = \"/etc/passwd\"; };\n",
         "x.conf:2: warning: queue.directory: /etc/passwd cannot be a directory: a file is in its place"},
        {"queue: {\n directory = \"/etc/passwd/queue\"; };\n", "x.conf:2: warning: queue.directory: "},
        /* a file system of no size at all */
        {"queue: { directory = \"/proc/nowhere/queue\";\n min_free = \"500G\"; };\n",
         "x.conf:2: warning: queue.min_free: only 0 MiB are free on the file system of /proc/nowhere/queue"},
        {"queue: { directory = \"/proc/nowhere/queue\"; min_free = 0; };\n", NULL},
        {"sensors: { a: { driver = \"socket\"; listen = \"unix-dgram:/run/a\";\n group = \"no_such\"; }; };\n",
         "x.conf:2: warning: sensors.a.group: there is no group \"no_such\""},
        {"sensors: { a: { driver = \"socket\"; listen = \"unix-dgram:/run/a\"; group = \"root\"; }; };\n", NULL},
        {"metrics: { listen = \"unix:/run/hublink/m\";\n group = \"no_such\"; };\n",
         "x.conf:2: warning: metrics.group: there is no group \"no_such\" on this system, and no socket before there is "
         "one: groupadd --system no_such, or name another"},
        {"metrics: { listen = \"unix:/run/hublink/m\"; group = \"root\"; };\n", NULL},
        {"metrics: { listen = \"unix:/run/hublink/m\"; };\n", NULL},
        {"sensors: { a: { driver = \"file\"; path = \"/x\"; channels: { v: {}; }; interval = \"1s\";\n"
         "timeout = \"3s\"; }; };\n",
         "x.conf:2: warning: sensors.a.timeout: it is longer than the interval"},
        {"sensors: { a: { driver = \"file\"; path = \"/x\"; channels: { v: {}; }; interval = \"1s\"; }; };\n",
         NULL},
        {"methods: { registrants: { a = \"root\";\n r = \"no_such_user\"; }; };\n",
         "x.conf:2: warning: methods.registrants.r: there is no user \"no_such_user\" on this system"},
        {"twin: { sections: {\n p = \"no_such_user\"; q = \"root\"; }; };\n",
         "x.conf:2: warning: twin.sections.p: there is no user \"no_such_user\" on this system"},
        {APPS "rules = ( { channel = \"apps.level\"; deadband = 1.0; },\n { channel = \"pump.level\"; deadband = 1.0; } );\n",
         NULL},
        {APPS "rules = ( { channel = \"pump.level\"; deadband = 1.0; },\n { channel = \"aps.level\"; deadband = 1.0; } );\n",
         "x.conf:3: warning: rules.1.channel: there is no sensor \"aps\", did you mean \"apps\"? As it is, it counts for "
         "lines of apps that name aps"},
        {BODY("${value}") TWO "rules = ( { channel = \"w.a\"; deadband = 1.0; } );\n",
         "x.conf:2: warning: streams.telemetry.body: ${value} is that of the first channel that is sent, and the rule of "
         "w.a may leave channels of w out: name the one that is meant, ${value[a]}"},
        {BODY("${value}") TWO "rules = ( { channel = \"w.a\"; range = [0.0, 1.0]; } );\n",
         "x.conf:2: warning: streams.telemetry.body: ${value} is"},
        {BODY("${value[a]}") TWO "rules = ( { channel = \"w.a\"; deadband = 1.0; } );\n", NULL},
        {BODY("${value}") TWO "rules = ( { channel = \"w.a\"; decimals = 2; } );\n", NULL},
        {BODY("${value}") TWO, NULL},
        {CPU "rules = ( { channel = \"cpu.load\";\n window = \"59s\"; send = [ \"mean\" ]; } );\n",
         "x.conf:3: warning: rules.0.window: sensor cpu is read every 1min, and a window of 59s has one value or none: make "
         "it several times as long as that"},
        {CPU "rules = ( { channel = \"cpu.load\"; window = \"1min\"; send = [ \"mean\" ]; } );\n", NULL},
        {CPU "rules = ( { channel = \"cpu.load\"; deadband = 0.5;\n max_silence = \"1min\"; } );\n",
         "x.conf:3: warning: rules.0.max_silence: sensor cpu is read every 1min: each value would be sent, whatever the "
         "deadband is; make it longer than that"},
        {CPU "rules = ( { channel = \"cpu.load\"; deadband = 0.5; max_silence = \"61s\"; } );\n", NULL},
        {APPS "rules = ( { channel = \"apps.level\"; window = 1; send = [ \"max\" ]; deadband = 0.5; max_silence = 2; } );\n", NULL},
        {"twin: { sections: { p = \"uid 61234\"; }; };\nmethods: { registrants: { a = \"root\"; }; };\n", NULL},
};

START_TEST(it_is_warned_of_with_its_line)
{
        Problems warnings = look(cases[_i].text);
        const char *expected = cases[_i].warning;

        ck_assert_uint_eq(warnings.n, expected ? 1 : 0);
        if (expected)
                ck_assert_msg(strncmp(warnings.items[0].text, expected, strlen(expected)) == 0, "%s",
                              warnings.items[0].text);
        problems_done(&warnings);
}
END_TEST

START_TEST(secret_that_others_can_read_is_warned_of)
{
        char file[] = "/tmp/hublink-XXXXXX", text[128];
        int fd = mkstemp(file);
        Problems warnings;

        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(fchmod(fd, 0644), 0);
        (void)snprintf(text, sizeof(text), "hub: { connection_string_file = \"%s\"; };\n", file);
        warnings = look(text);
        ck_assert_uint_eq(warnings.n, 1);
        ck_assert_ptr_nonnull(strstr(warnings.items[0].text, "chmod 0600"));
        problems_done(&warnings);
        (void)unlink(file);
        (void)close(fd);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("daemon/settings-outlook");
        TCase *c = suite_case(s, "on this machine");

        tcase_add_loop_test(c, it_is_warned_of_with_its_line, 0, ARRAY_SIZE(cases));
        tcase_add_test(c, secret_that_others_can_read_is_warned_of);
        return suite_run(s);
}
