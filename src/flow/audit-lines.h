/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Audit lines - which orders have a line of their own in the log
 *
 * A loop that calls a method ten thousand times would write as many lines, and drive all others out of the journal. Of
 * orders that are alike (one caller, one name, one result; messages from the cloud whatever their names) the first few
 * have a line each; the others of the minute are counted, and told by their number when it is over. While they go on,
 * that is one line a minute. A client has another name on the bus each time that it is run: callers are alike by their
 * user.
 *
 * Bounded: so many lines a minute in all, and so many rows; what finds no row is counted with all others that do not.
 *
 * Owns:   its texts.
 * Time:   boot clock. Pure.
 */

#include <stdbool.h>

#include "model/audit.h"

#define AUDIT_LINES_ALIKE_MAX 10  /* a minute, of orders that are alike */
#define AUDIT_LINES_MAX       100 /* of all, and what is told by its number */
#define AUDIT_LINES_ROWS      64

/* Orders that are alike. */
typedef struct AuditRow {
        AuditKind kind;
        char *caller, *name; /* name: "" of messages; caller NULL: the row is free, or for all that have none */
        int status;
        unsigned n_said;
        usec_t end_usec; /* of its minute */
        uint64_t n_held_back;
        usec_t took_usec; /* the longest of these */
} AuditRow;

typedef struct AuditLines {
        AuditRow rows[AUDIT_LINES_ROWS];
        AuditRow others;
        unsigned n_said;
        usec_t end_usec;
} AuditLines;

void audit_lines_done(AuditLines *l);

/* True: it has a line. Else it is counted. */
bool audit_lines_admit(AuditLines *l, const AuditEntry *e, usec_t now);

/* When something counted is to be told. */
usec_t audit_lines_deadline(const AuditLines *l);
/* One of those whose minute is over: what was held back of it is to be told, and then counted anew; false: there is
 * none. Texts are borrowed until the next call. now USEC_INFINITY: all of them, at the end. */
bool audit_lines_take(AuditLines *l, usec_t now, AuditRow *ret);
