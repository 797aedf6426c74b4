/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Complaints - which bad senders are worth a line in the log
 *
 * The first bad line of a sender is told for each reason that there is, further ones are only counted, for an hour: a
 * fault that comes later and differs is not hidden by an earlier one. A sender that makes a process for each line
 * would still fill the log: so an hour has at most COMPLAINTS_PER_HOUR lines of each reason from one socket. What was
 * held back is told with the next line of that reason that is let through.
 *
 * Pure.
 */

#include "base/clock.h"
#include "model/ledger.h"

#define COMPLAINTS_PER_HOUR 4

/* Every refusal, and what there is to say of a client as a whole. */
#define COMPLAINT_TURNED_AWAY _REFUSAL_MAX
#define COMPLAINT_MADE_ROOM   (_REFUSAL_MAX + 1)
#define COMPLAINT_NO_USER     (_REFUSAL_MAX + 2)
#define COMPLAINT_REASONS     (_REFUSAL_MAX + 3)

typedef struct Complaints {
        struct {
                uint64_t told[COMPLAINTS_PER_HOUR]; /* whom in this hour */
                size_t n_told;
                usec_t since;
                uint64_t held_back;
        } reasons[COMPLAINT_REASONS];
} Complaints;

/* May this one be told? Then also how many of its reason were held back before. */
bool complaints_admit(Complaints *c, unsigned reason, uint64_t who, usec_t now, uint64_t *ret_held_back);
