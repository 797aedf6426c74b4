/* SPDX-License-Identifier: Apache-2.0 */

/* What a machine has, by made-up trees of its files; and that what is proposed is what the drivers then read. */

#include "sensor/survey.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "fail-alloc.h"
#include "fake-i2c.h"
#include "fake-sysfs.h"
#include "suite.h"

#define FILES(...) ((const char *const[]){__VA_ARGS__, NULL})
#define ISA        "pci0000:00/0000:00:1f.4"

static FakeSysfs sysfs;
static Survey *survey;

static void setup(void)
{
        fake_sysfs_init(&sysfs);
        survey = NULL;
}

static void teardown(void)
{
        survey_free(survey);
        fake_sysfs_done(&sysfs);
}

static void look(void)
{
        survey = survey_free(survey);
        ck_assert_int_eq(survey_new(&survey, sysfs.root, NULL), 0);
        ck_assert_int_eq(survey_name(survey), 0);
}

/* ---- told in a line each ---- */

static const char *told_of(const SurveySensor *s, Buffer *b)
{
        buffer_clear(b);
        buffer_printf(b, "%s %s", s->settings.name, s->settings.driver);
        if (s->settings.device)
                buffer_printf(b, " device=%s", s->settings.device);
        if (s->settings.at)
                buffer_printf(b, " at=%s", s->settings.at);
        if (s->settings.path)
                buffer_printf(b, " path=%s", s->settings.path);
        for (size_t i = 0; i < s->settings.n_channels; i++) {
                const ChannelSettings *c = &s->settings.channels[i];

                buffer_printf(b, " %s[%s%s]", c->name, c->label ? "label " : "", c->label ?: c->attribute ?: "");
                if (!s->channels[i].error)
                        buffer_printf(b, "=%g%s", s->channels[i].value, s->channels[i].unit ?: "");
        }
        if (s->why_not)
                buffer_printf(b, " not: %s", s->why_not);
        return b->data;
}

static void expect(const char *const *lines)
{
        _cleanup_(buffer_done) Buffer b = BUFFER_NULL;
        size_t n = 0;

        for (; lines[n]; n++) {
                ck_assert_uint_lt(n, survey->n_sensors);
                ck_assert_str_eq(told_of(&survey->sensors[n], &b), lines[n]);
        }
        ck_assert_uint_eq(survey->n_sensors, n);
}

/* ---- what is there ---- */

START_TEST(each_source_is_proposed_by_name_and_label)
{
        fake_sysfs_hwmon(&sysfs, 3, "platform/coretemp.0", "coretemp",
                         FILES("temp1_input=51000", "temp1_label=Package id 0", "temp2_input=49000", "temp2_label=Core 0",
                               "temp2_crit=100000", "temp10_input=48000", "temp10_label=Core 8"));
        fake_sysfs_hwmon(&sysfs, 0, "platform/board", "nct6798",
                         FILES("in0_input=1024", "fan2_input=900", "pwm1=128", "in0_min=0", "power1_average=12500000",
                               "power2_input=3000000", "power2_average=2900000", "intrusion0_alarm=0", "freq1_input=500"));
        fake_sysfs_iio(&sysfs, 0, ISA "/i2c-1/1-0076", "bme280",
                       FILES("in_pressure_input=101.325", "in_temp_input=21500", "in_humidityrelative_raw=45000",
                             "in_humidityrelative_input=45000", "in_voltage0-voltage1_raw=5", "sampling_frequency=1",
                             "out_voltage0_raw=7", "in_accel_scale=1"));
        fake_sysfs_zone(&sysfs, 0, "gpu-thermal", "41000");
        look();
        expect(FILES("coretemp hwmon device=coretemp package_id_0[label Package id 0]=51Cel core_0[label Core 0]=49Cel "
                     "core_8[label Core 8]=48Cel",
                     "nct6798 hwmon device=nct6798 fan2[fan2_input]=900/min freq1[freq1_input]=500Hz in0[in0_input]=1.024V "
                     "power1[power1_average]=12.5W power2[power2_input]=3W",
                     "bme280 iio device=bme280 humidityrelative[in_humidityrelative]=45%RH pressure[in_pressure]=101.325kPa "
                     "temp[in_temp]=21.5Cel voltage0_voltage1[in_voltage0-voltage1]=0.005V",
                     "gpu_thermal file path=/sys/class/thermal/thermal_zone0/temp temperature[]=41Cel"));
}
END_TEST

START_TEST(industrial_io_is_proposed_by_its_labels)
{
        fake_sysfs_iio(&sysfs, 0, "platform/adc", "adc",
                       FILES("in_voltage0_raw=1200", "in_voltage0_label=Battery +", "in_voltage1_raw=5", "in_voltage1_label=same",
                             "in_voltage2_raw=6", "in_voltage2_label=same", "in_voltage3_raw=7", "in_voltage3_label=pump",
                             "out_voltage0_raw=1", "out_voltage0_label=pump", "in_accel_x_raw=3", "in_accel_x_label=tilt",
                             "in_temp_input=21500", "in_temp_raw=1", "in_temp_label=5"));
        look();
        /* by its label goes what no other file has it, be it a value or not */
        expect(FILES("adc iio device=adc tilt[label tilt]=3m/s2 temp_5[label 5]=21.5Cel battery[label Battery +]=1.2V "
                     "voltage1[in_voltage1]=0.005V voltage2[in_voltage2]=0.006V voltage3[in_voltage3]=0.007V"));
}
END_TEST

START_TEST(a_device_is_called_what_its_board_calls_it)
{
        fake_sysfs_iio(&sysfs, 0, "platform/a", "ads1015", FILES("label=battery", "in_voltage0_raw=1"));
        fake_sysfs_iio(&sysfs, 1, "platform/b", "ads1015", FILES("label=panel", "in_voltage0_raw=2"));
        fake_sysfs_iio(&sysfs, 2, "platform/c", "ads1015", FILES("in_voltage0_raw=3"));
        fake_sysfs_iio(&sysfs, 3, "platform/d", "adc", FILES("label=same", "in_voltage0_raw=4"));
        fake_sysfs_iio(&sysfs, 4, "platform/e", "adc", FILES("label=same", "in_voltage0_raw=5"));
        fake_sysfs_iio(&sysfs, 5, "platform/f", "mcp", FILES("label=dac", "in_voltage0_raw=6"));
        fake_sysfs_iio(&sysfs, 6, "platform/g", "dac", FILES("in_voltage0_raw=7"));
        fake_sysfs_iio(&sysfs, 7, "platform/h", NULL, FILES("label=unnamed", "in_voltage0_raw=8"));
        fake_sysfs_hwmon(&sysfs, 0, "platform/i", "ina226", FILES("label=Rail 3V3", "in1_input=3300"));
        look();
        /* the driver of our own knows a device by either: so a label is none that another has in any way, and a name
         * that is another's label needs the place */
        expect(FILES("rail_3v3 hwmon device=Rail 3V3 in1[in1_input]=3.3V",
                     "adc_d iio device=adc at=/d/ voltage0[in_voltage0]=0.004V",
                     "adc_e iio device=adc at=/e/ voltage0[in_voltage0]=0.005V",
                     "ads1015 iio device=ads1015 at=/c/ voltage0[in_voltage0]=0.003V",
                     "battery iio device=battery voltage0[in_voltage0]=0.001V",
                     "dac iio device=dac at=/g/ voltage0[in_voltage0]=0.007V", "mcp iio device=mcp voltage0[in_voltage0]=0.006V",
                     "panel iio device=panel voltage0[in_voltage0]=0.002V",
                     "unnamed iio device=unnamed voltage0[in_voltage0]=0.008V"));
        ck_assert_str_eq(survey->sensors[0].remark.data, "Called so by who built this machine; its driver calls it ina226.\n");
        ck_assert_uint_eq(survey->sensors[1].remark.size, 0);
}
END_TEST

START_TEST(nothing_is_nothing)
{
        look();
        ck_assert_uint_eq(survey->n_sensors, 0);
        ck_assert_uint_eq(survey->n_buses, 0);
}
END_TEST

START_TEST(those_of_one_name_are_told_apart_by_their_places)
{
        fake_sysfs_hwmon(&sysfs, 0, ISA "/i2c-1/1-0049", "lm75", FILES("temp1_input=2000"));
        fake_sysfs_hwmon(&sysfs, 1, ISA "/i2c-1/1-0048", "lm75", FILES("temp1_input=1000"));
        fake_sysfs_hwmon(&sysfs, 2, "pci0000:00/0000:3e:00.0/nvme/nvme0", "nvme", FILES("temp1_input=3000"));
        fake_sysfs_hwmon(&sysfs, 3, "pci0000:00/0000:3d:00.0/nvme/nvme1", "nvme", FILES("temp1_input=4000"));
        fake_sysfs_hwmon(&sysfs, 4, "pci0000:00/0000:00:17.0/ata1/host0/target0:0:0/0:0:0:0", "drivetemp",
                         FILES("temp1_input=5000"));
        fake_sysfs_hwmon(&sysfs, 5, "pci0000:00/0000:00:17.0/ata2/host1/target1:0:0/1:0:0:0", "drivetemp",
                         FILES("temp1_input=6000"));
        fake_sysfs_hwmon(&sysfs, 6, "platform/twice", "twice", FILES("temp1_input=7000"));
        fake_sysfs_hwmon(&sysfs, 7, "platform/twice", "twice", FILES("temp1_input=8000"));
        look();
        expect(FILES("drivetemp_0_0_0_0 hwmon device=drivetemp at=/0:0:0:0/ temp1[temp1_input]=5Cel",
                     "drivetemp_1_0_0_0 hwmon device=drivetemp at=/1:0:0:0/ temp1[temp1_input]=6Cel",
                     "lm75_1_0048 hwmon device=lm75 at=/1-0048/ temp1[temp1_input]=1Cel",
                     "lm75_1_0049 hwmon device=lm75 at=/1-0049/ temp1[temp1_input]=2Cel",
                     "nvme_0000_3d_00_0 hwmon device=nvme at=/0000:3d:00.0/ temp1[temp1_input]=4Cel",
                     "nvme_0000_3e_00_0 hwmon device=nvme at=/0000:3e:00.0/ temp1[temp1_input]=3Cel",
                     "twice hwmon device=twice temp1[temp1_input]=7Cel not: another device has this name and this place: "
                     "nothing tells them apart",
                     "twice_2 hwmon device=twice temp1[temp1_input]=8Cel not: another device has this name and this place: "
                     "nothing tells them apart"));
        /* where only a number of this boot does, it is said */
        ck_assert_ptr_nonnull(strstr(survey->sensors[0].remark.data, "may be another one after the next boot"));
        ck_assert_uint_eq(survey->sensors[2].remark.size, 0);
}
END_TEST

START_TEST(a_zone_that_is_a_monitor_too_stands_once)
{
        fake_sysfs_zone(&sysfs, 0, "cpu-thermal", "44000");
        fake_sysfs_zone(&sysfs, 1, "soc", "40000");
        fake_sysfs_zone(&sysfs, 2, "soc", "41000");
        fake_sysfs_hwmon(&sysfs, 5, "virtual/thermal/thermal_zone0", "cpu_thermal", FILES("temp1_input=44000"));
        look();
        expect(FILES("cpu_thermal hwmon device=cpu_thermal temp1[temp1_input]=44Cel",
                     "soc_thermal_zone1 file path=/sys/class/thermal/thermal_zone1/temp temperature[]=40Cel",
                     "soc_thermal_zone2 file path=/sys/class/thermal/thermal_zone2/temp temperature[]=41Cel"));
}
END_TEST

/* ---- it holds ---- */

static double read_alone(const SensorSettings *s, size_t i)
{
        const SensorDriver *driver = sensor_driver_find(s->driver);
        const DriverTools tools = {.clock = &clock_system, .sysfs = sysfs.root};
        SensorSettings one = *s;
        char error[SENSOR_ERROR_MAX], *bad = NULL;
        void *device;
        Sample sample;

        one.channels = &s->channels[i];
        one.n_channels = 1;
        ck_assert_msg(sensor_settings_check(&one, &bad) == 0, "%s: %s", s->name, bad);
        ck_assert_int_eq(driver->open(&one, &tools, &device, error), 0);
        ck_assert_msg(driver->read(device, &sample) == 0, "%s: %s", s->name, sample.error);
        driver->close(device);
        return sample.channels[0].value.number;
}

/* What is proposed finds its device, that one, and reads what was shown. */
static void hold_against_drivers(void)
{
        for (size_t i = 0; i < survey->n_sensors; i++) {
                const SurveySensor *s = &survey->sensors[i];

                insist(name_is_valid(s->settings.name));
                for (size_t k = 0; k < i; k++)
                        insist(strcmp(survey->sensors[k].settings.name, s->settings.name) != 0);
                if (s->why_not || strcmp(s->settings.driver, "file") == 0)
                        continue;
                for (size_t k = 0; k < s->settings.n_channels; k++)
                        if (!s->channels[k].error)
                                ck_assert_msg(read_alone(&s->settings, k) == s->channels[k].value, "%s.%s",
                                              s->settings.name, s->settings.channels[k].name);
        }
}

/* The same devices, whatever numbers the kernel gave them at this boot. */
START_TEST(numbers_of_a_boot_change_nothing)
{
        static const struct {
                const char *place, *name;
        } devices[] = {
                {"platform/coretemp.0", "coretemp"}, {"platform/coretemp.1", "coretemp"}, {ISA "/i2c-1/1-0048", "lm75"},
                {ISA "/i2c-1/1-004a", "lm75"},       {"platform/a", "one"},               {"platform/b", "tmp102"},
        };
        Buffer told[ARRAY_SIZE(devices)] = {}, now = BUFFER_NULL;

        for (unsigned boot = 0; boot < ARRAY_SIZE(devices); boot++) {
                for (unsigned i = 0; i < ARRAY_SIZE(devices); i++) {
                        char input[32];

                        (void)snprintf(input, sizeof(input), "temp1_input=%u000", i);
                        fake_sysfs_hwmon(&sysfs, (i + boot) % ARRAY_SIZE(devices), devices[i].place, devices[i].name,
                                         FILES(input, "temp1_label=Inside"));
                }
                look();
                ck_assert_uint_eq(survey->n_sensors, ARRAY_SIZE(devices));
                hold_against_drivers();
                for (size_t i = 0; i < survey->n_sensors; i++) {
                        if (boot == 0)
                                (void)told_of(&survey->sensors[i], &told[i]);
                        else
                                ck_assert_str_eq(told_of(&survey->sensors[i], &now), told[i].data);
                }
                fake_sysfs_done(&sysfs);
                fake_sysfs_init(&sysfs);
        }
        for (size_t i = 0; i < ARRAY_SIZE(devices); i++)
                buffer_done(&told[i]);
        buffer_done(&now);
}
END_TEST

/* ---- odd and hostile ---- */

START_TEST(odd_texts_become_names_or_are_left_alone)
{
        fake_sysfs_hwmon(&sysfs, 0, "platform/a", "we\"ird \\ $(name)\t\x1b[31m",
                         FILES("in1_label=+12V \"main\"", "in1_input=12034", "in2_label=same", "in2_input=1000",
                               "in3_label=same", "in3_input=2000", "temp1_label=\xff\xfe", "temp1_input=1000", "temp2_label=",
                               "temp2_input=2000", "temp3_label=T", "temp3_input=3000", "temp4_label=temp3",
                               "temp4_input=4000", "temp5_label=###", "temp5_input=5000", "temp6_label=temp 3",
                               "temp6_input=6000"));
        fake_sysfs_hwmon(&sysfs, 1, "platform/b", NULL, FILES("temp1_input=1000"));
        fake_sysfs_hwmon(&sysfs, 2, "platform/c", "\xc3(", FILES("temp1_input=1000"));
        fake_sysfs_hwmon(&sysfs, 3, "platform/d", "", FILES("temp1_input=1000"));
        fake_sysfs_hwmon(&sysfs, 4, "platform/e", "\xe6\xb8\xa9\xe5\xba\xa6", FILES("temp1_input=1000"));
        fake_sysfs_hwmon(&sysfs, 5, "platform/f", "a_very_long_name_that_is_longer_than_names_of_sensors_can_be",
                         FILES("temp1_input=1000"));
        look();
        hold_against_drivers();
        expect(FILES("a_very_long_name_that_is_longer hwmon device=a_very_long_name_that_is_longer_than_names_of_sensors_can_be "
                     "temp1[temp1_input]=1Cel",
                     "we_ird_name_31m hwmon device=we\"ird \\ $(name)\t\x1b[31m in1_12v_main[label +12V \"main\"]=12.034V "
                     "in2[in2_input]=1V in3[in3_input]=2V temp1[temp1_input]=1Cel temp2[temp2_input]=2Cel t_2[label T]=3Cel "
                     "temp3[label temp3]=4Cel temp5[label ###]=5Cel temp_3[label temp 3]=6Cel",
                     "sensor_e hwmon device=\xe6\xb8\xa9\xe5\xba\xa6 temp1[temp1_input]=1Cel",
                     "sensor_b hwmon not: its file `name` says nothing by which it could be found",
                     "sensor_c hwmon not: its file `name` says nothing by which it could be found",
                     "sensor_d hwmon not: its file `name` says nothing by which it could be found"));
}
END_TEST

START_TEST(what_cannot_be_read_stands_alone)
{
        fake_sysfs_hwmon(&sysfs, 0, "platform/a", "half", FILES("temp1_input=1000", "temp2_input=junk", "temp3_input=nan"));
        fake_sysfs_folder(&sysfs, "class/hwmon/hwmon0/temp4_input");
        fake_sysfs_link(&sysfs, "class/hwmon/hwmon0/temp5_input", "nowhere");
        fake_sysfs_folder(&sysfs, "class/hwmon/hwmon0/temp1_label");
        fake_sysfs_hwmon(&sysfs, 1, "platform/b", "dead", FILES("temp1_input="));
        fake_sysfs_link(&sysfs, "class/hwmon/hwmon7", "nowhere");
        fake_sysfs_file(&sysfs, "class/hwmon/hwmon8", "a file where a folder should be");
        fake_sysfs_iio(&sysfs, 0, "platform/c", "adc", FILES("in_voltage0_raw=1"));
        fake_sysfs_folder(&sysfs, "bus/iio/devices/iio:device0/in_voltage0_scale");
        fake_sysfs_folder(&sysfs, "class/thermal/thermal_zone9");
        look();
        hold_against_drivers();
        expect(FILES("dead hwmon device=dead temp1[temp1_input] not: none of its values can be read now",
                     "half hwmon device=half temp1[temp1_input]=1Cel temp2[temp2_input] temp3[temp3_input] temp4[temp4_input] "
                     "temp5[temp5_input]",
                     "sensor_hwmon7 hwmon not: its file `name` says nothing by which it could be found",
                     "sensor_hwmon8 hwmon not: its file `name` says nothing by which it could be found",
                     "adc iio device=adc voltage0[in_voltage0] not: none of its values can be read now"));
}
END_TEST

/* As somebody who is not root. */
START_TEST(what_is_not_for_us_is_told)
{
        char path[128];
        int r, k;

        fake_sysfs_hwmon(&sysfs, 0, "platform/a", "shut", FILES("temp1_input=1000", "temp2_input=2000", "temp2_label=Inside"));
        fake_sysfs_hwmon(&sysfs, 1, "platform/b", "secret", FILES("temp1_input=1000"));
        (void)snprintf(path, sizeof(path), "%s/class/hwmon/hwmon0/temp1_input", sysfs.root);
        ck_assert_int_eq(chmod(path, 0), 0);
        (void)snprintf(path, sizeof(path), "%s/class/hwmon/hwmon1/name", sysfs.root);
        ck_assert_int_eq(chmod(path, 0), 0);
        ck_assert_int_eq(chmod(sysfs.root, 0755), 0);
        ck_assert_int_eq(geteuid() == 0 ? seteuid(65534) : 0, 0);
        r = survey_new(&survey, sysfs.root, NULL);
        k = getuid() == 0 ? seteuid(0) : 0;
        ck_assert_int_eq(r, 0);
        ck_assert_int_eq(k, 0);
        ck_assert_int_eq(survey_name(survey), 0);
        expect(FILES("shut hwmon device=shut temp1[temp1_input] inside[label Inside]=2Cel",
                     "sensor hwmon not: its file `name` says nothing by which it could be found"));
        ck_assert_ptr_nonnull(strstr(survey->sensors[0].channels[0].error, "may not be read"));
}
END_TEST

START_TEST(a_thousand_devices_are_too_many_for_settings_and_not_for_us)
{
        unsigned usable = 0;

        for (unsigned i = 0; i < 1000; i++) {
                char place[32], name[32];

                (void)snprintf(place, sizeof(place), "platform/p.%u", i);
                (void)snprintf(name, sizeof(name), i % 2 == 0 ? "same" : "chip%u", i % 10);
                fake_sysfs_hwmon(&sysfs, i, place, name, FILES("temp1_input=1000"));
        }
        look();
        ck_assert_uint_eq(survey->n_sensors, 1000);
        for (size_t i = 0; i < 1000; i++) {
                insist(name_is_valid(survey->sensors[i].settings.name));
                usable += !survey->sensors[i].why_not;
                for (size_t k = 0; k < i; k++)
                        insist(strcmp(survey->sensors[k].settings.name, survey->sensors[i].settings.name) != 0);
        }
        ck_assert_uint_eq(usable, SENSORS_MAX);
}
END_TEST

START_TEST(a_device_of_many_values_makes_several_sensors)
{
        char files[150][32];
        const char *list[151] = {};

        for (unsigned i = 0; i < 150; i++) {
                (void)snprintf(files[i], sizeof(files[i]), "temp%u_input=%u", i + 1, i);
                list[i] = files[i];
        }
        fake_sysfs_hwmon(&sysfs, 0, "platform/a", "many", list);
        fake_sysfs_iio(&sysfs, 0, "platform/b", "lots", FILES("in_temp_input=1"));
        for (unsigned i = 0; i < 150; i++) {
                char path[64];

                (void)snprintf(path, sizeof(path), "bus/iio/devices/iio:device0/in_voltage%u_raw", i);
                fake_sysfs_file(&sysfs, path, "3");
        }
        look();
        hold_against_drivers();
        ck_assert_uint_eq(survey->n_sensors, 6);
        for (size_t i = 0; i < 6; i++) {
                static const char *const names[] = {"many", "many_2", "many_3", "lots", "lots_2", "lots_3"};
                static const size_t n[] = {64, 64, 22, 64, 64, 23};

                ck_assert_str_eq(survey->sensors[i].settings.name, names[i]);
                ck_assert_uint_eq(survey->sensors[i].settings.n_channels, n[i]);
                ck_assert_ptr_null(survey->sensors[i].why_not);
        }
}
END_TEST

/* ---- buses ---- */

START_TEST(buses_tell_who_has_their_addresses)
{
        FakeI2c i2c;

        fake_i2c_init(&i2c);
        i2c.smbus_only = true;
        fake_sysfs_bus(&sysfs, 10, "platform/b", "second");
        fake_sysfs_bus(&sysfs, 1, "platform/a", "bcm2835 (i2c@7e804000)");
        fake_sysfs_folder(&sysfs, "class/i2c-dev/i2c-10");
        fake_sysfs_file(&sysfs, "class/i2c-dev/i2c-2/name", "known to i2c-dev alone");
        fake_sysfs_chip(&sysfs, 1, "platform/a", 0x48, "tmp102", "lm75");
        fake_sysfs_hwmon(&sysfs, 0, "platform/a/i2c-1/1-0048", "tmp102", FILES("temp1_input=1000"));
        fake_sysfs_chip(&sysfs, 1, "platform/a", 0x50, "24c02", NULL);
        fake_sysfs_chip(&sysfs, 10, "platform/b", 0x68, "ds3231", "rtc-ds1307");
        fake_sysfs_folder(&sysfs, "bus/i2c/devices/1-a048"); /* ten bits */
        fake_sysfs_folder(&sysfs, "bus/i2c/devices/3-0048"); /* of no bus that there is */
        fake_sysfs_folder(&sysfs, "bus/i2c/devices/i2c-PNP0C02:00");
        ck_assert_int_eq(survey_new(&survey, sysfs.root, &i2c.port), 0);

        ck_assert_uint_eq(survey->n_buses, 3);
        ck_assert_str_eq(survey->buses[0].device, "/dev/i2c-1");
        ck_assert_str_eq(survey->buses[0].name, "bcm2835 (i2c@7e804000)");
        ck_assert_int_eq(survey->buses[0].functions, I2C_CAN_QUICK | I2C_CAN_RECEIVE);
        ck_assert_uint_eq(survey->buses[0].n_addresses, 2);
        ck_assert(survey->buses[0].addresses[0].is_held);
        ck_assert_str_eq(survey->buses[0].addresses[0].holder.driver, "lm75");
        ck_assert_str_eq(survey->buses[0].addresses[0].holder.kind, "hwmon");
        ck_assert(!survey->buses[0].addresses[1].is_held);
        ck_assert_str_eq(survey->buses[0].addresses[1].type, "24c02");
        ck_assert_str_eq(survey->buses[1].name, "known to i2c-dev alone");
        ck_assert_str_eq(survey->buses[2].device, "/dev/i2c-10");
        ck_assert_int_eq(survey->buses[2].functions, -ENOENT);
        ck_assert_uint_eq(survey->buses[2].n_addresses, 1);
        ck_assert_str_eq(survey->buses[2].addresses[0].holder.shown, "");
        ck_assert_uint_eq(i2c.transfers, 0); /* nobody on the bus was asked anything */
        ck_assert_uint_eq(i2c.opened, i2c.closed);
        fake_i2c_done(&i2c);
}
END_TEST

/* ---- memory runs out ---- */

START_TEST(every_allocation_may_fail)
{
        bool failed = true;

        fake_sysfs_hwmon(&sysfs, 0, ISA "/i2c-1/1-0048", "lm75", FILES("temp1_input=1000", "temp1_label=Inside"));
        fake_sysfs_hwmon(&sysfs, 1, ISA "/i2c-1/1-0049", "lm75", FILES("temp1_input=junk", "power1_average=1", "power1_input=1"));
        fake_sysfs_hwmon(&sysfs, 2, "platform/x", NULL, FILES("temp1_input=1"));
        fake_sysfs_iio(&sysfs, 0, "platform/a", "adc",
                       FILES("in_voltage0_raw=1", "in_voltage_scale=2", "in_voltage0_label=vbat"));
        fake_sysfs_zone(&sysfs, 0, "soc", "40000");
        fake_sysfs_bus(&sysfs, 1, "platform/a", "adapter");
        fake_sysfs_chip(&sysfs, 1, "platform/a", 0x48, "tmp102", "lm75");
        for (uint64_t n = 1; failed; n++) {
                int r;

                survey = survey_free(survey);
                fail_alloc(n, 1);
                r = survey_new(&survey, sysfs.root, NULL);
                if (r == 0)
                        r = survey_name(survey);
                failed = fail_alloc_stop();
                ck_assert_msg(r == 0 || (failed && r == -ENOMEM), "%llu: %d", (unsigned long long)n, r);
        }
        ck_assert_uint_eq(survey->n_sensors, 5);
}
END_TEST

START_TEST(every_allocation_of_a_probe_may_fail)
{
        static ChipDescription chip = {.holders = 2, .title = (char *)"B ME", .addresses = {1, {0x76}},
                                       .identity = {{1, {0xd0}}, 1, 0, 0x60}};
        static const NamedChip chips[] = {{"bme280", &chip}};
        bool failed = true;
        FakeI2c i2c;

        fake_i2c_init(&i2c);
        fake_i2c_set(&i2c, 0x76, 0xd0, "\x60", 1);
        fake_i2c_set(&i2c, 0x20, 0, "", 1);
        fake_sysfs_bus(&sysfs, 1, "platform/a", "adapter");
        for (uint64_t n = 1; failed; n++) {
                int r;

                survey = survey_free(survey);
                ck_assert_int_eq(survey_new(&survey, sysfs.root, &i2c.port), 0);
                fail_alloc(n, 1);
                r = survey_probe(survey, &i2c.port, FAKE_I2C_BUS, chips, 1);
                if (r == 0)
                        r = survey_name(survey);
                failed = fail_alloc_stop();
                ck_assert_msg(r == 0 || (failed && r == -ENOMEM), "%llu: %d", (unsigned long long)n, r);
                ck_assert_uint_eq(i2c.opened, i2c.closed);
        }
        ck_assert_uint_eq(survey->n_sensors, 2);
        fake_i2c_done(&i2c);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("sensor/survey");
        TCase *c = suite_case(s, "what this machine has");

        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_test(c, each_source_is_proposed_by_name_and_label);
        tcase_add_test(c, industrial_io_is_proposed_by_its_labels);
        tcase_add_test(c, a_device_is_called_what_its_board_calls_it);
        tcase_add_test(c, nothing_is_nothing);
        tcase_add_test(c, those_of_one_name_are_told_apart_by_their_places);
        tcase_add_test(c, a_zone_that_is_a_monitor_too_stands_once);
        tcase_add_test(c, numbers_of_a_boot_change_nothing);
        tcase_add_test(c, odd_texts_become_names_or_are_left_alone);
        tcase_add_test(c, what_cannot_be_read_stands_alone);
        tcase_add_test(c, what_is_not_for_us_is_told);
        tcase_add_test(c, a_thousand_devices_are_too_many_for_settings_and_not_for_us);
        tcase_add_test(c, a_device_of_many_values_makes_several_sensors);
        tcase_add_test(c, buses_tell_who_has_their_addresses);
        tcase_add_test(c, every_allocation_may_fail);
        tcase_add_test(c, every_allocation_of_a_probe_may_fail);
        return suite_run(s);
}
