/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Driver "simulated" - values that look real, for trying out and for tests
 *
 * wind         windSpeed in m/s, evenly drawn from 10 up to 14: the simulated device of the IoT Hub tutorials
 * thermostat   temperature in Cel, a random walk between 21 and 25 in hundredths
 *
 * The same seed gives the same values, on every machine.
 */

#include "sensor/driver.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#define WIND_AVERAGE 10.0
#define WIND_SPREAD  4.0

#define WALK_LOW   21.0
#define WALK_HIGH  25.0
#define WALK_START 23.0
#define WALK_STEP  0.25

typedef struct Simulated Simulated;

typedef struct Model {
        const char *name;
        const char *channel;
        const char *unit;
        double (*next)(Simulated *s);
} Model;

struct Simulated {
        const Model *model;
        uint64_t state;
        double temperature;
};

/* Even in [0, 1). The generator is splitmix64: one word of state, any seed will do. */
static double dice(Simulated *s)
{
        uint64_t z = s->state += UINT64_C(0x9e3779b97f4a7c15);

        z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
        z ^= z >> 31;
        return (double)(z >> 11) * 0x1p-53;
}

static double wind(Simulated *s)
{
        return WIND_AVERAGE + dice(s) * WIND_SPREAD;
}

static double thermostat(Simulated *s)
{
        double t = s->temperature + (2 * dice(s) - 1) * WALK_STEP;

        /* A step over the edge goes back by as much. */
        if (t < WALK_LOW)
                t = 2 * WALK_LOW - t;
        if (t > WALK_HIGH)
                t = 2 * WALK_HIGH - t;
        s->temperature = round(t * 100) / 100;
        return s->temperature;
}

static const Model models[] = {
        {"wind", "windSpeed", "m/s", wind},
        {"thermostat", "temperature", "Cel", thermostat},
};

static const Model *find_model(const char *name)
{
        for (size_t i = 0; i < ARRAY_SIZE(models); i++)
                if (strcmp(models[i].name, name) == 0)
                        return &models[i];
        return NULL;
}

static int simulated_check(const SensorSettings *s, char **ret_error)
{
        if (!s->model)
                return settings_bad(ret_error, "model: is missing; there are wind and thermostat");
        if (!find_model(s->model))
                return settings_bad(ret_error, "model: there is no \"%s\"; there are wind and thermostat", s->model);
        if (s->n_channels > 0)
                return settings_bad(ret_error, "channels: a simulated sensor brings its own");
        return 0;
}

static int simulated_open(const SensorSettings *settings, const DriverTools *tools, void **ret_device,
                          char error[static SENSOR_ERROR_MAX])
{
        Simulated *s = malloc(sizeof(*s));

        if (!s)
                return -ENOMEM;
        *s = (Simulated){
                .model = find_model(settings->model),
                .state = settings->seed != 0 ? settings->seed : tools->random->draw(tools->random->userdata),
                .temperature = WALK_START,
        };
        *ret_device = s;
        return 0;
}

static int simulated_read(void *device, Sample *sample)
{
        Simulated *s = device;

        sample->channels[0] = (Channel){
                .name = s->model->channel,
                .value = {.kind = VALUE_NUMBER, .number = s->model->next(s)},
        };
        sample->n_channels = 1;
        return 0;
}

static const char *simulated_unit(const SensorSettings *settings, const char *channel)
{
        return find_model(settings->model)->unit;
}

static const char *simulated_channel(const SensorSettings *settings)
{
        const Model *model = settings->model ? find_model(settings->model) : NULL;

        return model ? model->channel : NULL;
}

const SensorDriver driver_simulated = {
        .name = "simulated",
        .check = simulated_check,
        .open = simulated_open,
        .read = simulated_read,
        .close = free,
        .unit = simulated_unit,
        .channel = simulated_channel,
};
