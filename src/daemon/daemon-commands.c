/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Commands that start a unit, among the others: the methods call them, the inbox has messages for them, systemd is
 * asked by way of the bus, and what they are asked and answer is in files.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/command-files.h"
#include "daemon/daemon-core.h"

/* ---- what they ask ---- */

static bool on_is_there(void *userdata)
{
        const Daemon *d = userdata;

        return d->bus && bus_has_units(d->bus);
}

static int on_start(void *userdata, const char *unit, uint64_t run)
{
        Daemon *d = userdata;

        return d->bus ? bus_start_unit(d->bus, unit, run) : -ENOTCONN;
}

static void on_stop(void *userdata, uint64_t run)
{
        Daemon *d = userdata;

        if (d->bus)
                bus_stop_unit(d->bus, run);
}

/* Where systemd has made a folder for us, as the unit says; if it says several, ours is among them. */
static const char *run_directory(void)
{
        const char *told = getenv("RUNTIME_DIRECTORY");

        return told && *told == '/' && !strchr(told, ':') ? told : COMMAND_RUN_DIR;
}

static int on_put(void *userdata, const char *name, const char *json, size_t size, CommandMark *ret)
{
        return command_files_put(run_directory(), name, json, size, ret);
}

static int on_get(void *userdata, const char *name, const CommandMark *mark, Buffer *b)
{
        return command_files_get(run_directory(), name, mark, b);
}

static void on_answer(void *userdata, uint64_t call, int status, const char *json)
{
        Daemon *d = userdata;

        methods_answer(d->methods, call, status, json);
}

/* ---- and are told ---- */

static int on_begins(void *userdata, uint64_t run)
{
        Daemon *d = userdata;

        return command_units_begins(d->command_units, run);
}

static void on_ended(void *userdata, uint64_t run, const UnitEnd *end)
{
        Daemon *d = userdata;

        command_units_ended(d->command_units, run, end);
}

UnitSink daemon_unit_sink(Daemon *d)
{
        return (UnitSink){on_begins, on_ended, d};
}

/* ---- life ---- */

/* The methods have a name from us as long as the settings say so. */
static int configure_methods(Daemon *d, const Settings *settings)
{
        char names[COMMAND_UNITS_MAX][COMMAND_UNIT_MAX];
        MethodCommand units[COMMAND_UNITS_MAX];
        size_t n = 0;

        for (size_t i = 0; i < settings->n_command_units && n < COMMAND_UNITS_MAX; i++) {
                const CommandUnitSettings *s = &settings->command_units[i];

                if (!s->method)
                        continue;
                command_unit_name(s->name, names[n]);
                units[n] = (MethodCommand){s->method, names[n], command_units_find(d->command_units, s->name)};
                n++;
        }
        return methods_configure_units(d->methods, units, n, command_unit_call);
}

int daemon_configure_commands(Daemon *d, const Settings *settings)
{
        int r = command_units_configure(d->command_units, settings->command_units, settings->n_command_units);

        return r < 0 ? r : configure_methods(d, settings);
}

int daemon_build_commands(Daemon *d)
{
        const CommandPeers peers = {
                .units = {on_is_there, on_start, on_stop, d},
                .files = {on_put, on_get, d},
                .inbox = inbox_desk(d->inbox),
                .answer = on_answer,
                .userdata = d,
        };
        int r = command_units_new(&d->command_units, &d->house.clock, &peers);

        return r < 0 ? r : daemon_configure_commands(d, d->settings);
}
