/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/client.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-bus.h>

#define NAME          "org.hublink1"
#define ROOT          "/org/hublink1"
#define SENSOR_PREFIX "/org/hublink1/sensor/"
#define MANAGER       "org.hublink1.Manager"
#define SENSOR        "org.hublink1.Sensor"
#define PROPERTIES    "org.freedesktop.DBus.Properties"

struct Client {
        sd_bus *bus;
        const char *address;
        ClientEvents events;
};

/* ---- what goes wrong ---- */

static int not_running(const Client *c)
{
        bool named = strcmp(c->address, "system") == 0 || strcmp(c->address, "session") == 0;

        fprintf(stderr,
                "hublinkd is not running: nobody answers to " NAME " on %s%s.\n"
                "Start it: systemctl start hublinkd\n",
                named ? "the bus of the " : "", c->address);
        return CTL_NOT_RUNNING;
}

static int no_answer(const char *what)
{
        fprintf(stderr, "%s: no answer in time.\n", what);
        return CTL_TIMEOUT;
}

/* Says why a call failed. */
static int failed(const Client *c, const char *what, const sd_bus_error *e, int r)
{
        if (sd_bus_error_has_names(e, SD_BUS_ERROR_SERVICE_UNKNOWN, SD_BUS_ERROR_NAME_HAS_NO_OWNER))
                return not_running(c);
        if (r == -ETIMEDOUT || sd_bus_error_has_names(e, SD_BUS_ERROR_TIMEOUT, NAME ".Error.Timeout"))
                return no_answer(what);
        if (sd_bus_error_has_name(e, SD_BUS_ERROR_NO_REPLY)) {
                fprintf(stderr, "%s: hublinkd left without an answer. See: systemctl status hublinkd\n",
                        what);
                return CTL_NOT_RUNNING;
        }
        if (sd_bus_error_has_name(e, SD_BUS_ERROR_ACCESS_DENIED))
                fprintf(stderr,
                        "%s: not allowed. Group hublink submits and subscribes; for the rest be root or in "
                        "group "
                        "hublink-admin.\n",
                        what);
        else
                fprintf(stderr, "%s: %s\n", what, e && e->message ? e->message : strerror(-r));
        return CTL_FAILED;
}

static int broken(const char *what, int r)
{
        fprintf(stderr,
                "%s: the answer cannot be understood (%s). Do daemon and hublinkctl have the same "
                "version?\n",
                what, strerror(-r));
        return CTL_FAILED;
}

/* ---- life ---- */

static int start(sd_bus **ret, const char *address)
{
        sd_bus *b = NULL;
        int r;

        if (strcmp(address, "system") == 0)
                return sd_bus_open_system(ret);
        if (strcmp(address, "session") == 0)
                return sd_bus_open_user(ret);
        if ((r = sd_bus_new(&b)) >= 0 && (r = sd_bus_set_address(b, address)) >= 0 &&
            (r = sd_bus_set_bus_client(b, 1)) >= 0 && (r = sd_bus_start(b)) >= 0) {
                *ret = b;
                return 0;
        }
        sd_bus_unref(b);
        return r;
}

int client_open(Client **ret, const char *address)
{
        _cleanup_(client_closep) Client *c = calloc(1, sizeof(*c));
        int r;

        r = c ? start(&c->bus, address) : -ENOMEM;
        if (r < 0) {
                fprintf(stderr, "Cannot reach the message bus (%s): %s. Is it running?\n", address,
                        strerror(-r));
                return CTL_FAILED;
        }
        c->address = address;
        *ret = TAKE_PTR(c);
        return CTL_OK;
}

Client *client_close(Client *c)
{
        if (c) {
                sd_bus_flush_close_unref(c->bus);
                free(c);
        }
        return NULL;
}

/* ---- reading answers ---- */

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

static int read_value(sd_bus_message *m, Value *v)
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

                if ((r = sd_bus_message_read(m, "s", &c.name)) < 0 || (r = read_value(m, &c.value)) < 0)
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
        STATUS("DiskError", "s", disk_error),
        STATUS("OldestAge", "t", oldest_age),
        STATUS("InFlight", "u", in_flight),
        STATUS("LastAcknowledged", "t", last_acknowledged),
        STATUS_COUNTS("Ledger", ledger),
        STATUS_COUNTS("Dropped", dropped),
        STATUS_COUNTS("Refused", refused),
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

/* ---- questions ---- */

static const GatewayStatus status_nothing = {.version = "",
                                             .link_state = "",
                                             .link_reason = "",
                                             .link_detail = "",
                                             .hub = "",
                                             .device_id = "",
                                             .send_state = "",
                                             .disk_error = ""};
static const SensorInfo sensor_nothing = {.name = "", .driver = "", .state = "", .last_error = ""};

int client_status(Client *c, GatewayStatus *ret)
{
        _cleanup_(sd_bus_error_free) sd_bus_error e = SD_BUS_ERROR_NULL;
        sd_bus_message *m = NULL;
        int r;

        r = sd_bus_call_method(c->bus, NAME, ROOT, PROPERTIES, "GetAll", &e, &m, "s", MANAGER);
        if (r < 0)
                return failed(c, "Status", &e, r);
        *ret = status_nothing;
        ret->message = m;
        r = read_properties(m, status_fields, ret);
        if (r < 0) {
                gateway_status_done(ret);
                return broken("Status", r);
        }
        return CTL_OK;
}

void gateway_status_done(GatewayStatus *s)
{
        s->message = sd_bus_message_unref(s->message);
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
        l->sensors[l->n_sensors] = sensor_nothing;
        return read_properties(m, sensor_fields, &l->sensors[l->n_sensors++]);
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
                        r = strcmp(interface, SENSOR) == 0 ? add_sensor(m, l)
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

int client_sensors(Client *c, SensorList *ret)
{
        _cleanup_(sd_bus_error_free) sd_bus_error e = SD_BUS_ERROR_NULL;
        sd_bus_message *m = NULL;
        int r;

        r = sd_bus_call_method(c->bus, NAME, ROOT, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects",
                               &e, &m, NULL);
        if (r < 0)
                return failed(c, "Sensors", &e, r);
        *ret = (SensorList){.message = m};
        r = read_objects(m, ret);
        if (r < 0) {
                sensor_list_done(ret);
                return broken("Sensors", r);
        }
        if (ret->n_sensors > 0)
                qsort(ret->sensors, ret->n_sensors, sizeof(*ret->sensors), by_name);
        return CTL_OK;
}

void sensor_list_done(SensorList *l)
{
        free(l->sensors);
        sd_bus_message_unref(l->message);
        *l = (SensorList){};
}

/* ---- requests ---- */

static int begin(Client *c, const char *member, sd_bus_message **ret)
{
        return sd_bus_message_new_method_call(c->bus, ret, NAME, ROOT, MANAGER, member);
}

/* sd-bus knows 0 as its own default of 25 s. */
static int call(Client *c, sd_bus_message *m, usec_t timeout_usec, sd_bus_message **ret)
{
        _cleanup_(sd_bus_error_free) sd_bus_error e = SD_BUS_ERROR_NULL;
        int r = sd_bus_call(c->bus, m, MAX(timeout_usec, (usec_t)1), &e, ret);

        return r < 0 ? failed(c, sd_bus_message_get_member(m), &e, r) : CTL_OK;
}

static int append_value(sd_bus_message *m, const Value *v)
{
        switch (v->kind) {
        case VALUE_NUMBER:
                return sd_bus_message_append(m, "v", "d", v->number);
        case VALUE_INTEGER:
                return sd_bus_message_append(m, "v", "x", v->integer);
        case VALUE_BOOLEAN:
                return sd_bus_message_append(m, "v", "b", (int)v->boolean);
        case VALUE_TEXT:
                return sd_bus_message_append(m, "v", "s", v->text);
        case _VALUE_KIND_MAX:
                break;
        }
        return -EINVAL;
}

static int append_values(sd_bus_message *m, const Reading *reading)
{
        int r = sd_bus_message_open_container(m, 'a', "(svt)");

        for (size_t i = 0; r >= 0 && i < reading->n_channels; i++) {
                r = sd_bus_message_open_container(m, 'r', "svt");
                if (r >= 0)
                        r = sd_bus_message_append(m, "s", reading->channels[i].name);
                if (r >= 0)
                        r = append_value(m, &reading->channels[i].value);
                if (r >= 0)
                        r = sd_bus_message_append(m, "t", reading->wall_usec);
                if (r >= 0)
                        r = sd_bus_message_close_container(m);
        }
        return r < 0 ? r : sd_bus_message_close_container(m);
}

/* Those that are not NULL, ended by a NULL key. */
static int append_options(sd_bus_message *m, const char *const options[][2])
{
        int r = sd_bus_message_open_container(m, 'a', "{sv}");

        for (size_t i = 0; r >= 0 && options[i][0]; i++)
                if (options[i][1])
                        r = sd_bus_message_append(m, "{sv}", options[i][0], "s", options[i][1]);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

/* A text that is not UTF-8, or a message over the bus's own limit. */
static int unsendable(const char *what, int r)
{
        fprintf(stderr, "%s: this cannot be sent: %s.\n", what,
                r == -EINVAL ? "a text is not UTF-8" : strerror(-r));
        return CTL_FAILED;
}

int client_submit(Client *c, const Reading *reading, const char *stream, usec_t timeout_usec, Receipt *ret)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *answer = NULL;
        const char *const options[][2] = {{"stream", stream}, {}};
        const char *name;
        int r;

        if ((r = begin(c, "Submit", &m)) < 0 || (r = sd_bus_message_append(m, "s", reading->sensor)) < 0 ||
            (r = append_values(m, reading)) < 0 || (r = append_options(m, options)) < 0)
                return unsendable("Submit", r);
        r = call(c, m, timeout_usec, &answer);
        if (r != CTL_OK)
                return r;
        r = sd_bus_message_read(answer, "sttt", &name, &ret->epoch, &ret->first, &ret->last);
        if (r < 0)
                return broken("Submit", r);
        (void)snprintf(ret->stream, sizeof(ret->stream), "%s", name);
        return CTL_OK;
}

static int append_message(sd_bus_message *m, const Message *message)
{
        int r;

        if ((r = sd_bus_message_append_array(m, 'y', message->body.data, message->body.size)) < 0 ||
            (r = sd_bus_message_append(m, "s", message->content_type)) < 0 ||
            (r = sd_bus_message_open_container(m, 'a', "{ss}")) < 0)
                return r;
        for (size_t i = 0; r >= 0 && i < message->n_properties; i++)
                r = sd_bus_message_append(m, "{ss}", message->properties[i].name,
                                          message->properties[i].value);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

int client_submit_message(Client *c, const Message *message, const char *stream, usec_t timeout_usec,
                          Receipt *ret)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *answer = NULL;
        const char *const options[][2] = {{"stream", stream}, {}};
        const char *name;
        int r;

        if ((r = begin(c, "SubmitMessage", &m)) < 0 || (r = append_message(m, message)) < 0 ||
            (r = append_options(m, options)) < 0)
                return unsendable("SubmitMessage", r);
        r = call(c, m, timeout_usec, &answer);
        if (r != CTL_OK)
                return r;
        r = sd_bus_message_read(answer, "stt", &name, &ret->epoch, &ret->first);
        if (r < 0)
                return broken("SubmitMessage", r);
        ret->last = ret->first;
        (void)snprintf(ret->stream, sizeof(ret->stream), "%s", name);
        return CTL_OK;
}

int client_call(Client *c, const char *member, usec_t timeout_usec)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r = begin(c, member, &m);

        return r < 0 ? unsendable(member, r) : call(c, m, timeout_usec, NULL);
}

/* ---- events ---- */

static int on_settled(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        Client *c = userdata;
        ClientSettled s;
        int r;

        r = sd_bus_message_enter_container(m, 'a', "(stttss)");
        while (r >= 0 && (r = sd_bus_message_read(m, "(stttss)", &s.stream, &s.epoch, &s.first, &s.last,
                                                  &s.outcome, &s.reason)) > 0)
                c->events.settled(c->events.userdata, &s);
        return 0;
}

/* Of a sensor that changed all is asked: values, units and time belong together. It may be gone by then. */
static void tell_sensor(Client *c, const char *path)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        SensorInfo s = sensor_nothing;

        if (sd_bus_call_method(c->bus, NAME, path, PROPERTIES, "GetAll", NULL, &m, "s", SENSOR) >= 0 &&
            read_properties(m, sensor_fields, &s) >= 0)
                c->events.sensor(c->events.userdata, &s);
}

static void tell_status(Client *c)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        GatewayStatus s = status_nothing;

        if (sd_bus_call_method(c->bus, NAME, ROOT, PROPERTIES, "GetAll", NULL, &m, "s", MANAGER) >= 0 &&
            read_properties(m, status_fields, &s) >= 0)
                c->events.status(c->events.userdata, &s);
}

static int on_changed(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        Client *c = userdata;
        const char *path = sd_bus_message_get_path(m), *interface;

        if (sd_bus_message_read(m, "s", &interface) < 0)
                return 0;
        if (c->events.sensor && strcmp(interface, SENSOR) == 0)
                tell_sensor(c, path);
        if (c->events.status && strcmp(interface, MANAGER) == 0)
                tell_status(c);
        return 0;
}

static int on_owner(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        Client *c = userdata;
        const char *name, *before, *now;

        if (sd_bus_message_read(m, "sss", &name, &before, &now) >= 0 && *before && !*now)
                c->events.gone(c->events.userdata);
        return 0;
}

int client_listen(Client *c, const ClientEvents *events)
{
        int r = 0;

        c->events = *events;
        if (events->settled)
                r = sd_bus_match_signal(c->bus, NULL, NAME, ROOT, MANAGER, "Settled", on_settled, c);
        if (r >= 0 && (events->sensor || events->status))
                r = sd_bus_match_signal(c->bus, NULL, NAME, NULL, PROPERTIES, "PropertiesChanged",
                                        on_changed, c);
        if (r >= 0 && events->gone)
                r = sd_bus_add_match(c->bus, NULL,
                                     "type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',"
                                     "arg0='" NAME "'",
                                     on_owner, c);
        return r < 0 ? failed(c, "Listening", NULL, r) : CTL_OK;
}

int client_wait(Client *c, usec_t until)
{
        usec_t now = clock_boot(&clock_system);
        int r;

        r = sd_bus_process(c->bus, NULL);
        if (r == 0 && now < until)
                r = sd_bus_wait(c->bus, until == USEC_INFINITY ? UINT64_MAX : until - now);
        if (r >= 0 || r == -EINTR)
                return CTL_OK;
        fprintf(stderr, "The message bus (%s) went away: %s.\n", c->address, strerror(-r));
        return CTL_FAILED;
}
