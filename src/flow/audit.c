/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/audit.h"

#include <stdio.h>
#include <string.h>

#include "base/log-id.h"
#include "base/log.h"
#include "base/visible.h"

typedef struct Slot {
        AuditEntry entry;
        char *texts; /* of the entry, one behind the other */
} Slot;

struct Audit {
        AuditSettings settings;
        Slot slots[AUDIT_ENTRIES_MAX];
        size_t n;    /* that are filled */
        size_t next; /* to be filled */
};

Audit *audit_new(void)
{
        return calloc(1, sizeof(Audit));
}

Audit *audit_free(Audit *a)
{
        if (!a)
                return NULL;
        for (size_t i = 0; i < a->n; i++)
                free(a->slots[i].texts);
        free(a);
        return NULL;
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
}

static const AuditEntry *on_entry(void *userdata, size_t back)
{
        const Audit *a = userdata;

        if (back >= a->n)
                return NULL;
        return &a->slots[(a->next + AUDIT_ENTRIES_MAX - 1 - back) % AUDIT_ENTRIES_MAX].entry;
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

static void tell(const AuditEntry *e)
{
        _cleanup_(buffer_done) Buffer payloads = BUFFER_NULL;
        char status[32], name[256], caller[256];

        put_payload(&payloads, "asked", e->request);
        put_payload(&payloads, "answered", e->answer);
        (void)snprintf(status, sizeof(status), "HUBLINK_STATUS=%d", e->status);
        (void)snprintf(name, sizeof(name), "HUBLINK_METHOD=%s", e->name);
        (void)snprintf(caller, sizeof(caller), "HUBLINK_CALLER=%s", e->caller);
        log_record(LOG_ID_AUDIT, LOG_FIELDS(status, name, caller), "Method %s, called by %s: %d after %llu ms%s.",
                   e->name, e->caller, e->status, (unsigned long long)(e->took_usec / USEC_PER_MSEC),
                   payloads.data ?: "");
}

void audit_add(Audit *a, const AuditEntry *entry)
{
        AuditEntry e = *entry;

        if (!a->settings.payload)
                e.request = e.answer = "";
        tell(&e);
        remember(a, &e);
}
