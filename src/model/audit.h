/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Audit - what was ordered, by whom, and what came of it
 */

#include <stdint.h>

#include "base/clock.h"

/* One order. Texts are borrowed until the loop goes on. */
typedef struct AuditEntry {
        usec_t time_usec;    /* wall clock, when the order came */
        const char *caller;  /* "hub", or who called here, in words */
        const char *name;    /* of the method */
        int status;          /* as answered */
        usec_t took_usec;    /* until the answer */
        const char *request; /* "" where payloads are not kept, as with answer; long ones are cut */
        const char *answer;
} AuditEntry;

typedef struct AuditBook {
        /* The latest is 0, those before it follow; NULL: there are no more. */
        const AuditEntry *(*entry)(void *userdata, size_t back);
        void *userdata;
} AuditBook;
