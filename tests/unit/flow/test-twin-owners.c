/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "suite.h"
#include "twin-cloud.h"

/* Who may report which section, from the desk where they ask. */

static Cloud c;

static void setup(void)
{
        cloud_init(&c, 1);
}

static void teardown(void)
{
        cloud_done(&c);
}

static CloudVerdict report_as(const char *user, const char *section, const char *json)
{
        return cloud_report_as(&c, user, section, json);
}

/* 1: he was told that it is another's. */
static unsigned refusals(const char *user, const char *section, const char *json)
{
        CloudVerdict v = report_as(user, section, json);

        ck_assert(v.error == REQUEST_OK || v.error == REQUEST_NOT_OWNER);
        return v.error != REQUEST_OK;
}

static void on_owner(void *userdata, const char *section, const char *user)
{
        char *text = userdata;

        (void)sprintf(text + strlen(text), "%s=%s;", section, user);
}

static const char *owners(void)
{
        TwinDesk desk = twin_desk(c.twin);
        static char text[256];

        text[0] = 0;
        desk.owners(desk.userdata, on_owner, text);
        return text;
}

START_TEST(a_section_belongs_to_who_reported_it_first)
{
        for (int restarts = 0; restarts < 2; restarts++) {
                ck_assert_uint_eq(refusals("ann", "s", "{\"x\":1}"), 0);
                ck_assert_uint_eq(refusals("bob", "s", "{\"x\":2}"), 1);
                ck_assert_uint_eq(refusals("bob", "", "{\"s\":{\"x\":2}}"), 1);
                ck_assert_uint_eq(refusals("bob", "", "{\"s\":null}"), 1);
                ck_assert_uint_eq(refusals("bob", "", "{\"s\":7}"), 1);
                ck_assert_uint_eq(refusals("bob", "t", "{\"x\":2}"), 0);
                ck_assert_uint_eq(refusals("ann", "t", "{\"x\":2}"), 1);
                cloud_restart(&c);
        }
        ck_assert_ptr_nonnull(strstr(report_as("bob", "s", "{}").detail, "section s belongs to user ann"));
        ck_assert_str_eq(owners(), "s=ann;t=bob;");
}
END_TEST

START_TEST(of_a_report_all_or_nothing_is_taken)
{
        ck_assert_uint_eq(refusals("ann", "s", "{\"x\":1}"), 0);
        ck_assert_uint_eq(refusals("bob", "", "{\"free\":1,\"s\":{\"x\":2},\"last\":1}"), 1);
        ck_assert_int_eq(report_as("bob", "bad", "{\"$x\":1}").error, REQUEST_BAD_VALUE);
        cloud_connect(&c);
        cloud_settle(&c);
        ck_assert_str_eq(cloud_reported(&c, "s"), "{\"x\":1,\"__t\":\"c\"}");
        ck_assert_str_eq(cloud_reported(&c, "free"), "");
        /* and none of them has become his */
        ck_assert_uint_eq(refusals("ann", "", "{\"free\":1,\"last\":1,\"bad\":1}"), 0);
}
END_TEST

START_TEST(with_the_section_its_owner_goes)
{
        ck_assert_uint_eq(refusals("ann", "s", "{\"x\":1}"), 0);
        ck_assert_uint_eq(refusals("ann", "s", "{\"x\":null}"), 0);
        ck_assert_uint_eq(refusals("bob", "s", "{\"x\":1}"), 1);
        ck_assert_uint_eq(refusals("ann", "", "{\"s\":null}"), 0);
        ck_assert_uint_eq(refusals("bob", "s", "{\"x\":1}"), 0);
        ck_assert_uint_eq(refusals("ann", "s", "{\"x\":1}"), 1);
}
END_TEST

START_TEST(root_may_report_any_and_takes_none_away)
{
        ck_assert_uint_eq(refusals("ann", "s", "{\"x\":1}"), 0);
        ck_assert_uint_eq(refusals("root", "s", "{\"x\":2}"), 0);
        ck_assert_uint_eq(refusals(NULL, "s", "{\"x\":3}"), 0);
        ck_assert_uint_eq(refusals("ann", "s", "{\"x\":4}"), 0);
        ck_assert_uint_eq(refusals("root", "r", "{\"x\":1}"), 0);
        ck_assert_uint_eq(refusals("ann", "r", "{\"x\":1}"), 1);
        ck_assert_uint_eq(refusals(NULL, "", "{\"temperature\":1}"), 0);
        ck_assert_uint_eq(refusals("root", "", "{\"temperature\":2}"), 0);
        ck_assert_ptr_nonnull(strstr(report_as("ann", "", "{\"temperature\":3}").detail, "belongs to hublinkd itself"));
        ck_assert_uint_eq(refusals("root", "", "{\"temperature\":null}"), 0);
        ck_assert_uint_eq(refusals("ann", "", "{\"temperature\":3}"), 0);
}
END_TEST

START_TEST(who_has_no_name_owns_nothing)
{
        ck_assert_uint_eq(refusals("uid 1001", "s", "{\"x\":1}"), 0);
        ck_assert_str_eq(owners(), "");
        ck_assert_uint_eq(refusals("ann", "s", "{\"x\":1}"), 0);
        ck_assert_uint_eq(refusals("uid 1001", "s", "{\"x\":1}"), 1);
        ck_assert_uint_eq(refusals("uid 0", "s", "{\"x\":1}"), 0);
        ck_assert_str_eq(owners(), "s=ann;");
}
END_TEST

START_TEST(the_settings_say_whose_a_section_is)
{
        Property sections[] = {{(char[]){"s"}, (char[]){"bob"}}, {(char[]){"t"}, (char[]){"ann"}}};
        const TwinSettings named = {sections, ARRAY_SIZE(sections)}, none = {};

        ck_assert_uint_eq(refusals("ann", "s", "{\"x\":1}"), 0);
        twin_configure(c.twin, &named);
        ck_assert_str_eq(owners(), "s=bob;t=ann;");
        ck_assert_ptr_nonnull(strstr(report_as("ann", "s", "{}").detail, "for user bob alone (twin.sections); you are ann"));
        ck_assert_uint_eq(refusals("bob", "t", "{\"x\":1}"), 1);
        ck_assert_uint_eq(refusals("root", "s", "{\"x\":1}"), 0);
        ck_assert_uint_eq(refusals(NULL, "s", "{\"x\":1}"), 0);
        ck_assert_uint_eq(refusals("bob", "s", "{\"x\":1}"), 0);
        /* what he did not report is his by the settings alone */
        twin_configure(c.twin, &none);
        ck_assert_uint_eq(refusals("ann", "s", "{\"x\":1}"), 1);
        ck_assert_uint_eq(refusals("bob", "t", "{\"x\":1}"), 0);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("flow/twin-owners");
        TCase *t = suite_case(s, "whose a section is");

        tcase_add_checked_fixture(t, setup, teardown);
        tcase_add_test(t, a_section_belongs_to_who_reported_it_first);
        tcase_add_test(t, of_a_report_all_or_nothing_is_taken);
        tcase_add_test(t, with_the_section_its_owner_goes);
        tcase_add_test(t, root_may_report_any_and_takes_none_away);
        tcase_add_test(t, who_has_no_name_owns_nothing);
        tcase_add_test(t, the_settings_say_whose_a_section_is);
        return suite_run(s);
}
