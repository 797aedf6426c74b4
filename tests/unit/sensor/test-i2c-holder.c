/* SPDX-License-Identifier: Apache-2.0 */

/* Whom an address belongs to, by a tree as the kernel's; and what is told of it, all the way through the engine. */

#include "sensor/i2c-holder.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fake-i2c.h"
#include "sensor/chip-reader.h"
#include "suite.h"

static char root[64];
static I2cHolder holder;

static void run(const char *what)
{
        char command[512];

        insist(snprintf(command, sizeof(command), "cd %s && %s", root, what) < (int)sizeof(command));
        ck_assert_msg(system(command) == 0, "%s", command);
}

static void setup(void)
{
        strcpy(root, "/tmp/hublink-holder-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(root));
        run("mkdir -p bus/i2c/devices bus/i2c/drivers/lm75 bus/i2c/drivers/bmp280 bus/i2c/drivers/rtc-ds1307");
        run("cd bus/i2c/devices && mkdir -p 1-0048/hwmon/hwmon3 1-0076/iio:device2 1-0068 1-0050 && "
            "ln -s ../../drivers/lm75 1-0048/driver && echo lm75 >1-0048/hwmon/hwmon3/name && "
            "ln -s ../../drivers/bmp280 1-0076/driver && echo bme280 >1-0076/iio:device2/name && "
            "ln -s ../../drivers/rtc-ds1307 1-0068/driver");
}

static void teardown(void)
{
        char command[128];

        (void)snprintf(command, sizeof(command), "rm -rf %s", root);
        ck_assert_int_eq(system(command), 0);
}

static bool find(const char *bus, unsigned address)
{
        return i2c_holder_find(&holder, root, bus, address);
}

START_TEST(hwmon_is_named)
{
        char shown[160];

        (void)snprintf(shown, sizeof(shown), "%s/bus/i2c/devices/1-0048/hwmon/hwmon3", root);
        ck_assert(find("/dev/i2c-1", 0x48));
        ck_assert_str_eq(holder.driver, "lm75");
        ck_assert_str_eq(holder.place, "1-0048");
        ck_assert_str_eq(holder.shown, shown);
        ck_assert_str_eq(holder.kind, "hwmon");
        ck_assert_str_eq(holder.name, "lm75");
}
END_TEST

START_TEST(iio_is_named)
{
        char shown[160];

        (void)snprintf(shown, sizeof(shown), "%s/bus/i2c/devices/1-0076/iio:device2", root);
        ck_assert(find("/dev/i2c-1", 0x76));
        ck_assert_str_eq(holder.driver, "bmp280");
        ck_assert_str_eq(holder.shown, shown);
        ck_assert_str_eq(holder.kind, "iio");
        ck_assert_str_eq(holder.name, "bme280");
}
END_TEST

START_TEST(a_driver_may_show_nothing)
{
        ck_assert(find("/dev/i2c-1", 0x68));
        ck_assert_str_eq(holder.driver, "rtc-ds1307");
        ck_assert_str_eq(holder.shown, "");
}
END_TEST

START_TEST(a_bus_may_have_a_name_of_its_own)
{
        char link[96];

        run("touch i2c-1 && ln -s i2c-1 rack && ln -s i2c-7 loose");
        (void)snprintf(link, sizeof(link), "%s/rack", root);
        ck_assert(find(link, 0x48));
        ck_assert_str_eq(holder.place, "1-0048");
        (void)snprintf(link, sizeof(link), "%s/loose", root);
        ck_assert(!find(link, 0x48));
}
END_TEST

START_TEST(nobody_is_nobody)
{
        ck_assert(!find("/dev/i2c-1", 0x50)); /* a device without a driver */
        ck_assert(!find("/dev/i2c-1", 0x49));
        ck_assert(!find("/dev/i2c-2", 0x48));
        ck_assert(!find("/dev/spidev0.0", 0x48));
        ck_assert(!i2c_holder_find(&holder, "/nowhere", "/dev/i2c-1", 0x48));
}
END_TEST

/* The whole way: what is read at the address of another's chip, and how that is counted. */
START_TEST(the_holder_is_told_to_who_wants_its_chip)
{
        static ChipStep steps[] = {{.read = "b", .reg = {1, {0}}, .bytes = 2}};
        static const struct {
                unsigned address;
                const char *words[4];
        } cases[] = {
                {0x48, {"0x48 on /dev/i2c-1 belongs to driver lm75 of the kernel", "/1-0048/hwmon/hwmon3: read it there",
                        "driver = \"hwmon\"; device = \"lm75\"; at = \"/1-0048/\";", "or unbind it"}},
                {0x76, {"driver bmp280", "/1-0076/iio:device2: read it there",
                        "driver = \"iio\"; device = \"bme280\"; at = \"/1-0076/\";", "or unbind it"}},
                {0x68, {"driver rtc-ds1307", "/bus/i2c/devices/1-0068)", "neither by hwmon nor by IIO", "unbind it"}},
                {0x50, {"0x50 on /dev/i2c-1", "belongs to a driver of the kernel", "hwmon", "unbind it"}},
        };
        ChipDescription *chip = chip_new();
        FakeI2c bus;

        fake_i2c_init(&bus);
        *chip = (ChipDescription){.holders = 2, .title = (char *)"Sample", .measure = {steps, 1}};
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                const ChipPlace place = {.bus = FAKE_I2C_BUS, .address = cases[i].address, .sysfs = root};
                ChipReader *reader;
                Sample sample;

                fake_i2c_set(&bus, cases[i].address, 0, "\x01\x02", 2);
                bus.chips[cases[i].address].error = -EBUSY;
                ck_assert_int_eq(chip_reader_new(&reader, &bus.port, chip, &place), 0);
                ck_assert_int_eq(chip_reader_measure(reader, &sample), SENSOR_E_FAILED);
                ck_assert_int_eq(sample.fault, SENSOR_FAULT_DRIVER_HELD);
                for (size_t k = 0; k < ARRAY_SIZE(cases[i].words); k++)
                        ck_assert_msg(strstr(sample.error, cases[i].words[k]) != NULL, "%s: %s", cases[i].words[k],
                                      sample.error);
                /* and once it was unbound, the chip is ours */
                bus.chips[cases[i].address].error = 0;
                ck_assert_int_eq(chip_reader_measure(reader, &sample), 0);
                chip_reader_free(reader);
        }
        free(chip);
        fake_i2c_done(&bus);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("sensor/i2c-holder");
        TCase *c = suite_case(s, "who has the address");

        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_test(c, hwmon_is_named);
        tcase_add_test(c, iio_is_named);
        tcase_add_test(c, a_driver_may_show_nothing);
        tcase_add_test(c, a_bus_may_have_a_name_of_its_own);
        tcase_add_test(c, nobody_is_nobody);
        tcase_add_test(c, the_holder_is_told_to_who_wants_its_chip);
        return suite_run(s);
}
