/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Unit port - a service of the system's manager that runs once, as it is asked, and ends
 *
 * Two rows of functions: what is asked of the manager, and what is told of each run in the end.
 */

#include <stdbool.h>
#include <stdint.h>

typedef enum UnitOutcome {
        UNIT_DONE,    /* it ended well */
        UNIT_EXITED,  /* with a status that is no success: number */
        UNIT_KILLED,  /* by a signal: number */
        UNIT_FAILED,  /* otherwise; detail is the manager's word for it */
        UNIT_BUSY,    /* it runs already, and not for us: nothing was begun */
        UNIT_REFUSED, /* the manager does not start it: detail says why */
        UNIT_LOST,    /* there is no connection any more: how it ends will not be known */
} UnitOutcome;

typedef struct UnitEnd {
        UnitOutcome outcome;
        int number;
        const char *detail; /* in words; never NULL, may be ""; borrowed */
} UnitEnd;

typedef struct UnitPort {
        bool (*is_there)(void *userdata); /* can anything be asked? */
        /* run: named by UnitSink.ended(), which comes later, once. Below 0: it could not be asked, and nothing
         * comes. */
        int (*start)(void *userdata, const char *unit, uint64_t run);
        /* Nobody waits for it any more: it is stopped, and nothing is told of this run. */
        void (*stop)(void *userdata, uint64_t run);
        void *userdata;
} UnitPort;

typedef struct UnitSink {
        /* The unit runs for nobody, and is asked for next: what it is to find is put there now, and not before. Below
         * 0: it is not started, and nothing more comes of this run. */
        int (*begins)(void *userdata, uint64_t run);
        void (*ended)(void *userdata, uint64_t run, const UnitEnd *end);
        void *userdata;
} UnitSink;
