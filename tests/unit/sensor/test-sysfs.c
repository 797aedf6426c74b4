/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "bench.h"
#include "sensor/sensor.h"
#include "suite.h"

/* A tree as the kernel's, below a folder of its own: links from class and bus to devices. */

static char root[64];
static Sample sample;
static void *device;
static const SensorDriver *driver;

static void run(const char *fmt, ...)
{
        char command[2048];
        va_list ap;

        va_start(ap, fmt);
        insist(vsnprintf(command, sizeof(command), fmt, ap) < (int)sizeof(command));
        va_end(ap);
        ck_assert_msg(system(command) == 0, "%s", command);
}

static void add_hwmon(unsigned number, const char *place, const char *name, const char *files)
{
        run("cd %s && mkdir -p sys/devices/%s/hwmon/hwmon%u sys/class/hwmon && "
            "ln -s ../../devices/%s/hwmon/hwmon%u sys/class/hwmon/hwmon%u && cd sys/class/hwmon/hwmon%u && "
            "echo %s > name && %s", root, place, number, place, number, number, number, name, files);
}

static void setup(void)
{
        strcpy(root, "/tmp/hublink-sysfs-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(root));
        run("mkdir -p %s/sys/class/hwmon %s/sys/bus/iio/devices", root, root);
        add_hwmon(0, "virtual/thermal", "acpitz", "echo 27800 > temp1_input");
        add_hwmon(1, "platform/coretemp.0", "coretemp",
                  "echo 'Package id 0' > temp1_label && echo 51000 > temp1_input && echo 'Core 0' > temp2_label && "
                  "echo 49000 > temp2_input && echo 100000 > temp2_crit && echo 1 > temp2_crit_alarm");
        add_hwmon(2, "pci0/i2c-1/1-0048", "tmp102", "echo -12500 > temp1_input");
        add_hwmon(3, "pci0/i2c-1/1-0049", "tmp102", "echo 20000 > temp1_input");
        add_hwmon(4, "pci0/i2c-2/2-0040", "ina219",
                  "echo 3300 > in1_input && echo 250 > curr1_input && echo 825000 > power1_input && "
                  "echo 1500 > fan1_input && echo 45123 > humidity1_input && echo 2000000 > energy1_input && "
                  "echo junk > in2_input");
        run("cd %s/sys && mkdir -p devices/i2c-1/1-0076/iio:device0 && ln -s ../../../devices/i2c-1/1-0076/iio:device0 "
            "bus/iio/devices/iio:device0 && cd bus/iio/devices/iio:device0 && echo bmp280 > name && "
            "echo 101.325 > in_pressure_input && echo 21500 > in_temp_input && echo 100 > in_voltage0_raw && "
            "echo -4 > in_voltage_offset && echo 0.5 > in_voltage_scale && echo 16384 > in_accel_x_raw && "
            "echo 0.000598 > in_accel_scale && echo 7 > in_count_raw && echo 3 > in_voltage1_raw && echo 2 > in_voltage1_scale",
            root);
        device = NULL;
}

static void teardown(void)
{
        if (driver)
                driver->close(device);
        run("rm -rf %s", root);
}

static int read_device(const char *with, const char *name, const char *at, ChannelSettings *channels, size_t n)
{
        SensorSettings s = {.name = "x", .driver = (char *)(uintptr_t)with, .device = (char *)(uintptr_t)name,
                            .at = (char *)(uintptr_t)at, .interval_usec = USEC_PER_SEC, .channels = channels,
                            .n_channels = n};
        char error[SENSOR_ERROR_MAX], *bad = NULL, sys[80];
        int r;

        (void)snprintf(sys, sizeof(sys), "%s/sys", root);
        for (size_t i = 0; i < n; i++) {
                channels[i].scale = channels[i].scale != 0 ? channels[i].scale : 1;
                (void)snprintf(channels[i].name, sizeof(Name), "c%zu", i);
        }
        ck_assert_msg(sensor_settings_check(&s, &bad) == 0, "%s", bad);
        if (driver)
                driver->close(device);
        driver = sensor_driver_find(with);
        ck_assert_int_eq(driver->open(&s, &(DriverTools){.sysfs = sys}, &device, error), 0);
        r = driver->read(device, &sample);
        for (size_t i = 0; i < n && r == 0; i++)
                ck_assert_str_eq(sample.channels[i].name, channels[i].name);
        return r;
}

static const char *unit_of(const char *with, ChannelSettings c)
{
        strcpy(c.name, "c");
        c.scale = c.scale != 0 ? c.scale : 1;
        return sensor_driver_find(with)->unit(&(SensorSettings){.channels = &c, .n_channels = 1}, "c") ?: "";
}

#define ATTRIBUTE(a) {.attribute = (char *)(uintptr_t)(a)}
#define LABEL(l)     {.label = (char *)(uintptr_t)(l)}

START_TEST(a_monitor_is_found_by_name_and_label)
{
        ChannelSettings channels[] = {LABEL("Core 0"), LABEL("Package id 0"), ATTRIBUTE("temp2_crit"),
                                      ATTRIBUTE("temp2_crit_alarm")};
        static const double values[] = {49, 51, 100, 1};

        ck_assert_msg(read_device("hwmon", "coretemp", NULL, channels, 4) == 0, "%s", sample.error);
        for (size_t i = 0; i < 4; i++)
                ck_assert_msg(fabs(sample.channels[i].value.number - values[i]) < 1e-9, "%zu: %.17g", i,
                              sample.channels[i].value.number);
}
END_TEST

START_TEST(each_kind_has_its_unit)
{
        static const struct {
                const char *attribute, *unit;
                double value;
        } cases[] = {
                {"in1_input", "V", 3.3},     {"curr1_input", "A", 0.25},        {"power1_input", "W", 0.825},
                {"fan1_input", "/min", 1500}, {"humidity1_input", "%RH", 45.123}, {"energy1_input", "J", 2},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                ChannelSettings c = ATTRIBUTE(cases[i].attribute);

                ck_assert_msg(read_device("hwmon", "ina219", NULL, &c, 1) == 0, "%s", sample.error);
                /* to the last digit: nobody wants to see 25.080000000000002 */
                ck_assert_msg(sample.channels[0].value.number == cases[i].value, "%s: %.17g", cases[i].attribute,
                              sample.channels[0].value.number);
                ck_assert_str_eq(unit_of("hwmon", c), cases[i].unit);
        }
        ck_assert_str_eq(unit_of("hwmon", (ChannelSettings)ATTRIBUTE("temp1_alarm")), "");
        ck_assert_str_eq(unit_of("hwmon", (ChannelSettings){.attribute = (char *)"temp1_input", .unit = (char *)"K"}),
                         "K");
        /* scaled once more, it is another unit */
        ck_assert_str_eq(unit_of("hwmon", (ChannelSettings){.attribute = (char *)"temp1_input", .scale = 1.8}), "");
}
END_TEST

/* What a label stands at is known once it was read. */
START_TEST(a_label_has_the_unit_of_its_kind)
{
        static const struct {
                const char *label, *unit;
                double scale;
        } cases[] = {{"Core 0", "Cel", 0}, {"Core 0", NULL, 1.8}, {"Vcore", "V", 0}, {"Pump", "/min", 0}, {"Extra", NULL, 0}};
        ChannelSettings named = {.label = (char *)"Core 0", .unit = (char *)"K"};

        run("cd %s/sys/class/hwmon/hwmon1 && echo Vcore > in1_label && echo 1100 > in1_input && echo Pump > fan1_label && "
            "echo 900 > fan1_input && echo Extra > extra1_label && echo 7 > extra1_input", root);
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                ChannelSettings c = {.label = (char *)(uintptr_t)cases[i].label, .scale = cases[i].scale};

                ck_assert_msg(read_device("hwmon", "coretemp", NULL, &c, 1) == 0, "%s", sample.error);
                ck_assert_str_eq(driver->found_unit(device, 0) ?: "", cases[i].unit ?: "");
        }
        ck_assert_int_eq(read_device("hwmon", "coretemp", NULL, &named, 1), 0);
        ck_assert_str_eq(driver->found_unit(device, 0), "K");
}
END_TEST

/* And the sensor tells it beside its values. */
START_TEST(a_sensor_knows_the_units_of_its_labels)
{
        ChannelSettings channels[] = {{.name = "core", .label = (char *)"Core 0", .scale = 1},
                                      {.name = "crit", .attribute = (char *)"temp2_crit", .scale = 1},
                                      {.name = "own", .label = (char *)"Package id 0", .scale = 1, .unit = (char *)"degC"}};
        const SensorSettings s = {.name = "cpu", .driver = (char *)"hwmon", .device = (char *)"coretemp",
                                  .interval_usec = USEC_PER_SEC, .channels = channels, .n_channels = 3};
        DriverTools tools;
        char sys[80];
        Sensor *sensor;
        Worker *worker;
        Bench bench;

        bench_init(&bench);
        (void)snprintf(sys, sizeof(sys), "%s/sys", root);
        tools = (DriverTools){.clock = &bench.clock.clock, .random = &bench.random.random, .event = bench.event, .sysfs = sys};
        ck_assert_int_eq(worker_new(&worker, bench.event, tools.clock, "cpu"), 0);
        ck_assert_int_eq(sensor_new(&sensor, &s, &tools, &bench.sink, worker), 0);
        bench.clock.boot_usec = sensor_deadline(sensor);
        sensor_tick(sensor, bench.clock.boot_usec);
        bench_wait_for(&bench, &bench.n_readings, 1);
        ck_assert_str_eq(bench_last(&bench), "cpu core=49 crit=100 own=51");
        for (size_t i = 0; i < 3; i++)
                ck_assert_str_eq(sensor_status(sensor)->units[i], i < 2 ? "Cel" : "degC");
        sensor_free(sensor);
        worker_free(worker);
        bench_done(&bench);
}
END_TEST

START_TEST(several_of_a_name_are_told_apart_by_their_place)
{
        ChannelSettings c = ATTRIBUTE("temp1_input");

        ck_assert_int_eq(read_device("hwmon", "tmp102", NULL, &c, 1), SENSOR_E_FAILED);
        ck_assert_msg(strstr(sample.error, "2 devices are called tmp102") && strstr(sample.error, "1-0048/hwmon/hwmon2") &&
                      strstr(sample.error, "`at`"), "%s", sample.error);
        ck_assert_int_eq(read_device("hwmon", "tmp102", "1-0048", &c, 1), 0);
        ck_assert(sample.channels[0].value.number == -12.5);
        ck_assert_int_eq(read_device("hwmon", "tmp102", "1-0049", &c, 1), 0);
        ck_assert(sample.channels[0].value.number == 20);
        ck_assert_int_eq(read_device("hwmon", "tmp102", "1-004a", &c, 1), SENSOR_E_FAILED);
        ck_assert_msg(strstr(sample.error, "has \"1-004a\" in its path; there is pci0"), "%s", sample.error);
}
END_TEST

START_TEST(numbers_may_change_while_it_runs)
{
        ChannelSettings c = ATTRIBUTE("temp1_input");

        ck_assert_int_eq(read_device("hwmon", "acpitz", NULL, &c, 1), 0);
        run("cd %s/sys/class/hwmon && rm -r $(realpath hwmon0) && rm hwmon0", root);
        ck_assert_int_eq(driver->read(device, &sample), SENSOR_E_FAILED); /* unplugged */
        ck_assert_int_eq(driver->read(device, &sample), SENSOR_E_FAILED);
        ck_assert_msg(strstr(sample.error, "is called acpitz; there coretemp") ||
                      strstr(sample.error, "is called acpitz; there "), "%s", sample.error);
        add_hwmon(9, "virtual/thermal2", "acpitz", "echo 30000 > temp1_input");
        ck_assert_msg(driver->read(device, &sample) == 0, "%s", sample.error);
        ck_assert(sample.channels[0].value.number == 30);
}
END_TEST

/* A driver was loaded again: the chip's number is another chip's now, which has such a file too. */
START_TEST(a_number_that_is_anothers_now_is_not_read)
{
        ChannelSettings c = ATTRIBUTE("temp1_input"), in = ATTRIBUTE("in_temp");

        ck_assert_int_eq(read_device("hwmon", "coretemp", NULL, &c, 1), 0);
        run("cd %s/sys && mv devices/platform/coretemp.0/hwmon/hwmon1 devices/platform/coretemp.0/hwmon/hwmon3 && "
            "mv devices/pci0/i2c-1/1-0049/hwmon/hwmon3 devices/pci0/i2c-1/1-0049/hwmon/hwmon1 && cd class/hwmon && "
            "ln -sfn ../../devices/platform/coretemp.0/hwmon/hwmon3 hwmon3 && "
            "ln -sfn ../../devices/pci0/i2c-1/1-0049/hwmon/hwmon1 hwmon1", root);
        ck_assert_msg(driver->read(device, &sample) == 0, "%s", sample.error);
        ck_assert_msg(sample.channels[0].value.number == 51, "%g", sample.channels[0].value.number);

        /* below one parent, as those without one are: the name alone tells */
        add_hwmon(7, "virtual", "pch", "echo 60000 > temp1_input");
        add_hwmon(8, "virtual", "other", "echo 127000 > temp1_input");
        ck_assert_int_eq(read_device("hwmon", "pch", NULL, &c, 1), 0);
        run("cd %s/sys/devices/virtual/hwmon && mv hwmon7 x && mv hwmon8 hwmon7 && mv x hwmon8", root);
        ck_assert_msg(driver->read(device, &sample) == 0, "%s", sample.error);
        ck_assert_msg(sample.channels[0].value.number == 60, "%g", sample.channels[0].value.number);

        ck_assert_int_eq(read_device("iio", "bmp280", NULL, &in, 1), 0);
        run("cd %s/sys && mv devices/i2c-1/1-0076/iio:device0 devices/i2c-1/1-0076/iio:device1 && cd bus/iio/devices && "
            "ln -s ../../../devices/i2c-1/1-0076/iio:device1 iio:device1 && "
            "mkdir -p ../../../devices/adc/iio:device0 && ln -sfn ../../../devices/adc/iio:device0 iio:device0 && "
            "cd iio:device0 && echo adc > name && echo 99000 > in_temp_input", root);
        ck_assert_msg(driver->read(device, &sample) == 0, "%s", sample.error);
        ck_assert_msg(sample.channels[0].value.number == 21.5, "%g", sample.channels[0].value.number);
}
END_TEST

/* 1-0048 is no part of 11-0048, nor of 1-0048a. */
START_TEST(a_place_is_whole_parts_of_the_path)
{
        static const struct {
                const char *at;
                bool fits;
        } cases[] = {
                {"1-0048", true},           {"/1-0048/", true},      {"/1-0048", true},  {"1-0048/", true},
                {"i2c-1/1-0048", true},     {"1-0048/hwmon", true},  {"-0048", false},   {"1-004", false},
                {"1-0048/hwm", false},      {"pci0/i2c-1/", true},   {"hwmon2", true},   {"", false}, /* both have it */
        };
        ChannelSettings c = ATTRIBUTE("temp1_input");

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                bool both = strcmp(cases[i].at, "pci0/i2c-1/") == 0;

                add_hwmon(11, "pci0/i2c-11/11-0048", "tmp102", "echo 99000 > temp1_input");
                add_hwmon(12, "pci0/i2c-1/1-0048a", "tmp102", "echo 98000 > temp1_input");
                if (both)
                        run("cd %s/sys/class/hwmon && rm hwmon3 hwmon12", root);
                ck_assert_msg((read_device("hwmon", "tmp102", cases[i].at, &c, 1) == 0) == cases[i].fits, "%s: %s",
                              cases[i].at, cases[i].fits ? sample.error : "it fits");
                ck_assert_msg(!cases[i].fits || sample.channels[0].value.number == -12.5, "%s", cases[i].at);
                run("rm -r %s/sys/class/hwmon/hwmon11 %s/sys/devices/pci0/i2c-11 %s/sys/devices/pci0/i2c-1/1-0048a && "
                    "rm -f %s/sys/class/hwmon/hwmon12", root, root, root, root);
                if (both)
                        run("ln -s ../../devices/pci0/i2c-1/1-0049/hwmon/hwmon3 %s/sys/class/hwmon/hwmon3", root);
        }
        /* the right one is away: nobody stands in for it */
        add_hwmon(11, "pci0/i2c-11/11-0048", "tmp102", "echo 99000 > temp1_input");
        run("rm -r %s/sys/devices/pci0/i2c-1/1-0048 %s/sys/class/hwmon/hwmon2", root, root);
        ck_assert_int_eq(read_device("hwmon", "tmp102", "1-0048", &c, 1), SENSOR_E_FAILED);
        ck_assert_msg(strstr(sample.error, "has \"1-0048\" in its path"), "%s", sample.error);
}
END_TEST

START_TEST(industrial_io_is_found_by_its_labels)
{
        ChannelSettings channels[] = {LABEL("vbat"), LABEL("tank"), LABEL("ambient"),
                                      {.label = (char *)"ambient", .unit = (char *)"degF", .scale = 1.8, .offset = 32}};
        static const double values[] = {(100 - 4) * 0.5 / 1000, 101.325, 21.5, 70.7};
        static const char *const units[] = {"V", "kPa", "Cel", "degF"};
        ChannelSettings none = LABEL("vcore");

        run("cd %s/sys/bus/iio/devices/iio:device0 && echo outdoor > label && echo vbat > in_voltage0_label && "
            "echo tank > in_pressure_label && echo ambient > in_temp_label", root);
        for (int by_label = 0; by_label < 2; by_label++) {
                ck_assert_msg(read_device("iio", by_label ? "outdoor" : "bmp280", NULL, channels, 4) == 0, "%s",
                              sample.error);
                for (size_t i = 0; i < 4; i++) {
                        ck_assert_msg(fabs(sample.channels[i].value.number - values[i]) < 1e-9, "%zu: %.17g", i,
                                      sample.channels[i].value.number);
                        ck_assert_str_eq(driver->found_unit(device, i) ?: "", units[i]);
                }
        }
        ck_assert_int_eq(read_device("iio", "bmp280", NULL, &none, 1), SENSOR_E_FAILED);
        ck_assert_msg(strstr(sample.error, "has the label \"vcore\""), "%s", sample.error);
        ck_assert_int_eq(read_device("iio", "indoor", NULL, channels, 1), SENSOR_E_FAILED);
        ck_assert_msg(strstr(sample.error, "is called indoor; there bmp280, outdoor"), "%s", sample.error);
}
END_TEST

START_TEST(what_is_not_there_is_told_in_words)
{
        ChannelSettings none = ATTRIBUTE("temp9_input"), label = LABEL("Core 7"), junk = ATTRIBUTE("in2_input"),
                        iio = ATTRIBUTE("in_humidityrelative"), twice = LABEL("Package id 0");

        ck_assert_int_eq(read_device("hwmon", "coretemp", NULL, &none, 1), SENSOR_E_FAILED);
        ck_assert_ptr_nonnull(strstr(sample.error, "temp9_input does not exist"));
        ck_assert_int_eq(read_device("hwmon", "coretemp", NULL, &label, 1), SENSOR_E_FAILED);
        ck_assert_ptr_nonnull(strstr(sample.error, "has the label \"Core 7\""));
        run("echo 'Package id 0' > %s/sys/class/hwmon/hwmon1/temp3_label && echo 7000 > %s/sys/class/hwmon/hwmon1/temp3_input",
            root, root);
        ck_assert_int_eq(read_device("hwmon", "coretemp", NULL, &twice, 1), SENSOR_E_FAILED);
        ck_assert_msg(strstr(sample.error, "temp1_label") && strstr(sample.error, "temp3_label") &&
                      strstr(sample.error, "`attribute` picks one"), "%s", sample.error);
        ck_assert_int_eq(read_device("hwmon", "ina219", NULL, &junk, 1), SENSOR_E_FAILED);
        ck_assert_ptr_nonnull(strstr(sample.error, "\"junk\" in "));
        ck_assert_int_eq(read_device("iio", "bmp280", NULL, &iio, 1), SENSOR_E_FAILED);
        ck_assert_ptr_nonnull(strstr(sample.error, "neither in_humidityrelative_raw nor"));
        run("rm -r %s/sys/bus", root);
        ck_assert_int_eq(read_device("iio", "bmp280", NULL, &iio, 1), SENSOR_E_FAILED);
        ck_assert_ptr_nonnull(strstr(sample.error, "bus/iio/devices does not exist"));
}
END_TEST

START_TEST(industrial_io_is_scaled_as_its_abi_says)
{
        static const struct {
                const char *attribute, *unit;
                double value;
        } cases[] = {
                {"in_voltage2-voltage3", "V", 8 * 0.25 / 1000}, {"in_voltage4_vbat", "V", (10 - 4) * 0.5 / 1000},
                {"in_pressure", "kPa", 101.325},      {"in_temp", "Cel", 21.5},
                {"in_voltage0", "V", (100 - 4) * 0.5 / 1000}, {"in_voltage1", "V", (3 - 4) * 2 / 1000.0},
                {"in_accel_x", "m/s2", 16384 * 0.000598},     {"in_count", "", 7},
                {"in_pressure_input", "", 101.325},   {"in_voltage0_raw", "", 100},
        };

        run("cd %s/sys/bus/iio/devices/iio:device0 && echo 8 > in_voltage2-voltage3_raw && echo 0.25 > in_voltage-voltage_scale "
            "&& echo 10 > in_voltage4_vbat_raw", root);
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                ChannelSettings c = ATTRIBUTE(cases[i].attribute);

                ck_assert_msg(read_device("iio", "bmp280", NULL, &c, 1) == 0, "%s", sample.error);
                /* to the last digit: nobody wants to see 25.080000000000002 */
                ck_assert_msg(sample.channels[0].value.number == cases[i].value, "%s: %.17g", cases[i].attribute,
                              sample.channels[0].value.number);
                ck_assert_msg(strcmp(unit_of("iio", c), cases[i].unit) == 0, "%s: %s", cases[i].attribute,
                              unit_of("iio", c));
        }
}
END_TEST

/* Of all that come in, if nobody nearer has one. */
START_TEST(a_scale_may_be_shared_by_all)
{
        ChannelSettings own = ATTRIBUTE("in_accel_x"), all = ATTRIBUTE("in_count");

        run("echo 3 > %s/sys/bus/iio/devices/iio:device0/in_scale", root);
        ck_assert_int_eq(read_device("iio", "bmp280", NULL, &all, 1), 0);
        ck_assert(sample.channels[0].value.number == 21);
        ck_assert_int_eq(read_device("iio", "bmp280", NULL, &own, 1), 0);
        ck_assert(fabs(sample.channels[0].value.number - 16384 * 0.000598) < 1e-9);
}
END_TEST

/* Whatever it has: a value, or words. */
START_TEST(this_machine_can_be_asked)
{
        SensorSettings s = {.name = "x", .driver = (char *)"hwmon", .device = (char *)"coretemp",
                            .interval_usec = USEC_PER_SEC};
        ChannelSettings c = {.name = "c", .scale = 1, .attribute = (char *)"temp1_input"};
        char error[SENSOR_ERROR_MAX];

        s.channels = &c;
        s.n_channels = 1;
        driver = sensor_driver_find("hwmon");
        ck_assert_int_eq(driver->open(&s, &(DriverTools){}, &device, error), 0);
        if (driver->read(device, &sample) == 0)
                ck_assert(sample.channels[0].value.number > -60 && sample.channels[0].value.number < 150);
        else
                ck_assert_ptr_nonnull(strstr(sample.error, "/sys/class/hwmon"));
}
END_TEST

START_TEST(settings_are_checked)
{
        static const struct {
                const char *driver, *member, *device;
                ChannelSettings channel;
        } cases[] = {
                {"hwmon", "device", NULL, {.attribute = (char *)"temp1_input"}},
                {"hwmon", "channels.c.attribute", "x", {}},
                {"hwmon", "channels.c.attribute", "x", {.attribute = (char *)"a", .label = (char *)"b"}},
                {"hwmon", "channels.c.attribute", "x", {.attribute = (char *)"../../etc/passwd"}},
                {"hwmon", "channels.c.attribute", "x", {.attribute = (char *)""}},
                {"iio", "channels.c.attribute", "x", {.attribute = (char *)"a", .label = (char *)"b"}},
                {"iio", NULL, "x", {.label = (char *)"b"}},
                {"hwmon", NULL, "x", {.label = (char *)"b"}},
                {"iio", NULL, "x", {.attribute = (char *)"in_temp"}},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                ChannelSettings c = cases[i].channel;
                SensorSettings s = {.name = "x", .driver = (char *)(uintptr_t)cases[i].driver,
                                    .device = (char *)(uintptr_t)cases[i].device, .interval_usec = USEC_PER_SEC,
                                    .channels = &c, .n_channels = 1};
                char *error = NULL;

                strcpy(c.name, "c");
                c.scale = 1;
                ck_assert_int_eq(sensor_settings_check(&s, &error), cases[i].member ? SENSOR_E_BAD : 0);
                ck_assert_msg(!cases[i].member || strncmp(error, cases[i].member, strlen(cases[i].member)) == 0, "%zu: %s",
                              i, error);
                free(error);
        }
}
END_TEST

int main(void)
{
        Suite *s = suite_create("sensor/sysfs");
        TCase *c = suite_case(s, "hardware monitors and industrial I/O");

        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_test(c, a_monitor_is_found_by_name_and_label);
        tcase_add_test(c, each_kind_has_its_unit);
        tcase_add_test(c, a_label_has_the_unit_of_its_kind);
        tcase_add_test(c, a_sensor_knows_the_units_of_its_labels);
        tcase_add_test(c, several_of_a_name_are_told_apart_by_their_place);
        tcase_add_test(c, numbers_may_change_while_it_runs);
        tcase_add_test(c, a_number_that_is_anothers_now_is_not_read);
        tcase_add_test(c, a_place_is_whole_parts_of_the_path);
        tcase_add_test(c, industrial_io_is_found_by_its_labels);
        tcase_add_test(c, what_is_not_there_is_told_in_words);
        tcase_add_test(c, industrial_io_is_scaled_as_its_abi_says);
        tcase_add_test(c, a_scale_may_be_shared_by_all);
        tcase_add_test(c, this_machine_can_be_asked);
        tcase_add_test(c, settings_are_checked);
        return suite_run(s);
}
