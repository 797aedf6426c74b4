/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The connection and its life.
 *
 * Nothing here waits for the bus: Hello, the name and the matches are asked for and answered later, so a bus
 * that hangs never holds up the sensors. A connection is thrown away at the first sign of trouble and a new
 * one made, with everything on it; local services see the same as after a restart of the daemon.
 *
 * Rights are the bus's business (conf/dbus/org.hublink1.conf): it knows the groups of each client from the
 * moment it connected, while we could only ask it, and block, at every call.
 */

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "base/log-id.h"
#include "base/log.h"
#include "bus/bus-private.h"

#define BACKOFF_FIRST USEC_PER_SEC
#define BACKOFF_MAX   USEC_PER_MIN
#define BACKOFF_FLOOR (500 * USEC_PER_MSEC)

/* The link's state is told at once, yet looked at only so often while counters tumble. */
#define LINK_INTERVAL     (50 * USEC_PER_MSEC)
#define COUNTERS_INTERVAL USEC_PER_SEC

#define DBUS_NAME_MAX 255 /* of D-Bus: of an interface, and of a member */

/* How long leaving may take for the sake of the last answers. */
#define FLUSH_TIMEOUT (100 * USEC_PER_MSEC)

int bus_error(sd_bus_error *error, RequestError code, const char *fmt, ...)
{
        _cleanup_(buffer_done) Buffer carried = BUFFER_NULL;
        char text[512];
        va_list ap;

        va_start(ap, fmt);
        (void)vsnprintf(text, sizeof(text), fmt, ap);
        va_end(ap);
        bus_text(&carried, text); /* it may be cut within a character, too */
        return sd_bus_error_set(error, request_error_name(code), buffer_error(&carried) ? NULL : carried.data);
}

/* ---- connecting ---- */

static void trouble(Bus *bus, const char *what, const char *why, const char *remedy)
{
        if (!bus->told_trouble)
                log_line(LOG_WARNING, LOG_ID_BUS_LOST, NULL,
                         "Message bus (%s): %s: %s. Going on without D-Bus and trying again; %s.", bus->address, what,
                         why, remedy);
        bus->told_trouble = true;
        bus->lost = true;
}

static int on_disconnected(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        Bus *bus = userdata;

        trouble(bus, "the connection is lost", "it was closed",
                "local services reach us again when the bus is back");
        return 0;
}

/* Unique names, and others that they had: of those nobody is asked after. */
static int on_left(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        Bus *bus = userdata;
        const char *name;

        if (sd_bus_message_read(m, "s", &name) < 0)
                return 0;
        subscribers_left(&bus->subscribers, name);
        subscribers_left(&bus->takers, name);
        subscribers_left(&bus->responders, name);
        return 0;
}

static int on_watching(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        Bus *bus = userdata;

        if (sd_bus_message_is_method_error(m, NULL) && !bus->lost)
                trouble(bus, "it does not tell who leaves", sd_bus_message_get_error(m)->message,
                        "see the journal of the bus");
        return 0;
}

/* Asked for before our name is: whoever finds us by it is seen to leave. It wakes us for everyone who leaves the bus,
 * which few do, and fewer so often that it matters. */
static int watch_leaving(Bus *bus)
{
        return sd_bus_add_match_async(bus->connection, NULL,
                                      "type='signal',sender='org.freedesktop.DBus',path='/org/freedesktop/DBus',"
                                      "interface='org.freedesktop.DBus',member='NameOwnerChanged',arg2=''",
                                      on_left, on_watching, bus);
}

/* In its answers about properties sd-bus repeats what was asked for, whatever its size; D-Bus has no longer names. */
static int refuse_long_names(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        const char *name;

        if (sd_bus_message_is_method_call(m, "org.freedesktop.DBus.Properties", NULL) <= 0)
                return 0;
        while (sd_bus_message_read_basic(m, 's', &name) > 0)
                if (strlen(name) > DBUS_NAME_MAX)
                        return sd_bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS,
                                                 "The name of an interface or a property has at most %d characters.",
                                                 DBUS_NAME_MAX);
        return sd_bus_message_rewind(m, 1) < 0 ? -EIO : 0;
}

static int on_named(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        Bus *bus = userdata;
        uint32_t answer = 0;

        if (sd_bus_message_is_method_error(m, SD_BUS_ERROR_ACCESS_DENIED)) {
                trouble(bus, "the name " BUS_NAME " is refused", sd_bus_message_get_error(m)->message,
                        "is org.hublink1.conf in dbus-1/system.d, and is this user root or hublink?");
                return 0;
        }
        if (sd_bus_message_is_method_error(m, NULL)) {
                if (!bus->lost) /* else the connection's own end, told already */
                        trouble(bus, "the name " BUS_NAME " was not given",
                                sd_bus_message_get_error(m)->message, "see the journal of the bus");
                return 0;
        }
        (void)sd_bus_message_read(m, "u", &answer);
        if (answer != 1 && answer != 4) { /* DBUS_REQUEST_NAME_REPLY_PRIMARY_OWNER, _ALREADY_OWNER */
                trouble(bus, "the name " BUS_NAME " is taken", "another hublinkd runs on this bus",
                        "stop the other one");
                return 0;
        }
        bus->named = true;
        /* From here on there are listeners: what they read is what they were told. */
        (void)manager_diff(&bus->told, bus_status(bus), MANAGER_LINK_PROPERTIES | MANAGER_COUNTERS);
        bus_sensors_match(bus, false);
        backoff_reset(&bus->backoff);
        if (bus->told_trouble)
                log_notice("Message bus (%s): " BUS_NAME " answers again.", bus->address);
        bus->told_trouble = false;
        return 0;
}

static int open_address(Bus *bus, sd_bus **ret)
{
        _cleanup_(sd_bus_unrefp) sd_bus *b = NULL;
        int r;

        if (strcmp(bus->address, "system") == 0)
                return sd_bus_open_system_with_description(ret, "hublink");
        if (strcmp(bus->address, "session") == 0)
                return sd_bus_open_user_with_description(ret, "hublink");
        if ((r = sd_bus_new(&b)) < 0 || (r = sd_bus_set_address(b, bus->address)) < 0 ||
            (r = sd_bus_set_bus_client(b, 1)) < 0 || (r = sd_bus_start(b)) < 0)
                return r;
        *ret = TAKE_PTR(b);
        return 0;
}

static int furnish(Bus *bus)
{
        int r;

        /* At the loop's end sd-bus would flush without a deadline, and close before the last answers. */
        if ((r = sd_bus_set_close_on_exit(bus->connection, 0)) < 0 ||
            (r = sd_bus_attach_event(bus->connection, bus->event, SD_EVENT_PRIORITY_NORMAL)) < 0 ||
            (r = sd_bus_match_signal_async(bus->connection, NULL, "org.freedesktop.DBus.Local",
                                           "/org/freedesktop/DBus/Local", "org.freedesktop.DBus.Local",
                                           "Disconnected", on_disconnected, NULL, bus)) < 0 ||
            (r = watch_leaving(bus)) < 0 ||
            (r = sd_bus_add_filter(bus->connection, NULL, refuse_long_names, bus)) < 0 ||
            (r = sd_bus_add_object_manager(bus->connection, NULL, BUS_PATH)) < 0 ||
            (r = bus_manager_export(bus)) < 0 || (r = bus_sensor_export(bus)) < 0 ||
            (r = bus_dead_letters_export(bus)) < 0 || (r = bus_inbox_export(bus)) < 0 ||
            (r = bus_twin_export(bus)) < 0 || (r = bus_methods_export(bus)) < 0)
                return r;
        return sd_bus_request_name_async(bus->connection, NULL, BUS_NAME, 0, on_named, bus);
}

static void disconnect(Bus *bus)
{
        bus->named = false;
        bus->lost = false;
        bus->settled.n_ranges = 0;
        subscribers_clear(&bus->subscribers);
        subscribers_clear(&bus->takers);
        subscribers_clear(&bus->responders);
        bus_methods_disconnect(bus);
        bus_units_disconnect(bus);
        bus_errands_disconnect(bus);
        if (bus->connection) {
                (void)sd_bus_detach_event(bus->connection);
                bus->connection = sd_bus_close_unref(bus->connection);
        }
}

static void connect_bus(Bus *bus, usec_t now)
{
        int r;

        r = open_address(bus, &bus->connection);
        if (r >= 0)
                r = furnish(bus);
        if (r >= 0) {
                bus->retry_usec = USEC_INFINITY;
                return;
        }
        trouble(bus, "cannot connect", strerror(-r), "see whether the bus runs");
        disconnect(bus);
        bus->retry_usec = usec_add(now, backoff_next(&bus->backoff, bus->random));
}

/* ---- life ---- */

int bus_new(Bus **ret, sd_event *event, const char *address, const BusPeers *peers, const Clock *clock,
            const Random *random)
{
        _cleanup_(bus_freep) Bus *bus = calloc(1, sizeof(*bus));
        int r;

        if (!bus)
                return -ENOMEM;
        bus->event = sd_event_ref(event);
        bus->address = strdup(address);
        bus->peers = *peers;
        bus->clock = clock;
        bus->random = random;
        bus->takers = (Subscribers){.keeps = bus_inbox_keeps, .left = bus_inbox_left, .userdata = bus};
        bus->responders = (Subscribers){.keeps = bus_responder_keeps, .left = bus_responder_left, .userdata = bus};
        bus->backoff = (Backoff){BACKOFF_FIRST, BACKOFF_MAX, BACKOFF_FLOOR, 0};
        bus->link_due_usec = bus->counters_due_usec = bus->sensors_due_usec = USEC_INFINITY;
        if (!bus->address)
                return -ENOMEM;
        r = user_names_new(&bus->user_names, event, clock);
        if (r < 0)
                return r;
        connect_bus(bus, clock_boot(clock));
        *ret = TAKE_PTR(bus);
        return 0;
}

static int turn_deaf(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        return 1;
}

/* The last answers, if the bus takes them now. Nothing new is heard: whoever would serve it is gone. */
static void flush_briefly(Bus *bus)
{
        usec_t until = usec_add(clock_boot(bus->clock), FLUSH_TIMEOUT);
        uint64_t waiting;

        if (sd_bus_add_filter(bus->connection, NULL, turn_deaf, NULL) < 0)
                return;
        while (sd_bus_get_n_queued_write(bus->connection, &waiting) >= 0 && waiting > 0) {
                usec_t now = clock_boot(bus->clock);
                int r = sd_bus_process(bus->connection, NULL);

                if (r < 0 || now >= until)
                        break;
                if (r == 0)
                        (void)sd_bus_wait(bus->connection, until - now);
        }
}

Bus *bus_free(Bus *bus)
{
        if (!bus)
                return NULL;
        pending_calls_done(&bus->pending);
        if (bus->settled.n_ranges > 0)
                bus_tell_settled(bus, clock_boot(bus->clock));
        if (bus->named)
                flush_briefly(bus);
        disconnect(bus);
        user_names_free(bus->user_names);
        bus_sensors_done(bus);
        free(bus->address);
        sd_event_unref(bus->event);
        free(bus);
        return NULL;
}

/* ---- telling ---- */

static usec_t bus_deadline(void *userdata)
{
        Bus *bus = userdata;
        usec_t due;

        if (bus->lost)
                return 0;
        if (!bus->connection)
                return MIN(bus->retry_usec, user_names_deadline(bus->user_names));
        due = MIN(bus->link_due_usec, bus->counters_due_usec);
        due = MIN(due, bus->sensors_due_usec);
        due = MIN(due, user_names_deadline(bus->user_names));
        return MIN(due, settled_batch_deadline(&bus->settled));
}

static void tell_link(Bus *bus, usec_t now)
{
        bus->link_due_usec = USEC_INFINITY;
        bus->link_told_usec = now;
        bus_manager_tell(bus, MANAGER_LINK_PROPERTIES);
        bus_sensors_match(bus, true);
}

static void tell_counters(Bus *bus, usec_t now)
{
        bus->counters_due_usec = USEC_INFINITY;
        bus->counters_told_usec = now;
        bus_manager_tell(bus, MANAGER_COUNTERS);
}

static void bus_tick(void *userdata, usec_t now)
{
        Bus *bus = userdata;

        user_names_tick(bus->user_names, now);
        if (bus->lost) {
                disconnect(bus);
                bus->retry_usec = usec_add(now, backoff_next(&bus->backoff, bus->random));
        }
        if (!bus->connection) {
                if (now >= bus->retry_usec)
                        connect_bus(bus, now);
                return;
        }
        if (now >= bus->link_due_usec)
                tell_link(bus, now);
        if (now >= bus->counters_due_usec)
                tell_counters(bus, now);
        if (now >= bus->sensors_due_usec)
                bus_sensors_tell(bus, now);
        if (now >= settled_batch_deadline(&bus->settled))
                bus_tell_settled(bus, now);
}

Ticker bus_ticker(Bus *bus)
{
        return (Ticker){"bus", bus_deadline, bus_tick, bus};
}

void bus_status_changed(Bus *bus)
{
        bus->link_due_usec = MIN(bus->link_due_usec, usec_add(bus->link_told_usec, LINK_INTERVAL));
        /* At a round time: there sensors are read, and one wake-up serves all. */
        if (bus->counters_due_usec == USEC_INFINITY)
                bus->counters_due_usec =
                                (clock_boot(bus->clock) / COUNTERS_INTERVAL + 1) * COUNTERS_INTERVAL;
}

void bus_settled(Bus *bus, const Settled *settled)
{
        if (!bus->named || bus->subscribers.n == 0)
                return;
        if (settled_batch_is_full(&bus->settled))
                bus_tell_settled(bus, clock_boot(bus->clock));
        settled_batch_add(&bus->settled, settled);
}
