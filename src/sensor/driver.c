/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/driver.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define TIMEOUT_MIN_USEC  USEC_PER_MSEC

static const SensorDriver *const drivers[] = {
        &driver_file,
        &driver_hwmon,
        &driver_i2c,
        &driver_iio,
        &driver_program,
        &driver_simulated,
        &driver_socket,
        &driver_tail,
        &driver_watch,
};

const SensorDriver *sensor_driver_find(const char *name)
{
        for (size_t i = 0; i < ARRAY_SIZE(drivers); i++)
                if (strcmp(drivers[i]->name, name) == 0)
                        return drivers[i];
        return NULL;
}

const char *sensor_driver_names(void)
{
        return "file, hwmon, i2c, iio, program, simulated, socket, tail, watch";
}

int sample_fail(Sample *sample, Refusal refusal, const char *fmt, ...)
{
        va_list ap;

        sample->refusal = refusal;
        sample->fault = SENSOR_FAULT_OTHER;
        va_start(ap, fmt);
        (void)vsnprintf(sample->error, sizeof(sample->error), fmt, ap);
        va_end(ap);
        return SENSOR_E_FAILED;
}

int settings_bad(char **ret_error, const char *fmt, ...)
{
        char *text;
        va_list ap;
        int n;

        va_start(ap, fmt);
        n = vasprintf(&text, fmt, ap);
        va_end(ap);
        if (n < 0)
                return -ENOMEM;
        *ret_error = text;
        return SENSOR_E_BAD;
}

static int check_times(const SensorDriver *driver, const SensorSettings *s, char **ret_error)
{
        if (!driver->read) {
                if (s->interval_usec != 0)
                        return settings_bad(ret_error, "interval: a %s is driven by its source and has none",
                                            driver->name);
                return 0;
        }
        if (s->interval_usec == 0)
                return settings_bad(ret_error, "interval: driver %s needs one, such as \"10s\"", driver->name);
        if (s->interval_usec < SENSOR_INTERVAL_MIN)
                return settings_bad(ret_error, "interval: at least 10ms");
        if (s->timeout_usec != 0 && s->timeout_usec < TIMEOUT_MIN_USEC)
                return settings_bad(ret_error, "timeout: at least 1ms");
        return 0;
}

static int check_channel(const SensorSettings *s, size_t i, char **ret_error)
{
        const ChannelSettings *c = &s->channels[i];

        if (!channel_name_is_valid(c->name))
                return settings_bad(ret_error,
                                    "channels.%s: a channel's name is a letter, then letters, digits and _, at most %d "
                                    "characters; " CHANNEL_NAME_TAKEN,
                                    c->name, NAME_LENGTH_MAX);
        for (size_t k = 0; k < i; k++)
                if (strcmp(s->channels[k].name, c->name) == 0)
                        return settings_bad(ret_error, "channels.%s: there are two of this name", c->name);
        if (!isfinite(c->scale) || c->scale == 0)
                return settings_bad(ret_error, "channels.%s.scale: a finite number other than 0", c->name);
        if (!isfinite(c->offset))
                return settings_bad(ret_error, "channels.%s.offset: a finite number", c->name);
        return 0;
}

/* A setting of another driver would be ignored; better to say so. */
static int check_strangers(const SensorDriver *driver, const SensorSettings *s, char **ret_error)
{
        const struct {
                const char *member;
                const char *value;
                const char *owners;
        } members[] = {
                {"path", s->path, "file, tail, watch"},  {"bus", s->bus, "i2c"},
                {"listen", s->listen, "socket"},         {"format", s->format, "socket, tail"},
                {"group", s->group, "socket"},           {"model", s->model, "simulated"},
                {"command", s->command, "program"},      {"device", s->device, "hwmon, iio"},
                {"at", s->at, "hwmon, iio"},
        };

        for (size_t i = 0; i < ARRAY_SIZE(members); i++)
                if (members[i].value && !strstr(members[i].owners, driver->name))
                        return settings_bad(ret_error, "%s: belongs to driver %s, this one is %s", members[i].member,
                                            members[i].owners, driver->name);
        return 0;
}

int sensor_settings_check(const SensorSettings *s, char **ret_error)
{
        const SensorDriver *driver;
        int r;

        if (!name_is_valid(s->name))
                return settings_bad(ret_error,
                                    "name: a sensor's name is a letter, then letters, digits and _, "
                                    "at most %d characters",
                                    NAME_LENGTH_MAX);
        if (!s->driver)
                return settings_bad(ret_error, "driver: is missing; there are %s", sensor_driver_names());
        driver = sensor_driver_find(s->driver);
        if (!driver)
                return settings_bad(ret_error, "driver: there is no \"%s\"; there are %s", s->driver,
                                    sensor_driver_names());
        if (s->stream[0] && !name_is_valid(s->stream))
                return settings_bad(ret_error, "stream: \"%s\" is not a name", s->stream);
        if (s->n_channels > READING_CHANNELS_MAX)
                return settings_bad(ret_error, "channels: at most %d", READING_CHANNELS_MAX);
        r = check_strangers(driver, s, ret_error);
        if (r == 0)
                r = check_times(driver, s, ret_error);
        for (size_t i = 0; i < s->n_channels && r == 0; i++)
                r = check_channel(s, i, ret_error);
        return r == 0 ? driver->check(s, ret_error) : r;
}

const char *sensor_settings_channel(const SensorSettings *s)
{
        const SensorDriver *driver = s->driver ? sensor_driver_find(s->driver) : NULL;

        return driver && driver->channel && s->n_channels == 0 ? driver->channel(s) : NULL;
}

bool sensor_settings_name_others(const SensorSettings *s)
{
        const SensorDriver *driver = s->driver ? sensor_driver_find(s->driver) : NULL;

        return driver && driver->names_others && s->n_channels == 0;
}
