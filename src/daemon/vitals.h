/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Vitals - whether the parts get on, so that the watchdog may be fed
 *
 * The disk, the devices of sensors and the link have threads for what may hang. Each part bears much by itself; but a
 * thread that never comes back holds up everything behind it, and only a new process gets rid of it. So each part tells
 * since when it is stuck, if it is, and has patience that no slow one uses up.
 *
 * A thread that waits in the kernel, for a device that does not answer, cannot be killed: a restart would wait for it
 * as well and have less than there is now. So patience with a part whose own threads wait there has no end. Of another
 * part that says nothing; and what most threads are seen waiting for there does end, when they are killed (a file
 * server that is gone) or by a time-out (a chip that does not answer): so one that waits is no excuse for another.
 *
 * Time: boot clock. What passes while nobody looks (a suspended machine, a stopped process) is nobody's fault and does
 * not
 *         count.
 */

#include <stdbool.h>

#include "base/clock.h"
#include "base/thread-ids.h"

#define VITALS_MAX 4

typedef struct Vital {
        const char *name; /* static */
        /* USEC_INFINITY: it is not stuck. What it is stuck on in words, borrowed, if there is more to say than the
         * name; and which threads do not come back. */
        usec_t (*stuck_since)(void *userdata, const char **ret_what, ThreadIds *ret_threads);
        void *userdata;
        usec_t patience_usec;
} Vital;

typedef struct Vitals {
        struct {
                Vital vital;
                usec_t since;  /* as it was told last */
                usec_t waited; /* of that, while somebody looked */
                unsigned in_kernel; /* looks in a row, when patience was over, that found a thread of it there */
                bool told[2];       /* since it is stuck: that a restart helps, that it would not */
        } rows[VITALS_MAX];
        size_t n;
        bool (*waits_in_kernel)(pid_t thread);
        usec_t look_usec, looked_usec; /* how often somebody looks, and the last time; 0: not yet */
} Vitals;

/* It will be looked after about each look_usec. */
void vitals_init(Vitals *v, usec_t look_usec, bool (*waits_in_kernel)(pid_t thread));
void vitals_add(Vitals *v, Vital vital); /* at most VITALS_MAX */
/* False: a part is stuck beyond patience; the log tells which, and what is done, once each. */
bool vitals_are_good(Vitals *v, usec_t now);

/* Whether this thread of this process is in the kernel and cannot be interrupted. */
bool vitals_waits_in_kernel(pid_t thread);
