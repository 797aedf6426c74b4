/* SPDX-License-Identifier: Apache-2.0 */
#include "base/worker.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define STACK_SIZE      (256 * 1024)
#define PAUSE_FIRST     USEC_PER_SEC
#define PAUSE_MAX       (5 * USEC_PER_MIN)

_Static_assert(WORKER_STUCK_MAX <= THREAD_IDS_MAX, "all that are stuck can be named");

/* The thread and what it shares with the loop. Lives until both have left. */
typedef struct Hand {
        pthread_mutex_t lock; /* of everything below */
        pthread_cond_t wake;
        WorkerJob *job;      /* the loop put it here; the thread has it until it is finished */
        WorkerJob *finished; /* the thread put it here */
        int done_fd;         /* the loop's; not to be touched once let go */
        bool let_go;         /* the loop wants nothing of us any more */
        bool ended;
        unsigned refs;
        pid_t id; /* 0: it has not begun yet */
        pthread_t thread;
} Hand;

struct Worker {
        const Clock *clock;
        char *name;
        int done_fd;
        sd_event_source *source;

        WorkerJob *first, *last; /* waiting */

        Hand *hand;         /* NULL until there is work */
        WorkerJob *running; /* what the hand has */
        usec_t deadline;    /* of that */

        Hand *stuck[WORKER_STUCK_MAX];
        usec_t stuck_since; /* the last of them */
        unsigned hangs;     /* in a row */
        usec_t pause_until; /* no new thread before */
};

/* ---- the thread's side ---- */

static void hand_unref_unlock(Hand *h)
{
        bool last = --h->refs == 0;

        pthread_mutex_unlock(&h->lock);
        if (!last)
                return;
        pthread_cond_destroy(&h->wake);
        pthread_mutex_destroy(&h->lock);
        free(h);
}

static void *hand_main(void *userdata)
{
        Hand *h = userdata;

        pthread_mutex_lock(&h->lock);
        h->id = gettid();
        for (;;) {
                WorkerJob *job;

                while (!h->job && !h->let_go)
                        pthread_cond_wait(&h->wake, &h->lock);
                job = TAKE_PTR(h->job);
                if (job && !h->let_go) {
                        pthread_mutex_unlock(&h->lock);
                        job->run(job);
                        pthread_mutex_lock(&h->lock);
                }
                if (h->let_go) {
                        /* Nobody waits for it any more. */
                        if (job)
                                job->free(job);
                        break;
                }
                h->finished = job;
                (void)eventfd_write(h->done_fd, 1);
        }
        h->ended = true;
        hand_unref_unlock(h);
        return NULL;
}

/* ---- the loop's side of it ---- */

/* Signals belong to the loop, which takes them by descriptor: the thread must not be the one they find. */
static int start_thread(Hand *h, const char *name)
{
        pthread_attr_t attributes;
        sigset_t all, old;
        int r;

        r = pthread_attr_init(&attributes);
        if (r != 0)
                return -r;
        (void)pthread_attr_setstacksize(&attributes, STACK_SIZE);
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &old);
        r = pthread_create(&h->thread, &attributes, hand_main, h);
        pthread_sigmask(SIG_SETMASK, &old, NULL);
        pthread_attr_destroy(&attributes);
        if (r == 0) {
                char comm[16];

                (void)snprintf(comm, sizeof(comm), "%s", name);
                (void)pthread_setname_np(h->thread, comm);
        }
        return -r;
}

static int hand_new(Hand **ret, int done_fd, const char *name)
{
        Hand *h = calloc(1, sizeof(*h));
        int r;

        if (!h)
                return -ENOMEM;
        h->done_fd = done_fd;
        h->refs = 2;
        pthread_mutex_init(&h->lock, NULL);
        pthread_cond_init(&h->wake, NULL);
        r = start_thread(h, name);
        if (r < 0) {
                h->refs = 1;
                pthread_mutex_lock(&h->lock);
                hand_unref_unlock(h);
                return r;
        }
        *ret = h;
        return 0;
}

static void hand_give(Hand *h, WorkerJob *job)
{
        pthread_mutex_lock(&h->lock);
        h->job = job;
        pthread_cond_signal(&h->wake);
        pthread_mutex_unlock(&h->lock);
}

static WorkerJob *hand_take(Hand *h)
{
        WorkerJob *job;

        pthread_mutex_lock(&h->lock);
        job = TAKE_PTR(h->finished);
        pthread_mutex_unlock(&h->lock);
        return job;
}

static bool hand_ended(Hand *h)
{
        bool ended;

        pthread_mutex_lock(&h->lock);
        ended = h->ended;
        pthread_mutex_unlock(&h->lock);
        return ended;
}

static pid_t hand_id(Hand *h)
{
        pid_t id;

        pthread_mutex_lock(&h->lock);
        id = h->id;
        pthread_mutex_unlock(&h->lock);
        return id;
}

static void hand_unref(Hand *h)
{
        pthread_mutex_lock(&h->lock);
        hand_unref_unlock(h);
}

/* Tells the thread that it is not wanted any more; it ends when it comes back from what it does. Gives the job
 * back that was finished just now, if there is one. */
static WorkerJob *hand_let_go(Hand *h)
{
        WorkerJob *finished;

        pthread_mutex_lock(&h->lock);
        h->let_go = true;
        finished = TAKE_PTR(h->finished);
        pthread_cond_signal(&h->wake);
        pthread_mutex_unlock(&h->lock);
        return finished;
}

/* An idle thread, or one that is just done, is waited for; a busy one is not. */
static void hand_free(Hand *h, bool busy)
{
        WorkerJob *finished = hand_let_go(h);

        if (finished)
                finished->free(finished);
        if (busy && !finished)
                pthread_detach(h->thread);
        else
                pthread_join(h->thread, NULL);
        hand_unref(h);
}

/* ---- the worker ---- */

static size_t forget_returned(Worker *w)
{
        size_t n = 0;

        for (size_t i = 0; i < ARRAY_SIZE(w->stuck); i++) {
                if (w->stuck[i] && hand_ended(w->stuck[i])) {
                        hand_unref(w->stuck[i]);
                        w->stuck[i] = NULL;
                }
                n += w->stuck[i] != NULL;
        }
        return n;
}

size_t worker_stuck(Worker *w)
{
        return forget_returned(w);
}

bool worker_is_free(Worker *w)
{
        return !w->first && !w->running && forget_returned(w) == 0;
}

usec_t worker_stuck_since(Worker *w, ThreadIds *ret)
{
        *ret = (ThreadIds){};
        if (forget_returned(w) < WORKER_STUCK_MAX)
                return USEC_INFINITY;
        for (size_t i = 0; i < ARRAY_SIZE(w->stuck); i++)
                thread_ids_add(ret, hand_id(w->stuck[i]));
        return w->stuck_since;
}

static void lose(WorkerJob *job, const char *why)
{
        job->lost(job, why);
        job->free(job);
}

/* Why nothing can begin now; NULL: it can. */
static const char *hindrance(Worker *w, usec_t now)
{
        if (w->hand)
                return NULL;
        if (now < w->pause_until)
                return "it hung again and again; waiting a while before the next try";
        if (forget_returned(w) == WORKER_STUCK_MAX)
                return "it hung and none of its threads has come back yet";
        return NULL;
}

static WorkerJob *take_waiting(Worker *w)
{
        WorkerJob *job = w->first;

        if (job) {
                w->first = job->next;
                if (!w->first)
                        w->last = NULL;
                job->next = NULL;
        }
        return job;
}

void worker_clear(Worker *w)
{
        WorkerJob *job;

        while ((job = take_waiting(w)))
                job->free(job);
}

static void begin_next(Worker *w)
{
        while (!w->running && w->first) {
                usec_t now = clock_boot(w->clock);
                const char *why = hindrance(w, now);
                int r = 0;

                if (!why && !w->hand)
                        r = hand_new(&w->hand, w->done_fd, w->name);
                if (r < 0)
                        why = "no thread could be made for it";
                if (why) {
                        lose(take_waiting(w), why);
                        continue;
                }
                w->running = take_waiting(w);
                w->deadline = usec_add(now, w->running->timeout_usec);
                hand_give(w->hand, w->running);
        }
}

void worker_submit(Worker *w, WorkerJob *job)
{
        job->next = NULL;
        if (w->last)
                w->last->next = job;
        else
                w->first = job;
        w->last = job;
        begin_next(w);
}

static bool take_finished(Worker *w)
{
        WorkerJob *job = w->running ? hand_take(w->hand) : NULL;

        if (!job)
                return false;
        w->running = NULL;
        w->hangs = 0;
        job->done(job);
        return true;
}

static int on_done(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
        Worker *w = userdata;
        eventfd_t n;

        (void)eventfd_read(fd, &n);
        (void)take_finished(w);
        begin_next(w);
        return 0;
}

bool worker_wait(Worker *w, usec_t timeout_usec)
{
        usec_t end = usec_add(clock_boot(&clock_system), timeout_usec), left = timeout_usec;
        struct pollfd p = {w->done_fd, POLLIN, 0};

        while (w->running) {
                if (poll(&p, 1, (int)(MIN(left, (usec_t)INT32_MAX) / USEC_PER_MSEC + 1)) > 0)
                        (void)on_done(w->source, w->done_fd, POLLIN, w);
                left = usec_sub(end, clock_boot(&clock_system));
                if (left == 0)
                        return !w->running;
        }
        return true;
}

static usec_t pause_after(unsigned hangs)
{
        usec_t pause = PAUSE_FIRST;

        if (hangs < 2)
                return 0;
        for (unsigned i = 2; i < hangs && pause < PAUSE_MAX; i++)
                pause *= 2;
        return MIN(pause, PAUSE_MAX);
}

static void abandon(Worker *w, usec_t now)
{
        WorkerJob *job = TAKE_PTR(w->running);
        Hand *hand = TAKE_PTR(w->hand);
        char why[64];

        /* There is room: the hand was begun with less than all places taken. */
        (void)forget_returned(w);
        for (size_t i = 0; i < ARRAY_SIZE(w->stuck); i++)
                if (!w->stuck[i]) {
                        w->stuck[i] = hand;
                        break;
                }
        pthread_detach(hand->thread);
        w->stuck_since = now;
        w->pause_until = usec_add(now, pause_after(++w->hangs));
        (void)snprintf(why, sizeof(why), "no answer within %g s", (double)job->timeout_usec / USEC_PER_SEC);
        job->lost(job, why);
        /* Only now may the thread free the job. */
        job = hand_let_go(hand);
        if (job)
                job->free(job);
}

usec_t worker_deadline(const Worker *w)
{
        return w->running ? w->deadline : USEC_INFINITY;
}

void worker_tick(Worker *w, usec_t now)
{
        if (now < worker_deadline(w))
                return;
        /* What is finished is finished, even if it is us who were late to look. */
        if (!take_finished(w))
                abandon(w, now);
        begin_next(w);
}

int worker_new(Worker **ret, sd_event *event, const Clock *clock, const char *name)
{
        _cleanup_(worker_freep) Worker *w = NULL;
        int r;

        w = calloc(1, sizeof(*w));
        if (!w)
                return -ENOMEM;
        w->clock = clock;
        w->done_fd = -1;
        w->name = strdup(name);
        if (!w->name)
                return -ENOMEM;
        w->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (w->done_fd < 0)
                return -errno;
        r = sd_event_add_io(event, &w->source, w->done_fd, EPOLLIN, on_done, w);
        if (r < 0)
                return r;
        (void)sd_event_source_set_description(w->source, w->name);
        *ret = TAKE_PTR(w);
        return 0;
}

Worker *worker_free(Worker *w)
{
        if (!w)
                return NULL;
        worker_clear(w);
        if (w->hand)
                hand_free(w->hand, w->running != NULL);
        for (size_t i = 0; i < ARRAY_SIZE(w->stuck); i++)
                if (w->stuck[i])
                        hand_unref(w->stuck[i]);
        sd_event_source_disable_unref(w->source);
        safe_close(w->done_fd);
        free(w->name);
        free(w);
        return NULL;
}
