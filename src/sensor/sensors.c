/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/sensors.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "sensor/sensor.h"

/* A worker and those who share it. It stays until its last thread came back, though nobody is left: whoever shares the
 * same again is kept from it by the same hang, and not by a new one each time. */
typedef struct Share {
        char *name; /* of what they share: a bus, a path */
        Worker *worker;
        unsigned users;
} Share;

typedef struct Seat {
        Sensor *sensor;
        Share *share; /* NULL: its driver needs none */
} Seat;

struct Sensors {
        DriverTools tools;
        ReadingSink sink;

        Seat *seats; /* in the order of the settings */
        size_t n_seats;
        Share **shares;
        size_t n_shares;
};

/* ---- workers ---- */

static Share *share_free(Share *share)
{
        worker_free(share->worker);
        free(share->name);
        free(share);
        return NULL;
}

static void share_leave(Share *share)
{
        if (share && --share->users == 0)
                worker_clear(share->worker);
}

static bool share_is_over(const Share *share)
{
        return share->users == 0 && worker_is_free(share->worker);
}

static void forget_shares(Sensors *s)
{
        size_t left = 0;

        for (size_t i = 0; i < s->n_shares; i++)
                if (share_is_over(s->shares[i]))
                        share_free(s->shares[i]);
                else
                        s->shares[left++] = s->shares[i];
        s->n_shares = left;
}

static const char *last_part(const char *path)
{
        const char *slash = strrchr(path, '/');

        return slash ? slash + 1 : path;
}

static int share_enter(Sensors *s, const char *name, Share **ret)
{
        Share *share, **shares;
        int r;

        for (size_t i = 0; i < s->n_shares; i++)
                if (strcmp(s->shares[i]->name, name) == 0) {
                        s->shares[i]->users++;
                        *ret = s->shares[i];
                        return 0;
                }
        shares = realloc(s->shares, (s->n_shares + 1) * sizeof(*shares));
        if (!shares)
                return -ENOMEM;
        s->shares = shares;
        share = calloc(1, sizeof(*share));
        if (!share)
                return -ENOMEM;
        share->users = 1;
        share->name = strdup(name);
        r = share->name ? worker_new(&share->worker, s->tools.event, s->tools.clock, last_part(name)) : -ENOMEM;
        if (r < 0) {
                share_free(share);
                return r;
        }
        s->shares[s->n_shares++] = share;
        *ret = share;
        return 0;
}

/* ---- buses ---- */

/* Whoever had the bus before may have been stopped amid a measurement. */
static int distrust_mux(Sensors *s, const SensorSettings *settings)
{
        I2cBus *bus;

        if (settings->mux.address == 0 || !settings->mux.description)
                return 0;
        bus = i2c_buses_get(s->tools.buses, settings->bus);
        if (!bus)
                return -ENOMEM;
        i2c_bus_suspects(bus, settings->mux.address, settings->mux.description->release);
        return 0;
}

/* ---- seats ---- */

static void seat_clear(Seat *seat)
{
        sensor_free(seat->sensor);
        share_leave(seat->share);
        *seat = (Seat){};
}

static int seat_fill(Sensors *s, Seat *seat, const SensorSettings *settings)
{
        const SensorDriver *driver = sensor_driver_find(settings->driver);
        Seat new = {};
        int r;

        if (!driver)
                return -EINVAL;
        r = distrust_mux(s, settings);
        if (r < 0)
                return r;
        if (driver->shares) {
                r = share_enter(s, driver->shares(settings), &new.share);
                if (r < 0)
                        return r;
        }
        r = sensor_new(&new.sensor, settings, &s->tools, &s->sink, new.share ? new.share->worker : NULL);
        if (r < 0) {
                share_leave(new.share);
                return r;
        }
        *seat = new;
        return 0;
}

static void seats_free(Seat *seats, size_t n)
{
        for (size_t i = 0; i < n; i++)
                seat_clear(&seats[i]);
        free(seats);
}

static bool is_same(const Sensor *sensor, const SensorSettings *settings)
{
        SensorSettings then = *settings;

        then.interval_usec = sensor_settings(sensor)->interval_usec;
        return sensor_settings_equal(sensor_settings(sensor), &then);
}

/* Moves the seat of a sensor of whose settings at most the interval changed. */
static void take_unchanged(Sensors *s, const SensorSettings *settings, Seat *ret)
{
        for (size_t i = 0; i < s->n_seats; i++)
                if (s->seats[i].sensor && is_same(s->seats[i].sensor, settings)) {
                        *ret = s->seats[i];
                        s->seats[i] = (Seat){};
                        sensor_set_interval(ret->sensor, settings->interval_usec);
                        sensor_remind(ret->sensor);
                        return;
                }
}

int sensors_configure(Sensors *s, const SensorSettings *settings, size_t n_settings)
{
        Seat *seats = NULL;
        int r = 0;

        if (n_settings > 0) {
                seats = calloc(n_settings, sizeof(*seats));
                if (!seats)
                        return -ENOMEM;
        }
        for (size_t i = 0; i < n_settings; i++)
                take_unchanged(s, &settings[i], &seats[i]);
        /* The others end before new ones begin: they may want the same socket. */
        seats_free(s->seats, s->n_seats);
        s->seats = seats;
        s->n_seats = n_settings;
        for (size_t i = 0; i < n_settings && r >= 0; i++)
                if (!seats[i].sensor)
                        r = seat_fill(s, &seats[i], &settings[i]);
        if (r < 0) {
                /* Without memory rather no sensors than half of them. */
                seats_free(s->seats, s->n_seats);
                s->seats = NULL;
                s->n_seats = 0;
        }
        forget_shares(s);
        return r;
}

/* ---- time ---- */

static usec_t sensors_deadline(void *userdata)
{
        const Sensors *s = userdata;
        usec_t d = file_watches_deadline(s->tools.watches);

        for (size_t i = 0; i < s->n_seats; i++)
                d = MIN(d, sensor_deadline(s->seats[i].sensor));
        for (size_t i = 0; i < s->n_shares; i++)
                d = MIN(d, share_is_over(s->shares[i]) ? 0 : worker_deadline(s->shares[i]->worker));
        return d;
}

static void sensors_tick(void *userdata, usec_t now)
{
        Sensors *s = userdata;

        file_watches_tick(s->tools.watches, now);
        for (size_t i = 0; i < s->n_shares; i++)
                worker_tick(s->shares[i]->worker, now);
        forget_shares(s);
        for (size_t i = 0; i < s->n_seats; i++)
                sensor_tick(s->seats[i].sensor, now);
}

Ticker sensors_ticker(Sensors *s)
{
        return (Ticker){"sensors", sensors_deadline, sensors_tick, s};
}

/* ---- the rest ---- */

bool sensors_set_stale(Sensors *s, const char *name, const char *why)
{
        for (size_t i = 0; i < s->n_seats; i++)
                if (strcmp(sensor_settings(s->seats[i].sensor)->name, name) == 0) {
                        sensor_set_stale(s->seats[i].sensor, why);
                        return true;
                }
        return false;
}

bool sensors_next_stuck(const Sensors *s, size_t *at, Stuck *ret)
{
        while (*at < s->n_shares) {
                const Share *share = s->shares[(*at)++];

                *ret = (Stuck){.what = share->name, .since = USEC_INFINITY};
                if (share->users > 0)
                        ret->since = worker_stuck_since(share->worker, &ret->threads);
                if (ret->since != USEC_INFINITY)
                        return true;
        }
        return false;
}

size_t sensors_count(const Sensors *s)
{
        return s->n_seats;
}

const SensorStatus *sensors_status(const Sensors *s, size_t i)
{
        return sensor_status(s->seats[i].sensor);
}

static const char *measured_by(const void *sensors, const char *name)
{
        const Sensors *s = sensors;

        for (size_t i = 0; i < s->n_seats; i++)
                if (s->seats[i].sensor && strcmp(sensor_settings(s->seats[i].sensor)->name, name) == 0) {
                        const SensorDriver *driver = sensor_driver_find(sensor_settings(s->seats[i].sensor)->driver);

                        return driver && !driver->names_others ? driver->name : NULL;
                }
        return NULL;
}

int sensors_new(Sensors **ret, sd_event *event, const Clock *clock, const Random *random, const I2cPort *i2c,
                const ReadingSink *sink)
{
        Sensors *s = calloc(1, sizeof(*s));

        if (!s)
                return -ENOMEM;
        s->tools = (DriverTools){.clock = clock, .random = random, .i2c = i2c, .event = sd_event_ref(event),
                                 .buses = i2c_buses_new(), .measured_by = measured_by, .sensors = s};
        if (!s->tools.buses || file_watches_new(&s->tools.watches, event, clock) < 0) {
                sensors_free(s);
                return -ENOMEM;
        }
        s->sink = *sink;
        *ret = s;
        return 0;
}

void sensors_keep_positions(Sensors *s, const PositionBook *book)
{
        s->tools.positions = *book;
}

Sensors *sensors_free(Sensors *s)
{
        if (!s)
                return NULL;
        seats_free(s->seats, s->n_seats);
        for (size_t i = 0; i < s->n_shares; i++)
                share_free(s->shares[i]);
        free(s->shares);
        i2c_buses_free(s->tools.buses);
        file_watches_free(s->tools.watches);
        sd_event_unref(s->tools.event);
        free(s);
        return NULL;
}
