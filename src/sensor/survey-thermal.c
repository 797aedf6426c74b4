/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/survey-core.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* The kernel shows most zones as monitors, too, under the zone's type; there it is found whatever its number. */
static const SurveySensor *monitor_of(const Survey *s, const ClassDevice *zone)
{
        for (size_t i = 0; i < s->n_sensors; i++) {
                const SurveySensor *sensor = &s->sensors[i];
                const char *a = sensor->called, *b = zone->name;

                if (!a || strcmp(sensor->settings.driver, "hwmon") != 0 || !strstr(sensor->place, "thermal_zone"))
                        continue;
                while (*a && (*a == *b || (*a == '_' && *b == '-')))
                        a++, b++;
                if (!*a && !*b)
                        return sensor;
        }
        return NULL;
}

static int add_zone(Survey *s, const ClassDevices *d, size_t i)
{
        const ClassDevice *zone = &d->items[i];
        _cleanup_free_ char *there = NULL;
        SurveySensor *sensor;
        int r = survey_add_device(s, "file", d, i, &sensor);

        if (r == 0)
                r = survey_add_channel(sensor, "temperature", NULL, NULL);
        if (r < 0)
                return r;
        sensor->settings.channels[0].scale = 1e-3;
        sensor->settings.channels[0].unit = strdup("Cel");
        if (asprintf(&there, "%s/temp", zone->folder) < 0)
                there = NULL;
        if (!sensor->settings.channels[0].unit || !there)
                return -ENOMEM;
        buffer_printf(&sensor->remark, "Its number may be another one after the next boot.\n");
        /* read where we look, and written as it is called on that machine */
        sensor->settings.path = there;
        r = survey_look(s, sensor, NULL);
        if (asprintf(&sensor->settings.path, "%s/temp", sensor->path) < 0)
                sensor->settings.path = NULL;
        return r == 0 && !sensor->settings.path ? -ENOMEM : r;
}

int survey_thermal(Survey *s)
{
        ClassDevices d;
        int r = class_devices_list(&d, s->sysfs, "class/thermal", "thermal_zone", "type", NULL);

        for (size_t i = 0; i < d.n && r == 0; i++)
                if (d.items[i].name && !monitor_of(s, &d.items[i]))
                        r = add_zone(s, &d, i);
        class_devices_done(&d);
        return r;
}
