/* SPDX-License-Identifier: Apache-2.0 */

/*
 * org.hublink1.Sensor: one object a sensor, found by name in the Status at each question, so that a reload
 * needs no bookkeeping here.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bus/bus-private.h"

#define INTERVAL USEC_PER_SEC
#define LENIENCE (50 * USEC_PER_MSEC)

static const SensorStatus *find(Bus *bus, const char *name)
{
        const Status *s = bus_status(bus);

        for (size_t i = 0; i < s->n_sensors; i++)
                if (strcmp(s->sensors[i]->name, name) == 0)
                        return s->sensors[i];
        return NULL;
}

static void path_of(const char *name, char path[static sizeof(BUS_SENSOR_PREFIX) + sizeof(Name)])
{
        (void)sprintf(path, BUS_SENSOR_PREFIX "/%s", name); /* a Name needs no escaping, and fits */
}

/* ---- properties ---- */

#define DEFINE_GETTER(name, append)                                                                         \
        static int get_##name(sd_bus *b, const char *path, const char *interface, const char *property,     \
                              sd_bus_message *reply, void *userdata, sd_bus_error *error)                   \
        {                                                                                                   \
                const SensorStatus *s = userdata;                                                           \
                                                                                                            \
                return append;                                                                              \
        }                                                                                                   \
        struct get_##name##_semicolon
#define DEFINE_VALUE_GETTER(name, type, value) DEFINE_GETTER(name, sd_bus_message_append(reply, type, value))
#define DEFINE_TEXT_GETTER(name, text)         DEFINE_GETTER(name, bus_append_text(reply, text))

DEFINE_TEXT_GETTER(name, s->name);
DEFINE_TEXT_GETTER(driver, s->driver);
DEFINE_TEXT_GETTER(state, sensor_state_to_string(s->state));
DEFINE_VALUE_GETTER(time, "t", s->time_usec);
DEFINE_VALUE_GETTER(errors, "t", s->errors);
DEFINE_TEXT_GETTER(last_error, s->last_error);
DEFINE_VALUE_GETTER(interval, "t", s->interval_usec);

int bus_append_channel(sd_bus_message *reply, const Channel *c)
{
        switch (c->value.kind) {
        case VALUE_NUMBER:
                return sd_bus_message_append(reply, "{sv}", c->name, "d", c->value.number);
        case VALUE_INTEGER:
                return sd_bus_message_append(reply, "{sv}", c->name, "x", c->value.integer);
        case VALUE_BOOLEAN:
                return sd_bus_message_append(reply, "{sv}", c->name, "b", (int)c->value.boolean);
        case VALUE_TEXT:
                return bus_append_text_entry(reply, c->name, c->value.text);
        case _VALUE_KIND_MAX:
                break;
        }
        return 0;
}

static int get_values(sd_bus *b, const char *path, const char *interface, const char *property,
                      sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
        const SensorStatus *s = userdata;
        int r;

        r = sd_bus_message_open_container(reply, 'a', "{sv}");
        for (size_t i = 0; r >= 0 && i < s->n_values; i++)
                r = bus_append_channel(reply, &s->values[i]);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int get_units(sd_bus *b, const char *path, const char *interface, const char *property,
                     sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
        const SensorStatus *s = userdata;
        int r;

        r = sd_bus_message_open_container(reply, 'a', "{ss}");
        for (size_t i = 0; r >= 0 && s->units && i < s->n_values; i++)
                if (s->units[i] && *s->units[i])
                        r = bus_append_text_pair(reply, s->values[i].name, s->units[i]);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int get_error_kinds(sd_bus *b, const char *path, const char *interface, const char *property,
                           sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
        const SensorStatus *s = userdata;
        int r;

        r = sd_bus_message_open_container(reply, 'a', "{st}");
        for (int i = 0; r >= 0 && i < _SENSOR_FAULT_MAX; i++)
                if (s->faults[i] > 0)
                        r = sd_bus_message_append(reply, "{st}", sensor_fault_to_string((SensorFault)i), s->faults[i]);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

/* ---- the objects ---- */

static int find_object(sd_bus *b, const char *path, const char *interface, void *userdata, void **ret,
                       sd_bus_error *error)
{
        size_t prefix = strlen(BUS_SENSOR_PREFIX "/");

        /* The prefix itself is asked for too, and is no sensor. */
        if (strncmp(path, BUS_SENSOR_PREFIX "/", prefix) != 0)
                return 0;
        *ret = (void *)find(userdata, path + prefix);
        return *ret != NULL;
}

static int list_objects(sd_bus *b, const char *prefix, void *userdata, char ***ret, sd_bus_error *error)
{
        const Status *s = bus_status(userdata);
        char **paths = calloc(s->n_sensors + 1, sizeof(*paths));

        if (!paths)
                return -ENOMEM;
        for (size_t i = 0; i < s->n_sensors; i++) {
                paths[i] = malloc(sizeof(BUS_SENSOR_PREFIX) + sizeof(Name));
                if (!paths[i]) {
                        while (i > 0)
                                free(paths[--i]);
                        free(paths);
                        return -ENOMEM;
                }
                path_of(s->sensors[i]->name, paths[i]);
        }
        *ret = paths;
        return 1;
}

#define PROPERTY(name, type, get, flags) SD_BUS_PROPERTY(name, type, get, 0, flags)
#define TOLD                             SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE

static const sd_bus_vtable vtable[] = {
        SD_BUS_VTABLE_START(0),
        PROPERTY("Name", "s", get_name, SD_BUS_VTABLE_PROPERTY_CONST),
        PROPERTY("Driver", "s", get_driver, SD_BUS_VTABLE_PROPERTY_CONST),
        PROPERTY("State", "s", get_state, TOLD),
        PROPERTY("Values", "a{sv}", get_values, TOLD),
        PROPERTY("Units", "a{ss}", get_units, TOLD),
        PROPERTY("Time", "t", get_time, TOLD),
        PROPERTY("Errors", "t", get_errors, TOLD),
        PROPERTY("ErrorKinds", "a{st}", get_error_kinds, TOLD),
        PROPERTY("LastError", "s", get_last_error, TOLD),
        PROPERTY("Interval", "t", get_interval, TOLD),
        SD_BUS_VTABLE_END,
};

int bus_sensor_export(Bus *bus)
{
        int r;

        r = sd_bus_add_fallback_vtable(bus->connection, NULL, BUS_SENSOR_PREFIX, BUS_SENSOR, vtable,
                                       find_object, bus);
        if (r >= 0)
                r = sd_bus_add_node_enumerator(bus->connection, NULL, BUS_SENSOR_PREFIX, list_objects, bus);
        return r;
}

/* ---- telling ---- */

static BusSensor *find_told(Bus *bus, const char *name)
{
        for (size_t i = 0; i < bus->n_sensors; i++)
                if (strcmp(bus->sensors[i].name, name) == 0)
                        return &bus->sensors[i];
        return NULL;
}

static void came(Bus *bus, const SensorStatus *sensor, bool tell)
{
        BusSensor *more = reallocarray(bus->sensors, bus->n_sensors + 1, sizeof(*more)), *s;
        char path[sizeof(BUS_SENSOR_PREFIX) + sizeof(Name)];

        if (!more)
                return; /* seen again at the next look */
        bus->sensors = more;
        s = &bus->sensors[bus->n_sensors++];
        *s = (BusSensor){};
        (void)snprintf(s->name, sizeof(s->name), "%s", sensor->name);
        (void)sensor_diff(&s->told, sensor);
        path_of(s->name, path);
        if (tell && bus->named)
                (void)sd_bus_emit_interfaces_added(bus->connection, path, BUS_SENSOR, NULL);
}

static void went(Bus *bus, BusSensor *s, bool tell)
{
        char path[sizeof(BUS_SENSOR_PREFIX) + sizeof(Name)];

        path_of(s->name, path);
        if (tell && bus->named)
                (void)sd_bus_emit_interfaces_removed(bus->connection, path, BUS_SENSOR, NULL);
        *s = bus->sensors[--bus->n_sensors];
}

/* The usual case, at the price of one Status. */
static bool nobody_came_or_went(Bus *bus)
{
        const Status *s = bus_status(bus);

        if (s->n_sensors != bus->n_sensors)
                return false;
        for (size_t i = 0; i < s->n_sensors; i++)
                if (!find_told(bus, s->sensors[i]->name))
                        return false;
        return true;
}

void bus_sensors_match(Bus *bus, bool tell)
{
        if (nobody_came_or_went(bus))
                return;
        for (size_t i = bus->n_sensors; i-- > 0;)
                if (!find(bus, bus->sensors[i].name))
                        went(bus, &bus->sensors[i], tell);
        /* emitting asks for a Status of its own, so this one is taken anew each time */
        for (size_t i = 0; i < bus_status(bus)->n_sensors; i++) {
                const SensorStatus *s = bus_status(bus)->sensors[i];

                if (!find_told(bus, s->name))
                        came(bus, s, tell);
        }
}

/* At a round time, an interval (save for a little) after the last: so the news of a sensor that is read at round
 * times goes out with the reading itself, and costs no wake-up of its own. */
static usec_t due_of(const BusSensor *s)
{
        return s->told_usec == 0 ? 0 : (usec_add(s->told_usec, INTERVAL - LENIENCE) / INTERVAL + 1) * INTERVAL;
}

void bus_sensor_changed(Bus *bus, const SensorStatus *sensor)
{
        BusSensor *s = find_told(bus, sensor->name);

        if (!s) {
                bus_status_changed(bus); /* a new one: the next look finds it */
                return;
        }
        s->changed = true;
        bus->sensors_due_usec = MIN(bus->sensors_due_usec, due_of(s));
}

static void tell_one(Bus *bus, BusSensor *s)
{
        const SensorStatus *sensor = find(bus, s->name);
        const char *names[_SENSOR_PROPERTY_MAX + 1];
        char path[sizeof(BUS_SENSOR_PREFIX) + sizeof(Name)];
        unsigned changed = sensor ? sensor_diff(&s->told, sensor) : 0;

        if (changed == 0 || !bus->named)
                return;
        sensor_property_names(changed, names);
        path_of(s->name, path);
        (void)sd_bus_emit_properties_changed_strv(bus->connection, path, BUS_SENSOR, (char **)names);
}

void bus_sensors_tell(Bus *bus, usec_t now)
{
        usec_t next = USEC_INFINITY;

        for (size_t i = 0; i < bus->n_sensors; i++) {
                BusSensor *s = &bus->sensors[i];
                usec_t due = due_of(s);

                if (!s->changed)
                        continue;
                if (now < due) {
                        next = MIN(next, due);
                        continue;
                }
                s->changed = false;
                s->told_usec = now;
                tell_one(bus, s);
        }
        bus->sensors_due_usec = next;
}

void bus_sensors_done(Bus *bus)
{
        free(bus->sensors);
        bus->sensors = NULL;
        bus->n_sensors = 0;
}
