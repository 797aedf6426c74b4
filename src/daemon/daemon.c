/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/daemon.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/log-id.h"
#include "base/log.h"
#include "daemon/daemon-core.h"
#include "hub/transport-mosquitto.h"

/* ---- the parts, each with its sink, in the order in which they lean on one another ---- */

static int on_disk(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
        Daemon *d = userdata;

        disk_dispatch(d->disk);
        return 0;
}

static int build_queue(Daemon *d)
{
        const QueueSettings *settings = &d->settings->queue;
        DeadLettersSink dead_letters_sink = daemon_dead_letters_sink(d);
        QueueSink queue_sink = daemon_queue_sink(d);
        int r;

        r = disk_new(&d->disk);
        if (r < 0)
                return r;
        r = sd_event_add_io(d->event, &d->disk_source, disk_fd(d->disk), EPOLLIN, on_disk, d);
        if (r < 0)
                return r;
        d->queue_segment = settings->segment_bytes;
        d->queue_directory = strdup(settings->directory);
        if (!d->queue_directory)
                return -ENOMEM;
        r = queue_open(&d->queue, settings, d->disk, &d->house.clock, &random_system, &queue_sink);
        if (r < 0)
                return r;
        r = dead_letters_new(&d->dead_letters, settings, d->queue, d->disk, &d->house.clock, &random_system,
                             &dead_letters_sink);
        if (r < 0)
                return r;
        return collector_new(&d->collector, d->queue, &d->house.clock);
}

static int build_hub(Daemon *d, const ConnectionString *credential, const char *why_not)
{
        HubSink sink = daemon_hub_sink(d);
        OrderSink orders;
        HubMemory memory = daemon_hub_memory(d);
        Transport *transport;
        SetAside aside;
        int r;

        d->orders = (Orders){&d->hub, &d->inbox, &d->methods, &d->twin};
        orders = orders_sink(&d->orders);
        if ((r = daemon_open_assignment(d)) < 0 || (r = daemon_open_connected(d)) < 0)
                return r;
        r = transport_mosquitto_new(&transport, d->event);
        if (r < 0)
                return r;
        r = hub_new(&d->hub, &d->settings->hub, credential, transport, &d->house.clock, &random_system, &sink,
                    &orders);
        if (r < 0)
                return r;
        if (why_not)
                hub_explain(d->hub, why_not);
        hub_remember(d->hub, &memory);
        r = uplink_new(&d->uplink, d->queue, d->hub, &d->house.clock, daemon_status_changed, d);
        if (r < 0)
                return r;
        aside = dead_letters_set_aside(d->dead_letters);
        uplink_set_aside_through(d->uplink, &aside);
        return 0;
}

static int build_inbox(Daemon *d)
{
        const InboxPeers peers = {orders_inbox_port(&d->orders), daemon_inbox_sink(d), collector_intake(d->collector),
                                  d->audit};

        return inbox_new(&d->inbox, &d->settings->inbox, &d->settings->queue, &peers, d->disk, &d->house.clock,
                         &random_system);
}

static int build_audit(Daemon *d)
{
        d->audit = audit_new();
        if (!d->audit)
                return -ENOMEM;
        audit_configure(d->audit, &d->settings->audit);
        audit_listen(d->audit, daemon_status_changed, d);
        return 0;
}

/* Our own names come before those of the settings. */
static int build_methods(Daemon *d)
{
        static const MethodsSettings no_methods = {.timeout_usec = METHODS_TIMEOUT_DEFAULT};
        ResponderPort port = daemon_responder_port(d);
        BuiltinPeers peers = daemon_builtin_peers(d);
        int r;

        r = methods_new(&d->methods, &no_methods, &d->house.clock, d->audit, &port);
        if (r >= 0)
                r = builtin_methods_new(&d->builtin_methods, d->methods, &peers, &d->house.clock);
        return r < 0 ? r : methods_configure(d->methods, &d->settings->methods);
}

static int build_sensors(Daemon *d)
{
        ReadingSink sink = daemon_reading_sink(d);
        PositionBook book;
        int r = daemon_build_positions(d);

        if (r < 0)
                return r;
        book = positions_book(d->positions);

        r = daemon_build_rules(d);
        if (r < 0)
                return r;
        r = sensors_new(&d->sensors, d->event, &d->house.clock, &random_system, &i2c_port_kernel, &sink);
        if (r < 0)
                return r;
        sensors_keep_positions(d->sensors, &book);
        return sensors_configure(d->sensors, d->settings->sensors, d->settings->n_sensors);
}

static int build_bus(Daemon *d)
{
        MonitorPeers watched = {d->queue, d->hub, d->collector, d->uplink, d->sensors, d->dead_letters,
                                d->inbox, d->twin, d->audit, d->methods, d->rules};
        BusPeers peers = {.control = daemon_control(d)};
        int r;

        r = monitor_new(&d->monitor, &watched, &d->house.clock);
        if (r < 0)
                return r;
        monitor_tell_state(d->monitor, d->state_problem);
        peers.intake = collector_intake(d->collector);
        peers.status = monitor_status_source(d->monitor);
        peers.dead_letters = dead_letters_office(d->dead_letters);
        peers.inbox = inbox_desk(d->inbox);
        peers.twin = twin_desk(d->twin);
        peers.methods = methods_desk(d->methods);
        peers.audit = audit_book(d->audit);
        peers.units = daemon_unit_sink(d);
        return bus_new(&d->bus, d->event, d->arguments.bus, &peers, &d->house.clock, &random_system);
}

static int build_pulse(Daemon *d)
{
        const Ticker tickers[] = {
                queue_ticker(d->queue),     hub_ticker(d->hub), uplink_ticker(d->uplink),
                sensors_ticker(d->sensors), bus_ticker(d->bus), dead_letters_ticker(d->dead_letters),
                inbox_ticker(d->inbox),     twin_ticker(d->twin), rules_ticker(d->rules), methods_ticker(d->methods),
                pnp_ticker(d->pnp),         audit_ticker(d->audit),
                positions_ticker(d->positions), metrics_ticker(d->metrics), daemon_mount_ticker(d),
                command_units_ticker(d->command_units),
        };
        int r;

        r = pulse_new(&d->pulse, d->event, &d->house.clock);
        for (size_t i = 0; i < ARRAY_SIZE(tickers) && r >= 0; i++)
                r = pulse_add(d->pulse, tickers[i]);
        return r;
}

/* ---- life ---- */

int daemon_new(Daemon **ret, sd_event *event, const Arguments *arguments, Settings *settings,
               void (*changed)(void *userdata), void *userdata)
{
        _cleanup_(connection_string_freep) ConnectionString *credential = NULL;
        _cleanup_(daemon_freep) Daemon *d = calloc(1, sizeof(*d));
        _cleanup_free_ char *why_not = NULL;
        int r;

        if (!d) {
                settings_free(settings);
                return -ENOMEM;
        }
        d->event = sd_event_ref(event);
        d->arguments = *arguments;
        d->settings = settings;
        house_clock_init(&d->house);
        d->changed = changed;
        d->changed_userdata = userdata;
        if ((r = daemon_load_overlay(d)) < 0)
                return r;
        settings = d->settings;
        daemon_configure_process(d, settings);

        if ((r = daemon_take_trial(settings)) < 0 ||
            (r = daemon_first_credential(settings, &credential, &why_not)) < 0 ||
            (r = daemon_device_id(d, credential, &d->device_id)) < 0 || (r = build_queue(d)) < 0 ||
            (r = build_hub(d, credential, why_not)) < 0 || (r = daemon_configure_flow(d, settings, d->device_id)) < 0 ||
            (r = build_audit(d)) < 0 || (r = build_inbox(d)) < 0 || (r = daemon_build_twin(d)) < 0 ||
            (r = build_methods(d)) < 0 || (r = daemon_build_pnp(d)) < 0 || (r = daemon_build_commands(d)) < 0 ||
            (r = build_sensors(d)) < 0 || (r = build_bus(d)) < 0 || (r = daemon_build_metrics(d)) < 0 ||
            (r = build_pulse(d)) < 0)
                return r;
        d->has_credential = credential;
        daemon_build_mount(d);
        daemon_hold_link(d);
        hub_start(d->hub);
        *ret = TAKE_PTR(d);
        return 0;
}

/* What was taken while the disk failed is in memory only, and ends with it. */
static bool finish_queue(Daemon *d)
{
        QueueStatus status;
        uint64_t n;

        queue_finish(d->queue, DAEMON_STOP_USEC);
        n = queue_unstored(d->queue);
        if (n == 0)
                return true;
        queue_status(d->queue, &status);
        log_line(LOG_ERR, LOG_ID_RECORDS_LOST, NULL, "Queue: %llu record%s could not be stored and %s lost: %s.",
                 (unsigned long long)n, n == 1 ? "" : "s", n == 1 ? "is" : "are",
                 status.disk_error[0] ? status.disk_error : "the disk did not answer in time");
        return false;
}

/* Sources first, so that nothing new comes in, and what rules hold of them; then the queue, which answers all who wait
 * for a receipt. The pulse goes before any that it would tick, and what asks all the others next. */
bool daemon_stop(Daemon *d)
{
        bool all = true;

        if (!d || d->stopped)
                return all;
        d->stopped = true;
        d->pulse = pulse_free(d->pulse);
        d->metrics = metrics_free(d->metrics);
        d->sensors = sensors_free(d->sensors);
        if (d->rules)
                rules_release(d->rules);
        command_units_stop(d->command_units);
        methods_stop(d->methods); /* while there is a link to answer over */
        if (d->hub)
                hub_stop(d->hub);
        d->uplink = uplink_free(d->uplink);
        dead_letters_stop(d->dead_letters, DAEMON_STOP_USEC / 4);
        if (d->queue)
                all = finish_queue(d);
        daemon_end_positions(d);
        daemon_end_alarms(d);
        d->positions = positions_free(d->positions);
        d->queue = queue_close(d->queue, 0);
        daemon_end_twin(d);
        inbox_stop(d->inbox, DAEMON_STOP_USEC / 4); /* the queue has answered its reports */
        return all;
}

/* Those who carry the answers come last. */
Daemon *daemon_free(Daemon *d)
{
        if (!d)
                return NULL;
        (void)daemon_stop(d);
        if (d->audit)
                audit_listen(d->audit, NULL, NULL);
        d->bus = bus_free(d->bus);
        d->dead_letters = dead_letters_free(d->dead_letters);
        d->inbox = inbox_free(d->inbox);
        d->command_units = command_units_free(d->command_units);
        d->twin = twin_free(d->twin);
        d->twin_file = state_file_free(d->twin_file);
        d->positions_file = state_file_free(d->positions_file);
        daemon_free_rules(d);
        methods_free(d->methods);
        builtin_methods_free(d->builtin_methods);
        audit_free(d->audit);
        daemon_free_pnp(d);
        monitor_free(d->monitor);
        hub_free(d->hub);
        state_file_free(d->assignment);
        state_file_free(d->connected);
        collector_free(d->collector);
        sd_event_source_disable_unref(d->disk_source);
        disk_free(d->disk);
        settings_free(d->settings);
        free(d->queue_directory);
        free(d->assignment_path);
        overlay_done(&d->overlay);
        free(d->misfit_told);
        free(d->desired_told);
        free(d->state_problem);
        free(d->device_id);
        sd_event_unref(d->event);
        free(d);
        return NULL;
}

/* ---- for those around it ---- */

int daemon_add_ticker(Daemon *d, Ticker ticker)
{
        return pulse_add(d->pulse, ticker);
}

const Status *daemon_status(Daemon *d)
{
        StatusSource source = monitor_status_source(d->monitor);

        return source.status(source.userdata);
}
