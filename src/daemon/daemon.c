/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/daemon.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/backoff.h"
#include "base/log-id.h"
#include "base/log.h"
#include "bus/bus.h"
#include "daemon/credential.h"
#include "daemon/notify.h"
#include "daemon/pulse.h"
#include "flow/collector.h"
#include "flow/dead-letters.h"
#include "flow/monitor.h"
#include "flow/uplink.h"
#include "hub/hub.h"
#include "hub/transport-mosquitto.h"
#include "queue/queue.h"
#include "sensor/sensors.h"

/* The kernel's clocks; whether the wall clock is believed without NTP may change with a reload. */
typedef struct House {
        Clock clock;
        bool trust;
} House;

struct Daemon {
        sd_event *event;
        Arguments arguments;
        Settings *settings;
        char *queue_directory; /* as at opening: a change needs a restart */
        uint64_t queue_segment;
        char *device_id; /* NULL: there is no credential */
        House house;

        /* in the order of building */
        Pulse *pulse;
        Disk *disk;
        sd_event_source *disk_source;
        Queue *queue;
        DeadLetters *dead_letters;
        Collector *collector;
        Hub *hub;
        Uplink *uplink;
        Sensors *sensors;
        Monitor *monitor;
        Bus *bus;

        void (*changed)(void *userdata);
        void *changed_userdata;
};

/* ---- the clock ---- */

static usec_t house_boot(const Clock *clock)
{
        return clock_boot(&clock_system);
}

static usec_t house_wall(const Clock *clock)
{
        return clock_wall(&clock_system);
}

static bool house_synchronised(const Clock *clock)
{
        return container_of(clock, House, clock)->trust || clock_synchronised(&clock_system);
}

/* ---- sinks: who is told what ---- */

/* Parts speak while others are not built yet, or are gone already. */

static void on_status_changed(void *userdata)
{
        Daemon *d = userdata;

        if (d->bus)
                bus_status_changed(d->bus);
        d->changed(d->changed_userdata);
}

static void on_queue_readable(void *userdata)
{
        Daemon *d = userdata;

        if (d->dead_letters)
                dead_letters_readable(d->dead_letters);
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

static void on_dead_letter(void *userdata, uint64_t id)
{
        Daemon *d = userdata;

        if (d->bus)
                bus_dead_letter_added(d->bus, id);
}

static void on_hub_ready(void *userdata)
{
        Daemon *d = userdata;

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
}

static void on_sensor_changed(void *userdata, const SensorStatus *sensor)
{
        Daemon *d = userdata;

        if (d->bus)
                bus_sensor_changed(d->bus, sensor);
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

/* ---- settings into the parts ---- */

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

static void tell_no_credential(const char *error)
{
        log_line(LOG_ERR, LOG_ID_CREDENTIAL_UNFIT, NULL, "No credential, nothing can be sent: %s.", error);
}

/* Without one nothing can be sent, but everything else goes on. */
static int first_credential(const Settings *settings, ConnectionString **ret, char **ret_why_not)
{
        int r;

        r = credential_read(settings->hub.connection_string_file, ret, ret_why_not);
        if (r <= 0)
                return r;
        tell_no_credential(*ret_why_not);
        return 0;
}

static int configure_flow(Daemon *d, const Settings *settings, const char *device_id)
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

static int device_id_of(const ConnectionString *credential, char **ret)
{
        *ret = credential ? strdup(credential->device_id) : NULL;
        return credential && !*ret ? -ENOMEM : 0;
}

static void configure_process(Daemon *d, const Settings *settings)
{
        log_configure(&settings->log);
        d->house.trust = settings->clock.trust;
}

/* ---- life ---- */

static int on_disk(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
        Daemon *d = userdata;

        disk_dispatch(d->disk);
        return 0;
}

static int build_queue(Daemon *d)
{
        const QueueSettings *settings = &d->settings->queue;
        QueueSink sink = {on_queue_readable, on_queue_settled, on_status_changed, on_queue_pressure, d};
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
        r = queue_open(&d->queue, settings, d->disk, &d->house.clock, &random_system, &sink);
        if (r < 0)
                return r;
        r = dead_letters_new(&d->dead_letters, settings, d->queue, d->disk, &d->house.clock, &random_system,
                             &(DeadLettersSink){on_dead_letter, on_status_changed, d});
        if (r < 0)
                return r;
        return collector_new(&d->collector, d->queue, &d->house.clock);
}

static int build_hub(Daemon *d, const ConnectionString *credential, const char *why_not)
{
        HubSink sink = {on_hub_ready, on_hub_delivered, on_hub_lost, on_status_changed, d};
        Transport *transport;
        SetAside aside;
        int r;

        r = transport_mosquitto_new(&transport, d->event);
        if (r < 0)
                return r;
        r = hub_new(&d->hub, &d->settings->hub, credential, transport, &d->house.clock, &random_system,
                    &sink);
        if (r < 0)
                return r;
        if (why_not)
                hub_explain(d->hub, why_not);
        r = uplink_new(&d->uplink, d->queue, d->hub, &d->house.clock, on_status_changed, d);
        if (r < 0)
                return r;
        aside = dead_letters_set_aside(d->dead_letters);
        uplink_set_aside_through(d->uplink, &aside);
        return 0;
}

static int build_sensors(Daemon *d)
{
        ReadingSink sink = collector_reading_sink(d->collector, on_sensor_changed, d);
        int r;

        r = sensors_new(&d->sensors, d->event, &d->house.clock, &random_system, &i2c_port_kernel, &sink);
        if (r < 0)
                return r;
        return sensors_configure(d->sensors, d->settings->sensors, d->settings->n_sensors);
}

static int build_bus(Daemon *d)
{
        MonitorPeers watched = {d->queue, d->hub, d->collector, d->uplink, d->sensors, d->dead_letters};
        BusPeers peers = {.control = {on_flush, on_reconnect, on_reload, d}};
        int r;

        r = monitor_new(&d->monitor, &watched, &d->house.clock);
        if (r < 0)
                return r;
        peers.intake = collector_intake(d->collector);
        peers.status = monitor_status_source(d->monitor);
        peers.dead_letters = dead_letters_office(d->dead_letters);
        return bus_new(&d->bus, d->event, d->arguments.bus, &peers, &d->house.clock, &random_system);
}

static int build_pulse(Daemon *d)
{
        const Ticker tickers[] = {
                queue_ticker(d->queue),     hub_ticker(d->hub), uplink_ticker(d->uplink),
                sensors_ticker(d->sensors), bus_ticker(d->bus), dead_letters_ticker(d->dead_letters),
        };
        int r;

        r = pulse_new(&d->pulse, d->event, &d->house.clock);
        for (size_t i = 0; i < ARRAY_SIZE(tickers) && r >= 0; i++)
                r = pulse_add(d->pulse, tickers[i]);
        return r;
}

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
        d->house.clock = (Clock){house_boot, house_wall, house_synchronised};
        d->changed = changed;
        d->changed_userdata = userdata;
        configure_process(d, settings);

        if ((r = first_credential(settings, &credential, &why_not)) < 0 ||
            (r = device_id_of(credential, &d->device_id)) < 0 || (r = build_queue(d)) < 0 ||
            (r = build_hub(d, credential, why_not)) < 0 || (r = configure_flow(d, settings, d->device_id)) < 0 ||
            (r = build_sensors(d)) < 0 || (r = build_bus(d)) < 0 || (r = build_pulse(d)) < 0)
                return r;
        hub_start(d->hub);
        *ret = TAKE_PTR(d);
        return 0;
}

/* Sources first, so that nothing new comes in; then the queue, which answers all who wait for a receipt;
 * then those who carry the answers. The pulse goes before any that it would tick. */
Daemon *daemon_free(Daemon *d)
{
        if (!d)
                return NULL;
        d->pulse = pulse_free(d->pulse);
        d->sensors = sensors_free(d->sensors);
        if (d->hub)
                hub_stop(d->hub);
        d->uplink = uplink_free(d->uplink);
        dead_letters_stop(d->dead_letters, DAEMON_STOP_USEC / 2);
        if (d->queue)
                d->queue = queue_close(d->queue, DAEMON_STOP_USEC);
        d->bus = bus_free(d->bus);
        d->dead_letters = dead_letters_free(d->dead_letters);
        monitor_free(d->monitor);
        hub_free(d->hub);
        collector_free(d->collector);
        sd_event_source_disable_unref(d->disk_source);
        disk_free(d->disk);
        settings_free(d->settings);
        free(d->queue_directory);
        free(d->device_id);
        sd_event_unref(d->event);
        free(d);
        return NULL;
}

int daemon_add_ticker(Daemon *d, Ticker ticker)
{
        return pulse_add(d->pulse, ticker);
}

const Status *daemon_status(Daemon *d)
{
        StatusSource source = monitor_status_source(d->monitor);

        return source.status(source.userdata);
}

/* ---- reload ---- */

static void tell_restarts(const Daemon *d, const QueueSettings *queue)
{
        if (strcmp(queue->directory, d->queue_directory) != 0)
                log_warning("queue.directory is %s until the next restart, then %s.", d->queue_directory,
                            queue->directory);
        if (queue->segment_bytes != d->queue_segment)
                log_warning("queue.segment changes at the next restart.");
}

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

static int next_settings(const Daemon *d, Settings **ret, char **ret_problem)
{
        Problems problems = {};
        int r;

        r = settings_load(ret, d->arguments.config, d->arguments.state_dir, &problems);
        if (r == SETTINGS_E_BAD)
                r = refuse(problems.items[0].text, problems.n - 1, ret_problem);
        problems_done(&problems);
        return r;
}

/* One that is half written, or that others can read, must not end a link that works. Only a gateway that has
 * none may go on without. */
static int next_credential(Daemon *d, const Settings *settings, ConnectionString **ret, char **ret_problem)
{
        _cleanup_free_ char *error = NULL;
        int r;

        r = credential_read(settings->hub.connection_string_file, ret, &error);
        if (r > 0 && !d->device_id) {
                hub_explain(d->hub, error);
                on_status_changed(d);
        }
        if (r == CREDENTIAL_E_NONE && !d->device_id) {
                tell_no_credential(error);
                return 0;
        }
        return r > 0 ? refuse(error, 0, ret_problem) : r;
}

/* What can be put back when a later step fails. */
static int configure_parts(Daemon *d, const Settings *settings, const char *device_id)
{
        int r = configure_flow(d, settings, device_id);

        return r < 0 ? r : sensors_configure(d->sensors, settings->sensors, settings->n_sensors);
}

/* The hub takes all or nothing, and a link that it gave up would not come back: so it is the last that can fail. Takes the settings
 * over if it returns 0. */
static int swap(Daemon *d, Settings **new, const ConnectionString *credential)
{
        _cleanup_free_ char *device_id = NULL;
        const Settings *settings = *new;
        int r;

        r = device_id_of(credential, &device_id);
        if (r < 0)
                return r;
        r = configure_parts(d, settings, device_id);
        if (r >= 0)
                r = hub_configure(d->hub, &settings->hub, credential);
        if (r < 0) {
                (void)configure_parts(d, d->settings, d->device_id);
                return r;
        }
        queue_configure(d->queue, &settings->queue);
        dead_letters_configure(d->dead_letters, &settings->queue);
        configure_process(d, settings);
        settings_free(d->settings);
        d->settings = TAKE_PTR(*new);
        free(d->device_id);
        d->device_id = TAKE_PTR(device_id);
        return 0;
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
        on_status_changed(d);
        return 0;
}

int daemon_reload(Daemon *d, char **ret_problem)
{
        int r;

        notify_reloading();
        r = reload(d, ret_problem);
        if (r < 0)
                log_line(LOG_ERR, LOG_ID_SETTINGS_BAD, NULL, "The settings could not be taken over: %s.",
                         strerror(-r));
        notify_ready();
        return r;
}
