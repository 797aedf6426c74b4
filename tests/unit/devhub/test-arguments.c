/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/cli/arguments.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "suite.h"

/* Splits at blanks; the words live until the next call. */
static int parse(const char *words, Arguments *ret)
{
        static char text[256];
        static char program[] = "hublink-devhub";
        char *argv[16] = {program};
        int argc = 1;

        (void)snprintf(text, sizeof(text), "%s", words);
        for (char *p = strtok(text, " "); p; p = strtok(NULL, " "))
                argv[argc++] = p;
        return arguments_parse(argc, argv, ret);
}

START_TEST(nothing_is_serve_with_its_defaults)
{
        Arguments a;

        ck_assert_int_eq(parse("", &a), 0);
        ck_assert_int_eq(a.command, COMMAND_SERVE);
        ck_assert_str_eq(a.serve.host, "devhub.localdomain");
        ck_assert_str_eq(a.serve.listen, "127.0.0.1");
        ck_assert_uint_eq(a.serve.mqtt_port, 8883);
        ck_assert_uint_eq(a.serve.https_port, 443);
        ck_assert_uint_eq(a.serve.amqps_port, 5671);
        ck_assert_uint_eq(a.serve.amqp_port, 5672);
        ck_assert_int_eq(parse("serve --amqps-port 0 --amqp-port 6672", &a), 0);
        ck_assert_uint_eq(a.serve.amqps_port, 0);
        ck_assert_uint_eq(a.serve.amqp_port, 6672);
        ck_assert_int_eq(parse("serve --https-port 8443", &a), 0);
        ck_assert_uint_eq(a.serve.https_port, 8443);
        ck_assert_int_eq(parse("--mqtt-port 0 serve --state-dir /tmp/x --host a.b", &a), 0);
        ck_assert_str_eq(a.state_dir, "/tmp/x");
        ck_assert_str_eq(a.serve.host, "a.b");
        ck_assert_uint_eq(a.serve.mqtt_port, 0);
}
END_TEST

START_TEST(mail_has_the_rules_of_the_real_hub)
{
        static const char *const bad[] = {"--c2d-ttl 59s", "--c2d-ttl 172801s", "--c2d-ttl x", "--c2d-ttl -1h",
                                          "--c2d-max-delivery 0", "--c2d-max-delivery 101", "--c2d-max-delivery 1x",
                                          "monitor --c2d-ttl 1h"};
        Arguments a;

        ck_assert_int_eq(parse("", &a), 0);
        ck_assert_uint_eq(a.serve.mail.time_to_live_usec, USEC_PER_HOUR);
        ck_assert_uint_eq(a.serve.mail.deliveries_max, 10);
        ck_assert_int_eq(parse("--c2d-ttl 1min --c2d-max-delivery 100", &a), 0);
        ck_assert_uint_eq(a.serve.mail.time_to_live_usec, USEC_PER_MIN);
        ck_assert_uint_eq(a.serve.mail.deliveries_max, 100);
        ck_assert_int_eq(parse("serve --c2d-ttl 2d --c2d-max-delivery 1", &a), 0);
        ck_assert_uint_eq(a.serve.mail.time_to_live_usec, 2 * USEC_PER_DAY);
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
                ck_assert_msg(parse(bad[i], &a) == -EINVAL, "%s", bad[i]);
}
END_TEST

START_TEST(commands_take_their_options_anywhere)
{
        Arguments a;

        ck_assert_int_eq(parse("device create d1 --json", &a), 0);
        ck_assert_int_eq(a.command, COMMAND_DEVICE_CREATE);
        ck_assert_str_eq(a.operand, "d1");
        ck_assert(a.json);
        ck_assert_int_eq(parse("--state-dir x device delete d1", &a), 0);
        ck_assert_int_eq(a.command, COMMAND_DEVICE_DELETE);
        ck_assert_int_eq(parse("device list", &a), 0);
        ck_assert_int_eq(a.command, COMMAND_DEVICE_LIST);
        ck_assert_int_eq(parse("fault set delay-puback --delay 200ms --device d1 --for 2min --count 3", &a), 0);
        ck_assert_int_eq(a.command, COMMAND_FAULT_SET);
        ck_assert_uint_eq(a.delay_usec, 200 * USEC_PER_MSEC);
        ck_assert_uint_eq(a.for_usec, 2 * USEC_PER_MIN);
        ck_assert_uint_eq(a.count, 3);
        ck_assert_int_eq(a.code, -1);
        ck_assert_int_eq(parse("fault clear", &a), 0);
        ck_assert_ptr_null(a.operand);
        ck_assert_int_eq(parse("fault list --json", &a), 0);
        ck_assert_int_eq(parse("--version", &a), 0);
        ck_assert_int_eq(a.command, COMMAND_VERSION);
        ck_assert_int_eq(parse("monitor --help", &a), 0);
        ck_assert_int_eq(a.command, COMMAND_HELP);
        ck_assert_str_eq(a.operand, "monitor");
        ck_assert_int_eq(parse("--help", &a), 0);
        ck_assert_ptr_null(a.operand);
}
END_TEST

START_TEST(monitor_begins_where_it_is_told)
{
        Arguments a;

        ck_assert_int_eq(parse("monitor", &a), 0);
        ck_assert_int_eq(a.monitor.from, MONITOR_FROM_END);
        ck_assert_ptr_null(a.monitor.device_id);
        ck_assert_uint_eq(a.monitor.for_usec, USEC_INFINITY);
        ck_assert_int_eq(parse("monitor d1 --from start --count 5 --for 30s", &a), 0);
        ck_assert_int_eq(a.monitor.from, MONITOR_FROM_START);
        ck_assert_str_eq(a.monitor.device_id, "d1");
        ck_assert_uint_eq(a.monitor.count, 5);
        ck_assert_uint_eq(a.monitor.for_usec, 30 * USEC_PER_SEC);
        ck_assert_int_eq(parse("monitor --from 17", &a), 0);
        ck_assert_int_eq(a.monitor.from, MONITOR_FROM_SEQUENCE);
        ck_assert_uint_eq(a.monitor.sequence, 17);
        ck_assert_int_eq(parse("monitor --verify", &a), 0);
        ck_assert_int_eq(a.monitor.from, MONITOR_FROM_START);
        ck_assert_int_eq(parse("monitor --verify --from end", &a), 0);
        ck_assert_int_eq(a.monitor.from, MONITOR_FROM_END);
}
END_TEST

START_TEST(every_fault_takes_what_it_says)
{
        static const struct {
                FaultTrait trait;
                const char *words;
        } options[] = {
                {FAULT_FOR, "--for 1s"},     {FAULT_COUNT, "--count 1"}, {FAULT_DEVICE, "--device d1"}, {FAULT_CODE, "--code 5"},
                {FAULT_DELAY, "--delay 1s"}, {FAULT_MATCH, "--match x"}, {FAULT_OFFSET, "--offset +1h"}, {FAULT_HUB, "--hub a.b"},
        };
        int null = open("/dev/null", O_WRONLY), saved = dup(STDERR_FILENO);
        Arguments a;

        (void)dup2(null, STDERR_FILENO);
        for (int kind = 0; kind < _FAULT_KIND_MAX; kind++) {
                unsigned traits = fault_kind_traits((FaultKind)kind);

                for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
                        bool is_offset = options[i].trait == FAULT_OFFSET;
                        char words[128];

                        (void)snprintf(words, sizeof(words), "fault set %s %s%s", fault_kind_to_string((FaultKind)kind),
                                       options[i].words,
                                       traits & FAULT_OFFSET && !is_offset ? " --offset -1min" : "");
                        ck_assert_msg(parse(words, &a) == (traits & options[i].trait ? 0 : -EINVAL), "%s", words);
                }
        }
        (void)dup2(saved, STDERR_FILENO);
        close(null);
        close(saved);
}
END_TEST

START_TEST(what_is_wrong_is_usage)
{
        static const char *const bad[] = {
                "sirve", "serve now", "device", "device make d1", "device create", "device create a b", "device list x",
                "fault", "fault set", "fault set cat", "fault clear cat", "fault set cut extra", "monitor a b",
                "--bogus", "--state-dir", "serve --mqtt-port 65536", "serve --mqtt-port -1", "serve --mqtt-port x",
                "serve --host a,b", "serve --host -a", "serve --https-port 65536", "serve --amqp-port x", "serve --json",
                "device create d1 --host x", "monitor --count 0", "monitor --count x", "monitor --for soon",
                "monitor --from middle", "monitor --json", "fault set cut --code 6", "fault set cut --delay x",
                "fault list --device d1", "fault set cut --delay 1s", "fault set clock-offset", "device create a/b/c",
                "fault set token-cut --count 1", "fault set tls-stall --device d1", "fault set cut --device a/b",
                "clock advance -1h", "clock advance 99999999h", "ca add a/b x", "serve --listen localhost",
                "serve --linked-hub devhub.localdomain=/x", "serve --linked-hub a=/x --linked-hub A=/y",
                "device list --json=1", "device list -x", "monitor a/b/c",
        };
        int null = open("/dev/null", O_WRONLY), saved = dup(STDERR_FILENO);
        Arguments a;

        (void)dup2(null, STDERR_FILENO);
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
                ck_assert_msg(parse(bad[i], &a) == -EINVAL, "%s", bad[i]);
        (void)dup2(saved, STDERR_FILENO);
        close(null);
        close(saved);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("devhub/arguments");
        TCase *c = suite_case(s, "command line");

        tcase_add_test(c, nothing_is_serve_with_its_defaults);
        tcase_add_test(c, mail_has_the_rules_of_the_real_hub);
        tcase_add_test(c, commands_take_their_options_anywhere);
        tcase_add_test(c, monitor_begins_where_it_is_told);
        tcase_add_test(c, every_fault_takes_what_it_says);
        tcase_add_test(c, what_is_wrong_is_usage);
        return suite_run(s);
}
