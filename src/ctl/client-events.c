/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What the daemon tells without being asked.
 */

#include <errno.h>
#include <string.h>

#include "ctl/client-core.h"

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

static int on_pressure(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        Client *c = userdata;
        ClientPressure p;

        if (sd_bus_message_read(m, "sd", &p.stream, &p.fill) >= 0)
                c->events.pressure(c->events.userdata, &p);
        return 0;
}

static int on_alarm(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        Client *c = userdata;
        ClientAlarm a;

        if (sd_bus_message_read(m, "ssd", &a.channel, &a.state, &a.value) >= 0)
                c->events.alarm(c->events.userdata, &a);
        return 0;
}

static int on_inbox(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        Client *c = userdata;
        uint64_t id;

        if (sd_bus_message_read(m, "t", &id) >= 0)
                c->events.inbox(c->events.userdata, sd_bus_message_get_member(m), id);
        return 0;
}

static int on_desired(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        Client *c = userdata;
        ClientDesired d;

        if (sd_bus_message_read(m, "sst", &d.section, &d.json, &d.version) >= 0)
                c->events.desired(c->events.userdata, &d);
        return 0;
}

/* Of a sensor that changed all is asked: values, units and time belong together. It may be gone by then. */
static void tell_sensor(Client *c, const char *path)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        SensorInfo s;

        if (sd_bus_call_method(c->bus, NAME, path, PROPERTIES, "GetAll", NULL, &m, "s", ANSWERS_SENSOR) >= 0 &&
            sensor_info_read(&s, m) >= 0)
                c->events.sensor(c->events.userdata, &s);
}

static void tell_status(Client *c)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        GatewayStatus s;

        if (sd_bus_call_method(c->bus, NAME, ROOT, PROPERTIES, "GetAll", NULL, &m, "s", MANAGER) >= 0 &&
            gateway_status_read(&s, m) >= 0) {
                c->events.status(c->events.userdata, &s);
                gateway_status_done(&s);
        }
}

static int on_changed(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        Client *c = userdata;
        const char *path = sd_bus_message_get_path(m), *interface;

        if (sd_bus_message_read(m, "s", &interface) < 0)
                return 0;
        if (c->events.sensor && strcmp(interface, ANSWERS_SENSOR) == 0)
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
                c->left = true;
        return 0;
}

int client_listen(Client *c, const ClientEvents *events)
{
        int r = 0;

        c->events = *events;
        if (events->settled)
                r = sd_bus_match_signal(c->bus, NULL, NAME, ROOT, MANAGER, "Settled", on_settled, c);
        if (r >= 0 && events->pressure)
                r = sd_bus_match_signal(c->bus, NULL, NAME, ROOT, MANAGER, "Pressure", on_pressure, c);
        if (r >= 0 && events->alarm)
                r = sd_bus_match_signal(c->bus, NULL, NAME, ROOT, MANAGER, "Alarm", on_alarm, c);
        if (r >= 0 && events->inbox)
                r = sd_bus_match_signal(c->bus, NULL, NAME, ROOT, INBOX, "Arrived", on_inbox, c);
        if (r >= 0 && events->inbox)
                r = sd_bus_match_signal(c->bus, NULL, NAME, ROOT, INBOX, "Expired", on_inbox, c);
        if (r >= 0 && events->desired)
                r = sd_bus_match_signal(c->bus, NULL, NAME, ROOT, TWIN, "DesiredChanged", on_desired, c);
        if (r >= 0 && (events->sensor || events->status))
                r = sd_bus_match_signal(c->bus, NULL, NAME, NULL, PROPERTIES, "PropertiesChanged",
                                        on_changed, c);
        if (r >= 0)
                r = sd_bus_add_match(c->bus, NULL,
                                     "type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',"
                                     "arg0='" NAME "'",
                                     on_owner, c);
        return r < 0 ? client_failed(c, "Listening", NULL, r) : CTL_OK;
}

bool client_daemon_left(const Client *c)
{
        return c->left;
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
        return client_no_bus(c, r);
}
