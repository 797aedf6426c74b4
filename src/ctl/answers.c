/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/answers.h"

#include <errno.h>
#include <string.h>
#include <systemd/sd-bus.h>

uint64_t counts_get(const Counts *c, const char *name)
{
        for (size_t i = 0; i < c->n_items; i++)
                if (strcmp(c->items[i].name, name) == 0)
                        return c->items[i].n;
        return 0;
}

static int read_counts(sd_bus_message *m, void *to)
{
        Counts *c = to;
        const char *name;
        uint64_t n;
        int r;

        r = sd_bus_message_enter_container(m, 'a', "{st}");
        while (r >= 0 && (r = sd_bus_message_read(m, "{st}", &name, &n)) > 0)
                if (c->n_items < COUNTS_MAX) {
                        c->items[c->n_items].name = name;
                        c->items[c->n_items++].n = n;
                }
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

static int read_alarms(sd_bus_message *m, void *to)
{
        AlarmList *l = to;
        AlarmInfo a;
        int r;

        r = sd_bus_message_enter_container(m, 'a', "(ssdt)");
        while (r >= 0 && (r = sd_bus_message_read(m, "(ssdt)", &a.channel, &a.state, &a.limit, &a.since)) > 0) {
                AlarmInfo *more = reallocarray(l->items, l->n_items + 1, sizeof(*more));

                if (!more)
                        return -ENOMEM;
                l->items = more;
                l->items[l->n_items++] = a;
        }
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

int answer_read_value(sd_bus_message *m, Value *v)
{
        const char *type;
        int r, b;

        r = sd_bus_message_peek_type(m, NULL, &type);
        if (r < 0)
                return r;
        switch (type[0]) {
        case 'd':
                v->kind = VALUE_NUMBER;
                return sd_bus_message_read(m, "v", "d", &v->number);
        case 'x':
                v->kind = VALUE_INTEGER;
                return sd_bus_message_read(m, "v", "x", &v->integer);
        case 's':
                v->kind = VALUE_TEXT;
                return sd_bus_message_read(m, "v", "s", &v->text);
        case 'b':
                v->kind = VALUE_BOOLEAN;
                r = sd_bus_message_read(m, "v", "b", &b);
                v->boolean = r >= 0 && b;
                return r;
        default:
                return -EBADMSG;
        }
}

static SensorInfo *sensor_of(void *values)
{
        return container_of(values, SensorInfo, values);
}

static int read_values(sd_bus_message *m, void *to)
{
        SensorInfo *s = sensor_of(to);
        int r;

        r = sd_bus_message_enter_container(m, 'a', "{sv}");
        while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
                Channel c;

                if ((r = sd_bus_message_read(m, "s", &c.name)) < 0 || (r = answer_read_value(m, &c.value)) < 0)
                        return r;
                if (s->n_values < READING_CHANNELS_MAX) {
                        s->units[s->n_values] = "";
                        s->values[s->n_values++] = c;
                }
                r = sd_bus_message_exit_container(m);
        }
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

/* Values stand before Units in the interface, and so in every answer. */
static int read_units(sd_bus_message *m, void *to)
{
        SensorInfo *s = sensor_of(to);
        const char *channel, *unit;
        int r;

        r = sd_bus_message_enter_container(m, 'a', "{ss}");
        while (r >= 0 && (r = sd_bus_message_read(m, "{ss}", &channel, &unit)) > 0)
                for (size_t i = 0; i < s->n_values; i++)
                        if (strcmp(s->values[i].name, channel) == 0)
                                s->units[i] = unit;
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

/* A property and where it goes: as it is, or by a function. */
typedef struct Field {
        const char *name, *type;
        size_t offset;
        int (*read)(sd_bus_message *m, void *to);
} Field;

#define STATUS(name, type, member)                                                                          \
        {                                                                                                   \
                name, type, offsetof(GatewayStatus, member), NULL                                           \
        }
#define STATUS_COUNTS(name, member)                                                                         \
        {                                                                                                   \
                name, "a{st}", offsetof(GatewayStatus, member), read_counts                                 \
        }
#define SENSOR_FIELD(name, type, member)                                                                    \
        {                                                                                                   \
                name, type, offsetof(SensorInfo, member), NULL                                              \
        }

static const Field status_fields[] = {
        STATUS("Version", "s", version),
        STATUS("LinkState", "s", link_state),
        STATUS("LinkReason", "s", link_reason),
        STATUS("LinkDetail", "s", link_detail),
        STATUS("LinkSince", "t", link_since),
        STATUS("NextAttempt", "t", next_attempt),
        STATUS("Hub", "s", hub),
        STATUS("DeviceId", "s", device_id),
        STATUS("SendState", "s", send_state),
        STATUS("QueueRecords", "t", queue_records),
        STATUS("QueueBytes", "t", queue_bytes),
        STATUS("QueueFill", "d", queue_fill),
        STATUS("DiskState", "s", disk_state),
        STATUS("DiskError", "s", disk_error),
        STATUS("OldestAge", "t", oldest_age),
        STATUS("InFlight", "u", in_flight),
        STATUS("LastAcknowledged", "t", last_acknowledged),
        STATUS_COUNTS("Ledger", ledger),
        STATUS_COUNTS("Dropped", dropped),
        STATUS_COUNTS("Refused", refused),
        STATUS("MalformedOrders", "t", malformed_orders),
        STATUS("Orders", "t", orders),
        STATUS("MethodChanges", "t", method_changes),
        STATUS("SettingsProblem", "s", settings_problem),
        STATUS("StateProblem", "s", state_problem),
        STATUS("QueueProblem", "s", queue_problem),
        STATUS("MetricsProblem", "s", metrics_problem),
        STATUS("TwinProblem", "s", twin_problem),
        {"Alarms", "a(ssdt)", offsetof(GatewayStatus, alarms), read_alarms},
        STATUS_COUNTS("QueueStats", queue_stats),
        {},
};

static const Field sensor_fields[] = {
        SENSOR_FIELD("Name", "s", name),
        SENSOR_FIELD("Driver", "s", driver),
        SENSOR_FIELD("State", "s", state),
        {"Values", "a{sv}", offsetof(SensorInfo, values), read_values},
        {"Units", "a{ss}", offsetof(SensorInfo, values), read_units},
        SENSOR_FIELD("Time", "t", time),
        SENSOR_FIELD("Errors", "t", errors),
        {"ErrorKinds", "a{st}", offsetof(SensorInfo, error_kinds), read_counts},
        SENSOR_FIELD("LastError", "s", last_error),
        SENSOR_FIELD("Interval", "t", interval),
        {},
};

static int read_field(sd_bus_message *m, const Field *f, void *to)
{
        int r;

        if (!f->read)
                return sd_bus_message_read(m, "v", f->type, (char *)to + f->offset);
        r = sd_bus_message_enter_container(m, 'v', f->type);
        if (r >= 0)
                r = f->read(m, (char *)to + f->offset);
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

/* a{sv} into a struct; a property that we do not know is of a newer daemon. */
static int read_properties(sd_bus_message *m, const Field *fields, void *to)
{
        int r;

        r = sd_bus_message_enter_container(m, 'a', "{sv}");
        while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
                const Field *f = fields;
                const char *name;

                r = sd_bus_message_read(m, "s", &name);
                if (r < 0)
                        return r;
                while (f->name && strcmp(f->name, name) != 0)
                        f++;
                r = f->name ? read_field(m, f, to) : sd_bus_message_skip(m, "v");
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
        }
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

/* ---- the gateway ---- */

static const GatewayStatus status_nothing = {.version = "",
                                             .link_state = "",
                                             .link_reason = "",
                                             .link_detail = "",
                                             .hub = "",
                                             .device_id = "",
                                             .send_state = "",
                                             .disk_error = "",
                                             .settings_problem = "",
                                             .state_problem = "",
                                             .queue_problem = "",
                                             .metrics_problem = "",
                                             .twin_problem = ""};

int gateway_status_read(GatewayStatus *ret, sd_bus_message *m)
{
        int r;

        *ret = status_nothing;
        ret->message = sd_bus_message_ref(m);
        r = read_properties(m, status_fields, ret);
        if (r < 0)
                gateway_status_done(ret);
        return r;
}

void gateway_status_done(GatewayStatus *s)
{
        free(s->alarms.items);
        s->alarms = (AlarmList){};
        s->message = sd_bus_message_unref(s->message);
}

/* ---- sensors ---- */

static const SensorInfo sensor_nothing = {.name = "", .driver = "", .state = "", .last_error = ""};

int sensor_info_read(SensorInfo *ret, sd_bus_message *m)
{
        *ret = sensor_nothing;
        return read_properties(m, sensor_fields, ret);
}

static int by_name(const void *a, const void *b)
{
        return strcmp(((const SensorInfo *)a)->name, ((const SensorInfo *)b)->name);
}

static int add_sensor(sd_bus_message *m, SensorList *l)
{
        SensorInfo *more = reallocarray(l->sensors, l->n_sensors + 1, sizeof(*more));

        if (!more)
                return -ENOMEM;
        l->sensors = more;
        return sensor_info_read(&l->sensors[l->n_sensors++], m);
}

/* a{sa{sv}}: the interfaces of one object */
static int read_object(sd_bus_message *m, SensorList *l)
{
        const char *interface;
        int r;

        r = sd_bus_message_enter_container(m, 'a', "{sa{sv}}");
        while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sa{sv}")) > 0) {
                r = sd_bus_message_read(m, "s", &interface);
                if (r >= 0)
                        r = strcmp(interface, ANSWERS_SENSOR) == 0 ? add_sensor(m, l)
                                                           : sd_bus_message_skip(m, "a{sv}");
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
        }
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

static int read_objects(sd_bus_message *m, SensorList *l)
{
        const char *path;
        int r;

        r = sd_bus_message_enter_container(m, 'a', "{oa{sa{sv}}}");
        while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "oa{sa{sv}}")) > 0) {
                r = sd_bus_message_read(m, "o", &path);
                if (r >= 0)
                        r = read_object(m, l);
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
        }
        return r;
}

int sensor_list_read(SensorList *ret, sd_bus_message *m)
{
        int r;

        *ret = (SensorList){.message = sd_bus_message_ref(m)};
        r = read_objects(m, ret);
        if (r < 0)
                sensor_list_done(ret);
        else if (ret->n_sensors > 0)
                qsort(ret->sensors, ret->n_sensors, sizeof(*ret->sensors), by_name);
        return r;
}

void sensor_list_done(SensorList *l)
{
        free(l->sensors);
        sd_bus_message_unref(l->message);
        *l = (SensorList){};
}
