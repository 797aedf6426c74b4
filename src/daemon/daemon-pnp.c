/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Plug and Play among the others: readings go in, properties to the twin, and the methods ask it for commands.
 */

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "daemon/daemon-core.h"

/* ---- commands ---- */

/* A name that the methods have of us. It stays when the settings drop the command: then it says so. */
struct DaemonCommand {
        Daemon *d;
        char method[PNP_METHOD_MAX];
        DaemonCommand *next;
};

static void on_call(void *userdata, const char *json, size_t size, uint64_t call)
{
        _cleanup_(buffer_done) Buffer answer = BUFFER_NULL;
        const DaemonCommand *c = userdata;
        int status = pnp_run(c->d->pnp, c->method, json, size, &answer);

        if (buffer_error(&answer) < 0)
                methods_answer(c->d->methods, call, METHOD_FAILED, METHOD_ERROR_NO_MEMORY);
        else
                methods_answer(c->d->methods, call, status, answer.data);
}

static bool has_command(const Daemon *d, const char *method)
{
        for (const DaemonCommand *c = d->commands; c; c = c->next)
                if (strcmp(c->method, method) == 0)
                        return true;
        return false;
}

static int add_command(Daemon *d, const char *method)
{
        DaemonCommand *c;
        int r;

        if (has_command(d, method))
                return 0;
        c = calloc(1, sizeof(*c));
        if (!c)
                return -ENOMEM;
        c->d = d;
        memcpy(c->method, method, sizeof(c->method));
        r = methods_add_builtin(d->methods, method, on_call, c);
        if (r != 0) {
                free(c);
                if (r == -EEXIST)
                        log_warning("The command %s is not ours: somebody answers to this name already. Name another "
                                    "with commands.NAME.command, or restart once it is free.",
                                    method);
                return r == -EEXIST ? 0 : r;
        }
        c->next = d->commands;
        d->commands = c;
        return 0;
}

static int add_commands(Daemon *d, const PnpSettings *settings)
{
        char method[PNP_METHOD_MAX] = "";
        int r = 0;

        for (size_t i = 0; i < settings->n_commands && r >= 0; i++) {
                pnp_method(&settings->commands[i], settings->sensors, settings->n_sensors, method);
                r = add_command(d, method);
        }
        return r;
}

/* ---- life ---- */

int daemon_configure_pnp(Daemon *d, const Settings *settings)
{
        const PnpSettings pnp = {
                settings->sensors,   settings->n_sensors, settings->writables,
                settings->n_writables, settings->commands,  settings->n_commands,
        };
        int r = pnp_configure(d->pnp, &pnp);

        return r < 0 ? r : add_commands(d, &pnp);
}

static void on_told_changed(void *userdata)
{
        Daemon *d = userdata;

        if (d->twin)
                twin_keep_changed(d->twin);
}

static void on_taken(void *userdata, const Reading *reading)
{
        Daemon *d = userdata;

        pnp_reading(d->pnp, reading);
}

int daemon_build_pnp(Daemon *d)
{
        const TwinDesk twin = twin_desk(d->twin);
        int r = pnp_new(&d->pnp, &d->house.clock, &twin);

        if (r < 0 || (r = pnp_remember(d->pnp, d->kept, on_told_changed, d)) < 0)
                return r;
        d->kept = document_free(d->kept);
        collector_watch(d->collector, on_taken, d);
        return daemon_configure_pnp(d, d->settings);
}

void daemon_free_pnp(Daemon *d)
{
        while (d->commands) {
                DaemonCommand *c = d->commands;

                d->commands = c->next;
                free(c);
        }
        if (d->collector)
                collector_watch(d->collector, NULL, NULL);
        d->pnp = pnp_free(d->pnp);
        d->kept = document_free(d->kept);
}
