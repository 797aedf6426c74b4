/* SPDX-License-Identifier: Apache-2.0 */
#include "base/disk-worker.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
        JOB_WAITING,
        JOB_RUNNING,
        JOB_ABANDONED, /* while it ran */
        JOB_ENDED,
};

typedef struct Jobs {
        DiskJob *first, **tail;
} Jobs;

/* Freed by the thread. */
struct DiskWorker {
        Disk *disk;
        void (*left)(Disk *disk);
        pthread_mutex_t lock;
        pthread_cond_t wake;
        Jobs waiting, ended;
        DiskJob *running;
        usec_t running_since; /* boot clock */
        bool stop;
        int event_fd;
        pid_t id; /* of the thread; 0: it has not begun yet */
        pthread_t thread;
};

static void jobs_push(Jobs *jobs, DiskJob *job)
{
        job->next = NULL;
        *jobs->tail = job;
        jobs->tail = &job->next;
}

static DiskJob *jobs_pop(Jobs *jobs)
{
        DiskJob *job = jobs->first;

        if (!job)
                return NULL;
        jobs->first = job->next;
        if (!jobs->first)
                jobs->tail = &jobs->first;
        return job;
}

static bool jobs_remove(Jobs *jobs, DiskJob *job)
{
        for (DiskJob **p = &jobs->first; *p; p = &(*p)->next)
                if (*p == job) {
                        *p = job->next;
                        if (!*p)
                                jobs->tail = p;
                        return true;
                }
        return false;
}

static void destroy(DiskWorker *worker)
{
        safe_close(worker->event_fd);
        (void)pthread_cond_destroy(&worker->wake);
        (void)pthread_mutex_destroy(&worker->lock);
        free(worker);
}

static void *work(void *userdata)
{
        DiskWorker *worker = userdata;
        void (*left)(Disk *disk) = worker->left;
        Disk *disk = worker->disk;

        pthread_mutex_lock(&worker->lock);
        worker->id = gettid();
        for (;;) {
                DiskJob *job;

                while (!(job = jobs_pop(&worker->waiting)) && !worker->stop)
                        pthread_cond_wait(&worker->wake, &worker->lock);
                if (!job)
                        break;
                worker->running = job;
                worker->running_since = clock_boot(&clock_system);
                job->state = JOB_RUNNING;
                pthread_mutex_unlock(&worker->lock);

                job->work(job, disk);

                pthread_mutex_lock(&worker->lock);
                worker->running = NULL;
                if (job->state == JOB_ABANDONED) {
                        pthread_mutex_unlock(&worker->lock);
                        job->dropped(job);
                        pthread_mutex_lock(&worker->lock);
                        continue;
                }
                job->state = JOB_ENDED;
                jobs_push(&worker->ended, job);
                (void)eventfd_write(worker->event_fd, 1);
        }
        pthread_mutex_unlock(&worker->lock);
        destroy(worker);
        left(disk);
        return NULL;
}

void disk_worker_submit(DiskWorker *worker, DiskJob *job)
{
        pthread_mutex_lock(&worker->lock);
        job->state = JOB_WAITING;
        jobs_push(&worker->waiting, job);
        pthread_cond_signal(&worker->wake);
        pthread_mutex_unlock(&worker->lock);
}

void disk_worker_abandon(DiskWorker *worker, DiskJob *job)
{
        bool running;

        pthread_mutex_lock(&worker->lock);
        running = worker->running == job;
        if (running)
                job->state = JOB_ABANDONED;
        else if (!jobs_remove(&worker->waiting, job))
                (void)jobs_remove(&worker->ended, job);
        pthread_mutex_unlock(&worker->lock);
        if (!running)
                job->dropped(job);
}

bool disk_worker_wait(DiskWorker *worker, usec_t timeout_usec)
{
        usec_t left = timeout_usec, end = usec_add(clock_boot(&clock_system), timeout_usec);
        struct pollfd p = {worker->event_fd, POLLIN, 0};
        int n;

        while ((n = poll(&p, 1, (int)(MIN(left, (usec_t)INT32_MAX) / USEC_PER_MSEC + 1))) < 0 && errno == EINTR)
                left = usec_sub(end, clock_boot(&clock_system));
        return n > 0;
}

void disk_worker_dispatch(DiskWorker *worker)
{
        eventfd_t n;

        (void)eventfd_read(worker->event_fd, &n);
        for (;;) {
                DiskJob *job;

                pthread_mutex_lock(&worker->lock);
                job = jobs_pop(&worker->ended);
                pthread_mutex_unlock(&worker->lock);
                if (!job)
                        return;
                job->done(job);
        }
}

usec_t disk_worker_busy_since(DiskWorker *worker, ThreadIds *ret)
{
        usec_t since;

        *ret = (ThreadIds){};
        pthread_mutex_lock(&worker->lock);
        since = worker->running ? worker->running_since : USEC_INFINITY;
        if (worker->running)
                thread_ids_add(ret, worker->id);
        pthread_mutex_unlock(&worker->lock);
        return since;
}

int disk_worker_fd(const DiskWorker *worker)
{
        return worker->event_fd;
}

void disk_worker_end(DiskWorker *worker)
{
        pthread_t thread = worker->thread;
        bool hangs;

        pthread_mutex_lock(&worker->lock);
        worker->stop = true;
        hangs = worker->running;
        pthread_cond_signal(&worker->wake);
        pthread_mutex_unlock(&worker->lock);
        if (hangs)
                (void)pthread_detach(thread);
        else
                (void)pthread_join(thread, NULL);
}

int disk_worker_new(DiskWorker **ret, Disk *disk, void (*left)(Disk *disk))
{
        DiskWorker *worker = calloc(1, sizeof(*worker));
        sigset_t all, old;
        int r;

        if (!worker)
                return -ENOMEM;
        worker->disk = disk;
        worker->left = left;
        worker->waiting.tail = &worker->waiting.first;
        worker->ended.tail = &worker->ended.first;
        (void)pthread_mutex_init(&worker->lock, NULL);
        (void)pthread_cond_init(&worker->wake, NULL);
        worker->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (worker->event_fd < 0) {
                r = -errno;
                destroy(worker);
                return r;
        }
        /* signals belong to the loop */
        (void)sigfillset(&all);
        (void)pthread_sigmask(SIG_SETMASK, &all, &old);
        r = -pthread_create(&worker->thread, NULL, work, worker);
        (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
        if (r < 0) {
                destroy(worker);
                return r;
        }
        *ret = worker;
        return 0;
}
