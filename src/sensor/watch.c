/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Driver "watch" - the whole of a file, each time that it changes
 *
 * When it was closed after writing, or took the name, it is read as a whole once it has been left alone for `settle`;
 * one that is written to without end is read every WAIT_MAX all the same. It is one flat JSON object
 * (sensor/json-line.h), or channels pick their parts (sensor/text-channels.h), on the worker that reads it: a `pattern`
 * may take long. What it holds when the daemon begins is the first reading.
 *
 * Without a word it is looked at now and then (sensor/file-watch.h). A look at a file whose number, size and times are
 * those of the last reading gives none.
 */

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "sensor/driver.h"
#include "sensor/file-watch.h"
#include "sensor/json-line.h"
#include "sensor/text-channels.h"
#include "sensor/text-file.h"

#define LOOK_USEC    (10 * USEC_PER_SEC) /* between two looks, if no word comes */
#define WAIT_MAX     (10 * USEC_PER_SEC) /* it is read although it does not settle */
#define MISSING_USEC (5 * USEC_PER_SEC)  /* it may be away so long while it is replaced */

typedef struct Watch Watch;

/* A file as it was at one time. */
typedef struct Version {
        uint64_t inode, size;
        struct timespec written, changed;
} Version;

typedef struct Job {
        WorkerJob job;
        Watch *watch; /* the loop's; NULL: it is gone */
        char *path;
        Version last, found;
        TextChannels *channels; /* the watch's, for so long; NULL: JSON */
        Buffer content;
        Sample sample;
        bool same; /* it is the one that was read last */
        int result;
        int taken; /* what the channels made of it */
        atomic_bool taking;
} Job;

struct Watch {
        SensorSettings settings;
        DriverTools tools;
        TextChannels *channels; /* NULL: JSON, or a job has them */
        FileWatch *file;
        Job *job;
        Version last;
        usec_t look_at;
        usec_t since; /* it is changing; 0: it is not */
        usec_t missing_since;
        bool there; /* it was read, once at least */
        bool bad;   /* and was not to be understood */
};

static int watch_check(const SensorSettings *s, char **ret_error)
{
        if (!s->path)
                return settings_bad(ret_error, "path: is missing; such as \"/run/meter/state.json\"");
        if (s->path[0] != '/')
                return settings_bad(ret_error, "path: \"%s\" must begin with /", s->path);
        return s->n_channels > 0 ? text_channels_check(s, ret_error) : 0;
}

/* ---- on the worker ---- */

static bool is_same(const Version *a, const Version *b)
{
        return a->inode == b->inode && a->size == b->size && a->written.tv_sec == b->written.tv_sec &&
               a->written.tv_nsec == b->written.tv_nsec && a->changed.tv_sec == b->changed.tv_sec &&
               a->changed.tv_nsec == b->changed.tv_nsec;
}

/* Before it is read: what changes meanwhile makes another version. */
static void look_run(WorkerJob *job)
{
        Job *j = container_of(job, Job, job);
        struct stat st;

        if (stat(j->path, &st) < 0) {
                j->result = text_file_fail(j->path, errno, &j->sample);
                return;
        }
        j->found = (Version){st.st_ino, (uint64_t)st.st_size, st.st_mtim, st.st_ctim};
        j->same = is_same(&j->found, &j->last);
        j->result = j->same ? 0 : text_file_load(j->path, &j->content, &j->sample);
        if (j->same || j->result != 0 || !j->channels)
                return;
        atomic_store(&j->taking, true);
        j->taken = text_channels_take(j->channels, j->content.data, j->content.size, j->path, &j->sample);
}

static void look_free(WorkerJob *job)
{
        Job *j = container_of(job, Job, job);

        text_channels_free(j->channels);
        buffer_done(&j->content);
        free(j->path);
        free(j);
}

/* ---- what it holds ---- */

static void give(Watch *w, Reading *reading)
{
        w->bad = false;
        w->tools.sink.found(w->tools.sink.userdata);
        (void)w->tools.sink.reading(w->tools.sink.userdata, reading);
}

static void refuse(Watch *w, Refusal why, const char *what)
{
        w->bad = true;
        w->tools.sink.refused(w->tools.sink.userdata, why, what);
        w->tools.sink.lost(w->tools.sink.userdata, what);
}

static void take_json(Watch *w, Job *j)
{
        char what[SENSOR_ERROR_MAX];
        ReadingLine line;

        if (json_line_parse(j->content.data, j->content.size, &line) != 0) {
                (void)snprintf(what, sizeof(what), "%s: byte %zu: %s", j->path, line.column, line.error);
                refuse(w, line.refusal, what);
                return;
        }
        if (line.wall_usec != 0 && !reading_time_is_sane(w->tools.clock, line.wall_usec)) {
                (void)snprintf(what, sizeof(what), "%s: t is no time of this century, or lies in the future", j->path);
                refuse(w, REFUSAL_RANGE, what);
                return;
        }
        give(w, &(Reading){
                        .sensor = line.sensor ? line.sensor : w->settings.name,
                        .wall_usec = line.wall_usec,
                        .wall_trusted = line.wall_usec != 0,
                        .channels = line.channels,
                        .n_channels = line.n_channels,
                });
}

static void take_channels(Watch *w, const Job *j)
{
        if (j->taken != 0)
                refuse(w, j->taken > 0 ? j->sample.refusal : REFUSAL_OVERLOAD,
                       j->taken > 0 ? j->sample.error : "out of memory");
        else
                give(w, &(Reading){
                                .sensor = w->settings.name,
                                .channels = j->sample.channels,
                                .n_channels = j->sample.n_channels,
                        });
}

/* ---- looks ---- */

static void look_failed(Watch *w, const char *error, usec_t now)
{
        w->look_at = usec_add(now, LOOK_USEC);
        if (w->missing_since == 0)
                w->missing_since = MAX(now, (usec_t)1);
        if (!w->there || usec_sub(now, w->missing_since) >= MISSING_USEC)
                w->tools.sink.lost(w->tools.sink.userdata, error);
        else
                w->look_at = usec_add(w->missing_since, MISSING_USEC);
}

static void take_look(Watch *w, Job *j)
{
        usec_t now = clock_boot(w->tools.clock);

        if (j->result != 0) {
                look_failed(w, j->result > 0 ? j->sample.error : "out of memory", now);
                return;
        }
        w->missing_since = 0;
        w->look_at = MIN(w->look_at, usec_add(now, LOOK_USEC));
        if (j->same) {
                if (!w->bad)
                        w->tools.sink.found(w->tools.sink.userdata);
                return;
        }
        w->there = true;
        w->last = j->found;
        if (w->channels)
                take_channels(w, j);
        else
                take_json(w, j);
}

static void look_done(WorkerJob *job)
{
        Job *j = container_of(job, Job, job);
        Watch *w = j->watch;

        if (w) {
                w->job = NULL;
                w->channels = TAKE_PTR(j->channels);
                take_look(w, j);
        }
        look_free(job);
}

/* The thread keeps the channels; others are made for the next look. */
static void look_lost(WorkerJob *job, const char *why)
{
        Job *j = container_of(job, Job, job);
        Watch *w = j->watch;
        char error[SENSOR_ERROR_MAX];

        if (!w)
                return;
        w->job = NULL;
        w->look_at = usec_add(clock_boot(w->tools.clock), LOOK_USEC);
        (void)snprintf(error, sizeof(error), "%s: %s%s", w->settings.path, why,
                       atomic_load(&j->taking) ? ", for `pattern` is not through with it: a simpler one is needed"
                                               : "");
        w->tools.sink.lost(w->tools.sink.userdata, error);
}

static int begin_look(Watch *w)
{
        Job *j;
        int r = 0;

        if (!w->channels && w->settings.n_channels > 0)
                r = text_channels_new(&w->channels, &w->settings);
        j = r == 0 ? calloc(1, sizeof(*j)) : NULL;
        if (!j)
                return -ENOMEM;
        j->path = strdup(w->settings.path);
        if (!j->path) {
                free(j);
                return -ENOMEM;
        }
        j->job = (WorkerJob){
                .timeout_usec = SENSOR_TIMEOUT_USEC,
                .run = look_run,
                .done = look_done,
                .lost = look_lost,
                .free = look_free,
        };
        j->watch = w;
        j->last = w->last;
        j->channels = TAKE_PTR(w->channels);
        w->job = j;
        w->look_at = USEC_INFINITY;
        w->since = 0;
        worker_submit(w->tools.worker, &j->job);
        return 0;
}

static void on_changed(void *userdata, bool closed)
{
        Watch *w = userdata;
        usec_t now = clock_boot(w->tools.clock);

        if (w->since == 0)
                w->since = MAX(now, (usec_t)1);
        w->look_at = MIN(usec_add(now, w->settings.settle_usec), usec_add(w->since, WAIT_MAX));
}

/* ---- life ---- */

static void watch_close(void *device)
{
        Watch *w = device;

        if (!w)
                return;
        if (w->job)
                w->job->watch = NULL;
        file_watch_free(w->file);
        text_channels_free(w->channels);
        sensor_settings_done(&w->settings);
        free(w);
}
DEFINE_CLEANUP(Watch *, watch_close);

static int watch_open(const SensorSettings *settings, const DriverTools *tools, void **ret_device,
                      char error[static SENSOR_ERROR_MAX])
{
        _cleanup_(watch_closep) Watch *w = calloc(1, sizeof(*w));
        int r;

        if (!w)
                return -ENOMEM;
        r = sensor_settings_copy(settings, &w->settings);
        if (r >= 0)
                r = file_watch_new(&w->file, tools->watches, settings->path, on_changed, w);
        if (r < 0)
                return r;
        w->tools = *tools;
        *ret_device = TAKE_PTR(w);
        return 0;
}

static usec_t watch_deadline(void *device)
{
        const Watch *w = device;

        return w->job ? USEC_INFINITY : w->look_at;
}

/* While there is no room, the version that counts is the last. */
static void watch_tick(void *device, usec_t now)
{
        Watch *w = device;

        if (w->job || now < w->look_at)
                return;
        file_watch_renew(w->file);
        if (!w->tools.sink.ready(w->tools.sink.userdata) || begin_look(w) < 0)
                w->look_at = usec_add(now, USEC_PER_SEC);
}

static const char *watch_shares(const SensorSettings *settings)
{
        return settings->path;
}

const SensorDriver driver_watch = {
        .name = "watch",
        .names_others = true,
        .check = watch_check,
        .open = watch_open,
        .close = watch_close,
        .shares = watch_shares,
        .deadline = watch_deadline,
        .tick = watch_tick,
};
