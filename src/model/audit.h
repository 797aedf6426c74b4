/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Audit - what was ordered, by whom, and what came of it
 */

#include <stdint.h>

#include "base/clock.h"

typedef enum AuditKind {
        AUDIT_CALL,    /* of a direct method */
        AUDIT_MESSAGE, /* from the cloud, which is over */
} AuditKind;

/* What became of such a message. */
enum {
        AUDIT_COMPLETED = 200,
        AUDIT_REJECTED = 406,
        AUDIT_EXPIRED = 410,
        AUDIT_REFUSED = 413, /* too large to be stored */
};

/* One order. Texts are borrowed until the loop goes on. */
typedef struct AuditEntry {
        AuditKind kind;
        usec_t time_usec;    /* wall clock, when the order came */
        const char *caller;  /* "hub", or who called here, in words; of a message who ended it */
        const char *name;    /* of the method; of a message "message ID (MESSAGE-ID)", as far as it has them */
        int status;          /* as answered, or one of those above */
        usec_t took_usec;    /* until the answer, or the end */
        const char *request; /* "" where payloads are not kept, as with answer; long ones are cut */
        const char *answer;
} AuditEntry;

typedef struct AuditBook {
        /* The latest is 0, those before it follow; NULL: there are no more. */
        const AuditEntry *(*entry)(void *userdata, size_t back);
        void *userdata;
} AuditBook;
