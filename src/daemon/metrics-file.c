/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/metrics-file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log-id.h"
#include "base/log.h"
#include "base/mount.h"

#define MODE    0644 /* the collector is somebody else */
#define TIMEOUT (10 * USEC_PER_SEC)
#define GO_TIME (USEC_PER_SEC / 4) /* for the file to go: a folder that answers needs far less */

typedef struct Errand {
        WorkerJob job; /* comes first */
        MetricsFile *owner;
        char *path, *beside;
        Buffer text;
        bool is_last; /* nothing is written any more: the file goes */
        int error;
        bool is_walled; /* it is the unit that keeps us out */
} Errand;

struct MetricsFile {
        Worker *worker;
        char *path;
        bool busy;
        bool is_there; /* ours */
        const char *error; /* of the last try, and that was logged; NULL: none; static */
        void (*changed)(void *userdata);
        void *userdata;
};

/* ---- on the thread ---- */

static int write_beside(const Errand *e)
{
        _cleanup_close_ int fd = open(e->beside, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, MODE);

        if (fd < 0 || fchmod(fd, MODE) < 0)
                return -errno;
        return file_write(fd, e->text.data, e->text.size);
}

static void run(WorkerJob *job)
{
        Errand *e = (Errand *)job;

        if (e->is_last) {
                (void)unlink(e->path);
                return;
        }
        e->error = write_beside(e);
        if (e->error == 0 && rename(e->beside, e->path) < 0)
                e->error = -errno;
        if (e->error < 0)
                (void)unlink(e->beside);
        e->is_walled = e->error == -EROFS && mount_is_walled(e->path);
}

static void errand_free(WorkerJob *job)
{
        Errand *e = (Errand *)job;

        buffer_done(&e->text);
        free(e->path);
        free(e->beside);
        free(e);
}

/* ---- on the loop ---- */

static void ended(MetricsFile *f, const char *error)
{
        const char *before = f->error;

        f->busy = false;
        f->error = error;
        if (error && !before)
                log_line(LOG_WARNING, LOG_ID_METRICS_NOT_WRITTEN, NULL,
                         "The metrics cannot be written to %s: %s. It is tried again.", f->path, error);
        else if (!error && before)
                log_notice("The metrics are written to %s again.", f->path);
        if (error != before && f->changed)
                f->changed(f->userdata);
}

static void done(WorkerJob *job)
{
        Errand *e = (Errand *)job;
        MetricsFile *f = e->owner;

        f->is_there = !e->is_last && (f->is_there || e->error == 0);
        if (e->is_last)
                f->busy = false;
        else if (e->is_walled)
                ended(f, "the folder is read-only for this service alone; systemctl edit hublinkd, below [Service]: "
                         "ReadWritePaths=- and that folder, then systemctl restart hublinkd");
        else
                ended(f, e->error < 0 ? strerrordesc_np(-e->error) : NULL);
        errand_free(job);
}

static void lost(WorkerJob *job, const char *why)
{
        ended(((Errand *)job)->owner, why);
}

static Errand *errand_new(MetricsFile *f)
{
        Errand *e = calloc(1, sizeof(*e));

        if (!e)
                return NULL;
        e->job = (WorkerJob){.timeout_usec = TIMEOUT, .run = run, .done = done, .lost = lost, .free = errand_free};
        e->owner = f;
        e->path = strdup(f->path);
        if (!e->path || asprintf(&e->beside, "%s.new", f->path) < 0) {
                e->beside = NULL;
                errand_free(&e->job);
                return NULL;
        }
        return e;
}

void metrics_file_store(MetricsFile *f, Buffer *text)
{
        Errand *e;

        if (f->busy || buffer_error(text) < 0 || text->size == 0)
                return;
        e = errand_new(f);
        if (!e)
                return;
        e->text = *text;
        *text = BUFFER_NULL;
        f->busy = true;
        worker_submit(f->worker, &e->job);
}

/* What is on its way comes first, or it would be there again. One that was there before us, and was never written over,
 * is somebody else's. */
static void take_away(MetricsFile *f)
{
        Errand *e;

        if (!worker_wait(f->worker, GO_TIME) || !f->is_there)
                return;
        e = errand_new(f);
        if (!e)
                return;
        e->is_last = f->busy = true;
        worker_submit(f->worker, &e->job);
        (void)worker_wait(f->worker, GO_TIME);
}

const char *metrics_file_path(const MetricsFile *f)
{
        return f->path;
}

const char *metrics_file_error(const MetricsFile *f)
{
        return f->error;
}

int metrics_file_new(MetricsFile **ret, sd_event *event, const Clock *clock, const char *path,
                     void (*changed)(void *userdata), void *userdata)
{
        MetricsFile *f = calloc(1, sizeof(*f));
        int r = -ENOMEM;

        if (!f)
                return -ENOMEM;
        f->changed = changed;
        f->userdata = userdata;
        f->path = strdup(path);
        if (f->path)
                r = worker_new(&f->worker, event, clock, "metrics");
        if (r < 0) {
                metrics_file_free(f);
                return r;
        }
        *ret = f;
        return 0;
}

MetricsFile *metrics_file_free(MetricsFile *f)
{
        if (!f)
                return NULL;
        f->changed = NULL; /* who wanted to know is going too */
        if (f->worker)
                take_away(f);
        worker_free(f->worker);
        free(f->path);
        free(f);
        return NULL;
}

usec_t metrics_file_deadline(const MetricsFile *f)
{
        return worker_deadline(f->worker);
}

void metrics_file_tick(MetricsFile *f, usec_t now)
{
        worker_tick(f->worker, now);
}
