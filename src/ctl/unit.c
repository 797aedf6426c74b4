/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/unit.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ctl/client-core.h"
#include "ctl/connection.h"

#define SYSTEMD   "org.freedesktop.systemd1"
#define OBJECT    "/org/freedesktop/systemd1"
#define SERVICES  "org.freedesktop.systemd1.Manager"
#define ASK_USEC  USEC_PER_MIN       /* to read all units anew takes a slow machine some seconds */
#define JOB_USEC  (2 * USEC_PER_MIN) /* a daemon that ends takes 10 s, one that starts less */
#define LOOK_USEC (200 * USEC_PER_MSEC)

/* ---- what goes wrong ---- */

static int failed(const char *method, const sd_bus_error *e, int r)
{
        if (connection_is_absent(e)) {
                fprintf(stderr, "systemd cannot be reached: nobody answers to " SYSTEMD " on the bus.\n"
                                "Where another one runs this system, start hublinkd by its means.\n");
                return CTL_NOT_RUNNING;
        }
        if (sd_bus_error_has_names(e, SD_BUS_ERROR_ACCESS_DENIED, SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED))
                fprintf(stderr, "systemd does not let you do this (%s): it is for root.\n", method);
        else if (sd_bus_error_has_name(e, SYSTEMD ".NoSuchUnit"))
                fprintf(stderr, "systemd knows no " UNIT ": is the package hublink installed?\n");
        else
                fprintf(stderr, "systemd, %s: %s\n", method, e->message ?: strerror(-r));
        return CTL_FAILED;
}

static int ask(Client *c, const char *method, sd_bus_message **ret, const char *types, ...)
{
        _cleanup_(sd_bus_error_free) sd_bus_error e = SD_BUS_ERROR_NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r = connection_new_call(c->bus, &m, SYSTEMD, OBJECT, SERVICES, method);
        va_list ap;

        va_start(ap, types);
        if (r >= 0)
                r = sd_bus_message_appendv(m, types, ap);
        va_end(ap);
        if (r >= 0)
                r = sd_bus_call(c->bus, m, ASK_USEC, &e, ret);
        return r < 0 ? failed(method, &e, r) : CTL_OK;
}

int unit_reload_files(Client *c)
{
        return ask(c, "Reload", NULL, "");
}

int unit_enable(Client *c)
{
        return ask(c, "EnableUnitFiles", NULL, "asbb", 1, UNIT, 0, 0);
}

/* ---- a job ---- */

/* Its end may be told before the answer that names it is read. */
typedef struct Job {
        char path[128], over[8][128], results[8][16];
        unsigned n_over;
} Job;

static int on_removed(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        const char *path, *unit, *result;
        Job *job = userdata;
        uint32_t id;

        if (sd_bus_message_read(m, "uoss", &id, &path, &unit, &result) >= 0 && strcmp(unit, UNIT) == 0) {
                unsigned at = job->n_over++ % ARRAY_SIZE(job->over);

                (void)snprintf(job->over[at], sizeof(job->over[at]), "%s", path);
                (void)snprintf(job->results[at], sizeof(job->results[at]), "%s", result);
        }
        return 0;
}

static const char *result_of(const Job *job)
{
        for (size_t i = 0; i < ARRAY_SIZE(job->over); i++)
                if (strcmp(job->over[i], job->path) == 0)
                        return job->results[i];
        return NULL;
}

static bool has_come(const sigset_t *ends)
{
        sigset_t came;

        return ends && sigpending(&came) == 0 && sigandset(&came, &came, ends) == 0 && !sigisemptyset(&came);
}

static int wait_for_end(Client *c, const Job *job, const char *method, const sigset_t *ends)
{
        usec_t until = usec_add(clock_boot(&clock_system), JOB_USEC);
        const char *result;

        while (!(result = result_of(job))) {
                int r = sd_bus_process(c->bus, NULL);

                if (r == 0)
                        r = sd_bus_wait(c->bus, LOOK_USEC);
                if (r < 0 && r != -EINTR)
                        return client_no_bus(c, r);
                if (has_come(ends))
                        return CTL_FAILED;
                if (clock_boot(&clock_system) >= until) {
                        fprintf(stderr, "systemd, %s: " UNIT " was not done with it in time.\n", method);
                        return CTL_TIMEOUT;
                }
        }
        if (strcmp(result, "done") == 0 || strcmp(result, "skipped") == 0)
                return CTL_OK;
        fprintf(stderr, "hublinkd did not start (%s). See: journalctl -u hublinkd\n", result);
        return CTL_FAILED;
}

int unit_do(Client *c, const char *method, const sigset_t *ends)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        _cleanup_(sd_bus_slot_unrefp) sd_bus_slot *slot = NULL;
        const char *path;
        Job job = {};
        int r;

        r = sd_bus_match_signal(c->bus, &slot, SYSTEMD, OBJECT, SERVICES, "JobRemoved", on_removed, &job);
        if (r < 0)
                return client_no_bus(c, r);
        if ((r = ask(c, "Subscribe", NULL, "")) != CTL_OK || (r = ask(c, method, &m, "ss", UNIT, "replace")) != CTL_OK)
                return r;
        if (sd_bus_message_read(m, "o", &path) < 0)
                return client_misunderstood(method, -EBADMSG);
        (void)snprintf(job.path, sizeof(job.path), "%s", path);
        return wait_for_end(c, &job, method, ends);
}
