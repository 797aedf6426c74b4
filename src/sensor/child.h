/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Child - a program that is run to its end, and what it said
 *
 * No shell: words are what they are. It gets /dev/null to read, an empty environment but for a PATH and a language, a
 * session of its own, and no descriptor of ours. It has so long; then it is killed, and all that it started with
 * it. What is left of them when it ends by itself is killed as well: nobody would ever wait for it.
 * That is its process group: whoever leaves it, as a daemon does, escapes.
 *
 * Waits for its own process by a descriptor of it: no signal is involved, so no other part of the process can take its
 * end away, and none is woken by it.
 *
 * Blocks: for worker threads.
 */

#include <pthread.h>
#include <sys/types.h>

#include "base/buffer.h"
#include "base/clock.h"

#define CHILD_OUTPUT_MAX (64 * 1024)
#define CHILD_ERRORS_MAX 256 /* bytes of standard error that are kept */

typedef enum ChildEnd {
        CHILD_EXITED,   /* value: its status */
        CHILD_SIGNALED, /* value: the signal */
        CHILD_TIMED_OUT,
        CHILD_TOO_MUCH, /* output: it was killed */
        CHILD_NOT_RUN,  /* value: an errno */
} ChildEnd;

typedef struct ChildResult {
        ChildEnd end;
        int value;
        char errors[CHILD_ERRORS_MAX + 1]; /* printable, one line */
} ChildResult;

/* By which another thread can end it. */
typedef struct ChildRein {
        pthread_mutex_t lock;
        pid_t pid;    /* 0: none is running */
        bool pulled;
} ChildRein;

void child_rein_init(ChildRein *rein);
void child_rein_done(ChildRein *rein);
/* What runs is killed, and so is whatever is run with this rein later. For any thread. */
void child_rein_pull(ChildRein *rein);

/* argv ends with NULL; argv[0] is a path. 0 or -ENOMEM. */
int child_run(char *const *argv, usec_t timeout_usec, ChildRein *rein, Buffer *output, ChildResult *ret);
