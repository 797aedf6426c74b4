/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Plug and Play among the others: readings go in, properties to the twin, and the methods ask it for commands.
 */

#include <errno.h>
#include <string.h>

#include "daemon/daemon-core.h"

/* ---- commands ---- */

/* A name that the methods have of us, as long as the settings say so. A call is answered at once, so none is under way
 * when it goes. */
struct DaemonCommand {
        Daemon *d;
        char method[PNP_METHOD_MAX];
        bool wanted;
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

static DaemonCommand *find_command(const Daemon *d, const char *method)
{
        for (DaemonCommand *c = d->commands; c; c = c->next)
                if (strcmp(c->method, method) == 0)
                        return c;
        return NULL;
}

static DaemonCommand *new_command(Daemon *d, const char *method)
{
        DaemonCommand *c = calloc(1, sizeof(*c));

        if (!c)
                return NULL;
        c->d = d;
        memcpy(c->method, method, sizeof(c->method));
        c->next = d->commands;
        return d->commands = c;
}

/* Those that the methods have no more. */
static void sweep_commands(Daemon *d)
{
        for (DaemonCommand **link = &d->commands; *link;) {
                DaemonCommand *c = *link;

                if (c->wanted) {
                        link = &c->next;
                        continue;
                }
                *link = c->next;
                free(c);
        }
}

static int configure_commands(Daemon *d, const PnpSettings *settings)
{
        _cleanup_free_ MethodCommand *commands = calloc(settings->n_commands + 1, sizeof(*commands));
        char method[PNP_METHOD_MAX] = "";
        int r;

        if (!commands)
                return -ENOMEM;
        for (DaemonCommand *c = d->commands; c; c = c->next)
                c->wanted = false;
        for (size_t i = 0; i < settings->n_commands; i++) {
                DaemonCommand *c;

                pnp_method(&settings->commands[i], settings->sensors, settings->n_sensors, method);
                c = find_command(d, method) ?: new_command(d, method);
                if (!c)
                        return -ENOMEM;
                c->wanted = true;
                commands[i] = (MethodCommand){c->method, "", c};
        }
        r = methods_configure_commands(d->methods, commands, settings->n_commands, on_call);
        if (r >= 0)
                sweep_commands(d);
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

        return r < 0 ? r : configure_commands(d, &pnp);
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
        for (DaemonCommand *c = d->commands; c; c = c->next)
                c->wanted = false;
        sweep_commands(d);
        if (d->collector)
                collector_watch(d->collector, NULL, NULL);
        d->pnp = pnp_free(d->pnp);
        d->kept = document_free(d->kept);
}
