/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/audit.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log-id.h"
#include "base/log.h"
#include "base/throttle.h"
#include "base/visible.h"
#include "flow/audit-lines.h"

#define NAME_TOLD_MAX 200

typedef struct Slot {
        AuditEntry entry;
        char *texts; /* of the entry, one behind the other */
} Slot;

struct Audit {
        AuditSettings settings;
        Throttle no_calls;
        AuditLines lines;
        Slot slots[AUDIT_ENTRIES_MAX];
        size_t n;    /* that are filled */
        size_t next; /* to be filled */
        uint64_t count;
        uint64_t calls[AUDIT_HUNDREDS];
        void (*added)(void *userdata);
        void *added_userdata;
};

Audit *audit_new(void)
{
        return calloc(1, sizeof(Audit));
}

void audit_configure(Audit *a, const AuditSettings *settings)
{
        a->settings = *settings;
}

/* ---- the ring ---- */

/* Not within a character. */
static size_t cut_length(const char *s, size_t most)
{
        size_t n = strnlen(s, most + 1);

        if (n <= most)
                return n;
        for (n = most; n > 0 && ((unsigned char)s[n] & 0xC0) == 0x80; n--)
                ;
        return n;
}

/* Where the text is then, as an offset. */
static size_t keep(Buffer *b, const char *text)
{
        size_t at = b->size;

        buffer_append(b, text, cut_length(text, AUDIT_PAYLOAD_MAX));
        buffer_append_char(b, 0);
        return at;
}

static void remember(Audit *a, const AuditEntry *entry)
{
        _cleanup_(buffer_done) Buffer b = BUFFER_NULL;
        Slot *slot = &a->slots[a->next];
        size_t caller = keep(&b, entry->caller), name = keep(&b, entry->name), request = keep(&b, entry->request),
               answer = keep(&b, entry->answer);

        if (buffer_error(&b) < 0)
                return;
        free(slot->texts);
        slot->texts = buffer_steal(&b);
        slot->entry = *entry;
        slot->entry.caller = slot->texts + caller;
        slot->entry.name = slot->texts + name;
        slot->entry.request = slot->texts + request;
        slot->entry.answer = slot->texts + answer;
        a->next = (a->next + 1) % AUDIT_ENTRIES_MAX;
        a->n = MIN(a->n + 1, (size_t)AUDIT_ENTRIES_MAX);
        a->count++;
        if (a->added)
                a->added(a->added_userdata);
}

static const AuditEntry *on_entry(void *userdata, size_t back)
{
        const Audit *a = userdata;

        if (back >= a->n)
                return NULL;
        return &a->slots[(a->next + AUDIT_ENTRIES_MAX - 1 - back) % AUDIT_ENTRIES_MAX].entry;
}

const uint64_t *audit_calls(const Audit *a)
{
        return a->calls;
}

uint64_t audit_count(const Audit *a)
{
        return a->count;
}

void audit_listen(Audit *a, void (*added)(void *userdata), void *userdata)
{
        a->added = added;
        a->added_userdata = userdata;
}

AuditBook audit_book(Audit *a)
{
        return (AuditBook){on_entry, a};
}

/* ---- the line ---- */

static void put_payload(Buffer *b, const char *what, const char *text)
{
        size_t n = cut_length(text, AUDIT_PAYLOAD_MAX / 2);

        if (n == 0)
                return;
        buffer_printf(b, "; %s ", what);
        visible_text(b, text, n);
        if (text[n])
                buffer_append_string(b, "...");
}

static const char *ending(int status)
{
        return status == AUDIT_COMPLETED  ? "completed"
               : status == AUDIT_REJECTED ? "rejected"
               : status == AUDIT_EXPIRED  ? "expired"
                                          : "refused";
}

/* Names of methods are plain text; of a message the cloud chose what stands in it. */
static void put_words(const AuditEntry *e, Buffer *b)
{
        unsigned long long ms = e->took_usec / USEC_PER_MSEC;

        if (e->kind == AUDIT_CALL) {
                buffer_printf(b, "Method %s, called by %s: %d after %llu ms", e->name, e->caller, e->status, ms);
        } else {
                buffer_append_string(b, "Cloud ");
                visible_text(b, e->name, cut_length(e->name, NAME_TOLD_MAX));
                buffer_printf(b, ", %s by %s: %d after %llu ms", ending(e->status), e->caller, e->status, ms);
        }
        put_payload(b, "asked", e->request);
        put_payload(b, "answered", e->answer);
}

/* n: orders that it stands for. */
static void record(AuditKind kind, int status, const char *name, const char *caller, uint64_t n, const char *words)
{
        char status_field[32], name_field[256], caller_field[256], number_field[48];

        (void)snprintf(status_field, sizeof(status_field), "HUBLINK_STATUS=%d", status);
        (void)snprintf(name_field, sizeof(name_field), "HUBLINK_%s=%s", kind == AUDIT_CALL ? "METHOD" : "MESSAGE",
                       name);
        (void)snprintf(caller_field, sizeof(caller_field), "HUBLINK_CALLER=%s", caller);
        (void)snprintf(number_field, sizeof(number_field), "HUBLINK_ORDERS=%" PRIu64, n);
        log_record(LOG_ID_AUDIT, LOG_FIELDS(status_field, name_field, caller_field, number_field), "%s.", words);
}

static void tell(const AuditEntry *e, uint64_t held_back)
{
        _cleanup_(buffer_done) Buffer words = BUFFER_NULL;
        ThrottleOthers others;

        put_words(e, &words);
        buffer_append_string(&words, throttle_others(&others, held_back));
        record(e->kind, e->status, e->name, e->caller, 1, words.data ?: e->name);
}

/* ---- the number ---- */

static void put_number(const AuditRow *row, Buffer *b)
{
        unsigned long long ms = row->took_usec / USEC_PER_MSEC;

        if (!row->caller)
                buffer_append_string(b, "Other orders: ");
        else if (row->kind == AUDIT_CALL)
                buffer_printf(b, "Method %s, called by %s: %d, ", row->name, row->caller, row->status);
        else
                buffer_printf(b, "Messages from the cloud, %s by %s: %d, ", ending(row->status), row->caller,
                              row->status);
        buffer_printf(b, "%" PRIu64 " more within a minute, after %llu ms at most", row->n_held_back, ms);
}

static void tell_numbers(Audit *a, usec_t now)
{
        AuditRow row;

        while (audit_lines_take(&a->lines, now, &row)) {
                _cleanup_(buffer_done) Buffer words = BUFFER_NULL;

                put_number(&row, &words);
                record(row.kind, row.status, row.name ?: "", row.caller ?: "", row.n_held_back,
                       words.data ?: "Other orders");
        }
}

static usec_t audit_deadline(void *userdata)
{
        const Audit *a = userdata;

        return audit_lines_deadline(&a->lines);
}

static void audit_tick(void *userdata, usec_t now)
{
        tell_numbers(userdata, now);
}

Ticker audit_ticker(Audit *a)
{
        return (Ticker){"audit", audit_deadline, audit_tick, a};
}

/* ---- orders ---- */

static AuditEntry without_payload(const Audit *a, const AuditEntry *entry)
{
        AuditEntry e = *entry;

        if (!a->settings.payload)
                e.request = e.answer = "";
        return e;
}

static void count(Audit *a, const AuditEntry *e)
{
        if (e->kind == AUDIT_CALL)
                a->calls[e->status >= 100 && e->status < 100 * AUDIT_HUNDREDS ? e->status / 100 : 0]++;
}

void audit_add(Audit *a, const AuditEntry *entry, usec_t now)
{
        const AuditEntry e = without_payload(a, entry);

        count(a, &e);
        if (audit_lines_admit(&a->lines, &e, now))
                tell(&e, 0);
        remember(a, &e);
}

void audit_no_call(Audit *a, const AuditEntry *entry, usec_t now)
{
        const AuditEntry e = without_payload(a, entry);
        uint64_t held_back;

        count(a, &e);
        if (!throttle_admits_some(&a->no_calls, AUDIT_NO_CALLS_MAX, now, USEC_PER_MIN, &held_back))
                return;
        tell(&e, held_back);
        remember(a, &e);
}

Audit *audit_free(Audit *a)
{
        if (!a)
                return NULL;
        tell_numbers(a, USEC_INFINITY);
        audit_lines_done(&a->lines);
        for (size_t i = 0; i < a->n; i++)
                free(a->slots[i].texts);
        free(a);
        return NULL;
}
