/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Who is told what: each part speaks into a sink, and here it is heard by the others.
 *
 * Parts speak while others are not built yet, or are gone already.
 */

#include <string.h>

#include "daemon/daemon-core.h"

void daemon_status_changed(void *userdata)
{
        Daemon *d = userdata;

        if (d->bus)
                bus_status_changed(d->bus);
        d->changed(d->changed_userdata);
}

/* ---- the queue and its dead letters ---- */

static void on_queue_readable(void *userdata)
{
        Daemon *d = userdata;

        if (d->dead_letters)
                dead_letters_readable(d->dead_letters);
        if (d->positions)
                positions_queue_changed(d->positions);
        daemon_alarms_queue_changed(d);
        if (d->uplink)
                uplink_readable(d->uplink);
}

static void on_queue_settled(void *userdata, const Settled *settled)
{
        Daemon *d = userdata;

        if (d->bus)
                bus_settled(d->bus, settled);
}

static void on_queue_pressure(void *userdata, QueueLane lane, double fill)
{
        Daemon *d = userdata;

        for (unsigned i = 0; d->bus && i < queue_n_streams(d->queue); i++)
                if (queue_stream_waits(d->queue, i, lane))
                        bus_pressure(d->bus, queue_stream_name(d->queue, i), fill);
}

void daemon_hold_link(Daemon *d)
{
        hub_hold(d->hub, queue_in_use(d->queue));
}

static void on_queue_changed(void *userdata)
{
        Daemon *d = userdata;

        if (d->hub && d->queue)
                daemon_hold_link(d);
        if (d->positions)
                positions_queue_changed(d->positions);
        daemon_alarms_queue_changed(d);
        daemon_mount_queue_changed(d);
        daemon_status_changed(d);
}

QueueSink daemon_queue_sink(Daemon *d)
{
        return (QueueSink){on_queue_readable, on_queue_settled, on_queue_changed, on_queue_pressure, d};
}

static void on_dead_letter(void *userdata, uint64_t id)
{
        Daemon *d = userdata;

        if (d->bus)
                bus_dead_letter_added(d->bus, id);
}

DeadLettersSink daemon_dead_letters_sink(Daemon *d)
{
        return (DeadLettersSink){on_dead_letter, daemon_status_changed, d};
}

/* ---- the hub ---- */

static void on_hub_ready(void *userdata)
{
        Daemon *d = userdata;

        daemon_know_device(d);
        daemon_note_connected(d);
        if (d->uplink)
                uplink_ready(d->uplink);
}

static void on_hub_delivered(void *userdata, uint64_t ticket)
{
        Daemon *d = userdata;

        if (d->uplink)
                uplink_delivered(d->uplink, ticket);
}

static void on_hub_lost(void *userdata)
{
        Daemon *d = userdata;

        if (d->uplink)
                uplink_lost(d->uplink);
        orders_lost(&d->orders);
}

HubSink daemon_hub_sink(Daemon *d)
{
        return (HubSink){on_hub_ready, on_hub_delivered, on_hub_lost, daemon_status_changed, d};
}

/* ---- the sensors ---- */

static void on_sensor_changed(void *userdata, const SensorStatus *sensor)
{
        Daemon *d = userdata;

        if (d->bus)
                bus_sensor_changed(d->bus, sensor);
        if (d->twin)
                twin_facts_changed(d->twin);
}

ReadingSink daemon_collector_sink(Daemon *d)
{
        return collector_reading_sink(d->collector, on_sensor_changed, d);
}

/* ---- what local services may ask for ---- */

static void on_flush(void *userdata, DoneFn done, void *done_userdata)
{
        Daemon *d = userdata;
        QueueStatus queue;

        /* What sits in memory alone would look as if it were settled. */
        queue_status(d->queue, &queue);
        if (queue.disk_failed)
                done(done_userdata, REQUEST_DISK_ERROR, queue.disk_error);
        else
                uplink_flush(d->uplink, done, done_userdata);
}

static void on_reconnect(void *userdata)
{
        Daemon *d = userdata;

        hub_reconnect(d->hub);
}

static void on_reload(void *userdata, DoneFn done, void *done_userdata)
{
        _cleanup_free_ char *problem = NULL;
        Daemon *d = userdata;
        int r = daemon_reload(d, &problem);

        if (r < 0)
                done(done_userdata, REQUEST_BUSY, strerror(-r));
        else
                done(done_userdata, r == DAEMON_E_BAD ? REQUEST_BAD_VALUE : REQUEST_OK, problem);
}

Control daemon_control(Daemon *d)
{
        return (Control){on_flush, on_reconnect, on_reload, d};
}
