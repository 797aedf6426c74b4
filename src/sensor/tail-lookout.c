/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/tail-lookout.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define LOOK_USEC    (10 * USEC_PER_SEC)   /* between two looks, if no word comes */
#define PACE_USEC    (100 * USEC_PER_MSEC) /* at least, however often it is written to */
#define MISSING_USEC (5 * USEC_PER_SEC)    /* a file may be away so long while it is rotated */

/* A look on the worker's thread; it has the file for so long. */
typedef struct Job {
        WorkerJob job;
        TailLookout *lookout; /* the loop's; NULL: it is gone */
        TailFile *file;
        TailLook look;
        int result;
} Job;

struct TailLookout {
        const char *path;
        bool from_end;
        Worker *worker;
        const Clock *clock;
        TailLookoutPort port;

        FileWatch *watch;
        TailFile *file; /* NULL: a job has it, or it is to be opened */
        Job *job;
        usec_t look_at; /* USEC_INFINITY: what was found is not used up */
        usec_t looked;
        usec_t missing_since; /* 0: it is not */
        bool seen;
        bool changed; /* written to since the look began */
};

/* ---- what came of it ---- */

static void look_failed(TailLookout *l, const char *error, usec_t now)
{
        l->look_at = usec_add(now, LOOK_USEC);
        if (l->missing_since == 0)
                l->missing_since = MAX(now, (usec_t)1);
        if (!l->seen || usec_sub(now, l->missing_since) >= MISSING_USEC)
                l->port.missed(l->port.userdata, error);
        else
                l->look_at = usec_add(l->missing_since, MISSING_USEC);
}

static void take_look(TailLookout *l, const TailLook *look, int result)
{
        usec_t now = clock_boot(l->clock);

        l->looked = now;
        if (result == TAIL_FAILED) {
                look_failed(l, look->error, now);
                return;
        }
        l->seen = true;
        l->missing_since = 0;
        l->look_at = result == TAIL_END ? usec_add(now, l->changed ? PACE_USEC : LOOK_USEC) : USEC_INFINITY;
        l->port.looked(l->port.userdata, look, result);
}

/* ---- on the worker ---- */

static void look_run(WorkerJob *job)
{
        Job *j = container_of(job, Job, job);

        j->result = tail_file_look(j->file, &j->look);
}

static void look_free(WorkerJob *job)
{
        Job *j = container_of(job, Job, job);

        tail_file_free(j->file);
        free(j);
}

static void look_done(WorkerJob *job)
{
        Job *j = container_of(job, Job, job);
        TailLookout *l = j->lookout;

        if (l) {
                l->job = NULL;
                l->file = TAKE_PTR(j->file);
                take_look(l, &j->look, j->result);
        }
        look_free(job);
}

/* The thread keeps the file; another one is opened where this one was. */
static void look_lost(WorkerJob *job, const char *why)
{
        Job *j = container_of(job, Job, job);
        TailLookout *l = j->lookout;
        char error[SENSOR_ERROR_MAX];

        if (!l)
                return;
        l->job = NULL;
        l->look_at = usec_add(clock_boot(l->clock), LOOK_USEC);
        l->port.reopened(l->port.userdata);
        (void)snprintf(error, sizeof(error), "%s: %s", l->path, why);
        l->port.missed(l->port.userdata, error);
}

static int begin_look(TailLookout *l, const SourcePosition *at)
{
        Job *j;
        int r = 0;

        if (!l->file)
                r = tail_file_new(&l->file, l->path, at->serial > 0 ? at : NULL, l->from_end);
        j = r == 0 ? malloc(sizeof(*j)) : NULL;
        if (!j)
                return -ENOMEM;
        j->job = (WorkerJob){
                .timeout_usec = SENSOR_TIMEOUT_USEC,
                .run = look_run,
                .done = look_done,
                .lost = look_lost,
                .free = look_free,
        };
        j->lookout = l;
        j->file = TAKE_PTR(l->file);
        l->job = j;
        l->changed = false;
        l->look_at = USEC_INFINITY;
        worker_submit(l->worker, &j->job);
        return 0;
}

/* ---- when ---- */

static void on_changed(void *userdata, bool closed)
{
        TailLookout *l = userdata;

        if (l->look_at != USEC_INFINITY)
                l->look_at = MIN(l->look_at, usec_add(l->looked, PACE_USEC));
        else if (l->job)
                l->changed = true;
}

/* The look after that renews the watch, and begins with what was written. */
void tail_lookout_rest(TailLookout *l)
{
        file_watch_rest(l->watch);
}

void tail_lookout_resume(TailLookout *l)
{
        if (l->look_at == USEC_INFINITY && !l->job)
                l->look_at = 0;
}

void tail_lookout_give_up(TailLookout *l)
{
        l->file = tail_file_free(l->file);
        l->look_at = usec_add(clock_boot(l->clock), LOOK_USEC);
}

void tail_lookout_wait(TailLookout *l, usec_t until)
{
        l->look_at = until;
}

usec_t tail_lookout_deadline(const TailLookout *l)
{
        return l->job ? USEC_INFINITY : l->look_at;
}

void tail_lookout_tick(TailLookout *l, usec_t now, const SourcePosition *at)
{
        if (now < l->look_at || l->job)
                return;
        file_watch_renew(l->watch);
        if (begin_look(l, at) < 0)
                l->look_at = usec_add(now, LOOK_USEC);
}

/* ---- life ---- */

int tail_lookout_new(TailLookout **ret, const char *path, bool from_end, FileWatches *watches, Worker *worker,
                     const Clock *clock, const TailLookoutPort *port)
{
        _cleanup_(tail_lookout_freep) TailLookout *l = calloc(1, sizeof(*l));
        int r;

        if (!l)
                return -ENOMEM;
        l->path = path;
        l->from_end = from_end;
        l->worker = worker;
        l->clock = clock;
        l->port = *port;
        r = file_watch_new(&l->watch, watches, path, on_changed, l);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(l);
        return 0;
}

TailLookout *tail_lookout_free(TailLookout *l)
{
        if (!l)
                return NULL;
        if (l->job)
                l->job->lookout = NULL;
        file_watch_free(l->watch);
        tail_file_free(l->file);
        free(l);
        return NULL;
}
