/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/sensor.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/log-id.h"
#include "base/log.h"
#include "sensor/schedule.h"

#define REOPEN_USEC (10 * USEC_PER_SEC)  /* between the tries to open a driver that pushes, growing */
#define NOTIFY_USEC (250 * USEC_PER_MSEC) /* between two words to the sink about values */

/* A read on a worker's thread. While it is under way it has the device, and keeps it if it never ends. */
typedef struct ReadJob {
        WorkerJob job;
        Sensor *sensor; /* the loop's; NULL: the sensor is gone */
        const SensorDriver *driver;
        void *device;
        Sample sample;
        int result;
} ReadJob;

struct Sensor {
        SensorSettings settings;
        const SensorDriver *driver;
        DriverTools tools;
        const ReadingSink *sink;
        Worker *worker;

        Schedule schedule; /* of reads; of tries to open a driver that pushes */
        void *device;
        ReadJob *job; /* under way */
        bool renew;   /* the device knows the interval that was */

        /* The last good reading as its record, and its view, made when somebody looks. */
        Buffer record;
        bool viewed;
        ReadingSpace space;
        const char *units[READING_CHANNELS_MAX];
        const char *found_units[READING_CHANNELS_MAX]; /* beside the settings' channels */

        SensorStatus status;
        char error[SENSOR_ERROR_MAX];
        usec_t failing_since;
        bool is_stale; /* or would be, if it did not fail */
        usec_t notified;
        bool notify; /* something changed and the sink does not know */
};

/* ---- what is told ---- */

static const char *unit_of(const Sensor *s, const char *channel)
{
        const char *unit = s->driver->unit ? s->driver->unit(&s->settings, channel) : NULL;

        for (size_t k = 0; k < s->settings.n_channels && !unit; k++)
                if (strcmp(s->settings.channels[k].name, channel) == 0)
                        unit = s->settings.channels[k].unit ?: s->found_units[k];
        return unit;
}

/* With the device in hand. */
static void find_units(Sensor *s)
{
        for (size_t k = 0; s->driver->found_unit && k < s->settings.n_channels; k++)
                s->found_units[k] = s->driver->found_unit(s->device, k);
}

static void view(Sensor *s)
{
        Reading last;

        if (s->viewed || s->record.size == 0 || reading_decode(s->record.data, s->record.size, &s->space, &last) < 0)
                return;
        s->viewed = true;
        s->status.values = last.channels;
        s->status.n_values = last.n_channels;
        s->status.units = s->units;
        for (size_t i = 0; i < last.n_channels; i++)
                s->units[i] = unit_of(s, last.channels[i].name);
}

const SensorStatus *sensor_status(Sensor *s)
{
        view(s);
        return &s->status;
}

static void notify_now(Sensor *s, usec_t now)
{
        s->notify = false;
        s->notified = now;
        s->sink->changed(s->sink->userdata, sensor_status(s));
}

/* Values of a busy source are told a few times a second at most. */
static void notify(Sensor *s, usec_t now)
{
        if (usec_sub(now, s->notified) >= NOTIFY_USEC)
                notify_now(s, now);
        else
                s->notify = true;
}

#define SENSOR_FIELDS(s) LOG_FIELDS(name_field(s, (char[64]){}), driver_field(s, (char[64]){}))

static const char *name_field(const Sensor *s, char text[static 64])
{
        (void)snprintf(text, 64, "HUBLINK_SENSOR=%s", s->settings.name);
        return text;
}

static const char *driver_field(const Sensor *s, char text[static 64])
{
        (void)snprintf(text, 64, "HUBLINK_DRIVER=%s", s->driver->name);
        return text;
}

/* ---- states ---- */

static void set_error(Sensor *s, SensorFault fault, const char *error)
{
        s->status.errors++;
        s->status.faults[fault]++;
        (void)snprintf(s->error, sizeof(s->error), "%s", error);
}

static void became_good(Sensor *s, usec_t now)
{
        unsigned tries = s->schedule.failures + 1;
        SensorState before = s->status.state;

        s->status.state = s->is_stale ? SENSOR_STALE : SENSOR_OK;
        if (before == SENSOR_FAILING)
                log_line(LOG_NOTICE, LOG_ID_SENSOR_RECOVERED, SENSOR_FIELDS(s),
                         "sensor %s: well again after %u tries, %llu s.", s->settings.name, tries,
                         (unsigned long long)(usec_sub(now, s->failing_since) / USEC_PER_SEC));
        else if (before == SENSOR_STOPPED)
                log_debug("sensor %s: works.", s->settings.name);
}

static void tell_failing(Sensor *s, usec_t now, SensorFault fault, const char *error)
{
        SensorState before = s->status.state;

        set_error(s, fault, error);
        s->status.state = SENSOR_FAILING;
        if (before == SENSOR_FAILING) {
                log_debug("sensor %s: still failing: %s", s->settings.name, error);
        } else {
                s->failing_since = now;
                log_line(LOG_WARNING, LOG_ID_SENSOR_FAILING, SENSOR_FIELDS(s),
                         "sensor %s: %s. It is tried again, less and less often.", s->settings.name, error);
        }
        notify_now(s, now);
}

static void became_failing(Sensor *s, usec_t now, SensorFault fault, const char *error)
{
        schedule_failed(&s->schedule, now);
        tell_failing(s, now, fault, error);
}

static bool works(const Sensor *s)
{
        return s->status.state == SENSOR_OK || s->status.state == SENSOR_STALE;
}

void sensor_set_stale(Sensor *s, const char *why)
{
        bool was = s->is_stale;

        s->is_stale = why;
        if (!works(s) || was == s->is_stale)
                return;
        s->status.state = why ? SENSOR_STALE : SENSOR_OK;
        if (why) {
                (void)snprintf(s->error, sizeof(s->error), "%s", why);
                log_line(LOG_WARNING, LOG_ID_SENSOR_STALE, SENSOR_FIELDS(s), "sensor %s: stale: %s.", s->settings.name,
                         why);
        } else
                log_line(LOG_NOTICE, LOG_ID_SENSOR_FRESH, SENSOR_FIELDS(s), "sensor %s: not stale any more.",
                         s->settings.name);
        notify_now(s, clock_boot(s->tools.clock));
}

/* ---- readings ---- */

static void keep(Sensor *s, const Reading *reading)
{
        buffer_clear(&s->record);
        reading_encode(reading, &s->record);
        if (buffer_error(&s->record) < 0)
                buffer_done(&s->record);
        /* The view borrowed from the record that was. */
        s->viewed = false;
        s->status.values = NULL;
        s->status.n_values = 0;
        s->status.time_usec = reading->wall_usec != 0 ? reading->wall_usec : clock_wall(s->tools.clock);
}

static int deliver(Sensor *s, const Reading *reading)
{
        const char *stream = s->settings.stream[0] ? s->settings.stream : NULL;
        int r = s->sink->reading(s->sink->userdata, stream, reading);

        keep(s, reading);
        return r;
}

static void take_sample(Sensor *s, const Sample *sample, int result)
{
        usec_t now = clock_boot(s->tools.clock);

        if (result == SENSOR_E_NOT_YET) {
                schedule_good(&s->schedule, now);
                return;
        }
        if (result == 0) {
                find_units(s);
                (void)deliver(s, &(Reading){
                                         .sensor = s->settings.name,
                                         .channels = sample->channels,
                                         .n_channels = sample->n_channels,
                                 });
                became_good(s, now);
                schedule_good(&s->schedule, now);
                notify(s, now);
                return;
        }
        s->sink->refused(s->sink->userdata, result > 0 ? sample->refusal : REFUSAL_UNREADABLE);
        if (result > 0)
                became_failing(s, now, sample->fault, sample->error);
        else
                became_failing(s, now, SENSOR_FAULT_OTHER, strerrordesc_np(-result));
}

/* ---- reads on a worker ---- */

static void read_run(WorkerJob *job)
{
        ReadJob *j = container_of(job, ReadJob, job);

        j->result = j->driver->read(j->device, &j->sample);
}

static void read_free(WorkerJob *job)
{
        ReadJob *j = container_of(job, ReadJob, job);

        if (j->device)
                j->driver->close(j->device);
        free(j);
}

static void read_done(WorkerJob *job)
{
        ReadJob *j = container_of(job, ReadJob, job);
        Sensor *s = j->sensor;

        if (s) {
                s->job = NULL;
                s->device = TAKE_PTR(j->device);
                take_sample(s, &j->sample, j->result);
        }
        read_free(job);
}

static void read_lost(WorkerJob *job, const char *why)
{
        ReadJob *j = container_of(job, ReadJob, job);
        Sensor *s = j->sensor;
        char error[SENSOR_ERROR_MAX];

        if (j->driver->abandon && j->device)
                j->driver->abandon(j->device);
        if (!s)
                return;
        s->job = NULL;
        (void)snprintf(error, sizeof(error), "%s: %s", s->driver->shares(&s->settings), why);
        s->sink->refused(s->sink->userdata, REFUSAL_UNREADABLE);
        became_failing(s, clock_boot(s->tools.clock), SENSOR_FAULT_TIMEOUT, error);
}

static int submit_read(Sensor *s)
{
        ReadJob *j = malloc(sizeof(*j));

        if (!j)
                return -ENOMEM;
        j->job = (WorkerJob){
                .timeout_usec = (s->settings.timeout_usec > 0 ? s->settings.timeout_usec : SENSOR_TIMEOUT_USEC) +
                                s->driver->slack_usec,
                .run = read_run,
                .done = read_done,
                .lost = read_lost,
                .free = read_free,
        };
        j->sensor = s;
        j->driver = s->driver;
        j->device = TAKE_PTR(s->device);
        s->job = j;
        schedule_begin(&s->schedule);
        worker_submit(s->worker, &j->job);
        return 0;
}

static void begin_read(Sensor *s, usec_t now)
{
        Sample sample;

        if (!s->driver->blocks) {
                int r = s->driver->read(s->device, &sample);

                take_sample(s, &sample, r);
        } else if (submit_read(s) < 0) {
                became_failing(s, now, SENSOR_FAULT_OTHER, "out of memory");
        }
}

/* ---- what a driver that pushes calls ---- */

static int on_reading(void *userdata, const Reading *reading)
{
        Sensor *s = userdata;
        int r = deliver(s, reading);

        notify(s, clock_boot(s->tools.clock));
        return r;
}

static bool on_ready(void *userdata)
{
        Sensor *s = userdata;

        return s->sink->ready(s->sink->userdata);
}

static void on_refused(void *userdata, Refusal why, const char *error)
{
        Sensor *s = userdata;

        set_error(s, SENSOR_FAULT_OTHER, error);
        s->sink->refused(s->sink->userdata, why);
        notify(s, clock_boot(s->tools.clock));
}

static void on_noted(void *userdata, const char *error)
{
        Sensor *s = userdata;

        set_error(s, SENSOR_FAULT_OTHER, error);
        notify(s, clock_boot(s->tools.clock));
}

static void on_lost(void *userdata, const char *error)
{
        Sensor *s = userdata;

        s->schedule.failures++;
        tell_failing(s, clock_boot(s->tools.clock), SENSOR_FAULT_OTHER, error);
}

static void on_found(void *userdata)
{
        Sensor *s = userdata;
        usec_t now = clock_boot(s->tools.clock);

        if (s->status.state != SENSOR_FAILING)
                return;
        became_good(s, now);
        s->schedule.failures = 0;
        notify_now(s, now);
}

/* ---- life ---- */

static bool open_device(Sensor *s, usec_t now)
{
        char error[SENSOR_ERROR_MAX] = "";
        int r = s->driver->open(&s->settings, &s->tools, &s->device, error);

        if (r == 0)
                return true;
        s->device = NULL;
        became_failing(s, now, SENSOR_FAULT_OTHER, r > 0 ? error : strerrordesc_np(-r));
        return false;
}

static void close_device(Sensor *s)
{
        if (s->device)
                s->driver->close(s->device);
        s->device = NULL;
        s->renew = false;
}

static void due(Sensor *s, usec_t now)
{
        if (s->renew)
                close_device(s);
        if (!s->device && !open_device(s, now))
                return;
        if (s->driver->read) {
                begin_read(s, now);
                return;
        }
        /* It pushes: from here on its source drives it. */
        became_good(s, now);
        s->schedule.failures = 0;
        s->schedule.due_usec = USEC_INFINITY;
        notify_now(s, now);
}

usec_t sensor_deadline(const Sensor *s)
{
        usec_t d = s->schedule.due_usec;

        if (s->device && s->driver->deadline)
                d = MIN(d, s->driver->deadline(s->device));
        if (s->notify)
                d = MIN(d, usec_add(s->notified, NOTIFY_USEC));
        return d;
}

void sensor_tick(Sensor *s, usec_t now)
{
        if (schedule_is_due(&s->schedule, now))
                due(s, now);
        if (s->device && s->driver->tick)
                s->driver->tick(s->device, now);
        if (s->notify)
                notify(s, now);
}

/* It is read soon, as one that is new: who asks for another interval wants to see it. How often it failed is not
 * forgotten, nor a read that is under way. */
void sensor_set_interval(Sensor *s, usec_t interval_usec)
{
        unsigned failures = s->schedule.failures;
        bool is_read = s->schedule.due_usec == USEC_INFINITY;

        if (s->settings.interval_usec == interval_usec)
                return;
        s->settings.interval_usec = s->status.interval_usec = interval_usec;
        s->renew = true;
        schedule_start(&s->schedule, interval_usec, clock_boot(s->tools.clock));
        s->schedule.failures = failures;
        if (is_read)
                schedule_begin(&s->schedule);
}

void sensor_remind(Sensor *s)
{
        if (s->device && s->driver->remind)
                s->driver->remind(s->device);
}

const SensorSettings *sensor_settings(const Sensor *s)
{
        return &s->settings;
}

int sensor_new(Sensor **ret, const SensorSettings *settings, const DriverTools *tools, const ReadingSink *sink,
               Worker *worker)
{
        _cleanup_(sensor_freep) Sensor *s = calloc(1, sizeof(*s));
        int r;

        if (!s)
                return -ENOMEM;
        s->driver = sensor_driver_find(settings->driver);
        if (!s->driver)
                return -EINVAL;
        r = sensor_settings_copy(settings, &s->settings);
        if (r < 0)
                return r;
        s->tools = *tools;
        s->tools.worker = worker;
        s->tools.sink = (PushSink){on_reading, on_ready, on_refused, on_noted, on_lost, on_found, s};
        s->sink = sink;
        s->worker = worker;
        s->status = (SensorStatus){
                .name = s->settings.name,
                .driver = s->driver->name,
                .state = SENSOR_STOPPED,
                .last_error = s->error,
                .interval_usec = settings->interval_usec,
        };
        if (s->driver->read)
                schedule_start(&s->schedule, settings->interval_usec, clock_boot(tools->clock));
        else
                s->schedule = (Schedule){.interval_usec = REOPEN_USEC};
        *ret = TAKE_PTR(s);
        return 0;
}

Sensor *sensor_free(Sensor *s)
{
        if (!s)
                return NULL;
        if (s->job) {
                if (s->driver->interrupt)
                        s->driver->interrupt(s->job->device);
                /* whoever waits for the same bus begins at its deadline at the latest, ended or not */
                if (s->driver->abandon)
                        s->driver->abandon(s->job->device);
                s->job->sensor = NULL;
        }
        close_device(s);
        buffer_done(&s->record);
        sensor_settings_done(&s->settings);
        free(s);
        return NULL;
}
