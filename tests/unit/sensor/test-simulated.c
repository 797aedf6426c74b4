/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/driver.h"

#include <string.h>

#include "fake-clock.h"
#include "suite.h"

static void *open_model(char *model, uint64_t seed)
{
        FakeRandom dice;
        DriverTools tools = {.random = &dice.random};
        char error[SENSOR_ERROR_MAX];
        void *device;

        fake_random_init(&dice, 99);
        ck_assert_int_eq(driver_simulated.open(&(SensorSettings){.model = model, .seed = seed}, &tools, &device,
                                               error), 0);
        return device;
}

static double read_one(void *device, const char *channel)
{
        Sample sample;

        ck_assert_int_eq(driver_simulated.read(device, &sample), 0);
        ck_assert_uint_eq(sample.n_channels, 1);
        ck_assert_str_eq(sample.channels[0].name, channel);
        ck_assert_int_eq(sample.channels[0].value.kind, VALUE_NUMBER);
        return sample.channels[0].value.number;
}

START_TEST(seed_says_everything)
{
        static const double wind[] = {12.966259515087293, 10.639641571507681, 11.114404521020555, 11.37676286609455};
        static const double temperature[] = {23.12, 22.95, 22.84, 22.76, 22.53, 22.71};
        void *device = open_model((char *)"wind", 42);

        for (size_t i = 0; i < ARRAY_SIZE(wind); i++) {
                double x = read_one(device, "windSpeed");

                ck_assert_msg(x == wind[i], "%.17g", x);
        }
        driver_simulated.close(device);
        device = open_model((char *)"thermostat", 42);
        for (size_t i = 0; i < ARRAY_SIZE(temperature); i++) {
                double x = read_one(device, "temperature");

                ck_assert_msg(x == temperature[i], "%.17g", x);
        }
        driver_simulated.close(device);
}
END_TEST

START_TEST(values_stay_where_they_belong)
{
        void *wind = open_model((char *)"wind", 7), *thermostat = open_model((char *)"thermostat", 7);
        double low = 100, high = 0, sum = 0, before = 23;

        for (int i = 0; i < 20000; i++) {
                double x = read_one(wind, "windSpeed"), t = read_one(thermostat, "temperature");

                if (!(x >= 10 && x < 14 && t >= 21 && t <= 25 && t - before <= 0.26 && before - t <= 0.26))
                        ck_abort_msg("turn %d: %g and %g after %g", i, x, t, before);
                sum += x;
                before = t;
                low = MIN(low, t);
                high = MAX(high, t);
        }
        ck_assert(sum / 20000 > 11.95 && sum / 20000 < 12.05);
        ck_assert(low < 21.05 && high > 24.95); /* it really walks */
        driver_simulated.close(wind);
        driver_simulated.close(thermostat);
}
END_TEST

START_TEST(without_a_seed_it_is_drawn)
{
        void *a = open_model((char *)"wind", 0), *b = open_model((char *)"wind", 1);

        ck_assert(read_one(a, "windSpeed") != read_one(b, "windSpeed"));
        driver_simulated.close(a);
        driver_simulated.close(b);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("sensor/simulated");
        TCase *c = suite_case(s, "models");

        tcase_add_test(c, seed_says_everything);
        tcase_add_test(c, values_stay_where_they_belong);
        tcase_add_test(c, without_a_seed_it_is_drawn);
        return suite_run(s);
}
