/* SPDX-License-Identifier: Apache-2.0 */

/*
 * hublink-chips(5): the descriptions that it shows are those of real chips which do not come with hublink. They are taken
 * out of the page as a reader would, and held against the figures of the data sheets. And the page lists every chip that
 * does come with it, with all that can be chosen, and all that a description can say.
 */

#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "chip-bench.h"
#include "daemon/settings-chip.h"
#include "suite.h"

#define PAGE CONF_DIR "/../src/daemon/hublink-chips.5"

/* In the page's order. HPC199, conversions and CRC; DS22003E, table 4-4, of 18 bits. */
static const struct {
        const char *chip;
        unsigned n_figures;
        Figure figures[8];
} chips[] = {
        {"htu21d", 4, {
                {"htu21d", 0x40, false, {{"f5", 16000, "7c80f5"}, {"f3", 50000, "683a7c"}}, "40< f5\nwait 16000\n40> 3\n40< f3\n",
                 {{"humidity", 54.79, 0}, {"temperature", 24.69, 0}}, NULL},
                {"htu21d", 0x40, false, {{"f5", 16000, "7c8297"}, {"f3", 50000, "4e856b"}}, NULL,
                 {{"humidity", 54.79, 0}, {"temperature", 7.04, 0}}, NULL},
                {"htu21d", 0x40, false, {{"f5", 16000, "000000"}, {"f3", 50000, "000000"}}, NULL,
                 {{"humidity", 0, 0}, {"temperature", -46.85, 0}}, NULL},
                {"htu21d", 0x40, false, {{"f5", 16000, "fffe1c"}, {"f3", 50000, "fffc7e"}}, NULL,
                 {{"humidity", 100, 0}, {"temperature", 128.86, 0}}, NULL},
        }},
        {"mcp3421", 5, {
                {"mcp3421", 0x68, false, {{"8c", 267000, "01ffff0c"}}, "68< 8c\nwait 400000\n68> 4\n", {{"voltage", 2.0479844, 0}}, NULL},
                {"mcp3421", 0x68, false, {{"8c", 267000, "0000000c"}}, NULL, {{"voltage", 0, 0}}, NULL},
                {"mcp3421", 0x68, false, {{"8c", 267000, "ffffff0c"}}, NULL, {{"voltage", -0.0000156, 1e-12}}, NULL},
                {"mcp3421", 0x6f, false, {{"8c", 267000, "fe00000c"}}, NULL, {{"voltage", -2.048, 0}}, NULL},
                {"mcp3421", 0x69, false, {{"8f", 267000, "0000010f"}}, "69< 8f\n", {{"voltage", 0.00000195, 1e-12}}, "gain = \"8\";"},
        }},
};

static char folder[32];

/* \- is a hyphen-minus, \(dq a quotation mark. */
static void put_line(const char *line, FILE *to)
{
        for (; *line; line++) {
                if (*line != '\\') {
                        (void)fputc(*line, to);
                } else if (strncmp(line, "\\(dq", 4) == 0) {
                        (void)fputc('"', to);
                        line += 3;
                } else {
                        ck_assert_msg(strncmp(line, "\\-", 2) == 0, "%s", line);
                        (void)fputc('-', to);
                        line++;
                }
        }
}

static FILE *create(const char *chip)
{
        char path[128];
        FILE *f;

        (void)snprintf(path, sizeof(path), "%s/chips/%s.conf", folder, chip);
        f = fopen(path, "w");
        ck_assert_ptr_nonnull(f);
        return f;
}

/* Each display that begins with a title is a description. */
static void take_out(void)
{
        FILE *page = fopen(PAGE, "r"), *to = NULL;
        bool shown = false;
        char line[512];
        size_t n = 0;

        ck_assert_ptr_nonnull(page);
        while (fgets(line, sizeof(line), page)) {
                if (line[0] == '.') {
                        shown = strcmp(line, ".nf\n") == 0 || (shown && strcmp(line, ".RS\n") == 0);
                        if (to)
                                ck_assert_int_eq(fclose(to), 0);
                        to = NULL;
                        continue;
                }
                if (shown && !to && strncmp(line, "title = ", 8) == 0) {
                        ck_assert_uint_lt(n, ARRAY_SIZE(chips));
                        to = create(chips[n++].chip);
                }
                if (to)
                        put_line(line, to);
        }
        (void)fclose(page);
        ck_assert_uint_eq(n, ARRAY_SIZE(chips));
}

static void setup(void)
{
        char path[64];

        bench_setup();
        strcpy(folder, "/tmp/test-chip-page-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(folder));
        (void)snprintf(path, sizeof(path), "%s/chips", folder);
        ck_assert_int_eq(mkdir(path, 0700), 0);
        take_out();
}

static void teardown(void)
{
        char path[128];

        bench_teardown();
        for (size_t i = 0; i < ARRAY_SIZE(chips); i++) {
                (void)snprintf(path, sizeof(path), "%s/chips/%s.conf", folder, chips[i].chip);
                (void)unlink(path);
        }
        (void)snprintf(path, sizeof(path), "%s/chips", folder);
        (void)rmdir(path);
        (void)rmdir(folder);
}

/* ---- tests ---- */

START_TEST(what_the_page_shows_measures)
{
        for (unsigned i = 0; i < chips[_i].n_figures; i++) {
                const Figure *f = &chips[_i].figures[i];
                char more[64];

                (void)snprintf(more, sizeof(more), "options: { %s };", f->options ?: "");
                bench_load_from(folder, f->chip, f->address, more);
                bench_play(f);
                bench_check(f);
                ck_assert_msg(!f->written || strstr(bench.bus.history.data, f->written), "%s", bench.bus.history.data);
                bench_teardown();
                bench_setup();
        }
}
END_TEST

START_TEST(a_conversion_that_is_not_done_is_no_reading)
{
        const Figure f = {"mcp3421", 0x68, false, {{"8c", 267000, "01ffff8c"}}, NULL, {}, NULL};

        bench_load_from(folder, f.chip, f.address, "");
        bench_play(&f);
        ck_assert_int_eq(bench_measure(), SENSOR_E_NOT_YET);
}
END_TEST

/* ---- its lists ---- */

static bool contains(const char *page, const char *fmt, ...) _printf_(2, 3);

static bool contains(const char *page, const char *fmt, ...)
{
        char text[256];
        va_list ap;

        va_start(ap, fmt);
        (void)vsnprintf(text, sizeof(text), fmt, ap);
        va_end(ap);
        return strstr(page, text);
}

/* "25, 50, (100), 200": in parentheses what the chip does without. */
static void check_choices(const char *page, const ChipDescription *c, const ChipOption *o)
{
        _cleanup_(buffer_done) Buffer list = BUFFER_NULL;

        for (size_t i = 0; i < o->n_choices; i++) {
                _cleanup_(chip_unrefp) ChipDescription *chosen = bench_chosen(c, o, i);
                bool usual = chip_equal(c, chosen);

                buffer_printf(&list, "%s%s%s%s", i > 0 ? ", " : "", usual ? "(" : "", o->choices[i].is, usual ? ")" : "");
        }
        ck_assert_msg(contains(page, "%s", o->name), "%s: %s", c->title, o->name);
        ck_assert_msg(contains(page, "%s", list.data), "%s: %s: %s", c->title, o->name, list.data);
}

static char *read_page(void)
{
        FILE *f = fopen(PAGE, "r");
        char *page = calloc(1, 65536);

        ck_assert(f && page);
        ck_assert_uint_gt(fread(page, 1, 65535, f), 0);
        ck_assert(feof(f));
        (void)fclose(f);
        return page;
}

START_TEST(it_lists_every_chip_and_every_choice)
{
        _cleanup_free_ char *page = read_page();
        DIR *all = opendir(CONF_DIR "/chips");
        const struct dirent *entry;

        ck_assert_ptr_nonnull(all);
        while ((entry = readdir(all))) {
                _cleanup_(chip_unrefp) ChipDescription *c = NULL;
                int n = (int)strcspn(entry->d_name, ".");

                if (n == 0)
                        continue;
                c = bench_read_chip(entry->d_name);
                ck_assert_msg(contains(page, "\n.BR %.*s ", n, entry->d_name), "%s", entry->d_name);
                ck_assert_msg(c->n_options == 0 || contains(page, "\n.B %.*s\n", n, entry->d_name) ||
                                      contains(page, " %.*s\n.B", n, entry->d_name) ||
                                      contains(page, "\n.BR %.*s \", ", n, entry->d_name), "%s", entry->d_name);
                for (size_t i = 0; i < c->n_options; i++)
                        check_choices(page, c, &c->options[i]);
        }
        closedir(all);
}
END_TEST

/* In bold, as a word of its own: ".BR crc \": { \" polynomial \", \" seed ..." */
static bool is_told(const char *page, const char *key)
{
        size_t n = strlen(key);

        for (const char *at = page; (at = strstr(at, key)); at++) {
                const char *line = at;

                while (line > page && line[-1] != '\n')
                        line--;
                if (strncmp(line, ".B", 2) == 0 && strchr(" \"", at[-1]) && strchr(" \":\n", at[n]))
                        return true;
        }
        return false;
}

static void check_told(const char *page, const SettingsRow *rows)
{
        for (const SettingsRow *row = rows; row->key; row++) {
                ck_assert_msg(is_told(page, row->key), "%s", row->key);
                if (row->rows)
                        check_told(page, row->rows);
        }
}

START_TEST(it_tells_everything_that_a_description_can_say)
{
        _cleanup_free_ char *page = read_page();
        const char *description = strstr(page, "\n.SH THE DESCRIPTION\n");

        ck_assert_ptr_nonnull(description);
        check_told(description, settings_chip_table);
        ck_assert(!is_told(description, "ready_when"));
}
END_TEST

int main(void)
{
        Suite *s = suite_create("daemon/chip-page");
        TCase *c = suite_case(s, "page");

        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_loop_test(c, what_the_page_shows_measures, 0, ARRAY_SIZE(chips));
        tcase_add_test(c, a_conversion_that_is_not_done_is_no_reading);
        tcase_add_test(c, it_lists_every_chip_and_every_choice);
        tcase_add_test(c, it_tells_everything_that_a_description_can_say);
        return suite_run(s);
}
