/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Audit - one line for each order, and the last thousand at hand
 *
 * What the hub or a local service made this machine do is to be found afterwards: in the log, whatever its level, and
 * in a ring in memory. Payloads may hold anything, secrets too: they are kept only when the settings say so, and cut.
 *
 * Owns:   the ring and its texts.
 * Time:   wall clock, as it was then.
 */

#include "model/audit.h"

#define AUDIT_ENTRIES_MAX 1000
#define AUDIT_PAYLOAD_MAX 1024 /* bytes that are kept of each */

typedef struct Audit Audit;

typedef struct AuditSettings {
        bool payload; /* keep what was asked and answered */
} AuditSettings;

Audit *audit_new(void); /* NULL: no memory */
Audit *audit_free(Audit *a);
DEFINE_CLEANUP(Audit *, audit_free);
void audit_configure(Audit *a, const AuditSettings *settings);

/* Copied. Without memory the line in the log is all there is. */
void audit_add(Audit *a, const AuditEntry *entry);
AuditBook audit_book(Audit *a);
