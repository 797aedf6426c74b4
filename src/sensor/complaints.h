/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Complaints - which bad senders are worth a line in the log
 *
 * The first bad line of a sender is told, further ones are only counted, for an hour. A sender that makes a
 * process for each line would still fill the log: so an hour has at most COMPLAINTS_PER_HOUR lines from one
 * socket. What was held back is told with the next line that is let through.
 *
 * Pure.
 */

#include <sys/types.h>

#include "base/clock.h"

#define COMPLAINTS_PER_HOUR 6

typedef struct Complaints {
        struct {
                pid_t pid;
                uid_t uid;
        } told[COMPLAINTS_PER_HOUR]; /* in this hour */
        size_t n_told;
        usec_t since;
        uint64_t held_back;
} Complaints;

/* May this one be told? Then also how many were held back before. */
bool complaints_admit(Complaints *c, pid_t pid, uid_t uid, usec_t now, uint64_t *ret_held_back);
