/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Settings and credential into the parts: at birth, and again at each reload, which takes over all of it or nothing.
 */

#include <errno.h>
#include <string.h>

#include "base/log-id.h"
#include "base/log.h"
#include "daemon/credential.h"
#include "daemon/daemon-core.h"
#include "daemon/notify.h"
#include "daemon/trial.h"

/* ---- into the parts ---- */

void daemon_configure_process(Daemon *d, const Settings *settings)
{
        log_configure(&settings->log);
        d->house.trust = settings->clock.trust;
}

/* The unit of a sensor's channel stands beside its last values. */
static const char *unit_of(void *userdata, const char *sensor, const char *channel)
{
        const Daemon *d = userdata;

        for (size_t i = 0; d->sensors && i < sensors_count(d->sensors); i++) {
                const SensorStatus *s = sensors_status(d->sensors, i);

                if (strcmp(s->name, sensor) != 0)
                        continue;
                for (size_t k = 0; k < s->n_values; k++)
                        if (strcmp(s->values[k].name, channel) == 0)
                                return s->units ? s->units[k] : NULL;
        }
        return NULL;
}

int daemon_configure_flow(Daemon *d, const Settings *settings, const char *device_id)
{
        UplinkSettings uplink = {
                .window = settings->hub.window,
                .device_id = device_id ?: "",
                .unit = unit_of,
                .unit_userdata = d,
        };
        int r;

        r = collector_configure(d->collector, settings->streams, settings->n_streams);
        if (r < 0)
                return r;
        return uplink_configure(d->uplink, &uplink, settings->streams, settings->n_streams);
}

/* ---- the credential ---- */

int daemon_device_id(const Daemon *d, const ConnectionString *credential, char **ret)
{
        const char *id = credential && credential->device_id ? credential->device_id
                         : credential                        ? d->device_id
                                                             : NULL;

        *ret = id ? strdup(id) : NULL;
        return id && !*ret ? -ENOMEM : 0;
}

static int find_credential(const Settings *settings, ConnectionString **ret, char **ret_error)
{
        return trial_is_wanted() ? trial_credential(ret, ret_error) : credential_find(&settings->hub, ret, ret_error);
}

int daemon_take_trial(Settings *settings)
{
        if (trial_is_wanted())
                log_line(LOG_WARNING, LOG_ID_TRIAL_CREDENTIAL, NULL,
                         "The credential comes from the environment (IOTHUB_DEVICE_SECURITY_TYPE), in place of the one "
                         "in "
                         "the settings: for a trial only.");
        return trial_apply(&settings->hub);
}

static void tell_no_credential(const char *error)
{
        log_line(LOG_ERR, LOG_ID_CREDENTIAL_UNFIT, NULL, "No credential, nothing can be sent: %s.", error);
}

int daemon_first_credential(const Settings *settings, ConnectionString **ret, char **ret_why_not)
{
        int r;

        r = find_credential(settings, ret, ret_why_not);
        if (r <= 0)
                return r;
        tell_no_credential(*ret_why_not);
        return 0;
}

/* ---- what a reload brings ---- */

static int refuse(const char *problem, size_t n_more, char **ret_problem)
{
        if (n_more > 0)
                log_line(LOG_ERR, LOG_ID_SETTINGS_BAD, NULL,
                         "The new settings are bad, those in effect stay: %s (%zu more: hublinkd --check)",
                         problem, n_more);
        else
                log_line(LOG_ERR, LOG_ID_SETTINGS_BAD, NULL,
                         "The new settings are bad, those in effect stay: %s", problem);
        *ret_problem = strdup(problem);
        return *ret_problem ? DAEMON_E_BAD : -ENOMEM;
}

static int next_settings(Daemon *d, Settings **ret, char **ret_problem)
{
        Problems problems = {};
        int r;

        r = settings_load(ret, d->arguments.config, d->arguments.state_dir, &problems);
        if (r == SETTINGS_E_BAD)
                r = refuse(problems.items[0].text, problems.n - 1, ret_problem);
        problems_done(&problems);
        if (r == 0)
                r = daemon_lay_over(d, ret);
        return r == 0 ? trial_apply(&(*ret)->hub) : r;
}

/* One that is half written, or that others can read, must not end a link that works. Only a gateway that has
 * none may go on without. */
static int next_credential(Daemon *d, const Settings *settings, ConnectionString **ret, char **ret_problem)
{
        _cleanup_free_ char *error = NULL;
        int r;

        r = find_credential(settings, ret, &error);
        if (r > 0 && !d->has_credential) {
                hub_explain(d->hub, error);
                daemon_status_changed(d);
        }
        if (r == CREDENTIAL_E_NONE && !d->has_credential) {
                tell_no_credential(error);
                return 0;
        }
        return r > 0 ? refuse(error, 0, ret_problem) : r;
}

/* ---- reload ---- */

/* What can be put back when a later step fails. */
static int configure_parts(Daemon *d, const Settings *settings, const char *device_id)
{
        int r = daemon_configure_flow(d, settings, device_id);

        if (r >= 0)
                r = daemon_configure_pnp(d, settings);
        if (r >= 0)
                r = methods_configure(d->methods, &settings->methods);
        if (r >= 0)
                r = daemon_configure_commands(d, settings);
        if (r >= 0)
                r = daemon_configure_rules(d, settings);
        if (r >= 0)
                r = metrics_configure(d->metrics, &settings->metrics);
        return r < 0 ? r : daemon_configure_sensors(d, settings);
}

/* What cannot fail. */
static void take_over(Daemon *d, Settings *settings)
{
        queue_configure(d->queue, &settings->queue);
        dead_letters_configure(d->dead_letters, &settings->queue);
        inbox_configure(d->inbox, &settings->inbox, &settings->queue);
        audit_configure(d->audit, &settings->audit);
        twin_configure(d->twin, &settings->twin);
        daemon_configure_process(d, settings);
        settings_free(d->settings);
        d->settings = settings;
}

/* Those that the cloud may set do not touch the connection. */
int daemon_change_settings(Daemon *d, Settings *settings)
{
        int r = configure_parts(d, settings, d->device_id);

        if (r < 0) {
                (void)configure_parts(d, d->settings, d->device_id);
                settings_free(settings);
                return r;
        }
        take_over(d, settings);
        daemon_status_changed(d);
        return 0;
}

/* The hub takes all or nothing, and a link that it gave up would not come back: so it is the last that can fail.
 * Takes the settings over if it returns 0. */
static int swap(Daemon *d, Settings **new, const ConnectionString *credential)
{
        _cleanup_free_ char *device_id = NULL;
        const Settings *settings = *new;
        int r;

        r = daemon_device_id(d, credential, &device_id);
        if (r < 0)
                return r;
        r = configure_parts(d, settings, device_id);
        if (r >= 0)
                r = hub_configure(d->hub, &settings->hub, credential);
        if (r < 0) {
                (void)configure_parts(d, d->settings, d->device_id);
                return r;
        }
        take_over(d, TAKE_PTR(*new));
        free(d->device_id);
        d->device_id = TAKE_PTR(device_id);
        d->has_credential = credential;
        return 0;
}

static void tell_restarts(const Daemon *d, const QueueSettings *queue)
{
        if (strcmp(queue->directory, d->queue_directory) != 0)
                log_line(LOG_WARNING, LOG_ID_RESTART_NEEDED, NULL,
                         "queue.directory is %s until the next restart, then %s.", d->queue_directory,
                         queue->directory);
        if (queue->segment_bytes != d->queue_segment)
                log_line(LOG_WARNING, LOG_ID_RESTART_NEEDED, NULL, "queue.segment changes at the next restart.");
}

static int reload(Daemon *d, char **ret_problem)
{
        _cleanup_(connection_string_freep) ConnectionString *credential = NULL;
        _cleanup_(settings_freep) Settings *settings = NULL;
        int r;

        r = next_settings(d, &settings, ret_problem);
        if (r == 0)
                r = next_credential(d, settings, &credential, ret_problem);
        if (r != 0)
                return r;
        r = swap(d, &settings, credential);
        if (r < 0)
                return r;
        log_line(LOG_NOTICE, LOG_ID_SETTINGS_RELOADED, NULL,
                 "The settings were read again and are in effect.");
        tell_restarts(d, &d->settings->queue);
        twin_reapply(d->twin);
        return 0;
}

int daemon_reload(Daemon *d, char **ret_problem)
{
        int r;

        notify_reloading();
        *ret_problem = NULL;
        r = reload(d, ret_problem);
        if (r < 0)
                log_line(LOG_ERR, LOG_ID_SETTINGS_BAD, NULL, "The settings could not be taken over: %s.",
                         strerror(-r));
        monitor_tell_settings(d->monitor, r == 0 ? NULL : *ret_problem ?: strerror(-r));
        daemon_status_changed(d);
        notify_ready();
        return r;
}
