/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The engine: the steps of a description on a bus, from the first meeting to every failure.
 */

#include "sensor/chip-reader.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fake-i2c.h"
#include "suite.h"

#define ADDRESS 0x44
#define MUX     0x70

static FakeI2c bus;
static ChipDescription *chip, *mux;
static ChipReader *reader;
static ChipPlace place;
static Sample sample;

static ChipStep setup_steps[] = {
        {.write = {2, {0x20, 0x07}}},
        {.wait_usec = 1500},
};
static ChipStep calibration_steps[] = {
        {.read = "trim", .reg = {1, {0x88}}, .bytes = 2},
        {.read = "trim", .reg = {1, {0xa1}}, .bytes = 1}, /* the block grows */
};
static ChipStep measure_steps[] = {
        {.write = {1, {0x2c}}},
        {.wait_usec = 16000},
        {.read = "data", .reg = {1, {0xf7}}, .bytes = 3},
};
static ChipChannel channels[] = {
        {.name = "value", .from = "data", .at = 1, .decode = {.bytes = 2}, .conversion = {.scale = 0.5}},
        {.name = "trim", .from = "trim", .at = 2, .decode = {.bytes = 1}, .conversion = {.scale = 1}},
};

static void setup(void)
{
        fake_i2c_init(&bus);
        chip = chip_new();
        *chip = (ChipDescription){
                .holders = 2, /* its parts are ours: never freed by it */
                .title = (char *)"Sample",
                .identity = {.reg = {1, {0xd0}}, .bytes = 1, .value = 0x58},
                .crc = {0x31, 0xff},
                .setup = {setup_steps, ARRAY_SIZE(setup_steps)},
                .calibration = {calibration_steps, ARRAY_SIZE(calibration_steps)},
                .measure = {measure_steps, ARRAY_SIZE(measure_steps)},
                .channels = channels,
                .n_channels = ARRAY_SIZE(channels),
        };
        mux = chip_new();
        mux->select = (ChipBytes){4, {1, 2, 4, 8}};
        place = (ChipPlace){.bus = FAKE_I2C_BUS, .address = ADDRESS};
        fake_i2c_set(&bus, ADDRESS, 0xd0, "\x58", 1);
        fake_i2c_set(&bus, ADDRESS, 0x88, "\x01\x02", 2);
        fake_i2c_set(&bus, ADDRESS, 0xa1, "\x03", 1);
        fake_i2c_set(&bus, ADDRESS, 0xf7, "\x00\x01\x00", 3);
}

static void teardown(void)
{
        reader = chip_reader_free(reader);
        ck_assert_uint_eq(bus.opened, bus.closed);
        fake_i2c_done(&bus);
        free(chip);
        chip_unref(mux);
}

static void behind_a_mux(void)
{
        fake_i2c_mux(&bus, MUX, 2, ADDRESS);
        place.mux = mux;
        place.mux_address = MUX;
        place.mux_channel = 2;
}

static int measure(void)
{
        if (!reader)
                ck_assert_int_eq(chip_reader_new(&reader, &bus.port, chip, &place), 0);
        return chip_reader_measure(reader, &sample);
}

static const char *history(void)
{
        static char text[4096];

        (void)snprintf(text, sizeof(text), "%s", bus.history.data ?: "");
        buffer_clear(&bus.history);
        return text;
}

static void expect_words(int r, const char *words)
{
        ck_assert_int_eq(r, SENSOR_E_FAILED);
        ck_assert_msg(strstr(sample.error, words) != NULL, "%s", sample.error);
}

START_TEST(steps_run_in_their_order)
{
        ck_assert_int_eq(measure(), 0);
        ck_assert_str_eq(history(), "44< d0 44> 1\n"            /* who are you */
                                    "44< 20 07\nwait 1500\n"    /* setup */
                                    "44< 88 44> 2\n44< a1 44> 1\n" /* calibration */
                                    "44< 2c\nwait 16000\n44< f7 44> 3\n");
        ck_assert_double_eq(chip_reader_value(reader, &channels[0]), 128);
        ck_assert_double_eq(chip_reader_value(reader, &channels[1]), 3);
        /* from now on the measurement alone; and its block does not grow from one to the next */
        fake_i2c_set(&bus, ADDRESS, 0xf7, "\x00\x00\x09", 3);
        ck_assert_int_eq(measure(), 0);
        ck_assert_str_eq(history(), "44< 2c\nwait 16000\n44< f7 44> 3\n");
        ck_assert_double_eq(chip_reader_value(reader, &channels[0]), 4.5);
        ck_assert_double_eq(chip_reader_value(reader, &channels[1]), 3);
}
END_TEST

/* The kernel cannot let go of an adapter that somebody holds, nor of what hangs on it. */
START_TEST(the_bus_is_held_for_a_measurement_alone)
{
        ChipStep not_ready[] = {{.read = "data", .reg = {1, {0xf7}}, .bytes = 3, .ready = 0x1000000}};

        for (unsigned i = 1; i <= 3; i++) {
                ck_assert_int_eq(measure(), 0);
                ck_assert_uint_eq(bus.opened, i);
                ck_assert_uint_eq(bus.closed, i);
        }
        chip->measure = (ChipSteps){not_ready, 1};
        ck_assert_int_eq(measure(), SENSOR_E_NOT_YET);
        ck_assert_uint_eq(bus.closed, 4);
        bus.chips[ADDRESS].present = false;
        ck_assert_int_eq(measure(), SENSOR_E_FAILED);
        ck_assert_uint_eq(bus.closed, 5);
}
END_TEST

/* Between two measurements it was pulled out and in: what hangs on it has lost its power, and forgotten everything. */
START_TEST(a_chip_is_set_up_anew_when_its_adapter_was_away)
{
        ck_assert_int_eq(measure(), 0);
        (void)history();
        ck_assert_int_eq(measure(), 0);
        ck_assert_ptr_null(strstr(history(), "44< 20 07"));
        bus.adapter++;
        ck_assert_int_eq(measure(), 0);
        ck_assert_ptr_nonnull(strstr(history(), "44< d0 44> 1\n44< 20 07\nwait 1500\n44< 88"));
        ck_assert_int_eq(measure(), 0);
        ck_assert_ptr_null(strstr(history(), "44< 20 07"));
}
END_TEST

/* Nobody meets an instant without power; the register that set-up wrote is as it is without it, and so would the values be. */
START_TEST(a_chip_that_lost_its_power_is_set_up_anew)
{
        chip->verify = (ChipBytes){1, {0x20}};
        ck_assert_int_eq(measure(), 0);
        ck_assert_ptr_null(strstr(history(), "44< 20 44> 1"));
        for (unsigned i = 0; i < 3; i++) {
                ck_assert_int_eq(measure(), 0);
                ck_assert_str_eq(history(), "44< 20 44> 1\n44< 2c\nwait 16000\n44< f7 44> 3\n");
                fake_i2c_set(&bus, ADDRESS, 0x20, "\x00", 1);
                ck_assert_int_eq(measure(), 0);
                ck_assert_ptr_nonnull(strstr(history(), "44< 20 44> 1\n44< d0 44> 1\n44< 20 07\nwait 1500\n44< 88"));
                ck_assert_uint_eq(bus.chips[ADDRESS].registers[0x20], 0x07);
        }
}
END_TEST

START_TEST(a_bus_that_was_there_is_gone)
{
        bus.open_error = -ENOENT;
        expect_words(measure(), "there is no bus /dev/i2c-1");
        bus.open_error = 0;
        ck_assert_int_eq(measure(), 0);
        bus.open_error = -ENOENT;
        expect_words(measure(), "/dev/i2c-1 is gone: its adapter was unplugged or reset");
        ck_assert_int_eq(sample.fault, SENSOR_FAULT_UNPLUGGED);
        bus.open_error = -EACCES;
        expect_words(measure(), "group i2c");
}
END_TEST

/* Whichever transfer fails: told, everything begins anew, and the next time it is well. */
START_TEST(every_transfer_may_fail)
{
        static const int errors[] = {-ENXIO, -EIO, -ETIMEDOUT, -EREMOTEIO, -ENODEV, -EBUSY};
        static const SensorFault faults[] = {SENSOR_FAULT_NAK, SENSOR_FAULT_OTHER, SENSOR_FAULT_TIMEOUT, SENSOR_FAULT_NAK,
                                             SENSOR_FAULT_UNPLUGGED, SENSOR_FAULT_DRIVER_HELD};
        unsigned n = 0;

        behind_a_mux();
        ck_assert_int_eq(measure(), 0);
        n = bus.transfers;
        ck_assert_uint_eq(n, 8);
        for (unsigned at = 1; at <= n; at++)
                for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
                        reader = chip_reader_free(reader);
                        bus.transfers = 0;
                        bus.error_at = at;
                        bus.error = errors[i];
                        expect_words(measure(), FAKE_I2C_BUS);
                        insist(sample.fault == faults[i]);
                        insist(bus.opened == bus.closed);
                        /* a channel that was opened is closed again, unless just that failed */
                        insist(bus.chips[MUX].open == 0 || at == n);
                        bus.error_at = 0;
                        insist(measure() == 0);
                        insist(chip_reader_value(reader, &channels[0]) == 128);
                }
}
END_TEST

START_TEST(another_chip_at_the_address_is_told)
{
        fake_i2c_set(&bus, ADDRESS, 0xd0, "\x60", 1);
        expect_words(measure(), "0x44 on /dev/i2c-1 is no Sample: its register 0xd0 holds 0x60, not 0x58");
        /* only some bits may tell it */
        chip->identity.mask = 0x0f;
        chip->identity.value = 0;
        ck_assert_int_eq(measure(), 0);
}
END_TEST

START_TEST(checksums_are_taken_out_or_told)
{
        static uint8_t words[] = {0x66, 0x67, 0xa2, 0x5e, 0xb9, 0x3c};
        ChipStep steps[] = {{.read = "data", .reg = {1, {0x10}}, .bytes = 4, .crc = 2}};
        ChipChannel second = {.from = "data", .at = 2, .decode = {.bytes = 2}, .conversion = {.scale = 1}};

        chip->measure = (ChipSteps){steps, 1};
        fake_i2c_set(&bus, ADDRESS, 0x10, words, sizeof(words));
        ck_assert_int_eq(measure(), 0);
        ck_assert_double_eq(chip_reader_value(reader, &second), 0x5eb9);
        for (unsigned bit = 0; bit < 8 * sizeof(words); bit++) {
                words[bit / 8] ^= (uint8_t)(1U << bit % 8);
                fake_i2c_set(&bus, ADDRESS, 0x10, words, sizeof(words));
                expect_words(measure(), "block data: register 0x10 of 0x44 on /dev/i2c-1: its checksum is wrong");
                insist(sample.fault == SENSOR_FAULT_CRC);
                words[bit / 8] ^= (uint8_t)(1U << bit % 8);
        }
}
END_TEST

START_TEST(nothing_new_is_neither_failure_nor_reading)
{
        ChipStep steps[] = {
                {.read = "status", .reg = {1, {0x27}}, .bytes = 1, .ready = 0x06},
                {.read = "data", .reg = {1, {0xf7}}, .bytes = 3},
        };

        chip->measure = (ChipSteps){steps, 2};
        fake_i2c_set(&bus, ADDRESS, 0x27, "\x01", 1);
        ck_assert_int_eq(measure(), SENSOR_E_NOT_YET);
        (void)history();
        ck_assert_int_eq(measure(), SENSOR_E_NOT_YET);
        ck_assert_str_eq(history(), "44< 27 44> 1\n"); /* it is still set up */
        fake_i2c_set(&bus, ADDRESS, 0x27, "\x04", 1);
        ck_assert_int_eq(measure(), 0);
        ck_assert_double_eq(chip_reader_value(reader, &channels[0]), 128);

        /* and the other way round; both together are both asked */
        steps[0].busy = 0x80;
        ck_assert_int_eq(measure(), 0);
        fake_i2c_set(&bus, ADDRESS, 0x27, "\x84", 1);
        ck_assert_int_eq(measure(), SENSOR_E_NOT_YET);
        steps[0].ready = 0;
        ck_assert_int_eq(measure(), SENSOR_E_NOT_YET);
        fake_i2c_set(&bus, ADDRESS, 0x27, "\x01", 1);
        ck_assert_int_eq(measure(), 0);
}
END_TEST

START_TEST(a_chip_that_is_asked_too_early_refuses)
{
        ChipStep steps[] = {{.write = {2, {0x24, 0x00}}}, {.wait_usec = 15999}, {.read = "data", .bytes = 2}};

        chip->identity.reg.n = 0;
        chip->setup.n = chip->calibration.n = 0;
        chip->measure = (ChipSteps){steps, 3};
        chip->channels[0].at = 0;
        fake_i2c_answer(&bus, ADDRESS, "\x24\x00", 2, 16000, "\x01\x00", 2);
        expect_words(measure(), "a chip answers at 0x44 on /dev/i2c-1, but not to what ");
        expect_words(measure(), "(block data: read): is it another chip?");
        steps[1].wait_usec++;
        ck_assert_int_eq(measure(), 0);
        ck_assert_double_eq(chip_reader_value(reader, &channels[0]), 128);
        chip->channels[0].at = 1;
}
END_TEST

/* Many chips do not acknowledge a command that is none of theirs: the wiring is not to blame. */
START_TEST(another_chip_at_the_address_is_not_told_as_none)
{
        fake_i2c_answer(&bus, ADDRESS, "\xe7", 1, 0, "\x3a", 1); /* what it knows is something else */
        expect_words(measure(), "a chip answers at 0x44 on /dev/i2c-1, but not to what ");
        expect_words(measure(), " is asked (its identity): is it another chip?");
        bus.chips[ADDRESS].present = false;
        expect_words(measure(), "no chip answers at 0x44 on /dev/i2c-1: check wiring");
        /* where nobody can be asked without harm, the wiring is as likely */
        bus.chips[ADDRESS].present = true;
        bus.functions = I2C_CAN_PLAIN;
        expect_words(measure(), "no chip answers at 0x44 on /dev/i2c-1: check wiring");
}
END_TEST

START_TEST(a_multiplexer_is_open_for_its_chip_alone)
{
        behind_a_mux();
        ck_assert_int_eq(measure(), 0);
        ck_assert_int_eq(strncmp(history(), "70< 04\n44< d0", 13), 0);
        ck_assert_int_eq(measure(), 0);
        ck_assert_str_eq(history(), "70< 04\n44< 2c\nwait 16000\n44< f7 44> 3\n70< 00\n");
        ck_assert_uint_eq(bus.chips[MUX].open, 0);
        /* another channel: nobody there, and that is where it is said to be */
        place.mux_channel = 3;
        reader = chip_reader_free(reader);
        expect_words(measure(), "no chip answers at 0x44 on channel 3 of 0x70 on /dev/i2c-1");
        ck_assert_uint_eq(bus.chips[MUX].open, 0);
        bus.chips[MUX].present = false;
        expect_words(measure(), "no multiplexer answers at 0x70 on /dev/i2c-1");
}
END_TEST

START_TEST(an_adapter_of_smbus_alone_is_enough_for_registers)
{
        ChipStep steps[] = {{.write = {2, {0x24, 0x00}}}, {.read = "data", .bytes = 2}};

        bus.smbus_only = true;
        ck_assert_int_eq(measure(), 0);
        ck_assert_double_eq(chip_reader_value(reader, &channels[0]), 128);
        chip->measure = (ChipSteps){steps, 2};
        expect_words(measure(), "does no plain I2C transfers, only SMBus, which has no call for this (block data: read of "
                                "0x44)");
}
END_TEST

/* A thread that hung and comes back must not get between the chip and who has the bus by now. */
START_TEST(who_is_abandoned_touches_the_bus_no_more)
{
        unsigned n;

        behind_a_mux();
        ck_assert_int_eq(measure(), 0);
        n = bus.transfers;
        chip_reader_abandon(reader);
        expect_words(measure(), "given up");
        ck_assert_uint_eq(bus.transfers, n);
}
END_TEST

/* ---- a channel that was left open ---- */

static I2cPort cruel; /* the fake's, but gives our reader up in transfer number given_up_at */
static unsigned given_up_at, disturbed_at;
static I2cBus *disturbed; /* by somebody else in transfer number disturbed_at */

static int cruel_transfer(const I2cPort *port, int fd, unsigned address, const void *write, size_t n_write, void *read,
                          size_t n_read)
{
        if (--given_up_at == 0)
                chip_reader_abandon(reader);
        if (--disturbed_at == 0)
                i2c_bus_touch(disturbed);
        return bus.port.transfer(&bus.port, fd, address, write, n_write, read, n_read);
}

static int cruel_open(const I2cPort *port, const char *name)
{
        return bus.port.open(&bus.port, name);
}

static void cruel_wait(const I2cPort *port, usec_t usec)
{
        bus.port.wait(&bus.port, usec);
}

static void cruel_close(const I2cPort *port, int fd)
{
        bus.port.close(&bus.port, fd);
}

static uint64_t cruel_adapter(const I2cPort *port, int fd)
{
        return bus.port.adapter(&bus.port, fd);
}

/* Somebody at another address of the same bus, behind another multiplexer or none. */
static int measure_beside(I2cBus *shared, bool behind)
{
        static ChipStep steps[] = {{.read = "data", .reg = {1, {0}}, .bytes = 2}};
        ChipDescription plain = {.holders = 2, .measure = {steps, 1}};
        ChipPlace beside = {.bus = FAKE_I2C_BUS, .address = 0x48, .shared = shared, .mux = behind ? mux : NULL,
                            .mux_address = 0x71};
        ChipReader *other;
        int r;

        ck_assert_int_eq(chip_reader_new(&other, &bus.port, &plain, &beside), 0);
        r = chip_reader_measure(other, &sample);
        chip_reader_free(other);
        return r;
}

/* In whichever transfer it is given up: it makes no other one, and the next one on the bus begins by closing what may be open.
 * The first of them closes what somebody else left open. */
START_TEST(what_was_left_open_is_closed_by_the_next)
{
        I2cBus *shared = i2c_bus_new();

        cruel = (I2cPort){cruel_open, cruel_transfer, cruel_wait, cruel_close, cruel_adapter};
        behind_a_mux();
        place.shared = shared;
        fake_i2c_set(&bus, 0x48, 0, "\x19\x80", 2);
        fake_i2c_mux(&bus, 0x71, 0, 0x49); /* it is there, that is enough */
        for (unsigned at = 1; at <= 9; at++)
                for (unsigned behind = 0; behind < 2; behind++) {
                        const char *left = at == 1 ? "71< 00\n" : "70< 00\n";

                        i2c_bus_opens(shared, 0x71, 0);
                        ck_assert_int_eq(chip_reader_new(&reader, &cruel, chip, &place), 0);
                        given_up_at = at;
                        bus.transfers = 0;
                        (void)chip_reader_measure(reader, &sample);
                        insist(bus.transfers == at);
                        reader = chip_reader_free(reader);
                        (void)history();
                        insist(measure_beside(shared, behind) == 0);
                        insist(strncmp(history(), left, 7) == 0 || (at == 1 && behind));
                        insist(bus.chips[MUX].open == 0);
                        /* and then it is over */
                        insist(measure_beside(shared, behind) == 0);
                        ck_assert_str_eq(history(), behind ? "71< 01\n48< 00 48> 2\n71< 00\n" : "48< 00 48> 2\n");
                }
        i2c_bus_unref(shared);
}
END_TEST

/* Whenever somebody else makes a transfer amid a measurement, it is none. */
START_TEST(what_was_disturbed_is_no_measurement)
{
        cruel = (I2cPort){cruel_open, cruel_transfer, cruel_wait, cruel_close, cruel_adapter};
        disturbed = i2c_bus_new();
        behind_a_mux();
        place.shared = disturbed;
        ck_assert_int_eq(chip_reader_new(&reader, &cruel, chip, &place), 0);
        for (unsigned at = 1; at <= 8; at++) {
                disturbed_at = at;
                expect_words(measure(), "/dev/i2c-1: a measurement that was given up got in between");
                insist(sample.fault == SENSOR_FAULT_TIMEOUT);
                insist(bus.chips[MUX].open == 0);
        }
        ck_assert_int_eq(measure(), 0);
        i2c_bus_touch(disturbed);
        ck_assert_int_eq(measure(), 0);
        i2c_bus_unref(disturbed);
}
END_TEST

START_TEST(what_cannot_be_closed_stops_others_where_it_is_open)
{
        static const struct {
                int error;
                bool stops;
        } cases[] = {
                {0, false}, {-ENXIO, false}, {-EREMOTEIO, false}, {-EBUSY, false}, /* nothing is open there */
                {-EIO, true}, {-ETIMEDOUT, true}, {-EAGAIN, true}, {-ENODEV, true},
        };
        I2cBus *shared = i2c_bus_new();

        fake_i2c_set(&bus, 0x48, 0, "\x19\x80", 2);
        bus.chips[MUX].present = true;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                I2cLeft left = {};

                bus.chips[MUX].error = cases[i].error;
                i2c_bus_suspects(shared, MUX, 0x80); /* that one try is made */
                ck_assert_int_eq(measure_beside(shared, false), 0);
                insist(!i2c_bus_find_left(shared, &left));
                left.mux = 0;
                insist(!i2c_bus_opens(shared, MUX, 0x80));
                ck_assert_int_eq(measure_beside(shared, false), cases[i].stops ? SENSOR_E_FAILED : 0);
                ck_assert_int_eq(i2c_bus_find_left(shared, &left), cases[i].stops);
                if (cases[i].stops) {
                        ck_assert_ptr_nonnull(strstr(sample.error, cases[i].error == -ENODEV ? "is gone" : "0x70"));
                        insist(left.mux == MUX && left.release == 0x80 && left.certain);
                        insist(i2c_bus_opens(shared, MUX, 0x80));
                }
                bus.chips[MUX].error = 0;
                ck_assert_int_eq(measure_beside(shared, false), 0);
        }
        i2c_bus_unref(shared);
}
END_TEST

/* A disturbance is not taken for a multiplexer without power. */
START_TEST(who_is_silent_once_is_asked_again)
{
        I2cBus *shared = i2c_bus_new();

        fake_i2c_set(&bus, 0x48, 0, "\x19\x80", 2);
        fake_i2c_mux(&bus, MUX, 2, ADDRESS);
        bus.chips[MUX].open = 4;
        i2c_bus_opens(shared, MUX, 0);
        bus.error_at = 1;
        bus.error = -ENXIO;
        ck_assert_int_eq(measure_beside(shared, false), 0);
        ck_assert_str_eq(history(), "70< 00\n70< 00\n48< 00 48> 2\n");
        ck_assert_uint_eq(bus.chips[MUX].open, 0);
        /* and at the end of its own measurement */
        behind_a_mux();
        place.shared = shared;
        bus.transfers = 0;
        bus.error_at = 8;
        ck_assert_int_eq(measure(), SENSOR_E_FAILED);
        ck_assert_uint_eq(bus.chips[MUX].open, 4);
        ck_assert_int_eq(measure_beside(shared, false), 0);
        ck_assert_uint_eq(bus.chips[MUX].open, 0);
        i2c_bus_unref(shared);
}
END_TEST

/* A channel that could not be opened leaves things as they were. */
START_TEST(what_is_refused_opens_nothing)
{
        static const int errors[] = {-ENXIO, -EIO, -ETIMEDOUT};
        I2cBus *shared = i2c_bus_new();

        behind_a_mux();
        place.shared = shared;
        fake_i2c_set(&bus, 0x48, 0, "\x19\x80", 2);
        for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
                I2cLeft left = {};

                bus.chips[MUX].error = errors[i];
                ck_assert_int_eq(measure(), SENSOR_E_FAILED);
                insist(i2c_bus_find_left(shared, &left) && !left.certain);
                ck_assert_int_eq(measure_beside(shared, false), 0);
                left.mux = 0;
                insist(!i2c_bus_find_left(shared, &left));
                /* but one that somebody left open is open still */
                i2c_bus_opens(shared, MUX, 0);
                ck_assert_int_eq(measure(), SENSOR_E_FAILED);
                left.mux = 0;
                insist(i2c_bus_find_left(shared, &left) && left.certain);
                bus.chips[MUX].error = 0;
                ck_assert_int_eq(measure(), 0);
                left.mux = 0;
                insist(!i2c_bus_find_left(shared, &left));
        }
        i2c_bus_unref(shared);
}
END_TEST

START_TEST(without_a_bus_there_is_no_chip)
{
        bus.open_error = -EACCES;
        expect_words(measure(), "group i2c");
        bus.open_error = 0;
        ck_assert_int_eq(measure(), 0);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("sensor/chip-reader");
        TCase *c = suite_case(s, "a chip on a bus");

        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_test(c, steps_run_in_their_order);
        tcase_add_test(c, the_bus_is_held_for_a_measurement_alone);
        tcase_add_test(c, a_chip_is_set_up_anew_when_its_adapter_was_away);
        tcase_add_test(c, a_chip_that_lost_its_power_is_set_up_anew);
        tcase_add_test(c, a_bus_that_was_there_is_gone);
        tcase_add_test(c, every_transfer_may_fail);
        tcase_add_test(c, another_chip_at_the_address_is_told);
        tcase_add_test(c, checksums_are_taken_out_or_told);
        tcase_add_test(c, nothing_new_is_neither_failure_nor_reading);
        tcase_add_test(c, a_chip_that_is_asked_too_early_refuses);
        tcase_add_test(c, another_chip_at_the_address_is_not_told_as_none);
        tcase_add_test(c, a_multiplexer_is_open_for_its_chip_alone);
        tcase_add_test(c, an_adapter_of_smbus_alone_is_enough_for_registers);
        tcase_add_test(c, who_is_abandoned_touches_the_bus_no_more);
        tcase_add_test(c, what_was_left_open_is_closed_by_the_next);
        tcase_add_test(c, what_was_disturbed_is_no_measurement);
        tcase_add_test(c, what_cannot_be_closed_stops_others_where_it_is_open);
        tcase_add_test(c, who_is_silent_once_is_asked_again);
        tcase_add_test(c, what_is_refused_opens_nothing);
        tcase_add_test(c, without_a_bus_there_is_no_chip);
        return suite_run(s);
}
