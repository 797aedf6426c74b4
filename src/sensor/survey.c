/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/survey.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "sensor/survey-core.h"
#include "sensor/sysfs.h"

/* ---- sensors ---- */

static void sensor_done(SurveySensor *s)
{
        for (size_t i = 0; i < s->settings.n_channels; i++)
                free(s->channels[i].error);
        free(s->channels);
        sensor_settings_done(&s->settings);
        buffer_done(&s->remark);
        free(s->called);
        free(s->place);
        free(s->path);
        free(s->why_not);
}

int survey_add(Survey *s, const char *driver, const char *called, SurveySensor **ret)
{
        SurveySensor *sensors = reallocarray(s->sensors, s->n_sensors + 1, sizeof(*sensors)), *sensor;

        if (!sensors)
                return -ENOMEM;
        s->sensors = sensors;
        sensor = &sensors[s->n_sensors++];
        *sensor = (SurveySensor){.settings.interval_usec = SURVEY_INTERVAL};
        sensor->settings.driver = strdup(driver);
        *ret = sensor;
        return sensor->settings.driver && text_copy(&sensor->called, called) ? 0 : -ENOMEM;
}

/* "/sys/devices/platform/coretemp.0/hwmon/hwmon1": what stands between says where it is. */
static char *place_of(const ClassDevice *d)
{
        const char *begin = strstr(d->real, "/devices/"), *end = strrchr(d->real, '/');

        if (!begin || end <= begin + strlen("/devices"))
                return strdup(d->entry);
        begin += strlen("/devices/");
        if (strncmp(end, "/thermal_zone", strlen("/thermal_zone")) == 0)
                end += strlen(end); /* a zone is shown by nobody else: it is its own place */
        else if (end - begin > 6 && strncmp(end - 6, "/hwmon", 6) == 0)
                end -= 6;
        return strndup(begin, (size_t)(end - begin));
}

int survey_add_device(Survey *s, const char *driver, const ClassDevices *d, size_t i, SurveySensor **ret)
{
        const ClassDevice *device = &d->items[i];
        SurveySensor *sensor;
        int r = survey_add(s, driver, device->name, ret);

        if (r < 0)
                return r;
        sensor = *ret;
        sensor->place = place_of(device);
        if (asprintf(&sensor->path, "/sys/%s/%s", d->class, device->entry) < 0)
                sensor->path = NULL;
        return sensor->place && sensor->path ? 0 : -ENOMEM;
}

int survey_say_why_not(SurveySensor *sensor, const char *fmt, ...)
{
        va_list ap;
        int n;

        if (sensor->why_not)
                return 0; /* one is enough */
        va_start(ap, fmt);
        n = vasprintf(&sensor->why_not, fmt, ap);
        va_end(ap);
        if (n < 0)
                sensor->why_not = NULL;
        return n < 0 ? -ENOMEM : 0;
}

static int say_where(SurveySensor *sensor, const ClassDevices *d, size_t i)
{
        bool told_apart, counted;
        int r = class_device_at(d, i, &sensor->settings.at, &told_apart, &counted);

        if (r == 0 && !told_apart)
                r = survey_say_why_not(sensor, "another device has this name and this place: nothing tells them apart");
        if (r == 0 && counted)
                buffer_printf(&sensor->remark, "Its place has a number that may be another one after the next boot.\n");
        return r;
}

int survey_add_sysfs(Survey *s, const char *driver, const ClassDevices *d, size_t i, SurveySensor **ret)
{
        int r = survey_add_device(s, driver, d, i, ret);

        if (r < 0)
                return r;
        if (d->items[i].by_label && d->items[i].also)
                buffer_printf(&(*ret)->remark, "Called so by who built this machine; its driver calls it %s.\n",
                              d->items[i].also);
        (*ret)->settings.device = strdup(d->items[i].name);
        return (*ret)->settings.device ? say_where(*ret, d, i) : -ENOMEM;
}

/* ---- channels ---- */

int survey_add_channel(SurveySensor *sensor, const char *name, const char *attribute, const char *label)
{
        SensorSettings *s = &sensor->settings;
        ChannelSettings *channels = reallocarray(s->channels, s->n_channels + 1, sizeof(*channels)), *c;
        SurveyChannel *looks = reallocarray(sensor->channels, s->n_channels + 1, sizeof(*looks));

        if (channels)
                s->channels = channels;
        if (looks)
                sensor->channels = looks;
        if (!channels || !looks)
                return -ENOMEM;
        c = &channels[s->n_channels];
        *c = (ChannelSettings){.scale = 1};
        looks[s->n_channels++] = (SurveyChannel){};
        (void)snprintf(c->name, sizeof(Name), "%s", name);
        return text_copy(&c->attribute, attribute) && text_copy(&c->label, label) ? 0 : -ENOMEM;
}

/* ---- a look at each ---- */

static int keep_error(SurveyChannel *look, const char *error)
{
        look->error = strdup(error);
        return look->error ? 0 : -ENOMEM;
}

/* folder: found already; NULL: the device is no such. */
static int read_one(const SensorDriver *driver, const SensorSettings *one, const char *sysfs, const char *folder,
                    SurveyChannel *look)
{
        const DriverTools tools = {.clock = &clock_system, .sysfs = sysfs};
        char error[SENSOR_ERROR_MAX] = "";
        void *device = NULL;
        Sample sample;
        int r = driver->open(one, &tools, &device, error);

        if (r != 0)
                return r < 0 ? r : keep_error(look, error);
        r = folder ? sysfs_place(device, folder) : 0;
        if (r == 0)
                r = driver->read(device, &sample);
        if (r == 0 && sample.channels[0].value.kind == VALUE_NUMBER) {
                look->value = sample.channels[0].value.number;
                look->unit = driver->unit ? driver->unit(one, one->channels[0].name) : NULL;
                if (!look->unit && driver->found_unit)
                        look->unit = driver->found_unit(device, 0);
        } else if (r >= 0)
                r = keep_error(look, r == 0 ? "it is no number" : sample.error);
        driver->close(device);
        return r;
}

/* A channel that fails would take the others of its reading with it: so each is read alone. */
int survey_look(const Survey *s, SurveySensor *sensor, const char *folder)
{
        const SensorDriver *driver = sensor_driver_find(sensor->settings.driver);
        SensorSettings one = sensor->settings;
        size_t n_read = 0;
        int r = 0;

        for (size_t i = 0; i < sensor->settings.n_channels && r == 0; i++) {
                SurveyChannel *look = &sensor->channels[i];
                const char *unit = sensor->settings.channels[i].unit;

                one.channels = &sensor->settings.channels[i];
                one.n_channels = 1;
                r = read_one(driver, &one, s->sysfs, folder, look);
                look->unit = unit ?: look->unit;
                n_read += !look->error;
        }
        if (r == 0 && n_read == 0)
                r = survey_say_why_not(sensor, "none of its values can be read now");
        return r;
}

/* ---- the whole ---- */

int survey_new(Survey **ret, const char *sysfs, const I2cPort *port)
{
        _cleanup_(survey_freep) Survey *s = calloc(1, sizeof(*s));
        int r;

        if (!s)
                return -ENOMEM;
        s->sysfs = strdup(sysfs ?: "/sys");
        if (!s->sysfs)
                return -ENOMEM;
        r = survey_i2c(s, port);
        if (r == 0)
                r = survey_hwmon(s);
        if (r == 0)
                r = survey_iio(s);
        if (r == 0)
                r = survey_thermal(s);
        if (r == 0)
                *ret = TAKE_PTR(s);
        return r;
}

static void bus_done(SurveyBus *b)
{
        for (size_t i = 0; i < b->n_addresses; i++)
                free(b->addresses[i].type);
        free(b->addresses);
        free(b->name);
        free(b->probe);
}

Survey *survey_free(Survey *s)
{
        if (!s)
                return NULL;
        for (size_t i = 0; i < s->n_buses; i++)
                bus_done(&s->buses[i]);
        for (size_t i = 0; i < s->n_sensors; i++)
                sensor_done(&s->sensors[i]);
        free(s->buses);
        free(s->sensors);
        free(s->sysfs);
        free(s);
        return NULL;
}
