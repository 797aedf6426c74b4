/* SPDX-License-Identifier: Apache-2.0 */

/*
 * hublink.conf(5): every row of the settings is in it, with its default and what it means; a row that says nothing is
 * named, so that the build can refuse it.
 */

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "daemon/settings-manual.h"
#include "suite.h"

typedef struct Pages {
        Buffer page, mute;
} Pages;

static void pages_done(Pages *p)
{
        buffer_done(&p->page);
        buffer_done(&p->mute);
}

static void make(const SettingsRow *rows, Pages *p)
{
        ck_assert_int_eq(settings_manual(rows, &p->page, &p->mute), 0);
        buffer_append(&p->page, "", 1);
        buffer_append(&p->mute, "", 1);
}

/* ---- rows of our own ---- */

static const char *const sizes[] = {"small", "large", NULL};

static const SettingsRow pump_rows[] = {
        {"power", .type = &value_integer, .min = 1, .max = 9, .fallback = "3", .from_cloud = true,
         .but = {"size", "large", "7"},
         .meaning = "How strong. `pumps.PUMP.size` helps, and ... waits."},
        {"size", .type = &value_word, .words = sizes, .required = true, .drivers = DRIVER_I2C | DRIVER_CHIP | DRIVER_TAIL,
         .meaning = "Its size."},
        {"at", .type = &value_text, .example = "\"a-b\"", .drivers = DRIVER_CHIP, .meaning = "Where."},
        {"reg", .type = &value_boolean, .fallback = "false", .drivers = DRIVER_I2C | DRIVER_FILE | DRIVER_IIO,
         .meaning = "Which."},
        {},
};
static const SettingsMap pump_map = {.noun = "a pump", .max = 4};
static const SettingsRow note_rows[] = {{"*", .type = &value_text, .meaning = "Words."}, {}};
static const SettingsMap note_map = {.noun = "a note", .max = 2, .loose = true};
static const SettingsRow step_rows[] = {{"wait", .type = &value_time, .max = USEC_PER_SEC, .meaning = ".5 is 'half'."}, {}};
static const SettingsMap step_map = {.max = 7, .list = true};
static const SettingsRow inner_rows[] = {
        {"notes", .rows = note_rows, .map = &note_map, .meaning = "To oneself."},
        {},
};
static const SettingsRow ours[] = {
        {"pumps", .rows = pump_rows, .map = &pump_map, .meaning = "What turns."},
        {"steps", .rows = step_rows, .map = &step_map, .meaning = "One by one."},
        {"inner", .rows = inner_rows, .meaning = "Inside."},
        {},
};

static const char ours_as_a_page[] =
        ".SS pumps\n"
        "What turns.\n"
        "A group each, at most 4.\n"
        ".TP\n\\fBpumps.\\fIPUMP\\fB.power\\fR = 3\n"
        "How strong.\n"
        "\\fBpumps.PUMP.size\\fR helps, and ... waits.\n"
        "Where \\fBsize\\fR is \\fBlarge\\fR the default is 7.\n"
        "A whole number from 1 to 9.\n"
        "The cloud may set it.\n"
        ".TP\n\\fBpumps.\\fIPUMP\\fB.size\\fR\n"
        "Its size.\n"
        "One of \"small\" or \"large\"; required.\n"
        "Of the drivers i2c and tail.\n"
        ".TP\n\\fBpumps.\\fIPUMP\\fB.at\\fR\n"
        "Where.\n"
        "A text in quotes, such as \"a\\-b\".\n"
        "Of the driver i2c with a chip.\n"
        ".TP\n\\fBpumps.\\fIPUMP\\fB.reg\\fR = false\n"
        "Which.\n"
        "True or false.\n"
        "Of the drivers i2c without a chip, file and iio.\n"
        ".SS steps\n"
        "One by one.\n"
        "A list, written ( { ... }, { ... } ), of at most 7.\n"
        ".TP\n\\fBsteps.\\fIN\\fB.wait\\fR\n"
        "\\&.5 is 'half'.\n"
        "A time from 0s to 1s.\n"
        ".SS inner\n"
        "Inside.\n"
        ".TP\n\\fBinner.notes\\fR\n"
        "To oneself.\n"
        "A line each, at most 2.\n"
        ".TP\n\\fBinner.notes.\\fINOTE\\fB\\fR\n"
        "Words.\n"
        "A text in quotes.\n";

START_TEST(a_row_is_told_with_all_that_it_knows)
{
        _cleanup_(pages_done) Pages p = {};

        make(ours, &p);
        ck_assert_str_eq(p.page.data, ours_as_a_page);
        ck_assert_str_eq(p.mute.data, "");
}
END_TEST

static const SettingsRow drop_rows[] = {
        {"size", .type = &value_boolean, .meaning = "Large."},
        {"hue", .type = &value_boolean, .drivers = DRIVER_TAIL, .meaning = "Blue."},
        {},
};
static const SettingsMap drop_map = {.noun = "a drop", .max = 1};
static const SettingsRow well_rows[] = {
        {"all", .type = &value_boolean, .meaning = "For all."},
        {"deep", .type = &value_boolean, .drivers = DRIVER_TAIL | DRIVER_CHIP, .meaning = "Down."},
        {"drops", .rows = drop_rows, .map = &drop_map, .drivers = DRIVER_TAIL | DRIVER_FILE, .meaning = "Wet."},
        {"notes", .rows = note_rows, .map = &note_map, .drivers = DRIVER_FILE, .meaning = "Dry."},
        {},
};
static const SettingsMap well_map = {.noun = "a well", .max = 1, .by_driver = true};
static const SettingsRow wells[] = {{"wells", .rows = well_rows, .map = &well_map, .meaning = "Holes."}, {}};

START_TEST(what_each_driver_has_is_listed)
{
        static const char list[] = "A group each, at most 1.\n"
                                   ".RS 0\n"
                                   ".IP \"each\" 10\n\\fBall\\fR\n"
                                   ".IP \"i2c, chip\" 10\n\\fBdeep\\fR\n"
                                   ".IP \"file\" 10\n\\fBdrops\\fR (\\fBsize\\fR), \\fBnotes\\fR\n"
                                   ".IP \"tail\" 10\n\\fBdeep\\fR, \\fBdrops\\fR (\\fBsize\\fR, \\fBhue\\fR)\n"
                                   ".RE\n"
                                   ".TP\n\\fBwells.\\fIWELL\\fB.all\\fR\n";
        _cleanup_(pages_done) Pages p = {};

        make(wells, &p);
        ck_assert_msg(strstr(p.page.data, list), "%s", p.page.data);
}
END_TEST

START_TEST(a_row_that_says_nothing_is_named)
{
        static const SettingsRow mute_rows[] = {
                {"loud", .type = &value_boolean, .meaning = "It speaks."},
                {"quiet", .type = &value_boolean},
                {},
        };
        static const SettingsRow rows[] = {{"group", .rows = mute_rows}, {}};
        _cleanup_(pages_done) Pages p = {};

        make(rows, &p);
        ck_assert_str_eq(p.mute.data, "group\ngroup.quiet\n");
}
END_TEST

/* ---- the settings ---- */

/* A name that the files choose stands in capitals. */
static void element_path(const char *group, const SettingsMap *map, char *ret, size_t size)
{
        const char *noun = map->list ? "n" : strchr(map->noun, ' ') + 1;
        char name[32];
        size_t n = 0;

        for (; noun[n]; n++)
                name[n] = (char)toupper((unsigned char)noun[n]);
        (void)snprintf(ret, size, "%s.\\fI%.*s\\fB", group, (int)n, name);
}

static void check_row(const char *page, const SettingsRow *row, const char *path, bool at_the_top)
{
        char heading[300];

        ck_assert_msg(row->meaning, "%s", path);
        ck_assert_msg(isupper((unsigned char)row->meaning[0]) || row->meaning[0] == '`', "%s: %s", path, row->meaning);
        ck_assert_msg(row->meaning[strlen(row->meaning) - 1] == '.', "%s: %s", path, row->meaning);
        (void)snprintf(heading, sizeof(heading), at_the_top ? ".SS %s\n%s" : "\n.TP\n\\fB%s\\fR%s", path,
                       at_the_top ? "" : row->fallback ? " = " : "\n");
        ck_assert_msg(strstr(page, heading), "%s is not in the page", path);
}

/* How many there are. */
static unsigned check_rows(const char *page, const SettingsRow *rows, const char *group)
{
        unsigned n = 0;

        for (const SettingsRow *row = rows; row->key; row++) {
                bool named_by_files = strcmp(row->key, "*") == 0;
                char path[256], element[300];

                (void)snprintf(path, sizeof(path), "%s%s%s", group, *group && !named_by_files ? "." : "",
                               named_by_files ? "" : row->key);
                check_row(page, row, path, !*group);
                n++;
                if (row->map)
                        element_path(path, row->map, element, sizeof(element));
                if (row->rows)
                        n += check_rows(page, row->rows, row->map ? element : path);
        }
        return n;
}

static unsigned count(const char *page, const char *text)
{
        unsigned n = 0;

        while ((page = strstr(page, text))) {
                page++;
                n++;
        }
        return n;
}

START_TEST(every_setting_is_in_the_page)
{
        _cleanup_(pages_done) Pages p = {};
        unsigned n;

        make(settings_table, &p);
        ck_assert_str_eq(p.mute.data, "");
        n = check_rows(p.page.data, settings_table, "");
        ck_assert_uint_gt(n, 100);
        ck_assert_uint_eq(n, count(p.page.data, "\n.TP\n") + count(p.page.data, ".SS "));
}
END_TEST

START_TEST(its_marks_come_in_pairs)
{
        _cleanup_(pages_done) Pages p = {};
        bool bold = false;

        make(settings_table, &p);
        for (const char *at = p.page.data; *at; at++) {
                if (strncmp(at, "\n.", 2) == 0)
                        ck_assert_msg(!bold, "%.60s", at + 1);
                if (strncmp(at, "\\fB", 3) == 0)
                        bold = true;
                else if (strncmp(at, "\\fR", 3) == 0)
                        bold = false;
        }
        ck_assert(!bold);
        ck_assert_ptr_null(strchr(p.page.data, '`'));
}
END_TEST

int main(void)
{
        Suite *s = suite_create("daemon/settings-manual");
        TCase *c = suite_case(s, "page");

        tcase_add_test(c, a_row_is_told_with_all_that_it_knows);
        tcase_add_test(c, what_each_driver_has_is_listed);
        tcase_add_test(c, a_row_that_says_nothing_is_named);
        tcase_add_test(c, every_setting_is_in_the_page);
        tcase_add_test(c, its_marks_come_in_pairs);
        return suite_run(s);
}
