/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Every chip file that comes with hublink: read as the daemon reads it, measured on a bus that plays the chip, and held
 * against the figures of the chip's data sheet, which the file cites. A chip that is asked too early, or otherwise than
 * its data sheet says, does not answer here.
 */

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "chip-bench.h"
#include "suite.h"

/* The calibration of BST-BMP280-DS001, 3.12, as the chip has it. */
#define BMP280_TRIM "706b436718fc7d8e43d6d00b270b8c00f9ff8c3cf8c67017"
/* H2 to H6 of some chip. */
#define BME280_TRIM "6a01001420031e"

static const Figure figures[] = {
        {"tmp102", 0x48, true, {{"00", 0, "7ff0"}}, "48< 00\nwait 50000\n48< 00 48> 2\n", {{"temperature", 127.9375, 0}}},
        {"tmp102", 0x49, true, {{"00", 0, "1900"}}, NULL, {{"temperature", 25, 0}}},
        {"tmp102", 0x4a, true, {{"00", 0, "0040"}}, NULL, {{"temperature", 0.25, 0}}},
        {"tmp102", 0x48, true, {{"00", 0, "0000"}}, NULL, {{"temperature", 0, 0}}},
        {"tmp102", 0x4b, true, {{"00", 0, "ffc0"}}, NULL, {{"temperature", -0.25, 0}}},
        {"tmp102", 0x48, true, {{"00", 0, "e700"}}, NULL, {{"temperature", -25, 0}}},
        {"tmp102", 0x48, true, {{"00", 0, "c900"}}, NULL, {{"temperature", -55, 0}}},

        {"tmp117", 0x48, false, {{"0f", 0, "1117"}, {"01", 0, "2220"}, {"00", 0, "8000"}}, NULL, {{"temperature", -256, 0}}},
        {"tmp117", 0x48, false, {{"0f", 0, "0117"}, {"01", 0, "2220"}, {"00", 0, "f380"}}, NULL, {{"temperature", -25, 0}}},
        {"tmp117", 0x49, false, {{"0f", 0, "0117"}, {"01", 0, "2220"}, {"00", 0, "fff0"}}, NULL, {{"temperature", -0.125, 0}}},
        {"tmp117", 0x49, false, {{"0f", 0, "0117"}, {"01", 0, "2220"}, {"00", 0, "ffff"}}, NULL,
         {{"temperature", -0.0078125, 0}}},
        {"tmp117", 0x4a, false, {{"0f", 0, "0117"}, {"01", 0, "2220"}, {"00", 0, "0000"}}, NULL, {{"temperature", 0, 0}}},
        {"tmp117", 0x4a, false, {{"0f", 0, "0117"}, {"01", 0, "2220"}, {"00", 0, "0001"}}, NULL,
         {{"temperature", 0.0078125, 0}}},
        {"tmp117", 0x4b, false, {{"0f", 0, "0117"}, {"01", 0, "2220"}, {"00", 0, "0c80"}}, NULL, {{"temperature", 25, 0}}},
        {"tmp117", 0x48, false, {{"0f", 0, "0117"}, {"01", 0, "2220"}, {"00", 0, "3200"}}, NULL, {{"temperature", 100, 0}}},
        {"tmp117", 0x48, false, {{"0f", 0, "0117"}, {"01", 0, "2220"}, {"00", 0, "7fff"}}, NULL,
         {{"temperature", 255.9921875, 0}}},

        {"lm75", 0x48, true, {{"00", 0, "7d00"}}, "48< 00\nwait 300000\n48< 00 48> 2\n", {{"temperature", 125, 0}}},
        {"lm75", 0x4f, true, {{"00", 0, "1900"}}, NULL, {{"temperature", 25, 0}}},
        {"lm75", 0x48, true, {{"00", 0, "0080"}}, NULL, {{"temperature", 0.5, 0}}},
        {"lm75", 0x48, true, {{"00", 0, "0000"}}, NULL, {{"temperature", 0, 0}}},
        {"lm75", 0x48, true, {{"00", 0, "ff80"}}, NULL, {{"temperature", -0.5, 0}}},
        {"lm75", 0x48, true, {{"00", 0, "e700"}}, NULL, {{"temperature", -25, 0}}},
        {"lm75", 0x48, true, {{"00", 0, "d800"}}, NULL, {{"temperature", -40, 0}}},
        {"lm75", 0x48, true, {{"00", 0, "c97f"}}, NULL, {{"temperature", -55, 0}}}, /* what is below does not count */

        {"mcp9808", 0x18, false, {{"06", 0, "0054"}, {"05", 0, "c190"}}, "18> 2\nwait 300000\n", {{"temperature", 25, 0}}},
        {"mcp9808", 0x18, false, {{"06", 0, "0054"}, {"05", 0, "c7d0"}}, NULL, {{"temperature", 125, 0}}},
        {"mcp9808", 0x18, false, {{"06", 0, "0054"}, {"05", 0, "0001"}}, NULL, {{"temperature", 0.0625, 0}}},
        {"mcp9808", 0x19, false, {{"06", 0, "0054"}, {"05", 0, "e000"}}, NULL, {{"temperature", 0, 0}}},
        {"mcp9808", 0x18, false, {{"06", 0, "0054"}, {"05", 0, "1fff"}}, NULL, {{"temperature", -0.0625, 0}}},
        {"mcp9808", 0x1f, false, {{"06", 0, "0054"}, {"05", 0, "1e70"}}, NULL, {{"temperature", -25, 0}}},
        {"mcp9808", 0x18, false, {{"06", 0, "0054"}, {"05", 0, "3d80"}}, NULL, {{"temperature", -40, 0}}},

        {"sht3x", 0x44, false, {{"2400", 15500, "beef92beef92"}}, "44< 30 93\n",
         {{"temperature", 85.52, 0}, {"humidity", 74.58, 0}}},
        {"sht3x", 0x44, false, {{"2400", 15500, "6667a25eb93c"}}, NULL, {{"temperature", 25, 0}, {"humidity", 37, 0}}},
        {"sht3x", 0x45, false, {{"2400", 15500, "000081000081"}}, NULL, {{"temperature", -45, 0}, {"humidity", 0, 0}}},
        {"sht3x", 0x45, false, {{"2400", 15500, "ffffacffffac"}}, NULL, {{"temperature", 130, 0}, {"humidity", 100, 0}}},

        {"sht4x", 0x44, false, {{"fd", 8300, "beef92beef92"}}, NULL, {{"temperature", 85.52, 0}, {"humidity", 87.23, 0}}},
        {"sht4x", 0x44, false, {{"fd", 8300, "6667a25eb93c"}}, NULL, {{"temperature", 25, 0}, {"humidity", 40.25, 0}}},
        {"sht4x", 0x45, false, {{"fd", 8300, "000081000081"}}, NULL, {{"temperature", -45, 0}, {"humidity", 0, 0}}},
        {"sht4x", 0x46, false, {{"fd", 8300, "ffffacffffac"}}, NULL, {{"temperature", 130, 0}, {"humidity", 100, 0}}},

        {"si7021", 0x40, false, {{"f5", 22800, "7c80f5"}, {"e0", 0, "683a"}}, NULL,
         {{"humidity", 54.8, 0.02}, {"temperature", 24.7, 0.02}}},
        /* the CRCs that are calculated; and a status bit is no humidity */
        {"si7021", 0x40, false, {{"f5", 22800, "683a7c"}, {"e0", 0, "4e84"}}, NULL,
         {{"humidity", 44.89, 0}, {"temperature", 7.04, 0}}},
        {"si7021", 0x40, false, {{"f5", 22800, "4e856b"}, {"e0", 0, "4e87"}}, NULL,
         {{"humidity", 32.34, 0}, {"temperature", 7.04, 0}}},
        {"si7021", 0x40, false, {{"f5", 22800, "000262"}, {"e0", 0, "0000"}}, NULL,
         {{"humidity", 0, 0}, {"temperature", -46.85, 0}}},
        {"si7021", 0x40, false, {{"f5", 22800, "fffe1c"}, {"e0", 0, "fffc"}}, NULL,
         {{"humidity", 100, 0}, {"temperature", 128.86, 0}}},

        {"bmp280", 0x76, true, {{"d0", 0, "58"}, {"88", 0, BMP280_TRIM}, {"f7", 0, "655ac0" "7eed00"}},
         "76< e0 b6\nwait 4000\n76< 88 76> 24\n76< f4 55\nwait 45000\n", {{"temperature", 25.08, 0}, {"pressure", 100653.3, 0}}},
        {"bmp280", 0x77, true, {{"d0", 0, "58"}, {"88", 0, BMP280_TRIM}, {"f7", 0, "655ac0" "61a800"}}, NULL,
         {{"temperature", -12.64, 0}, {"pressure", 94916.3, 0.05}}},
        {"bmp280", 0x77, true, {{"d0", 0, "58"}, {"88", 0, BMP280_TRIM}, {"f7", 0, "493e00" "5cc600"}}, NULL,
         {{"temperature", -18.97, 0}, {"pressure", 112487.9, 0.101}}},
        {"bme280", 0x77, true, {{"d0", 0, "60"}, {"88", 0, BMP280_TRIM "004b"}, {"e1", 0, BME280_TRIM},
         {"f7", 0, "655ac0" "7eed00" "7148"}}, "77< f2 01\n77< f4 25\nwait 10000\n",
         {{"temperature", 25.08, 0}, {"pressure", 100653.3, 0}, {"humidity", 46.93, 0.011}}},
        {"bme280", 0x76, true, {{"d0", 0, "60"}, {"88", 0, BMP280_TRIM "004b"}, {"e1", 0, BME280_TRIM},
         {"f7", 0, "655ac0" "61a800" "8000"}}, NULL, {{"temperature", -12.64, 0}, {"humidity", 65.20, 0.011}}},
        {"bme280", 0x76, true, {{"d0", 0, "60"}, {"88", 0, BMP280_TRIM "004b"}, {"e1", 0, BME280_TRIM},
         {"f7", 0, "655ac0" "7eed00" "0000"}}, NULL, {{"humidity", 0, 0}}},
        {"bme280", 0x76, true, {{"d0", 0, "60"}, {"88", 0, BMP280_TRIM "004b"}, {"e1", 0, BME280_TRIM},
         {"f7", 0, "655ac0" "7eed00" "ffff"}}, NULL, {{"humidity", 100, 0}}},

        {"lps22hb", 0x5c, true, {{"0f", 0, "b1"}, {"28", 0, "00543f" "c409"}}, "5c< 10 22\nwait 150000\n",
         {{"pressure", 1013.25, 0}, {"temperature", 25, 0}}},
        {"lps22hb", 0x5d, true, {{"0f", 0, "b1"}, {"28", 0, "00c04e" "18fc"}}, NULL,
         {{"pressure", 1260, 0}, {"temperature", -10, 0}}},
        {"lps22hb", 0x5d, true, {{"0f", 0, "b1"}, {"28", 0, "000000" "0000"}}, NULL,
         {{"pressure", 0, 0}, {"temperature", 0, 0}}},
        {"lps22hb", 0x5d, true, {{"0f", 0, "b1"}, {"28", 0, "00f0ff" "3421"}}, NULL,
         {{"pressure", -1, 0}, {"temperature", 85, 0}}},

        {"ads1115", 0x48, false, {{"00", 0, "7fff"}}, "48< 01 c3 83\nwait 9000\n48< 00 48> 2\n48< 01 d3 83\n",
         {{"a0", 4.095875, 1e-9}, {"a1", 4.095875, 1e-9}, {"a2", 4.095875, 1e-9}, {"a3", 4.095875, 1e-9}}},
        {"ads1115", 0x49, false, {{"00", 0, "0001"}}, NULL, {{"a0", 0.000125, 1e-12}}},
        {"ads1115", 0x4a, false, {{"00", 0, "0000"}}, NULL, {{"a1", 0, 1e-12}}},
        {"ads1115", 0x4b, false, {{"00", 0, "ffff"}}, NULL, {{"a3", -0.000125, 1e-12}}},
        {"ads1115", 0x4b, false, {{"00", 0, "8000"}}, NULL, {{"a2", -4.096, 1e-12}}},

        {"ina219", 0x40, false, {{"01", 0, "07d0"}, {"02", 0, "5d98"}, {"03", 0, "1766"}, {"04", 0, "2710"}}, "40< 05 10 00\n",
         {{"shunt_voltage", 0.02, 1e-9}, {"bus_voltage", 11.98, 1e-9}, {"current", 1, 1e-9}, {"power", 11.98, 1e-9}}},
        {"ina219", 0x4f, false, {{"01", 0, "8300"}, {"02", 0, "0002"}, {"03", 0, "0000"}, {"04", 0, "d8f0"}}, NULL,
         {{"shunt_voltage", -0.32, 1e-9}, {"bus_voltage", 0, 0}, {"current", -1, 1e-9}, {"power", 0, 0}}},
        {"ina219", 0x45, false, {{"01", 0, "7d00"}, {"02", 0, "fa02"}, {"03", 0, "0000"}, {"04", 0, "0000"}}, NULL,
         {{"shunt_voltage", 0.32, 1e-9}, {"bus_voltage", 32, 0}, {"current", 0, 0}}},

        {"bh1750", 0x23, false, {{"20", 180000, "8390"}}, NULL, {{"illuminance", 28067, 0.5}}},
        {"bh1750", 0x5c, false, {{"20", 180000, "0000"}}, NULL, {{"illuminance", 0, 0}}},
        {"bh1750", 0x5c, false, {{"20", 180000, "ffff"}}, NULL, {{"illuminance", 54612.5, 0}}},

        {"veml7700", 0x10, false, {{"04", 0, "ffff"}}, "10< 00 00 10\nwait 250000\n", {{"illuminance", 35232, 1}}},
        {"veml7700", 0x10, false, {{"04", 0, "0100"}}, NULL, {{"illuminance", 0.5, 0}}},
        {"veml7700", 0x10, false, {{"04", 0, "0000"}}, NULL, {{"illuminance", 0, 0}}},

        {"ds3231", 0x68, true, {{"11", 0, "1940"}}, "68< 11\nwait 250000\n68< 11 68> 2\n", {{"temperature", 25.25, 0}}},
        {"ds3231", 0x68, true, {{"11", 0, "0000"}}, NULL, {{"temperature", 0, 0}}},
        {"ds3231", 0x68, true, {{"11", 0, "ffc0"}}, NULL, {{"temperature", -0.25, 0}}},
        {"ds3231", 0x68, true, {{"11", 0, "d800"}}, NULL, {{"temperature", -40, 0}}},
        {"ds3231", 0x68, true, {{"11", 0, "5500"}}, NULL, {{"temperature", 85, 0}}},

        {"mpu6050", 0x68, true, {{"75", 0, "68"}, {"3b", 0, "4000" "0000" "c000" "0000" "0083" "0000" "ff7d"}},
         "68< 6b 01\n68< 1b 00\n68< 1c 00\nwait 100000\n",
         {{"acceleration_x", 9.807, 0}, {"acceleration_y", 0, 0}, {"acceleration_z", -9.807, 0},
          {"temperature", 36.53, 1e-9}, {"rotation_x", 1, 0}, {"rotation_y", 0, 0}, {"rotation_z", -1, 0}}},
        {"mpu6050", 0x69, true, {{"75", 0, "68"}, {"3b", 0, "8000" "7fff" "0000" "cf7c" "8000" "7fff" "0000"}}, NULL,
         {{"acceleration_x", -19.613, 0}, {"acceleration_y", 19.613, 0.001}, {"temperature", 0, 0},
          {"rotation_x", -250.14, 0}, {"rotation_y", 250.13, 0}}},

        {"scd4x", 0x62, false, {{"e4b8", 1000, "800604"}, {"ec05", 1000, "01f4336667a25eb93c"}},
         "62< 3f 86\nwait 500000\n62< 21 b1\n62< e4 b8\n",
         {{"co2", 500, 0}, {"temperature", 25, 0}, {"humidity", 37, 0}}},
        {"scd4x", 0x62, false, {{"e4b8", 1000, "800604"}, {"ec05", 1000, "000081000081000081"}}, NULL,
         {{"co2", 0, 0}, {"temperature", -45, 0}, {"humidity", 0, 0}}},
        {"scd4x", 0x62, false, {{"e4b8", 1000, "800604"}, {"ec05", 1000, "ffffacffffacffffac"}}, NULL,
         {{"co2", 65535, 0}, {"temperature", 130, 0}, {"humidity", 100, 0}}},
};

static const Figure *figure_of(const char *chip)
{
        for (size_t i = 0; i < ARRAY_SIZE(figures); i++)
                if (strcmp(figures[i].chip, chip) == 0)
                        return &figures[i];
        ck_abort_msg("no figure of %s", chip);
}

/* ---- tests ---- */

START_TEST(figures_of_the_data_sheet)
{
        const Figure *f = &figures[_i];

        bench_load(f->chip, f->address, "");
        bench_play(f);
        bench_check(f);
        ck_assert_msg(!f->written || strstr(bench.bus.history.data, f->written), "%s", bench.bus.history.data);
        bench_check(f); /* and once more, when it is set up */
}
END_TEST

/* The same behind a multiplexer, with another chip of that address beside it. */
START_TEST(behind_a_multiplexer)
{
        const Figure *f = &figures[_i];

        bench_load(f->chip, f->address, "mux: { address = 0x71; channel = 5; };");
        bench_play(f);
        fake_i2c_mux(&bench.bus, 0x71, 5, f->address);
        bench_check(f);
        ck_assert_uint_eq(bench.bus.chips[0x71].open, 0);
        bench.bus.chips[f->address].mux_mask = 1 << 4;
        ck_assert_int_eq(bench_measure(), SENSOR_E_FAILED);
        ck_assert_ptr_nonnull(strstr(bench.sample.error, "channel 5 of 0x71 on /dev/i2c-1"));
}
END_TEST

/* A bus has others too. */
START_TEST(who_is_absent_is_not_waited_for)
{
        const Figure *f = &figures[_i];

        bench_load(f->chip, f->address, "");
        for (unsigned i = 0; i < 3; i++)
                ck_assert_int_eq(bench_measure(), SENSOR_E_FAILED);
        ck_assert_msg(!strstr(bench.bus.history.data ?: "", "wait"), "%s: %s", f->chip, bench.bus.history.data);
}
END_TEST

/* Whatever the chip gives: a number, or an error in words. */
START_TEST(nonsense_is_a_number_or_an_error)
{
        static const uint8_t zeros[256];
        const Figure *f = &figures[_i];
        uint8_t bytes[256];

        bench_load(f->chip, f->address, "");
        for (unsigned k = 0; k < 64; k++) {
                for (size_t i = 0; i < sizeof(bytes); i++)
                        bytes[i] = k == 0 ? 0xff : (uint8_t)(i * 167 + k * 73 + i * i * k);
                if (f->by_registers) {
                        fake_i2c_set(&bench.bus, f->address, 0, k == 1 ? zeros : bytes, sizeof(bytes));
                        bench_play(&(Figure){.address = f->address, .by_registers = true, .answers = {f->answers[0]}});
                } else {
                        bench_play(f);
                        for (size_t i = 0; i < bench.bus.chips[f->address].n_answers; i++)
                                memcpy(bench.bus.chips[f->address].answers[i].bytes, bytes + i, 64);
                }
                if (bench_measure() != 0)
                        continue;
                for (size_t i = 0; i < bench.sample.n_channels; i++)
                        insist(isfinite(bench.sample.channels[i].value.number));
        }
}
END_TEST

/* By the transfers that SMBus has, or refused with words. */
START_TEST(on_an_adapter_of_smbus_alone)
{
        static const char *const refused[] = {"sht3x", "sht4x", "si7021", "bh1750", "scd4x"};
        const Figure *f = &figures[_i];
        bool can = true;

        for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
                can = can && strcmp(f->chip, refused[i]) != 0;
        bench_load(f->chip, f->address, "");
        bench_play(f);
        bench.bus.smbus_only = true;
        if (can) {
                bench_check(f);
                return;
        }
        ck_assert_int_eq(bench_measure(), SENSOR_E_FAILED);
        ck_assert_msg(strstr(bench.sample.error, "only SMBus, which has no call for this"), "%s", bench.sample.error);
}
END_TEST

START_TEST(no_file_is_without_figures)
{
        DIR *folder = opendir(CONF_DIR "/chips");
        const struct dirent *entry;
        size_t n = 0;

        ck_assert_ptr_nonnull(folder);
        while ((entry = readdir(folder))) {
                /* what is no sensor has none; those of the other one are with the options' */
                bool found = strcmp(entry->d_name, "tca9548a.conf") == 0 ||
                             strcmp(entry->d_name, "ads1115_differential.conf") == 0;

                if (entry->d_name[0] == '.')
                        continue;
                for (size_t i = 0; i < ARRAY_SIZE(figures) && !found; i++)
                        found = strncmp(entry->d_name, figures[i].chip, strlen(figures[i].chip)) == 0 &&
                                strcmp(entry->d_name + strlen(figures[i].chip), ".conf") == 0;
                ck_assert_msg(found, "%s", entry->d_name);
                n++;
        }
        closedir(folder);
        ck_assert_uint_ge(n, 18);
}
END_TEST

/* SCD4x, get_data_ready_status: 8000 A2 is nothing new. */
START_TEST(a_slow_chip_is_waited_for)
{
        const Figure *f = figure_of("scd4x");

        bench_load("scd4x", 0x62, "interval = \"5s\";");
        bench_play(f);
        fake_i2c_answer(&bench.bus, 0x62, "\xe4\xb8", 2, 1000, "\x80\x00\xa2", 3);
        for (unsigned i = 0; i < 5; i++)
                ck_assert_int_eq(bench_measure(), SENSOR_E_NOT_YET);
        /* 30 s are too long: told, and begun anew */
        ck_assert_int_eq(bench_measure(), SENSOR_E_FAILED);
        ck_assert_ptr_nonnull(strstr(bench.sample.error, "nothing new for 30 s"));
        buffer_clear(&bench.bus.history);
        ck_assert_int_eq(bench_measure(), SENSOR_E_NOT_YET);
        ck_assert_ptr_nonnull(strstr(bench.bus.history.data, "62< 21 b1"));
        bench_play(f);
        bench_check(f);
}
END_TEST

START_TEST(channels_are_chosen_and_adjusted)
{
        bench_load("bme280", 0x77, "channels: { pressure: { scale = 0.01; unit = \"hPa\"; }; temperature: { offset = -1.5; }; };");
        bench_play(figure_of("bme280"));
        ck_assert_int_eq(bench_measure(), 0);
        ck_assert_uint_eq(bench.sample.n_channels, 2);
        ck_assert_str_eq(bench.sample.channels[0].name, "pressure");
        /* a hundredth of it has two decimals more; and no digits come in by the arithmetic */
        ck_assert_double_eq(bench.sample.channels[0].value.number, 1006.533);
        ck_assert_double_eq(bench_value("temperature"), 23.58);
        ck_assert_str_eq(driver_i2c.unit(&bench.settings->sensors[0], "pressure"), "hPa");
        ck_assert_str_eq(driver_i2c.unit(&bench.settings->sensors[0], "temperature"), "Cel");
        ck_assert_str_eq(driver_i2c.unit(&bench.settings->sensors[0], "humidity"), "%RH");
        ck_assert_ptr_null(driver_i2c.unit(&bench.settings->sensors[0], "colour"));
}
END_TEST

START_TEST(what_is_printed_loads_again)
{
        _cleanup_(buffer_done) Buffer text = BUFFER_NULL;
        Problems problems = {};
        Settings *again = NULL;

        bench_load("sht3x", 0x45, "mux: { address = 0x70; channel = 3; }; channels: { humidity: { offset = 2.0; }; };");
        settings_print(bench.settings, true, &text);
        ck_assert_ptr_nonnull(strstr(text.data, "chip = \"sht3x\";"));
        ck_assert_ptr_null(strstr(text.data, "register"));
        ck_assert_int_eq(settings_load_text(&again, CONF_DIR "/x.conf", text.data, SETTINGS_STATE_DIR, &problems), 0);
        ck_assert_int_eq(settings_equal(bench.settings, again), 1);
        /* the same words, but the chip's file says something else by now */
        again->sensors[0].description->crc.seed ^= 1;
        ck_assert_int_eq(settings_equal(bench.settings, again), 0);
        ck_assert(!sensor_settings_equal(&bench.settings->sensors[0], &again->sensors[0]));
        settings_free(again);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("daemon/chips");
        TCase *c = suite_case(s, "chips");

        tcase_add_checked_fixture(c, bench_setup, bench_teardown);
        tcase_add_loop_test(c, figures_of_the_data_sheet, 0, ARRAY_SIZE(figures));
        tcase_add_loop_test(c, behind_a_multiplexer, 0, ARRAY_SIZE(figures));
        tcase_add_loop_test(c, who_is_absent_is_not_waited_for, 0, ARRAY_SIZE(figures));
        tcase_add_loop_test(c, nonsense_is_a_number_or_an_error, 0, ARRAY_SIZE(figures));
        tcase_add_loop_test(c, on_an_adapter_of_smbus_alone, 0, ARRAY_SIZE(figures));
        tcase_add_test(c, no_file_is_without_figures);
        tcase_add_test(c, a_slow_chip_is_waited_for);
        tcase_add_test(c, channels_are_chosen_and_adjusted);
        tcase_add_test(c, what_is_printed_loads_again);
        return suite_run(s);
}
