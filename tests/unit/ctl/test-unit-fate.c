/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/unit-fate.h"

#include <stdio.h>
#include <string.h>

#include "base/macro.h"
#include "suite.h"

static bool put(Buffer *what, Buffer *remedy, UnitFate fate)
{
        bool any = unit_fate_put(what, remedy, &fate);

        ck_assert(any == (what->size > 0) && any == (remedy->size > 0));
        ck_assert_int_eq(buffer_error(what), 0);
        return any;
}

START_TEST(what_keeps_it_from_running_is_named_with_a_remedy)
{
        static const struct {
                UnitFate fate;
                const char *what, *remedy;
        } cases[] = {
                {{"loaded", "activating", "auto-restart", "exit-code", 243, 1}, "243/CREDENTIALS", "hublinkctl setup"},
                {{"loaded", "activating", "auto-restart", "exit-code", 238, 9}, "238/STATE_DIRECTORY", "/var/lib/hublink"},
                {{"loaded", "failed", "failed", "exit-code", 78, 0}, "settings are wrong", "hublinkd --check"},
                {{"loaded", "failed", "failed", "exit-code", 2, 0}, "command line", "systemctl cat hublinkd"},
                {{"loaded", "failed", "failed", "exit-code", 216, 0}, "216/GROUP", "setup --enable"},
                {{"loaded", "failed", "failed", "exit-code", 226, 0}, "226/NAMESPACE", "ReadWritePaths="},
                {{"loaded", "failed", "failed", "exit-code", 42, 0}, "exit status 42", "journalctl -u hublinkd"},
                {{"loaded", "failed", "failed", "watchdog", 6, 0}, "it hung", "journalctl -u hublinkd"},
                {{"loaded", "failed", "failed", "oom-kill", 0, 0}, "memory", "MemoryMax"},
                {{"masked", "inactive", "dead", "success", 0, 0}, "masked", "systemctl unmask hublinkd"},
                {{"not-found", "inactive", "dead", "", 0, 0}, "knows no hublinkd.service", "install"},
                {{"bad-setting", "inactive", "dead", "", 0, 0}, "wrong", "systemd-analyze verify"},
                {{"loaded", "active", "running", "success", 0, 0}, "not on this bus", "journalctl"},
                {{"loaded", "activating", "start", "success", 0, 0}, "just starting", "hublinkctl status"},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_(buffer_done) Buffer what = BUFFER_NULL, remedy = BUFFER_NULL;

                insist(put(&what, &remedy, cases[i].fate));
                ck_assert_msg(strstr(what.data, cases[i].what), "%s", what.data);
                ck_assert_msg(strstr(remedy.data, cases[i].remedy), "%s", remedy.data);
        }
}
END_TEST

START_TEST(tries_are_counted)
{
        static const struct {
                unsigned n;
                const char *end;
        } cases[] = {{0, "another machine"}, {1, "; systemd has tried again 1 time"}, {3, "; systemd has tried again 3 times"}};

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_(buffer_done) Buffer what = BUFFER_NULL, remedy = BUFFER_NULL;
                UnitFate fate = {"loaded", "activating", "auto-restart", "exit-code", 243, cases[i].n};

                insist(put(&what, &remedy, fate));
                ck_assert_str_eq(what.data + what.size - strlen(cases[i].end), cases[i].end);
        }
}
END_TEST

START_TEST(one_that_was_stopped_has_no_fate)
{
        static const UnitFate cases[] = {{"loaded", "inactive", "dead", "success", 0, 0},
                                         {"loaded", "deactivating", "stop-sigterm", "success", 0, 2}};

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_(buffer_done) Buffer what = BUFFER_NULL, remedy = BUFFER_NULL;

                insist(!put(&what, &remedy, cases[i]));
        }
}
END_TEST

int main(void)
{
        Suite *s = suite_create("ctl/unit-fate");
        TCase *c = suite_case(s, "why it does not run");

        tcase_add_test(c, what_keeps_it_from_running_is_named_with_a_remedy);
        tcase_add_test(c, tries_are_counted);
        tcase_add_test(c, one_that_was_stopped_has_no_fate);
        return suite_run(s);
}
