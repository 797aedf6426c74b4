/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Units that systemd is asked to start, on the same connection.
 *
 * Where a unit stands is looked at first: to start one that runs is to wait for the end of somebody else's run. When it
 * is free who asked puts its argument there, which a run under way would have taken for its own. The job that starts it
 * is over when a unit of Type=oneshot has ended. That is told by a signal, and anybody can send one like it; nor can it
 * be held to the name on the bus of who took the job, for systemd has another when it was started anew, by an update
 * that runs here. So where the unit stands is looked at again. Of one that ended well systemd may keep nothing: only of
 * one that did not its status is asked for.
 *
 * Nothing here has a time-out of its own: whoever asked has one, and then stops the unit.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bus/bus-private.h"

#define SYSTEMD_NAME    "org.freedesktop.systemd1"
#define SYSTEMD_PATH    "/org/freedesktop/systemd1"
#define SYSTEMD_MANAGER "org.freedesktop.systemd1.Manager"
#define SYSTEMD_UNIT    "org.freedesktop.systemd1.Unit"
#define SYSTEMD_SERVICE "org.freedesktop.systemd1.Service"
#define PROPERTIES      "org.freedesktop.DBus.Properties"

struct UnitRun {
        Bus *bus;
        UnitRun *next;
        uint64_t run;
        char *unit, *path;
        char *job;    /* that starts it; NULL: it was not asked for, or not granted yet */
        char *result; /* of the job, as it was told */
        bool asked;
        sd_bus_slot *call, *match;
};

/* What systemd knows of a service that has ended. */
typedef struct ServiceFacts {
        const char *result;
        int32_t code, status;
} ServiceFacts;

/* ---- the end ---- */

static void run_free(UnitRun *u)
{
        for (UnitRun **link = &u->bus->unit_runs; *link; link = &(*link)->next)
                if (*link == u) {
                        *link = u->next;
                        break;
                }
        sd_bus_slot_unref(u->call);
        sd_bus_slot_unref(u->match);
        free(u->unit);
        free(u->path);
        free(u->job);
        free(u->result);
        free(u);
}

static void end(UnitRun *u, UnitOutcome outcome, int number, const char *detail)
{
        const UnitSink *sink = &u->bus->peers.units;
        uint64_t run = u->run;
        char text[512];

        (void)snprintf(text, sizeof(text), "%s", detail); /* it may be of the run, or of its message */
        run_free(u);
        sink->ended(sink->userdata, run, &(UnitEnd){outcome, number, text});
}

static bool is_any(const sd_bus_error *e, const char *const *names)
{
        for (; *names; names++)
                if (strcmp(e->name, *names) == 0)
                        return true;
        return false;
}

static const char *remedy(const UnitRun *u, const sd_bus_error *e, char text[static 256])
{
        static const char *const denials[] = {SD_BUS_ERROR_ACCESS_DENIED,
                                              SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED, NULL};
        static const char *const bad[] = {SYSTEMD_NAME ".BadUnitSetting", SYSTEMD_NAME ".NoSuchUnit", NULL};

        *text = 0;
        if (is_any(e, denials))
                (void)snprintf(text, 256, "; is polkit installed, and hublink-command.rules in polkit-1/rules.d?");
        else if (is_any(e, bad))
                (void)snprintf(text, 256, "; a drop-in gives it what to start: systemctl edit %.200s", u->unit);
        return text;
}

static void end_refused(UnitRun *u, sd_bus_message *m)
{
        const sd_bus_error *e = sd_bus_message_get_error(m);
        static const char *const unheard[] = {SD_BUS_ERROR_NO_REPLY, SD_BUS_ERROR_DISCONNECTED, SD_BUS_ERROR_TIMEOUT,
                                              NULL};
        /* the connection went, and perhaps an answer with it: of a StartUnit that may have been heard */
        bool lost = u->asked && is_any(e, unheard);
        char text[512], space[256];

        (void)snprintf(text, sizeof(text), "%.100s: %.200s%s", e->name, e->message ?: "", remedy(u, e, space));
        end(u, lost ? UNIT_LOST : UNIT_REFUSED, 0, text);
}

static void end_misunderstood(UnitRun *u, const char *what)
{
        char text[128];

        (void)snprintf(text, sizeof(text), "systemd's answer to %s was not understood", what);
        end(u, UNIT_REFUSED, 0, text);
}

/* ---- how it ended ---- */

/* Reads the value if it is the one of this name: 1; 0: it is another. */
static int read_fact(sd_bus_message *m, const char *key, const char *name, char type, void *ret)
{
        const char signature[] = {type, 0};
        int r;

        if (strcmp(key, name) != 0)
                return 0;
        if ((r = sd_bus_message_enter_container(m, 'v', signature)) < 0 ||
            (r = sd_bus_message_read_basic(m, type, ret)) < 0 || (r = sd_bus_message_exit_container(m)) < 0)
                return r;
        return 1;
}

static int read_service(sd_bus_message *m, ServiceFacts *ret)
{
        const char *key;
        int r = sd_bus_message_enter_container(m, 'a', "{sv}");

        *ret = (ServiceFacts){.result = ""};
        while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
                if ((r = sd_bus_message_read(m, "s", &key)) >= 0 &&
                    (r = read_fact(m, key, "Result", 's', &ret->result)) == 0 &&
                    (r = read_fact(m, key, "ExecMainCode", 'i', &ret->code)) == 0 &&
                    (r = read_fact(m, key, "ExecMainStatus", 'i', &ret->status)) == 0)
                        r = sd_bus_message_skip(m, "v");
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
        }
        return r;
}

static int on_service(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        UnitRun *u = userdata;
        ServiceFacts facts;

        if (sd_bus_message_is_method_error(m, NULL) || read_service(m, &facts) < 0)
                end(u, UNIT_FAILED, 0, u->result);
        else if (strcmp(facts.result, "exit-code") == 0)
                end(u, UNIT_EXITED, facts.status, "");
        else if (strcmp(facts.result, "signal") == 0 || strcmp(facts.result, "core-dump") == 0)
                end(u, UNIT_KILLED, facts.status, "");
        else
                end(u, UNIT_FAILED, 0,
                    *facts.result && strcmp(facts.result, "success") != 0 ? facts.result : u->result);
        return 0;
}

static int ask_service(UnitRun *u)
{
        u->call = sd_bus_slot_unref(u->call);
        return sd_bus_call_method_async(u->bus->connection, &u->call, SYSTEMD_NAME, u->path, PROPERTIES, "GetAll",
                                        on_service, u, "s", SYSTEMD_SERVICE);
}

/* How it stands is told to the handler. */
static int ask_state(UnitRun *u, sd_bus_message_handler_t handler)
{
        u->call = sd_bus_slot_unref(u->call);
        return sd_bus_call_method_async(u->bus->connection, &u->call, SYSTEMD_NAME, u->path, PROPERTIES, "Get", handler,
                                        u, "ss", SYSTEMD_UNIT, "ActiveState");
}

static int on_end_state(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        bool known = !sd_bus_message_is_method_error(m, NULL);
        UnitRun *u = userdata;
        const char *state;

        known = known && sd_bus_message_read(m, "v", "s", &state) >= 0;
        if (known && (strcmp(state, "activating") == 0 || strcmp(state, "deactivating") == 0)) {
                free(u->result); /* it was not systemd that said so */
                u->result = NULL;
        } else if (strcmp(u->result, "done") == 0 && !(known && strcmp(state, "failed") == 0)) {
                end(u, UNIT_DONE, 0, "");
        } else if (ask_service(u) < 0) {
                end(u, UNIT_FAILED, 0, u->result);
        }
        return 0;
}

static int on_job_removed(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        const char *job, *unit, *result;
        UnitRun *u = userdata;
        uint32_t id;

        if (!u->job || u->result || sd_bus_message_read(m, "uoss", &id, &job, &unit, &result) < 0 ||
            strcmp(job, u->job) != 0)
                return 0;
        u->result = strdup(result);
        if (!u->result || ask_state(u, on_end_state) < 0)
                end(u, UNIT_LOST, 0, "out of memory");
        return 0;
}

/* ---- its start ---- */

/* What is asked next takes the place of what was answered. */
static int ask(UnitRun *u, const char *member, sd_bus_message_handler_t handler, const char *mode)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        sd_bus *connection = u->bus->connection;
        int r;

        u->call = sd_bus_slot_unref(u->call);
        r = sd_bus_message_new_method_call(connection, &m, SYSTEMD_NAME, SYSTEMD_PATH, SYSTEMD_MANAGER, member);
        if (r >= 0)
                r = sd_bus_message_append(m, "s", u->unit);
        if (r >= 0 && mode)
                r = sd_bus_message_append(m, "s", mode);
        return r < 0 ? r : sd_bus_call_async(connection, handler ? &u->call : NULL, m, handler, u, UINT64_MAX);
}

static int on_started(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        UnitRun *u = userdata;
        const char *job;

        if (sd_bus_message_is_method_error(m, NULL)) {
                end_refused(u, m);
                return 0;
        }
        if (sd_bus_message_read(m, "o", &job) < 0) {
                end_misunderstood(u, "StartUnit");
                return 0;
        }
        u->job = strdup(job);
        if (!u->job)
                end(u, UNIT_LOST, 0, "out of memory");
        return 0;
}

/* The bus has the match before it has the request. */
static int start(UnitRun *u)
{
        int r = sd_bus_match_signal_async(u->bus->connection, &u->match, SYSTEMD_NAME, SYSTEMD_PATH, SYSTEMD_MANAGER,
                                          "JobRemoved", on_job_removed, NULL, u);

        if (r < 0)
                return r;
        u->asked = true;
        return ask(u, "StartUnit", on_started, "fail");
}

static int on_state(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        UnitRun *u = userdata;
        const UnitSink *sink = &u->bus->peers.units;
        const char *state;
        int r;

        if (sd_bus_message_is_method_error(m, NULL))
                end_refused(u, m);
        else if (sd_bus_message_read(m, "v", "s", &state) < 0)
                end_misunderstood(u, "Get");
        else if (strcmp(state, "inactive") != 0 && strcmp(state, "failed") != 0)
                end(u, UNIT_BUSY, 0, state);
        else if (sink->begins(sink->userdata, u->run) < 0)
                run_free(u);
        else if ((r = start(u)) < 0)
                end(u, UNIT_REFUSED, 0, strerror(-r));
        return 0;
}

static int on_loaded(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        UnitRun *u = userdata;
        const char *path;
        int r;

        if (sd_bus_message_is_method_error(m, NULL)) {
                end_refused(u, m);
                return 0;
        }
        if (sd_bus_message_read(m, "o", &path) < 0) {
                end_misunderstood(u, "LoadUnit");
                return 0;
        }
        u->path = strdup(path);
        r = u->path ? ask_state(u, on_state) : -ENOMEM;
        if (r < 0)
                end(u, UNIT_REFUSED, 0, strerror(-r));
        return 0;
}

/* ---- the port ---- */

bool bus_has_units(const Bus *bus)
{
        return bus->named && !bus->lost;
}

int bus_start_unit(Bus *bus, const char *unit, uint64_t run)
{
        UnitRun *u;
        int r;

        if (!bus_has_units(bus))
                return -ENOTCONN;
        u = calloc(1, sizeof(*u));
        if (!u)
                return -ENOMEM;
        *u = (UnitRun){.bus = bus, .next = bus->unit_runs, .run = run, .unit = strdup(unit)};
        bus->unit_runs = u;
        r = u->unit ? ask(u, "LoadUnit", on_loaded, NULL) : -ENOMEM;
        if (r < 0)
                run_free(u);
        return r;
}

/* What was not asked for cannot run for us. */
void bus_stop_unit(Bus *bus, uint64_t run)
{
        UnitRun *u = bus->unit_runs;

        while (u && u->run != run)
                u = u->next;
        if (!u)
                return;
        if (u->asked)
                (void)ask(u, "StopUnit", NULL, "replace");
        run_free(u);
}

void bus_units_disconnect(Bus *bus)
{
        while (bus->unit_runs)
                end(bus->unit_runs, bus->unit_runs->asked ? UNIT_LOST : UNIT_REFUSED, 0,
                    "the connection to the message bus is lost");
}
