/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The twin among the others: the hub, the disk, the bus, and what the daemon tells of itself.
 */

#include <errno.h>
#include <stdio.h>

#include "daemon/daemon-core.h"
#include "flow/twin-facts.h"

#define LOSS "unsent reports, and what setInterval set, are not known"

/* ---- what the twin asks ---- */

static int on_get(void *userdata, uint64_t *ret_request)
{
        Daemon *d = userdata;

        return hub_twin_get(d->hub, ret_request);
}

static int on_report(void *userdata, const char *json, size_t size, uint64_t *ret_request)
{
        Daemon *d = userdata;

        return hub_twin_report(d->hub, json, size, ret_request);
}

static void on_store(void *userdata, const char *text, size_t size)
{
        Daemon *d = userdata;
        int r = state_file_store(d->twin_file, text, size);

        if (r < 0)
                twin_stored(d->twin, r);
}

static void on_stored(void *userdata, int error)
{
        Daemon *d = userdata;

        if (d->twin)
                twin_stored(d->twin, error);
}

/* Found out once, as soon as the clock is believed: it would creep with each correction. */
static usec_t boot_time(Daemon *d)
{
        const Clock *clock = &d->house.clock;

        if (d->boot_wall_usec == 0 && clock_synchronised(clock))
                d->boot_wall_usec = usec_sub(clock_wall(clock), clock_boot(clock));
        return d->boot_wall_usec;
}

static int on_facts(void *userdata, bool with_statistics, Document **ret)
{
        Daemon *d = userdata;

        return twin_facts(daemon_status(d), boot_time(d), with_statistics, ret);
}

/* ---- and tells ---- */

static void on_desired_changed(void *userdata, const char *section, const char *json, uint64_t version)
{
        Daemon *d = userdata;

        if (d->bus)
                bus_twin_desired_changed(d->bus, section, json, version);
}

static void on_changed(void *userdata)
{
        Daemon *d = userdata;

        if (d->pnp)
                pnp_twin_changed(d->pnp);
        daemon_status_changed(d);
}

/* ---- life ---- */

static int build(Daemon *d, const Buffer *state)
{
        const TwinPort port = {on_get, on_report, on_store, daemon_apply_desired, on_facts,
                               daemon_keep_overlay, d};
        const TwinSink sink = {on_desired_changed, on_changed, d};

        int r = twin_new(&d->twin, state->data ?: "", state->size, &d->house.clock, &random_system, &port, &sink);

        if (r < 0)
                return r;
        twin_configure(d->twin, &d->settings->twin);
        if (d->overlay.is_old)
                twin_keep_changed(d->twin);
        return 0;
}

/* Where that is refused it is begun anew all the same, as the twin tells. */
static int set_damaged_aside(Daemon *d, const char *path, Buffer *state)
{
        int r;

        if (!d->overlay.is_damaged || state->size == 0)
                return 0;
        r = daemon_set_state_aside(d, path, "no JSON object", LOSS);
        if (r == 0)
                buffer_clear(state);
        return r == -ENOMEM ? r : 0;
}

/* What cannot be read the twin has told of. */
static int remember(Daemon *d, const Buffer *state)
{
        const char *error;
        int r = state->size > 0 ? document_parse(&d->kept, state->data, state->size, &error) : 0;

        return r == -EBADMSG ? 0 : r;
}

/* Whichever it is: the twin's text would take its place. */
static int take_unread(Daemon *d)
{
        _cleanup_free_ char *path = NULL;

        if (!d->overlay.unread)
                return 0;
        if (asprintf(&path, "%s/%s", d->arguments.state_dir, d->overlay.unread) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        return daemon_take_unread(d, d->twin_file, path, d->overlay.error, LOSS);
}

/* Of the text that was read with what lies over the settings. */
int daemon_build_twin(Daemon *d)
{
        _cleanup_free_ char *path = NULL;
        Buffer *state = &d->overlay.text;
        int r;

        if (asprintf(&path, "%s/" OVERLAY_FILE, d->arguments.state_dir) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        r = state_file_new(&d->twin_file, path, d->disk, on_stored, d);
        if (r >= 0)
                r = take_unread(d);
        if (r >= 0)
                r = set_damaged_aside(d, path, state);
        if (r >= 0)
                r = build(d, state);
        if (r >= 0)
                r = remember(d, state);
        buffer_done(state);
        return r;
}

void daemon_end_twin(Daemon *d)
{
        if (!d->twin)
                return;
        twin_stop(d->twin);
        state_file_finish(d->twin_file, DAEMON_STOP_USEC / 2);
}
