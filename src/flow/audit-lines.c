/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/audit-lines.h"

#include <string.h>

#include "base/macro.h"

/* "root (:1.93)" is root; "hub" and "hublinkd" have nothing behind them. */
static size_t user_length(const char *caller)
{
        const char *client = strstr(caller, " (:");

        return client ? (size_t)(client - caller) : strlen(caller);
}

/* Of a message its name is its own. */
static const char *name_of(const AuditEntry *e)
{
        return e->kind == AUDIT_CALL ? e->name : "";
}

static bool is_alike(const AuditRow *row, const AuditEntry *e)
{
        size_t n = user_length(e->caller);

        return row->caller && row->kind == e->kind && row->status == e->status &&
               strncmp(row->caller, e->caller, n) == 0 && row->caller[n] == 0 && strcmp(row->name, name_of(e)) == 0;
}

static AuditRow *find(AuditLines *l, const AuditEntry *e)
{
        for (size_t i = 0; i < ARRAY_SIZE(l->rows); i++)
                if (is_alike(&l->rows[i], e))
                        return &l->rows[i];
        return NULL;
}

/* ---- rows ---- */

static void clear(AuditRow *row)
{
        free(row->caller);
        free(row->name);
        *row = (AuditRow){};
}

void audit_lines_done(AuditLines *l)
{
        for (size_t i = 0; i < ARRAY_SIZE(l->rows); i++)
                clear(&l->rows[i]);
}

/* For a minute nothing of it was held back. */
static bool is_quiet(const AuditRow *row, usec_t now)
{
        return row->n_held_back == 0 && now >= row->end_usec;
}

static bool fill(AuditRow *row, const AuditEntry *e, usec_t now)
{
        clear(row);
        *row = (AuditRow){
                .kind = e->kind,
                .caller = strndup(e->caller, user_length(e->caller)),
                .name = strdup(name_of(e)),
                .status = e->status,
                .end_usec = usec_add(now, USEC_PER_MIN),
        };
        if (row->caller && row->name)
                return true;
        clear(row);
        return false;
}

/* NULL: all are in use. */
static AuditRow *row_for(AuditLines *l, const AuditEntry *e, usec_t now)
{
        AuditRow *row = find(l, e);

        if (row && is_quiet(row, now)) {
                row->n_said = 0;
                row->end_usec = usec_add(now, USEC_PER_MIN);
        }
        for (size_t i = 0; i < ARRAY_SIZE(l->rows) && !row; i++)
                if (is_quiet(&l->rows[i], now))
                        return fill(&l->rows[i], e, now) ? &l->rows[i] : NULL;
        return row;
}

/* ---- lines ---- */

static bool is_full(AuditLines *l, usec_t now)
{
        if (now >= l->end_usec) {
                l->n_said = 0;
                l->end_usec = usec_add(now, USEC_PER_MIN);
        }
        return l->n_said >= AUDIT_LINES_MAX;
}

static void hold_back(AuditRow *row, const AuditEntry *e, usec_t now)
{
        if (is_quiet(row, now))
                row->end_usec = usec_add(now, USEC_PER_MIN);
        row->n_held_back++;
        row->took_usec = MAX(row->took_usec, e->took_usec);
}

bool audit_lines_admit(AuditLines *l, const AuditEntry *e, usec_t now)
{
        AuditRow *row = row_for(l, e, now);

        if (!row || row->n_said >= AUDIT_LINES_ALIKE_MAX || is_full(l, now)) {
                hold_back(row ?: &l->others, e, now);
                return false;
        }
        row->n_said++;
        l->n_said++;
        return true;
}

/* ---- what is told by its number ---- */

static usec_t due(const AuditRow *row)
{
        return row->n_held_back > 0 ? row->end_usec : USEC_INFINITY;
}

usec_t audit_lines_deadline(const AuditLines *l)
{
        usec_t d = due(&l->others);

        for (size_t i = 0; i < ARRAY_SIZE(l->rows); i++)
                d = MIN(d, due(&l->rows[i]));
        return d;
}

/* While it goes on it has no lines of its own: n_said stays. */
static bool take(AuditRow *row, usec_t now, AuditRow *ret)
{
        if (row->n_held_back == 0 || row->end_usec > now)
                return false;
        *ret = *row;
        row->n_held_back = 0;
        row->took_usec = 0;
        row->end_usec = usec_add(now, USEC_PER_MIN);
        return true;
}

bool audit_lines_take(AuditLines *l, usec_t now, AuditRow *ret)
{
        for (size_t i = 0; i < ARRAY_SIZE(l->rows); i++)
                if (take(&l->rows[i], now, ret))
                        return true;
        return take(&l->others, now, ret);
}
