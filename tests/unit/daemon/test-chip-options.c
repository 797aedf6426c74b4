/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What a sensor may choose of the chips that come with hublink: each choice is written to the chip as its data sheet has
 * it, is waited for, and gives the figures that its data sheet states for it.
 */

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chip-bench.h"
#include "suite.h"

/* The calibration of BST-BMP280-DS001, 3.12. */
#define BMP280_TRIM "706b436718fc7d8e43d6d00b270b8c00f9ff8c3cf8c67017"

static const Figure figures[] = {
        /* SBAS444D: a step is the range through 2^15, so 187.5 uV to 7.8125 uV */
        {"ads1115", 0x48, false, {{"00", 0, "7fff"}}, "48< 01 c1 83\nwait 9000\n48< 00 48> 2\n48< 01 d1 83\n",
         {{"a0", 6.1438125, 0}, {"a3", 6.1438125, 0}}, "range = \"6.144\";"},
        {"ads1115", 0x48, false, {{"00", 0, "0001"}}, "48< 01 c3 83\n", {{"a1", 0.000125, 0}}, "range = \"4.096\";"},
        {"ads1115", 0x48, false, {{"00", 0, "0001"}}, "48< 01 c5 83\n", {{"a1", 0.0000625, 0}}, "range = \"2.048\";"},
        {"ads1115", 0x48, false, {{"00", 0, "0001"}}, "48< 01 c7 83\n", {{"a1", 0.00003125, 0}}, "range = \"1.024\";"},
        {"ads1115", 0x48, false, {{"00", 0, "ffff"}}, "48< 01 c9 83\n", {{"a1", -0.000015625, 1e-6}}, "range = \"0.512\";"},
        {"ads1115", 0x48, false, {{"00", 0, "8000"}}, "48< 01 cb 83\n", {{"a1", -0.256, 0}}, "range = \"0.256\";"},
        {"ads1115", 0x48, false, {{"00", 0, "8000"}}, "48< 01 f3 03\nwait 138000\n", {{"a3", -4.096, 0}}, "rate = \"8\";"},
        {"ads1115", 0x48, false, {{"00", 0, "0000"}}, "48< 01 f5 63\nwait 18000\n", {{"a3", 0, 0}},
         "range = \"2.048\"; rate = \"64\";"},

        /* the pairs 000 to 011 of the multiplexer */
        {"ads1115_differential", 0x49, false, {{"00", 0, "7fff"}},
         "49< 01 83 83\nwait 9000\n49< 00 49> 2\n49< 01 93 83\nwait 9000\n49< 00 49> 2\n"
         "49< 01 a3 83\nwait 9000\n49< 00 49> 2\n49< 01 b3 83\nwait 9000\n49< 00 49> 2\n",
         {{"a0_a1", 4.095875, 0}, {"a0_a3", 4.095875, 0}, {"a1_a3", 4.095875, 0}, {"a2_a3", 4.095875, 0}}, NULL},
        {"ads1115_differential", 0x49, false, {{"00", 0, "0000"}}, NULL, {{"a0_a1", 0, 0}}, NULL},
        {"ads1115_differential", 0x49, false, {{"00", 0, "8000"}}, "49< 01 8b e3\nwait 9000\n", {{"a2_a3", -0.256, 0}},
         "range = \"0.256\"; rate = \"860\";"},

        /* SBOS448F, table 3: 2 mOhm, 16 V, 40 mV, configuration 019F; what current and power hold at calibration 1000 */
        {"ina219", 0x40, false, {{"01", 0, "07d0"}, {"02", 0, "5d98"}, {"03", 0, "04ae"}, {"04", 0, "07d0"}},
         "40< 00 01 9f\n40< 05 10 00\n",
         {{"shunt_voltage", 0.02, 1e-9}, {"bus_voltage", 11.98, 1e-9}, {"current", 10, 0}, {"power", 119.8, 0}},
         "shunt = \"0.002\"; bus_range = \"16\"; shunt_range = \"40\";"},
        {"ina219", 0x40, false, {{"01", 0, "07d0"}, {"02", 0, "5d98"}, {"03", 0, "04ae"}, {"04", 0, "f830"}},
         "40< 00 29 9f\n", {{"current", -0.02, 0}, {"power", 0.2396, 0}}, "shunt = \"1\"; shunt_range = \"80\";"},

        /* RM-MPU-6000A, 4.17 and 4.19: 2048 steps a g at 16 g, 16.4 steps a degree/s at 2000 degree/s */
        {"mpu6050", 0x68, true, {{"75", 0, "68"}, {"3b", 0, "0800" "f800" "7fff" "0000" "00a4" "ff5c" "7fff"}},
         "68< 1b 18\n68< 1c 18\n",
         {{"acceleration_x", 9.807, 0}, {"acceleration_y", -9.807, 0}, {"acceleration_z", 156.901, 0.001},
          {"temperature", 36.53, 1e-9}, {"rotation_x", 10, 0.02}, {"rotation_y", -10, 0.02}, {"rotation_z", 2001, 0.1}},
         "acceleration_range = \"16\"; rotation_range = \"2000\";"},
        {"mpu6050", 0x68, true, {{"75", 0, "68"}, {"3b", 0, "2000" "1000" "0000" "0000" "0083" "0000" "0000"}},
         "68< 1b 00\n68< 1c 08\n", {{"acceleration_x", 9.807, 0}, {"acceleration_y", 4.903, 0}, {"rotation_x", 1, 0}},
         "acceleration_range = \"4\";"},

        /* 84323, the table of resolutions: 0.0042 lx at gain 2 and 800 ms, 2.1504 at gain 1/8 and 25 ms, 0.0672 at 1 and 100 */
        {"veml7700", 0x10, false, {{"04", 0, "0100"}}, "10< 00 c0 08\nwait 1650000\n", {{"illuminance", 0.0042, 0}},
         "gain = \"2\"; integration = \"800\";"},
        {"veml7700", 0x10, false, {{"04", 0, "0a00"}}, "10< 00 00 13\nwait 250000\n", {{"illuminance", 21.5, 0}},
         "integration = \"25\";"},
        {"veml7700", 0x10, false, {{"04", 0, "e803"}}, "10< 00 00 00\nwait 250000\n", {{"illuminance", 67.2, 1e-9}},
         "gain = \"1\";"},

        /* BST-BMP280-DS001, 3.8.1 and BST-BME280-DS002, 9.1: 1.25 ms, and 2.3 for each sample, and 0.575 for each kind */
        {"bmp280", 0x76, true, {{"d0", 0, "58"}, {"88", 0, BMP280_TRIM}, {"f7", 0, "655ac0" "7eed00"}},
         "76< f4 a5\nwait 78000\n", {{"temperature", 25.08, 0}, {"pressure", 100653.3, 0}},
         "temperature_oversampling = \"16\"; pressure_oversampling = \"1\";"},
        {"bme280", 0x76, true, {{"d0", 0, "60"}, {"88", 0, BMP280_TRIM "004b"}, {"e1", 0, "6a01001420031e"},
         {"f7", 0, "655ac0" "7eed00" "7148"}}, "76< f2 05\n76< f4 55\nwait 83000\n",
         {{"temperature", 25.08, 0}, {"pressure", 100653.3, 0}, {"humidity", 46.93, 0.011}},
         "temperature_oversampling = \"2\"; pressure_oversampling = \"16\"; humidity_oversampling = \"16\";"},
};

START_TEST(a_choice_is_written_and_counts)
{
        const Figure *f = &figures[_i];

        bench_load_figure(f, "");
        bench_play(f);
        bench_check(f);
        ck_assert_msg(!f->written || strstr(bench.bus.history.data, f->written), "%s", bench.bus.history.data);
        bench_check(f);
}
END_TEST

/* ---- every choice of every chip ---- */

static usec_t waits(const ChipDescription *c)
{
        usec_t sum = 0;

        for (size_t i = 0; i < c->setup.n; i++)
                sum += c->setup.items[i].wait_usec;
        for (size_t i = 0; i < c->measure.n; i++)
                sum += c->measure.items[i].wait_usec;
        return sum;
}

/* One choice is what the chip does without; the others each make another chip of it, which is checked as a whole. */
static void check_option(const ChipDescription *c, const ChipOption *o)
{
        size_t same = 0;

        for (size_t i = 0; i < o->n_choices; i++) {
                _cleanup_(chip_unrefp) ChipDescription *one = bench_chosen(c, o, i);
                char *error = NULL;

                ck_assert_int_eq(chip_check(one, &error), 0);
                same += chip_equal(c, one);
                /* so much longer, once or behind each of several writes */
                if (o->choices[i].wait_usec > 0)
                        ck_assert_uint_ge(waits(one), waits(c) + o->choices[i].wait_usec);
                else
                        ck_assert_uint_eq(waits(one), waits(c));
                for (size_t k = 0; k < i; k++) {
                        _cleanup_(chip_unrefp) ChipDescription *other = bench_chosen(c, o, k);

                        ck_assert_msg(!chip_equal(one, other), "%s: %s: %s is as %s", c->title, o->name, o->choices[i].is,
                                      o->choices[k].is);
                }
        }
        ck_assert_msg(same == 1, "%s: %s: %zu choices are as without", c->title, o->name, same);
}

START_TEST(one_choice_is_what_the_chip_does_without)
{
        DIR *folder = opendir(CONF_DIR "/chips");
        const struct dirent *entry;
        size_t n = 0;

        ck_assert_ptr_nonnull(folder);
        while ((entry = readdir(folder))) {
                _cleanup_(chip_unrefp) ChipDescription *c = NULL;

                if (entry->d_name[0] == '.')
                        continue;
                c = bench_read_chip(entry->d_name);
                for (size_t i = 0; i < c->n_options; i++, n++)
                        check_option(c, &c->options[i]);
        }
        closedir(folder);
        ck_assert_uint_ge(n, 16);
}
END_TEST

/* What choices are called says what they do to a step: a range makes it wider, a gain or a longer time finer. */
static const struct {
        const char *file, *option;
        double usual; /* where the scale is 1 */
        bool finer;
} laws[] = {
        {"ads1115.conf", "range", 4.096, false},
        {"ads1115_differential.conf", "range", 4.096, false},
        {"ina219.conf", "shunt", 0.1, true},
        {"mpu6050.conf", "acceleration_range", 2, false},
        {"mpu6050.conf", "rotation_range", 250, false},
        {"veml7700.conf", "gain", 0.125, true},
        {"veml7700.conf", "integration", 100, true},
};

static double number_of(const char *is)
{
        char *end;
        double x = strtod(is, &end);

        return *end == '/' ? x / strtod(end + 1, NULL) : x;
}

START_TEST(scales_follow_from_what_is_chosen)
{
        _cleanup_(chip_unrefp) ChipDescription *c = bench_read_chip(laws[_i].file);
        size_t n = 0;

        for (size_t i = 0; i < c->n_options; i++) {
                const ChipOption *o = &c->options[i];

                for (size_t k = 0; k < o->n_choices && strcmp(o->name, laws[_i].option) == 0; k++, n++) {
                        double ratio = number_of(o->choices[k].is) / laws[_i].usual;

                        ck_assert_msg(fabs(o->choices[k].scale - (laws[_i].finer ? 1 / ratio : ratio)) < 1e-9, "%s: %s: %s",
                                      laws[_i].file, o->name, o->choices[k].is);
                }
        }
        ck_assert_uint_ge(n, 4);
}
END_TEST

/* ---- how long they take ---- */

static usec_t measure_waits(const ChipDescription *c)
{
        usec_t sum = 0;

        for (size_t i = 0; i < c->measure.n; i++)
                sum += c->measure.items[i].wait_usec;
        return sum;
}

/* BST-BMP280-DS001, 3.8.1 and BST-BME280-DS002, 9.1: 1.25 ms, 2.3 ms for each sample, 0.575 ms for pressure and for humidity. */
static void check_bosch(const ChipDescription *c, unsigned t, unsigned p, unsigned h)
{
        _cleanup_(chip_unrefp) ChipDescription *chosen = NULL;
        double needed = 1.25 + 2.3 * (t + p + h) + 0.575 + (h > 0 ? 0.575 : 0);
        char values[3][8], *error = NULL;
        const Property wanted[] = {{(char *)(uintptr_t)"temperature_oversampling", values[0]},
                                   {(char *)(uintptr_t)"pressure_oversampling", values[1]},
                                   {(char *)(uintptr_t)"humidity_oversampling", values[2]}};

        (void)snprintf(values[0], sizeof(values[0]), "%u", t);
        (void)snprintf(values[1], sizeof(values[1]), "%u", p);
        (void)snprintf(values[2], sizeof(values[2]), "%u", h);
        ck_assert_int_eq(chip_choose(c, wanted, h > 0 ? 3 : 2, &chosen, &error), 0);
        ck_assert_msg((double)measure_waits(chosen) / USEC_PER_MSEC >= needed, "%s: %u %u %u: %g ms", c->title, t, p, h, needed);
}

START_TEST(bosch_chips_have_the_time_that_they_need)
{
        _cleanup_(chip_unrefp) ChipDescription *bmp280 = bench_read_chip("bmp280.conf"), *bme280 = bench_read_chip("bme280.conf");

        for (unsigned t = 1; t <= 16; t *= 2)
                for (unsigned p = 1; p <= 16; p *= 2) {
                        check_bosch(bmp280, t, p, 0);
                        for (unsigned h = 1; h <= 16; h *= 2)
                                check_bosch(bme280, t, p, h);
                }
}
END_TEST

/* A conversion is one period, which may be a tenth longer: SBAS444D, Output Data Rate. */
START_TEST(the_converter_has_the_time_that_it_needs)
{
        _cleanup_(chip_unrefp) ChipDescription *c = bench_read_chip("ads1115.conf");
        const ChipOption *rate = &c->options[1];

        ck_assert_str_eq(rate->name, "rate");
        for (size_t i = 0; i < rate->n_choices; i++) {
                _cleanup_(chip_unrefp) ChipDescription *chosen = bench_chosen(c, rate, i);

                ck_assert_msg((double)measure_waits(chosen) >= 4 * 1.1 * USEC_PER_SEC / number_of(rate->choices[i].is), "%s",
                              rate->choices[i].is);
        }
}
END_TEST

/* ---- settings ---- */

START_TEST(sensors_choose_for_themselves)
{
        static const char text[] = "sensors: {\n"
                                   "a: { driver = \"i2c\"; bus = 1; chip = \"ads1115\"; address = 0x48; };\n"
                                   "b: { driver = \"i2c\"; bus = 1; chip = \"ads1115\"; address = 0x49;\n"
                                   "     options: { range = \"2.048\"; }; };\n"
                                   "c: { driver = \"i2c\"; bus = 1; chip = \"ads1115\"; address = 0x4A; };\n"
                                   "};\n";
        _cleanup_(sensor_settings_done) SensorSettings copy = {};
        _cleanup_(settings_freep) Settings *s = NULL;
        Problems problems = {};

        ck_assert_int_eq(settings_load_text(&s, CONF_DIR "/x.conf", text, SETTINGS_STATE_DIR, &problems), 0);
        ck_assert_ptr_eq(s->sensors[0].description, s->sensors[2].description);
        ck_assert_ptr_ne(s->sensors[0].description, s->sensors[1].description);
        ck_assert_double_eq(s->sensors[0].description->channels[0].conversion.scale, 0.000125);
        ck_assert_double_eq(s->sensors[1].description->channels[0].conversion.scale, 0.0000625);
        ck_assert_int_eq(sensor_settings_copy(&s->sensors[1], &copy), 0);
        ck_assert(sensor_settings_equal(&s->sensors[1], &copy));
        ck_assert(!sensor_settings_equal(&s->sensors[0], &copy));
}
END_TEST

START_TEST(what_is_printed_chooses_the_same)
{
        _cleanup_(buffer_done) Buffer text = BUFFER_NULL;
        _cleanup_(settings_freep) Settings *again = NULL;
        Problems problems = {};

        bench_load("veml7700", 0x10, "options: { gain = \"1/4\"; integration = \"400\"; };");
        settings_print(bench.settings, true, &text);
        ck_assert_msg(strstr(text.data, "gain = \"1/4\";"), "%s", text.data);
        ck_assert_int_eq(settings_load_text(&again, CONF_DIR "/x.conf", text.data, SETTINGS_STATE_DIR, &problems), 0);
        ck_assert_int_eq(settings_equal(bench.settings, again), 1);
        ck_assert_double_eq(again->sensors[0].description->channels[0].conversion.scale, 0.0672);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("daemon/chip-options");
        TCase *c = suite_case(s, "options");

        tcase_add_checked_fixture(c, bench_setup, bench_teardown);
        tcase_add_loop_test(c, a_choice_is_written_and_counts, 0, ARRAY_SIZE(figures));
        tcase_add_test(c, one_choice_is_what_the_chip_does_without);
        tcase_add_loop_test(c, scales_follow_from_what_is_chosen, 0, ARRAY_SIZE(laws));
        tcase_add_test(c, bosch_chips_have_the_time_that_they_need);
        tcase_add_test(c, the_converter_has_the_time_that_it_needs);
        tcase_add_test(c, sensors_choose_for_themselves);
        tcase_add_test(c, what_is_printed_chooses_the_same);
        return suite_run(s);
}
