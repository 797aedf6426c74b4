/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Vitals - whether the parts get on, so that the watchdog may be fed
 *
 * The disk, the devices of sensors and the link have threads for what may hang. Each part bears much by itself; but a
 * thread that never comes back holds up everything behind it, and only a new process gets rid of it. So each part tells
 * what it is stuck on, and since when, and there is patience with each that no slow one uses up.
 *
 * A thread that waits in the kernel, for a device that does not answer, cannot be killed: a restart would wait for it
 * as well and have less than there is now. So patience with a device whose threads all wait there has no end. Of
 * another device, or part, that says nothing; and what most threads are seen waiting for there does end, when they are
 * killed (a file server that is gone) or by a time-out (a chip that does not answer): so one that waits is no excuse
 * for another.
 *
 * Time: boot clock. What passes while nobody looks (a suspended machine, a stopped process) is nobody's fault and does
 *       not count.
 */

#include <stdbool.h>

#include "base/clock.h"
#include "base/stuck.h"

#define VITALS_MAX       4
#define VITALS_CASES_MAX 260 /* as many devices as there may be, and the other parts */

typedef struct Vital {
        const char *name; /* static */
        /* The next thing after *at, which begins with 0, that it is stuck on; false: there is no more. */
        bool (*next_stuck)(void *userdata, size_t *at, Stuck *ret);
        void *userdata;
        usec_t patience_usec;
} Vital;

/* One thing that one part is stuck on. */
typedef struct VitalCase {
        const Vital *vital;
        const char *what; /* as it was told, to know it again */
        usec_t since;     /* the same */
        usec_t waited;    /* of that, while somebody looked */
        unsigned in_kernel; /* looks in a row, when patience was over, that found all its threads there */
        bool told[2];       /* that a restart helps, that it would not */
        bool is_there;      /* at this look */
} VitalCase;

typedef struct Vitals {
        Vital parts[VITALS_MAX];
        size_t n_parts;
        VitalCase cases[VITALS_CASES_MAX];
        size_t n_cases;
        bool (*waits_in_kernel)(pid_t thread);
        usec_t look_usec, looked_usec; /* how often somebody looks, and the last time; 0: not yet */
} Vitals;

/* It will be looked after about each look_usec. */
void vitals_init(Vitals *v, usec_t look_usec, bool (*waits_in_kernel)(pid_t thread));
void vitals_add(Vitals *v, Vital vital); /* at most VITALS_MAX */
/* False: something is stuck beyond patience; the log tells what, and what is done, once each. */
bool vitals_are_good(Vitals *v, usec_t now);

/* Whether this thread of this process is in the kernel and cannot be interrupted. */
bool vitals_waits_in_kernel(pid_t thread);
