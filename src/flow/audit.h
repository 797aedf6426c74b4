/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Audit - what was ordered, in the log, and the last thousand at hand
 *
 * What the hub or a local service made this machine do is to be found afterwards: in the log, whatever its level, and
 * in a ring in memory. In the ring each has its place; of those that are alike and come by the thousand the log tells
 * the number (flow/audit-lines.h). Payloads may hold anything, secrets too: they are kept only when the settings say
 * so, and cut.
 *
 * What is refused as no call at all costs its sender nothing and does nothing here: of that some a minute are kept, so
 * that a flood of it drives nothing else out.
 *
 * Owns:   the ring and its texts.
 * Time:   wall clock, as it was then; boot clock for the minute. It wants to be ticked.
 */

#include "base/ticker.h"
#include "model/audit.h"

#define AUDIT_ENTRIES_MAX 1000
#define AUDIT_PAYLOAD_MAX 1024 /* bytes that are kept of each */
#define AUDIT_NO_CALLS_MAX 10   /* a minute, of those that were no calls */

typedef struct Audit Audit;

typedef struct AuditSettings {
        bool payload; /* keep what was asked and answered */
} AuditSettings;

Audit *audit_new(void); /* NULL: no memory */
Audit *audit_free(Audit *a); /* what was counted and not told is told */
DEFINE_CLEANUP(Audit *, audit_free);
void audit_configure(Audit *a, const AuditSettings *settings);

/* Copied. Without memory the line in the log is all there is. now: boot clock. */
void audit_add(Audit *a, const AuditEntry *entry, usec_t now);
/* The same of what was no call. The line tells how many others were left out since the last. */
void audit_no_call(Audit *a, const AuditEntry *entry, usec_t now);
AuditBook audit_book(Audit *a);
/* Calls of methods since the daemon began, whether the ring has them or not, by the hundreds of their status. */
#define AUDIT_HUNDREDS 10
const uint64_t *audit_calls(const Audit *a); /* AUDIT_HUNDREDS counters; the first: of any status that has none */
uint64_t audit_count(const Audit *a); /* all that came into the ring, also those that it has no more */
/* Tells of each. NULL: nobody listens. */
void audit_listen(Audit *a, void (*added)(void *userdata), void *userdata);
Ticker audit_ticker(Audit *a);
