/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Monitor - shows or counts the events that have come, and those that come
 *
 * Reads the store, whether a server runs or not, and looks for more several times a second.
 */

#include "base/clock.h"
#include "devhub/hub/state-dir.h"

typedef struct MonitorSettings {
        const char *device_id; /* with its modules; NULL: all */
        enum { MONITOR_FROM_START, MONITOR_FROM_END, MONITOR_FROM_SEQUENCE } from;
        uint64_t sequence;
        uint64_t count;  /* 0: no limit */
        usec_t for_usec; /* USEC_INFINITY: no limit */
        bool verify;     /* count records (Verify) instead of showing them */
} MonitorSettings;

/* The program's exit status. Ends at count, or after for_usec - with EXIT_TIMEOUT if they are fewer than count by then
 * - or at a signal; a verify that has neither ends when it has read all that is there. A gap is a failure. */
int monitor_run(const StateDir *dir, const MonitorSettings *settings);
