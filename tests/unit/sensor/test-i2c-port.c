/* SPDX-License-Identifier: Apache-2.0 */

/* Run under i2c-rack, which has what i2c-port.rack tells. */

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
        /* what is written before the second start is written */
        ck_assert_int_eq(i2c_port_kernel.transfer(&i2c_port_kernel, fd, 0x48, "\x0f\xfe", 2, bytes, 1), 0);
        ck_assert_uint_eq(bytes[0], 0x10);
        ck_assert_int_eq(transfer(fd, 0x48, 0x0f, bytes, 1), 0);
        ck_assert_uint_eq(bytes[0], 0xfe);
        i2c_port_kernel.close(&i2c_port_kernel, fd);
}
END_TEST

START_TEST(a_write_or_a_read_alone_is_a_transfer)
{
        const I2cPort *port = &i2c_port_kernel;
        int fd = port->open(port, "/dev/i2c-1");
        uint8_t bytes[3];

        ck_assert_int_eq(port->transfer(port, fd, 0x48, "\x80\xaa\xbb", 3, NULL, 0), 0);
        ck_assert_int_eq(port->transfer(port, fd, 0x48, "\x80", 1, NULL, 0), 0);
        ck_assert_int_eq(port->transfer(port, fd, 0x48, NULL, 0, bytes, 3), 0);
        ck_assert_mem_eq(bytes, "\xaa\xbb\x82", 3);
        ck_assert_int_eq(port->transfer(port, fd, 0x48, NULL, 0, NULL, 0), -EINVAL);
        port->close(port, fd);
}
END_TEST

/* What SMBus has a call for gives the same bytes as plain I2C; what it has none for is not tried otherwise. */
START_TEST(smbus_is_used_where_there_is_nothing_else)
{
        const I2cPort *port = &i2c_port_kernel;

        for (unsigned bus = 1; bus <= 4; bus++) {
                bool plain = bus == 1 || bus == 4, blocks = bus != 3;
                char device[] = "/dev/i2c-0";
                uint8_t bytes[33] = {};
                int fd;

                device[9] = (char)('0' + bus);
                fd = port->open(port, device);
                ck_assert_int_ge(fd, 0);
                for (size_t n = 1; n <= 33; n++) {
                        bool can = plain || n <= 2 || (blocks && n <= 32);

                        ck_assert_int_eq(port->transfer(port, fd, 0x48, "\x10", 1, bytes, n), can ? 0 : -EOPNOTSUPP);
                        for (size_t i = 0; i < n && can; i++)
                                ck_assert_uint_eq(bytes[i], 0x10 + i);
                }
                for (size_t n = 1; n <= 34; n++) {
                        static const uint8_t data[34] = {0xa0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
                        bool can = plain || n <= 3 || (blocks && n <= 33);

                        ck_assert_int_eq(port->transfer(port, fd, 0x48, data, n, NULL, 0), can ? 0 : -EOPNOTSUPP);
                        if (n == 1 || n > 10 || !can)
                                continue;
                        for (uint8_t i = 1; i < n; i++) {
                                uint8_t reg = (uint8_t)(0xa0 + i - 1);

                                ck_assert_int_eq(port->transfer(port, fd, 0x48, &reg, 1, bytes, 1), 0);
                                ck_assert_uint_eq(bytes[0], i);
                        }
                }
                /* a byte without a register; more of them only by plain I2C, and so registers of two bytes */
                ck_assert_int_eq(port->transfer(port, fd, 0x48, "\x30", 1, NULL, 0), 0);
                ck_assert_int_eq(port->transfer(port, fd, 0x48, NULL, 0, bytes, 1), 0);
                ck_assert_uint_eq(bytes[0], 0x30);
                ck_assert_int_eq(port->transfer(port, fd, 0x48, NULL, 0, bytes, 2), plain ? 0 : -EOPNOTSUPP);
                ck_assert_int_eq(port->transfer(port, fd, 0x48, "\x70\x20", 2, bytes, 2), plain ? 0 : -EOPNOTSUPP);
                ck_assert_int_eq(port->transfer(port, fd, 0x49, "\x10", 1, bytes, 2), -ENXIO);
                ck_assert_int_eq(port->transfer(port, fd, 0x4b, "\x10", 1, bytes, 2), -EBUSY);
                port->close(port, fd);
        }
}
END_TEST

START_TEST(a_wait_is_not_shorter)
{
        usec_t begun = clock_boot(&clock_system);

        i2c_port_kernel.wait(&i2c_port_kernel, 20 * USEC_PER_MSEC);
        ck_assert_uint_ge(usec_sub(clock_boot(&clock_system), begun), 20 * USEC_PER_MSEC);
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
        ck_assert_int_eq(transfer(fd, 0x4d, 0, bytes, 2), -EAGAIN); /* that nobody takes for a driver's address */
        ck_assert_int_eq(transfer(fd, 0x48, 0, bytes, sizeof(bytes)), -EINVAL);
        i2c_port_kernel.close(&i2c_port_kernel, fd);
}
END_TEST

/* i2c-stub has the same word for an address at which nobody is and an adapter that is gone would have. */
START_TEST(an_adapter_is_gone_when_its_node_is)
{
        int fd = i2c_port_kernel.open(&i2c_port_kernel, "/dev/i2c-4");
        uint8_t bytes[2];

        ck_assert_int_eq(transfer(fd, 0x4e, 0, bytes, 2), -ENXIO);
        ck_assert_int_eq(transfer(fd, 0x48, 0, bytes, 2), 0);
        ck_assert_int_eq(transfer(fd, 0x4f, 0, bytes, 2), -ENODEV);
        ck_assert_int_eq(transfer(fd, 0x4e, 0, bytes, 2), -ENODEV);
        i2c_port_kernel.close(&i2c_port_kernel, fd);
        ck_assert_int_eq(i2c_port_kernel.open(&i2c_port_kernel, "/dev/i2c-4"), -ENOENT);
}
END_TEST

/* As a probe asks: nothing goes to a chip but its address, or a byte comes back. */
START_TEST(somebody_is_asked_for_by_what_the_adapter_can)
{
        static const int functions[] = {I2C_CAN_PLAIN | I2C_CAN_QUICK | I2C_CAN_RECEIVE, I2C_CAN_RECEIVE, I2C_CAN_RECEIVE};
        const I2cPort *port = &i2c_port_kernel;

        for (unsigned bus = 1; bus <= 3; bus++) {
                bool quick = functions[bus - 1] & I2C_CAN_QUICK;
                char device[] = "/dev/i2c-0";
                int fd;

                device[9] = (char)('0' + bus);
                fd = port->open(port, device);
                ck_assert_int_ge(fd, 0);
                ck_assert_int_eq(port->functions(port, fd), functions[bus - 1]);
                ck_assert_int_eq(port->ask(port, fd, 0x48, I2C_RECEIVE), 0);
                ck_assert_int_eq(port->ask(port, fd, 0x49, I2C_RECEIVE), -ENXIO);
                ck_assert_int_eq(port->ask(port, fd, 0x4b, I2C_RECEIVE), -EBUSY);
                ck_assert_int_eq(port->ask(port, fd, 0x4d, I2C_RECEIVE), bus == 1 ? -EAGAIN : -ENXIO);
                ck_assert_int_eq(port->ask(port, fd, 0x48, I2C_QUICK), quick ? 0 : -EOPNOTSUPP);
                ck_assert_int_eq(port->ask(port, fd, 0x49, I2C_QUICK), quick ? -ENXIO : -EOPNOTSUPP);
                ck_assert_int_eq(port->ask(port, fd, 0x4b, I2C_QUICK), -EBUSY);
                port->close(port, fd);
        }
        ck_assert_int_lt(port->functions(port, -1), 0);
        ck_assert_int_lt(port->ask(port, -1, 0x48, I2C_QUICK), 0);
}
END_TEST

/* Who is pulled out amid a transfer says no more than that it failed, as one that is there may. */
START_TEST(an_adapter_that_was_pulled_out_amid_a_transfer_is_gone)
{
        int fd = i2c_port_kernel.open(&i2c_port_kernel, "/dev/i2c-5");
        uint8_t bytes[2];

        ck_assert_int_eq(transfer(fd, 0x4e, 0, bytes, 2), -EIO);
        ck_assert_int_eq(transfer(fd, 0x4d, 0, bytes, 2), -ETIMEDOUT);
        ck_assert_int_eq(transfer(fd, 0x4f, 0, bytes, 2), -ENODEV);
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
        ck_assert_ptr_nonnull(strstr(sensors_status(sensors, 1)->last_error, "belongs to driver lm75 of the kernel"));
        ck_assert_uint_eq(sensors_status(sensors, 1)->faults[SENSOR_FAULT_DRIVER_HELD], 1);
        sensors_free(sensors);
        bench_done(&bench);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("sensor/i2c-port");
        TCase *c = suite_case(s, "the kernel's way");

        tcase_add_test(c, registers_are_read_in_one_combined_transfer);
        tcase_add_test(c, a_write_or_a_read_alone_is_a_transfer);
        tcase_add_test(c, smbus_is_used_where_there_is_nothing_else);
        tcase_add_test(c, a_wait_is_not_shorter);
        tcase_add_test(c, errors_come_through);
        tcase_add_test(c, somebody_is_asked_for_by_what_the_adapter_can);
        tcase_add_test(c, an_adapter_is_gone_when_its_node_is);
        tcase_add_test(c, an_adapter_that_was_pulled_out_amid_a_transfer_is_gone);
        tcase_add_test(c, sensor_reads_a_chip_through_the_kernel);
        return suite_run(s);
}
