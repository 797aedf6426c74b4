/* SPDX-License-Identifier: Apache-2.0 */

/* Run under i2c-adapter, which makes /dev/i2c-1. */

#include "sensor/i2c-port.h"

#include <errno.h>
#include <string.h>

#include "bench.h"
#include "suite.h"

static int transfer(int fd, unsigned address, unsigned reg, void *read, size_t n)
{
        uint8_t write = (uint8_t)reg;

        return i2c_port_kernel.transfer(&i2c_port_kernel, fd, address, &write, 1, read, n);
}

START_TEST(registers_are_read_in_one_combined_transfer)
{
        int fd = i2c_port_kernel.open(&i2c_port_kernel, "/dev/i2c-1");
        uint8_t bytes[8];

        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(transfer(fd, 0x48, 0, bytes, 2), 0);
        ck_assert_mem_eq(bytes, "\x19\x80", 2);
        ck_assert_int_eq(transfer(fd, 0x48, 0x10, bytes, 8), 0);
        ck_assert_mem_eq(bytes, "\x10\x11\x12\x13\x14\x15\x16\x17", 8);
        ck_assert_int_eq(i2c_port_kernel.transfer(&i2c_port_kernel, fd, 0x48, "\x01\xfe", 2, bytes, 1), 0);
        ck_assert_uint_eq(bytes[0], 0xfe);
        i2c_port_kernel.close(&i2c_port_kernel, fd);
}
END_TEST

START_TEST(errors_come_through)
{
        int fd = i2c_port_kernel.open(&i2c_port_kernel, "/dev/i2c-1");
        uint8_t bytes[1000];

        ck_assert_int_eq(i2c_port_kernel.open(&i2c_port_kernel, "/dev/i2c-9"), -ENOENT);
        ck_assert_int_eq(transfer(fd, 0x49, 0, bytes, 2), -ENXIO);
        ck_assert_int_eq(transfer(fd, 0x4b, 0, bytes, 2), -EBUSY);
        ck_assert_int_eq(transfer(fd, 0x4c, 0, bytes, 2), -EOPNOTSUPP);
        ck_assert_int_eq(transfer(fd, 0x48, 0, bytes, sizeof(bytes)), -EINVAL);
        i2c_port_kernel.close(&i2c_port_kernel, fd);
}
END_TEST

START_TEST(sensor_reads_a_chip_through_the_kernel)
{
        ChannelSettings channel = {.name = "temperature", .bytes = 2, .shift = 4, .is_signed = true, .scale = 0.0625};
        SensorSettings s[] = {
                {.name = "room", .driver = (char *)"i2c", .bus = (char *)"/dev/i2c-1", .address = 0x48,
                 .interval_usec = USEC_PER_SEC, .channels = &channel, .n_channels = 1},
                {.name = "taken", .driver = (char *)"i2c", .bus = (char *)"/dev/i2c-1", .address = 0x4b,
                 .interval_usec = USEC_PER_SEC, .channels = &channel, .n_channels = 1},
        };
        Sensors *sensors;
        Ticker ticker;
        Bench bench;

        bench_init(&bench);
        ck_assert_int_eq(sensors_new(&sensors, bench.event, &bench.clock.clock, &bench.random.random, &i2c_port_kernel,
                                     &bench.sink), 0);
        ck_assert_int_eq(sensors_configure(sensors, s, ARRAY_SIZE(s)), 0);
        ticker = sensors_ticker(sensors);
        bench_next(&bench, &ticker);
        bench_wait_for(&bench, &bench.n_readings, 1);
        bench_wait_for(&bench, &bench.n_refused, 1);
        ck_assert_str_eq(bench_last(&bench), "room temperature=25.5");
        ck_assert_ptr_nonnull(strstr(sensors_status(sensors, 1)->last_error, "belongs to a driver of the kernel"));
        sensors_free(sensors);
        bench_done(&bench);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("sensor/i2c-port");
        TCase *c = suite_case(s, "the kernel's way");

        tcase_add_test(c, registers_are_read_in_one_combined_transfer);
        tcase_add_test(c, errors_come_through);
        tcase_add_test(c, sensor_reads_a_chip_through_the_kernel);
        return suite_run(s);
}
