/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Worker - a thread for calls that may hang
 *
 * Jobs wait in a queue on the loop's side; the thread has one at a time and reports through an eventfd. Each job
 * has a deadline, counted from when the thread got it. A job that is past it is lost: its owner is told at
 * once, the thread is abandoned together with the job, and a new thread takes the next one. What the thread
 * brings when it comes back after all is thrown away, by the thread itself.
 *
 * After one hang the new thread begins at once. If it hangs too, before anything else went well, the pauses
 * grow (1 s, 2 s, ... 5 min); jobs that come meanwhile are lost with that explanation. At most
 * WORKER_STUCK_MAX threads are ever stuck: beyond that nothing begins until one came back.
 *
 * Owns:   its thread, its eventfd, the jobs that it was given.
 * Time:   boot clock; deadlines by worker_deadline() and worker_tick().
 */

#include <systemd/sd-event.h>

#include "base/clock.h"
#include "base/thread-ids.h"

#define WORKER_STUCK_MAX 4

typedef struct Worker Worker;

/* To be embedded. Every job ends in exactly one of done() and lost(). */
typedef struct WorkerJob WorkerJob;
struct WorkerJob {
        usec_t timeout_usec;

        /* On the thread. May wait, may hang. */
        void (*run)(WorkerJob *job);
        /* On the loop: run() is over, and the job is the callee's again. */
        void (*done)(WorkerJob *job);
        /* On the loop: give it up. The thread may still be in run(), so nothing may be touched that run() touches.
         * Why in words, borrowed. */
        void (*lost)(WorkerJob *job, const char *why);
        /* After lost(), from whichever side is the last to leave. */
        void (*free)(WorkerJob *job);

        WorkerJob *next; /* the worker's */
};

int worker_new(Worker **ret, sd_event *event, const Clock *clock, const char *name);
/* Does not wait for a stuck thread. Jobs that did not end are freed without a word. */
Worker *worker_free(Worker *w);
DEFINE_CLEANUP(Worker *, worker_free);

/* The job is the worker's from now on. May call lost() at once. */
void worker_submit(Worker *w, WorkerJob *job);

/* Nobody wants what waits here any more: freed without a word. What is under way goes on. */
void worker_clear(Worker *w);

/* Blocks until all that it was given has ended, which is told; false when the time is up, and that goes on as it was.
 * For the end of the day only. */
bool worker_wait(Worker *w, usec_t timeout_usec);

usec_t worker_deadline(const Worker *w);
void worker_tick(Worker *w, usec_t now);

size_t worker_stuck(Worker *w); /* threads that were abandoned and did not come back */
bool worker_is_free(Worker *w); /* nothing waits, nothing is under way, and none is stuck */
/* Since when so many are stuck that nothing begins any more, and which they are; USEC_INFINITY: it does. */
usec_t worker_stuck_since(Worker *w, ThreadIds *ret);
