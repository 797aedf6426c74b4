/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The rules among the others: the sensors' readings go in, what passes goes to the collector, alarms to the bus, and
 * sensors hear that they are stale.
 *
 * Plug and Play asks what was read, not what is worth sending: it hears of each reading before the rules do.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log-id.h"
#include "base/log.h"
#include "daemon/daemon-core.h"
#include "flow/gate.h"

static void on_alarm(void *userdata, const char *channel, const char *state, double value)
{
        Daemon *d = userdata;

        if (!d->bus)
                return;
        bus_alarm(d->bus, channel, state, value);
        daemon_status_changed(d);
}

static void tell_stale(const char *sensor, const char *why)
{
        char field[64];

        (void)snprintf(field, sizeof(field), "HUBLINK_SENSOR=%s", sensor);
        if (why)
                log_line(LOG_WARNING, LOG_ID_SENSOR_STALE, LOG_FIELDS(field), "sensor %s: stale: %s.", sensor, why);
        else
                log_line(LOG_NOTICE, LOG_ID_SENSOR_FRESH, LOG_FIELDS(field), "sensor %s: not stale any more.", sensor);
}

/* For one that lines name, and no settings, nobody else speaks. */
static void on_stale(void *userdata, const char *sensor, const char *why, bool is_news)
{
        Daemon *d = userdata;

        if (d->sensors && !sensors_set_stale(d->sensors, sensor, why) && is_news)
                tell_stale(sensor, why);
}

/* ---- alarms that outlive us ---- */

static int on_store(void *userdata, const char *text, size_t size)
{
        Daemon *d = userdata;

        return state_file_store(d->alarms_file, text, size);
}

static void on_stored(void *userdata, int error)
{
        Daemon *d = userdata;

        if (!d->alarm_book)
                return;
        alarm_book_stored(d->alarm_book, error);
        if (!d->stopped)
                rules_alarms_stored(d->rules);
}

static bool has_arrived(void *userdata, const char *stream)
{
        Daemon *d = userdata;

        return collector_has_stored(d->collector, stream);
}

static int load_book(Daemon *d, const char *path)
{
        const AlarmBookPort port = {on_store, has_arrived, d};
        Buffer state = BUFFER_NULL;
        int r = daemon_load_state(d, d->alarms_file, path, ALARM_BOOK_STATE_MAX,
                                  "the end of alarms that were raised may not be told", &state);

        if (r >= 0)
                r = alarm_book_new(&d->alarm_book, state.data ?: "", state.size, &d->house.clock, &port);
        buffer_done(&state);
        return r;
}

static int build_book(Daemon *d)
{
        _cleanup_free_ char *path = NULL;
        int r;

        if (asprintf(&path, "%s/alarms", d->arguments.state_dir) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        r = state_file_new(&d->alarms_file, path, d->disk, on_stored, d);
        return r < 0 ? r : load_book(d, path);
}

void daemon_alarms_queue_changed(Daemon *d)
{
        if (d->alarm_book)
                alarm_book_queue_changed(d->alarm_book);
}

/* ---- life ---- */

int daemon_build_rules(Daemon *d)
{
        const RulesSink sink = {daemon_collector_sink(d), on_alarm, on_stale, d};
        int r = build_book(d);

        if (r >= 0)
                r = rules_new(&d->rules, &d->house.clock, &sink);
        if (r < 0)
                return r;
        rules_keep_alarms(d->rules, d->alarm_book);
        return daemon_configure_rules(d, d->settings);
}

void daemon_end_alarms(Daemon *d)
{
        if (!d->alarm_book)
                return;
        alarm_book_stop(d->alarm_book);
        state_file_finish(d->alarms_file, DAEMON_STOP_USEC / 8);
}

void daemon_free_rules(Daemon *d)
{
        rules_free(d->rules);
        d->alarm_book = alarm_book_free(d->alarm_book);
        d->alarms_file = state_file_free(d->alarms_file);
}

int daemon_configure_rules(Daemon *d, const Settings *settings)
{
        int r = rules_know_streams(d->rules, settings->streams, settings->n_streams);

        return r < 0 ? r : rules_configure(d->rules, settings->rules, settings->n_rules);
}

/* ---- the sensors' way in ---- */

static ReadingSink rules_of(const Daemon *d)
{
        return rules_reading_sink(d->rules);
}

static int on_reading(void *userdata, const char *stream, const Reading *reading)
{
        Daemon *d = userdata;
        ReadingSink rules = rules_of(d);
        Objection o;

        if (d->pnp && gate_reading(reading, &o))
                pnp_reading(d->pnp, reading);
        return rules.reading(rules.userdata, stream, reading);
}

static void on_refused(void *userdata, Refusal why)
{
        ReadingSink rules = rules_of(userdata);

        rules.refused(rules.userdata, why);
}

static bool is_ready(void *userdata)
{
        ReadingSink rules = rules_of(userdata);

        return rules.ready(rules.userdata);
}

static void on_changed(void *userdata, const SensorStatus *sensor)
{
        ReadingSink rules = rules_of(userdata);

        rules.changed(rules.userdata, sensor);
}

ReadingSink daemon_reading_sink(Daemon *d)
{
        return (ReadingSink){on_reading, on_refused, is_ready, on_changed, d};
}

/* Those that are made anew do not know yet that they are stale. */
int daemon_configure_sensors(Daemon *d, const Settings *settings)
{
        int r = daemon_expect_sources(d, settings);

        if (r >= 0)
                r = sensors_configure(d->sensors, settings->sensors, settings->n_sensors);
        if (r >= 0)
                rules_tell_stale(d->rules);
        return r;
}
