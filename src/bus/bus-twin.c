/* SPDX-License-Identifier: Apache-2.0 */

/*
 * org.hublink1.Twin, on the same object as the Manager. Its contract is conf/dbus/org.hublink1.Twin.xml. Who may look
 * and who may report at all is the bus's business; whose a section is, the twin's, so the bus is asked who reports.
 */

#include <string.h>

#include "bus/bus-private.h"

static const TwinDesk *desk(const Bus *bus)
{
        return &bus->peers.twin;
}

/* ---- GetDesired, GetReported ---- */

typedef void (*ReadHalf)(void *userdata, const char *section, TwinDesired *ret);

static int reply_json(sd_bus_message *m, const char *json)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        int r = sd_bus_message_new_method_return(m, &reply);

        if (r >= 0)
                r = bus_append_json(reply, json);
        return r < 0 ? r : sd_bus_send(sd_bus_message_get_bus(m), reply, NULL);
}

static int read_half(sd_bus_message *m, Bus *bus, ReadHalf read, sd_bus_error *error)
{
        const char *section;
        TwinDesired half;
        int r = sd_bus_message_read(m, "s", &section);

        if (r < 0)
                return r;
        read(desk(bus)->userdata, section, &half);
        return half.error == REQUEST_OK ? reply_json(m, half.json) : bus_error(error, half.error, "%s", half.detail);
}

static int on_get_desired(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        return read_half(m, userdata, desk(userdata)->desired, error);
}

static int on_get_reported(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        return read_half(m, userdata, desk(userdata)->reported, error);
}

/* ---- Report ---- */

static void go_on_reporting(const BusErrand *e, const char *user)
{
        desk(e->bus)->report(desk(e->bus)->userdata, e->name, e->json, user, pending_call_done, e->call);
}

static int on_report(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        BusErrand errand = {.bus = userdata, .go_on = go_on_reporting};
        int r = sd_bus_message_read(m, "ss", &errand.name, &errand.json);

        if (r < 0)
                return r;
        if (strlen(errand.json) > TWIN_REPORT_MAX) /* not kept until the bus has said whose it is */
                return bus_error(error, REQUEST_BAD_VALUE, TWIN_REPORT_TOO_LONG);
        return bus_errand_begin(&errand, m, error);
}

/* ---- properties, the signal, the table ---- */

static const TwinStatus *status_of(void *userdata)
{
        return &bus_status(userdata)->twin;
}

static int get_known(sd_bus *b, const char *path, const char *interface, const char *property, sd_bus_message *reply,
                     void *userdata, sd_bus_error *error)
{
        return sd_bus_message_append(reply, "b", (int)status_of(userdata)->known);
}

static int get_desired_version(sd_bus *b, const char *path, const char *interface, const char *property,
                               sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
        return sd_bus_message_append(reply, "t", status_of(userdata)->desired_version);
}

static int get_reported_version(sd_bus *b, const char *path, const char *interface, const char *property,
                                sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
        return sd_bus_message_append(reply, "t", status_of(userdata)->reported_version);
}

static int get_last_desired(sd_bus *b, const char *path, const char *interface, const char *property,
                            sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
        return sd_bus_message_append(reply, "t", status_of(userdata)->last_desired_usec);
}

static int get_last_reported(sd_bus *b, const char *path, const char *interface, const char *property,
                             sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
        return sd_bus_message_append(reply, "t", status_of(userdata)->last_reported_usec);
}

static int get_pending(sd_bus *b, const char *path, const char *interface, const char *property, sd_bus_message *reply,
                       void *userdata, sd_bus_error *error)
{
        return sd_bus_message_append(reply, "t", (uint64_t)status_of(userdata)->pending_bytes);
}

static int get_reports(sd_bus *b, const char *path, const char *interface, const char *property, sd_bus_message *reply,
                       void *userdata, sd_bus_error *error)
{
        return sd_bus_message_append(reply, "t", status_of(userdata)->reports);
}

static int get_refused(sd_bus *b, const char *path, const char *interface, const char *property, sd_bus_message *reply,
                       void *userdata, sd_bus_error *error)
{
        return sd_bus_message_append(reply, "t", status_of(userdata)->refused);
}

static int get_last_error(sd_bus *b, const char *path, const char *interface, const char *property,
                          sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
        return bus_append_text(reply, status_of(userdata)->last_error ?: "");
}

typedef struct OwnerReply {
        sd_bus_message *m;
        int r;
} OwnerReply;

static void on_owner(void *userdata, const char *section, const char *user)
{
        OwnerReply *reply = userdata;

        if (reply->r >= 0)
                reply->r = bus_append_text_pair(reply->m, section, user);
}

static int get_owners(sd_bus *b, const char *path, const char *interface, const char *property, sd_bus_message *m,
                      void *userdata, sd_bus_error *error)
{
        OwnerReply reply = {m, sd_bus_message_open_container(m, 'a', "{ss}")};

        if (reply.r < 0)
                return reply.r;
        desk(userdata)->owners(desk(userdata)->userdata, on_owner, &reply);
        return reply.r < 0 ? reply.r : sd_bus_message_close_container(m);
}

static int send_desired_changed(Bus *bus, const char *section, const char *json, uint64_t version)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r = sd_bus_message_new_signal(bus->connection, &m, BUS_PATH, BUS_TWIN, "DesiredChanged");

        if (r < 0 || (r = bus_append_text(m, section)) < 0 || (r = bus_append_json(m, json)) < 0 ||
            (r = sd_bus_message_append(m, "t", version)) < 0)
                return r;
        return sd_bus_send(bus->connection, m, NULL);
}

void bus_twin_desired_changed(Bus *bus, const char *section, const char *json, uint64_t version)
{
        if (bus->named)
                (void)send_desired_changed(bus, section, json, version);
}

#define ALLOWED SD_BUS_VTABLE_UNPRIVILEGED /* by us: the bus knows who may what */

static const sd_bus_vtable vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_PROPERTY("Known", "b", get_known, 0, 0),
        SD_BUS_PROPERTY("DesiredVersion", "t", get_desired_version, 0, 0),
        SD_BUS_PROPERTY("ReportedVersion", "t", get_reported_version, 0, 0),
        SD_BUS_PROPERTY("LastDesired", "t", get_last_desired, 0, 0),
        SD_BUS_PROPERTY("LastReported", "t", get_last_reported, 0, 0),
        SD_BUS_PROPERTY("PendingBytes", "t", get_pending, 0, 0),
        SD_BUS_PROPERTY("Reports", "t", get_reports, 0, 0),
        SD_BUS_PROPERTY("Refused", "t", get_refused, 0, 0),
        SD_BUS_PROPERTY("LastError", "s", get_last_error, 0, 0),
        SD_BUS_PROPERTY("Owners", "a{ss}", get_owners, 0, 0),
        SD_BUS_METHOD_WITH_ARGS("GetDesired", SD_BUS_ARGS("s", section), SD_BUS_RESULT("s", json), on_get_desired,
                                ALLOWED),
        SD_BUS_METHOD_WITH_ARGS("GetReported", SD_BUS_ARGS("s", section), SD_BUS_RESULT("s", json), on_get_reported,
                                ALLOWED),
        SD_BUS_METHOD_WITH_ARGS("Report", SD_BUS_ARGS("s", section, "s", json), SD_BUS_NO_RESULT, on_report, ALLOWED),
        SD_BUS_SIGNAL_WITH_ARGS("DesiredChanged", SD_BUS_ARGS("s", section, "s", json, "t", version), 0),
        SD_BUS_VTABLE_END,
};

int bus_twin_export(Bus *bus)
{
        return sd_bus_add_object_vtable(bus->connection, NULL, BUS_PATH, BUS_TWIN, vtable, bus);
}
