/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The positions in growing files among the others: the queue, the way up, the disk, and the sensors.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log-id.h"
#include "base/log.h"
#include "daemon/daemon-core.h"

static int on_store(void *userdata, const char *text, size_t size)
{
        Daemon *d = userdata;

        return state_file_store(d->positions_file, text, size);
}

static void on_stored(void *userdata, int error)
{
        Daemon *d = userdata;

        if (d->positions)
                positions_stored(d->positions, error);
}

static void on_released(void *userdata)
{
        Daemon *d = userdata;

        if (d->uplink)
                uplink_readable(d->uplink);
}

static void on_limit(void *userdata, const char *source, SourcePosition *at)
{
        const Daemon *d = userdata;

        if (d->rules)
                rules_limit_position(d->rules, source, at);
}

static bool is_source(const SensorSettings *s)
{
        return strcmp(s->driver, "tail") == 0;
}

static bool has_sources(const Settings *settings)
{
        for (size_t i = 0; i < settings->n_sensors; i++)
                if (is_source(&settings->sensors[i]))
                        return true;
        return false;
}

int daemon_expect_sources(Daemon *d, const Settings *settings)
{
        _cleanup_free_ SourceName *names = calloc(settings->n_sensors + 1, sizeof(*names));
        size_t n = 0;

        if (!names)
                return -ENOMEM;
        for (size_t i = 0; i < settings->n_sensors; i++) {
                const SensorSettings *s = &settings->sensors[i];

                if (!is_source(s))
                        continue;
                (void)snprintf(names[n].sensor, sizeof(Name), "%s", s->name);
                names[n++].place = source_place(s->path);
        }
        return positions_expect(d->positions, names, n);
}

static int build(Daemon *d, const char *path)
{
        const PositionsPort port = {on_store, on_released, on_limit, d};
        Buffer state = BUFFER_NULL;
        int r = daemon_load_state(d, d->positions_file, path, POSITIONS_STATE_MAX,
                                  "what the queue does not know of growing files is read again", &state);

        if (r >= 0)
                r = positions_new(&d->positions, state.data ?: "", state.size, has_sources(d->settings), d->queue,
                                  &d->house.clock, &port);
        buffer_done(&state);
        return r < 0 ? r : daemon_expect_sources(d, d->settings);
}

int daemon_build_positions(Daemon *d)
{
        _cleanup_free_ char *path = NULL;
        int r;

        if (asprintf(&path, "%s/positions", d->arguments.state_dir) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        r = state_file_new(&d->positions_file, path, d->disk, on_stored, d);
        if (r >= 0)
                r = build(d, path);
        if (r < 0)
                return r;
        collector_note_positions(d->collector, positions_appended, d->positions);
        uplink_hold_back(d->uplink, positions_hold, d->positions);
        return 0;
}

void daemon_end_positions(Daemon *d)
{
        if (!d->positions)
                return;
        positions_stop(d->positions);
        state_file_finish(d->positions_file, DAEMON_STOP_USEC / 8);
}
