/* SPDX-License-Identifier: Apache-2.0 */

/* Who is asked, how, and what is made of the answers. */

#include "sensor/probe.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fake-i2c.h"
#include "fake-sysfs.h"
#include "sensor/survey.h"
#include "suite.h"

static FakeI2c bus;
static Probe probe;

/* Two that tell who they are at 0x76, two that do not at 0x48, one that does there; one whose register has two bytes. */
static ChipDescription bme = {.holders = 2, .title = (char *)"B ME", .addresses = {2, {0x76, 0x77}},
                              .identity = {{1, {0xd0}}, 1, 0, 0x60}};
static ChipDescription bmp = {.holders = 2, .title = (char *)"B MP", .addresses = {2, {0x76, 0x77}},
                              .identity = {{1, {0xd0}}, 1, 0, 0x58}};
static ChipDescription lm75 = {.holders = 2, .title = (char *)"L M", .addresses = {2, {0x48, 0x49}}};
static ChipDescription tmp102 = {.holders = 2, .title = (char *)"T 2", .addresses = {2, {0x48, 0x49}}};
static ChipDescription tmp117 = {.holders = 2, .title = (char *)"T 7", .addresses = {2, {0x48, 0x49}},
                                 .identity = {{1, {0x0f}}, 2, 0x0fff, 0x117}};
static ChipDescription wide = {.holders = 2, .title = (char *)"W", .addresses = {1, {0x29}},
                               .identity = {{2, {0x01, 0x0f}}, 1, 0, 0xea}};
static ChipDescription mux = {.holders = 2, .title = (char *)"M", .select = {2, {1, 2}},
                              .addresses = {8, {0x70, 0x71, 0x72, 0x73, 0x74, 0x75, 0x76, 0x77}}};

static const NamedChip chips[] = {
        {"bme280", &bme}, {"bmp280", &bmp}, {"lm75", &lm75}, {"tca9548a", &mux}, {"tmp102", &tmp102}, {"tmp117", &tmp117},
        {"wide", &wide},
};

static void setup(void)
{
        fake_i2c_init(&bus);
}

static void teardown(void)
{
        fake_i2c_done(&bus);
}

static int run(void)
{
        return probe_bus(&bus.port, FAKE_I2C_BUS, chips, ARRAY_SIZE(chips), &probe);
}

static void put(unsigned address, unsigned reg, unsigned value)
{
        fake_i2c_set(&bus, address, reg, (uint8_t[]){(uint8_t)value}, 1);
}

/* ---- the questions ---- */

static bool was_asked(unsigned address, const char *how)
{
        char line[16];

        (void)snprintf(line, sizeof(line), "%02x?%s\n", address, how);
        return strstr(bus.history.data, line);
}

START_TEST(each_address_is_asked_by_what_does_least)
{
        static const int functions[] = {I2C_CAN_PLAIN | I2C_CAN_QUICK | I2C_CAN_RECEIVE, I2C_CAN_QUICK, I2C_CAN_RECEIVE};

        for (size_t i = 0; i < ARRAY_SIZE(functions); i++) {
                buffer_clear(&bus.history);
                bus.functions = functions[i];
                ck_assert_int_eq(run(), 0);
                for (unsigned a = 0; a < 128; a++) {
                        bool memory = (a >= 0x30 && a <= 0x37) || (a >= 0x50 && a <= 0x5f);
                        bool reserved = a < 0x08 || a > 0x77;
                        bool reads = (functions[i] & I2C_CAN_RECEIVE) && (memory || !(functions[i] & I2C_CAN_QUICK));

                        insist(was_asked(a, ">") == (!reserved && reads));
                        /* a memory is never written to */
                        insist(was_asked(a, "") == (!reserved && !memory && (functions[i] & I2C_CAN_QUICK)));
                }
                ck_assert_uint_eq(probe.n_left_out, functions[i] == I2C_CAN_QUICK ? 24 : 0);
                ck_assert_uint_eq(probe.n_findings, 0);
                ck_assert_uint_eq(probe.n_silent + probe.n_left_out, 112);
        }
        ck_assert_ptr_null(strchr(bus.history.data, '<'));
        ck_assert_uint_eq(bus.opened, bus.closed);
}
END_TEST

START_TEST(a_bus_that_cannot_be_asked_is_not)
{
        static const struct {
                int open_error, functions, expected;
        } cases[] = {{-EACCES, 0, -EACCES}, {0, I2C_CAN_PLAIN, -EOPNOTSUPP}, {0, -ENOTTY, -ENOTTY}};

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                bus.open_error = cases[i].open_error;
                bus.functions = cases[i].functions;
                ck_assert_int_eq(run(), cases[i].expected);
                ck_assert_uint_eq(bus.transfers, 0);
                ck_assert_uint_eq(bus.opened, bus.closed);
        }
}
END_TEST

START_TEST(what_a_driver_has_is_left_alone)
{
        put(0x48, 0, 0);
        put(0x76, 0xd0, 0x60);
        bus.chips[0x76].error = -EBUSY;
        ck_assert_int_eq(run(), 0);
        ck_assert_uint_eq(probe.n_findings, 1);
        ck_assert_uint_eq(probe.held[0x76], 1);
        ck_assert_uint_eq(probe.held[0x48], 0);
        ck_assert_ptr_null(strstr(bus.history.data, "76<"));
}
END_TEST

START_TEST(a_stuck_bus_is_told)
{
        for (size_t i = 0; i < 2; i++) {
                for (unsigned a = 0; a < 128; a++) {
                        bus.chips[a].present = true;
                        bus.chips[a].error = i == 0 ? -ETIMEDOUT : -EAGAIN;
                }
                ck_assert_int_eq(run(), 0);
                ck_assert_uint_eq(probe.n_stuck, 112);
                ck_assert_uint_eq(probe.n_findings, 0);
        }
}
END_TEST

/* ---- the answers ---- */

static const char *told(const Finding *f)
{
        static char text[256];
        int n = snprintf(text, sizeof(text), "%02x%s", f->address, f->is_identified ? " is" : " may be");

        for (size_t i = 0; i < f->n_chips; i++)
                n += snprintf(text + n, sizeof(text) - (size_t)n, " %s", f->chips[i]->name);
        if (f->mux)
                (void)snprintf(text + n, sizeof(text) - (size_t)n, " mux %s", f->mux->name);
        return text;
}

static void expect(const char *const *lines)
{
        size_t n = 0;

        ck_assert_int_eq(run(), 0);
        for (; lines[n]; n++)
                ck_assert_str_eq(n < probe.n_findings ? told(&probe.findings[n]) : "", lines[n]);
        ck_assert_uint_eq(probe.n_findings, n);
}

START_TEST(registers_tell_which_chip_it_is)
{
        put(0x76, 0xd0, 0x60);
        put(0x77, 0xd0, 0x58);
        fake_i2c_set(&bus, 0x48, 0x0f, "\x31\x17", 2); /* the revision is masked out */
        expect((const char *const[]){"48 is tmp117", "76 is bme280", "77 is bmp280", NULL});
}
END_TEST

START_TEST(where_no_register_tells_all_that_may_be_are_named)
{
        put(0x48, 0x0f, 0xff);
        put(0x49, 0, 0);
        put(0x20, 0, 0);
        put(0x70, 0, 0);
        put(0x76, 0xd0, 0x11);
        expect((const char *const[]){"20 may be", "48 may be lm75 tmp102", "49 may be lm75 tmp102", "70 may be mux tca9548a",
                                     "76 may be mux tca9548a", NULL});
}
END_TEST

/* A register is read for chips of that address alone, and nowhere before somebody answered. */
START_TEST(only_those_who_answered_are_asked_who_they_are)
{
        put(0x76, 0xd0, 0x60);
        put(0x48, 0, 0);
        put(0x20, 0, 0);
        ck_assert_int_eq(run(), 0);
        for (unsigned a = 0; a < 128; a++) {
                char text[8];

                (void)snprintf(text, sizeof(text), "%02x<", a);
                insist(!strstr(bus.history.data, text) == (a != 0x76 && a != 0x48));
        }
        ck_assert_ptr_nonnull(strstr(bus.history.data, "76?\n76< d0 76> 1\n"));
        ck_assert_ptr_nonnull(strstr(bus.history.data, "48?\n48< 0f 48> 2\n"));
}
END_TEST

/* An SMBus adapter has no call for a register of two bytes: then the chip may still be it. */
START_TEST(what_an_adapter_cannot_ask_stays_open)
{
        put(0x29, 0x0f, 0xea);
        expect((const char *const[]){"29 is wide", NULL});
        bus.smbus_only = true;
        expect((const char *const[]){"29 may be wide", NULL});
}
END_TEST

/* Whatever goes wrong at whatever moment: the others are found, and nothing is taken for what it is not. */
START_TEST(any_transfer_may_fail)
{
        static const int errors[] = {-EREMOTEIO, -ETIMEDOUT, -EIO, -ENODEV};
        unsigned n;

        put(0x76, 0xd0, 0x60);
        put(0x48, 0x0f, 0xff);
        ck_assert_int_eq(run(), 0);
        n = bus.transfers;
        for (unsigned k = 1; k <= n; k++)
                for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
                        bus.transfers = 0;
                        bus.error_at = k;
                        bus.error = errors[i];
                        insist(run() == 0);
                        insist(probe.n_findings >= 1 && probe.n_findings <= 2);
                        for (size_t f = 0; f < probe.n_findings; f++)
                                insist(!probe.findings[f].is_identified || probe.findings[f].chips[0] == &chips[0]);
                        insist(bus.opened == bus.closed);
                }
}
END_TEST

/* ---- as settings ---- */

START_TEST(what_is_sure_is_proposed_and_the_rest_is_said)
{
        FakeSysfs sysfs;
        Survey *survey;

        fake_sysfs_init(&sysfs);
        fake_sysfs_bus(&sysfs, 1, "platform/a", "adapter");
        put(0x76, 0xd0, 0x60);
        put(0x77, 0xd0, 0x60);
        put(0x48, 0, 0);
        put(0x20, 0, 0);
        put(0x70, 0, 0);
        ck_assert_int_eq(survey_new(&survey, sysfs.root, &bus.port), 0);
        ck_assert_int_eq(survey_probe(survey, &bus.port, "/dev/i2c-7", chips, ARRAY_SIZE(chips)), -ENOENT);
        ck_assert_int_eq(survey_probe(survey, &bus.port, FAKE_I2C_BUS, chips, ARRAY_SIZE(chips)), 0);
        ck_assert_int_eq(survey_name(survey), 0);
        ck_assert_uint_eq(survey->n_sensors, 5);
        for (size_t i = 0; i < 5; i++) {
                static const struct {
                        const char *name, *chip, *words;
                        bool sure;
                } expected[] = {
                        {"chip_1_0020", "", "No description of a chip has this address", false},
                        {"chip_1_0048", "lm75", "  lm75: L M\n  tmp102: T 2\n", false},
                        {"chip_1_0070", "", "a multiplexer tca9548a: ", false},
                        {"bme280_1_0076", "bme280", "  bme280: B ME\n", true},
                        {"bme280_1_0077", "bme280", "Not measured", true},
                };
                const SurveySensor *s = &survey->sensors[i];

                ck_assert_str_eq(s->settings.name, expected[i].name);
                ck_assert_str_eq(s->settings.chip, expected[i].chip);
                ck_assert_str_eq(s->settings.bus, FAKE_I2C_BUS);
                ck_assert(!s->why_not == expected[i].sure);
                ck_assert_msg(strstr(s->remark.data, expected[i].words) != NULL, "%s", s->remark.data);
        }
        ck_assert_uint_eq(survey->buses[0].probe->n_findings, 5);
        survey_free(survey);
        fake_sysfs_done(&sysfs);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("sensor/probe");
        TCase *c = suite_case(s, "who answers");

        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_test(c, each_address_is_asked_by_what_does_least);
        tcase_add_test(c, a_bus_that_cannot_be_asked_is_not);
        tcase_add_test(c, what_a_driver_has_is_left_alone);
        tcase_add_test(c, a_stuck_bus_is_told);
        tcase_add_test(c, registers_tell_which_chip_it_is);
        tcase_add_test(c, where_no_register_tells_all_that_may_be_are_named);
        tcase_add_test(c, only_those_who_answered_are_asked_who_they_are);
        tcase_add_test(c, what_an_adapter_cannot_ask_stays_open);
        tcase_add_test(c, any_transfer_may_fail);
        tcase_add_test(c, what_is_sure_is_proposed_and_the_rest_is_said);
        return suite_run(s);
}
