/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/packer.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "model/value-json.h"

#define LITERAL(b, s) buffer_append((b), (s), sizeof(s) - 1)

void packer_done(Packer *p)
{
        buffer_done(&p->text);
        *p = (Packer){};
}

void packer_drop(Packer *p)
{
        buffer_clear(&p->text);
        *p = (Packer){.text = p->text};
}

void packer_begin(Packer *p, uint64_t epoch, size_t overhead)
{
        assert(packer_is_empty(p));
        packer_drop(p);
        p->epoch = epoch;
        p->overhead = overhead;
        LITERAL(&p->text, "[");
}

/* Names need no escaping: see model/name. */
static void append_reading(Buffer *b, const PackerRecord *record)
{
        const Reading *reading = record->reading;

        LITERAL(b, "{\"t\":");
        json_unsigned(b, record->wall_usec / USEC_PER_MSEC);
        LITERAL(b, ",\"s\":\"");
        buffer_append_string(b, reading->sensor);
        LITERAL(b, "\"");
        if (record->quality != QUALITY_GOOD) {
                LITERAL(b, ",\"q\":\"");
                buffer_append_string(b, quality_to_string(record->quality));
                LITERAL(b, "\"");
        }
        for (size_t i = 0; i < reading->n_channels; i++) {
                LITERAL(b, ",\"");
                buffer_append_string(b, reading->channels[i].name);
                LITERAL(b, "\":");
                value_to_json(&reading->channels[i].value, b);
        }
        LITERAL(b, "}");
}

static size_t message_size_at(const Packer *p, size_t text_size)
{
        return p->overhead + text_size + 1;
}

static size_t units_at(const Packer *p, size_t text_size)
{
        return billed_messages(message_size_at(p, text_size), BILLING_CHUNK);
}

size_t packer_size(const Packer *p, bool whole_units)
{
        return message_size_at(p, whole_units ? p->whole.size : p->end.size);
}

int packer_add(Packer *p, const PackerRecord *record)
{
        size_t before = p->text.size;

        if (buffer_error(&p->text)) { /* of packer_begin() */
                packer_drop(p);
                return -ENOMEM;
        }
        assert(before > 0);
        assert(packer_is_empty(p) || record->n == p->end.n + 1);
        if (!packer_is_empty(p))
                LITERAL(&p->text, ",");
        append_reading(&p->text, record);
        if (buffer_error(&p->text)) {
                p->text.error = 0;
                buffer_truncate(&p->text, before);
                return -ENOMEM;
        }

        if (packer_is_empty(p)) {
                p->first = record->n;
                p->appended_usec = record->appended_usec;
                p->read_usec = record->read_usec;
        } else if (message_size_at(p, p->text.size) > PACKER_SIZE_MAX) {
                buffer_truncate(&p->text, before);
                return PACKER_E_FULL;
        } else if (units_at(p, p->text.size) > units_at(p, before)) {
                p->whole = p->end;
                p->rest_appended_usec = record->appended_usec;
                p->rest_read_usec = record->read_usec;
        }
        p->n_records++;
        p->end = (PackerEnd){p->text.size, record->n, record->wall_usec, record->appended_usec};
        return 0;
}

/* The text behind the whole units, without its leading comma, becomes the text of the next pack. */
static void keep_rest(Packer *p)
{
        size_t from = p->whole.size + 1, size = p->end.size - from;

        memmove(p->text.data + 1, p->text.data + from, size);
        buffer_truncate(&p->text, 1 + size);
        p->n_records = p->end.n - p->whole.n;
        p->first = p->whole.n + 1;
        p->appended_usec = p->rest_appended_usec;
        p->read_usec = p->rest_read_usec;
        p->end.size = p->text.size;
        p->whole = (PackerEnd){};
}

static const PackerEnd *end_of(const Packer *p, bool whole_units)
{
        return whole_units ? &p->whole : &p->end;
}

Pack packer_range(const Packer *p, bool whole_units)
{
        const PackerEnd *end = end_of(p, whole_units);

        return (Pack){
                .epoch = p->epoch,
                .first = p->first,
                .last = end->n,
                .wall_usec = end->wall_usec,
                .appended_usec = end->appended_usec,
        };
}

int packer_seal(Packer *p, bool whole_units, Pack *ret)
{
        const PackerEnd *end = end_of(p, whole_units);
        Buffer body = BUFFER_NULL;
        char *text;

        assert(end->size > 0);
        text = buffer_extend(&body, end->size + 1);
        if (!text) {
                buffer_done(&body);
                return -ENOMEM;
        }
        memcpy(text, p->text.data, end->size);
        text[end->size] = ']';
        *ret = packer_range(p, whole_units);
        ret->body = body;
        if (whole_units)
                keep_rest(p);
        else
                packer_drop(p);
        return 0;
}
