/* SPDX-License-Identifier: Apache-2.0 */
#include "chip-bench.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "daemon/settings-chip.h"
#include "suite.h"

ChipBench bench;

/* ---- descriptions ---- */

ChipDescription *bench_read_chip(const char *file)
{
        _cleanup_(node_freep) Node *tree = NULL;
        ChipDescription *chip = NULL;
        SettingsFiles files = {};
        Problems problems = {};
        char path[512];

        (void)snprintf(path, sizeof(path), CONF_DIR "/chips/%s", file);
        ck_assert_int_eq(settings_read_one(path, &files, &tree, &problems), 0);
        ck_assert_int_eq(settings_chip(tree, &chip, &problems), 0);
        ck_assert_msg(chip, "%s", file);
        settings_files_done(&files);
        return chip;
}

ChipDescription *bench_chosen(const ChipDescription *c, const ChipOption *o, size_t i)
{
        const Property wanted = {(char *)(uintptr_t)o->name, o->choices[i].is};
        ChipDescription *chosen = NULL;
        char *error = NULL;

        ck_assert_int_eq(chip_choose(c, &wanted, 1, &chosen, &error), 0);
        return chosen;
}

/* ---- the bench ---- */

void bench_setup(void)
{
        fake_i2c_init(&bench.bus);
}

void bench_teardown(void)
{
        driver_i2c.close(bench.device);
        bench.device = NULL;
        bench.settings = settings_free(bench.settings);
        fake_i2c_done(&bench.bus);
}

/* ---- the chip ---- */

void bench_load_from(const char *folder, const char *chip, unsigned address, const char *more)
{
        _cleanup_free_ char *text = NULL, *path = NULL;
        Problems problems = {};

        ck_assert_int_gt(asprintf(&path, "%s/x.conf", folder), 0);
        ck_assert_int_gt(asprintf(&text, "sensors: { s: { driver = \"i2c\"; bus = 1; chip = \"%s\"; address = %u; %s }; };",
                                  chip, address, more), 0);
        (void)settings_load_text(&bench.settings, path, text, SETTINGS_STATE_DIR, &problems);
        for (size_t i = 0; i < problems.n; i++)
                (void)fprintf(stderr, "# %s\n", problems.items[i].text);
        problems_done(&problems);
        ck_assert_ptr_nonnull(bench.settings);
}

void bench_load(const char *chip, unsigned address, const char *more)
{
        bench_load_from(CONF_DIR, chip, address, more);
}

void bench_load_figure(const Figure *f, const char *more)
{
        _cleanup_free_ char *text = NULL;

        ck_assert_int_gt(asprintf(&text, "options: { %s }; %s", f->options ?: "", more), 0);
        bench_load(f->chip, f->address, text);
}

static size_t unhex(const char *text, uint8_t *bytes)
{
        size_t n = strlen(text) / 2;

        for (size_t i = 0; i < n; i++)
                ck_assert_int_eq(sscanf(text + 2 * i, "%2hhx", &bytes[i]), 1);
        return n;
}

void bench_play(const Figure *f)
{
        for (size_t i = 0; i < ARRAY_SIZE(f->answers) && f->answers[i].command; i++) {
                const Answer *a = &f->answers[i];
                uint8_t command[4], bytes[64];
                size_t n_command = unhex(a->command, command), n = unhex(a->bytes, bytes);

                if (f->by_registers)
                        fake_i2c_set(&bench.bus, f->address, command[0], bytes, n);
                else
                        fake_i2c_answer(&bench.bus, f->address, command, n_command, a->takes, bytes, n);
        }
}

/* ---- a measurement ---- */

/* Of those that have answers in place of registers: what was written is what is read. */
static void keep_verified(const SensorSettings *s)
{
        const ChipStep *step = chip_verified(s->description);
        unsigned n = s->description->verify.n;

        if (step && bench.bus.chips[s->address].n_answers > 0)
                fake_i2c_answer(&bench.bus, s->address, step->write.bytes, n, 0, step->write.bytes + n, step->write.n - n);
}

int bench_measure(void)
{
        const DriverTools tools = {.i2c = &bench.bus.port};
        char error[SENSOR_ERROR_MAX];

        if (!bench.device) {
                keep_verified(&bench.settings->sensors[0]);
                ck_assert_int_eq(driver_i2c.open(&bench.settings->sensors[0], &tools, &bench.device, error), 0);
        }
        return driver_i2c.read(bench.device, &bench.sample);
}

double bench_value(const char *channel)
{
        for (size_t i = 0; i < bench.sample.n_channels; i++)
                if (strcmp(bench.sample.channels[i].name, channel) == 0)
                        return bench.sample.channels[i].value.number;
        ck_abort_msg("no channel %s", channel);
}

void bench_check(const Figure *f)
{
        int r = bench_measure();

        ck_assert_msg(r == 0, "%s: %s", f->chip, r == SENSOR_E_FAILED ? bench.sample.error : "nothing new");
        for (size_t i = 0; i < ARRAY_SIZE(f->values) && f->values[i].channel; i++) {
                double x = bench_value(f->values[i].channel);

                ck_assert_msg(fabs(x - f->values[i].value) <= f->values[i].within, "%s.%s: %.12g, not %.12g", f->chip,
                              f->values[i].channel, x, f->values[i].value);
        }
}
