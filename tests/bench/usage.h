/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Usage - what a run cost this process: processor time, wall time, memory
 *
 * usage_print() writes one JSON line: samples, commits, seconds, cpu_seconds, pss_kib.
 */

#include "base/clock.h"

typedef struct Usage {
        usec_t wall_usec;
        usec_t cpu_usec;
} Usage;

Usage usage_now(void);
void usage_print(const char *what, const Usage *since, uint64_t samples, uint64_t commits);
