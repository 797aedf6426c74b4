/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/checkpoint.h"

#include <string.h>

#include "base/bytes.h"

#define SECTION_HEADER 3 /* tag u8 | length u16 */

/* Values are on disk: the exponents of CheckpointSection. */
enum {
        TAG_OPENING = 1,
        TAG_STREAMS = 2,
        TAG_SLOT = 3,
        TAG_SETTLED = 4,
        TAG_RANGES = 5,
        TAG_NOTICES = 6,
        TAG_BOOTS = 7,
        TAG_LAST = TAG_BOOTS,
};

#define BOOT_GOOD 1 /* flag of a row: its bounds are left out */

/* ---- writing ---- */

typedef struct Writer {
        uint8_t *bytes;
        size_t at, room;
        bool full; /* sticks */
} Writer;

static void put(Writer *w, const void *data, size_t size)
{
        if (w->full || size > w->room - w->at) {
                w->full = true;
                return;
        }
        memcpy(w->bytes + w->at, data, size);
        w->at += size;
}

static void put8(Writer *w, uint8_t v)
{
        put(w, &v, 1);
}

static void put16(Writer *w, uint16_t v)
{
        uint8_t b[2];

        bytes_put16(b, v);
        put(w, b, sizeof(b));
}

static void put64(Writer *w, uint64_t v)
{
        uint8_t b[8];

        bytes_put64(b, v);
        put(w, b, sizeof(b));
}

static void put_varint(Writer *w, uint64_t v)
{
        for (; v >= 0x80; v >>= 7)
                put8(w, (uint8_t)(v | 0x80));
        put8(w, (uint8_t)v);
}

static size_t section_begin(Writer *w, uint8_t tag)
{
        put8(w, tag);
        put16(w, 0);
        return w->at;
}

static void section_end(Writer *w, size_t start)
{
        if (!w->full)
                bytes_put16(w->bytes + start - 2, (uint16_t)(w->at - start));
}

static void put_opening(Writer *w, const Checkpoint *c)
{
        size_t start = section_begin(w, TAG_OPENING);

        put64(w, c->epoch);
        put64(w, c->previous_epoch);
        put(w, c->boot, sizeof(c->boot));
        section_end(w, start);
}

static void put_streams(Writer *w, const Checkpoint *c)
{
        size_t start = section_begin(w, TAG_STREAMS);

        for (unsigned id = 0; id < RECORD_STREAMS; id++) {
                const CheckpointStream *s = &c->streams[id];
                size_t length = strlen(s->name);

                if (length == 0)
                        continue;
                put8(w, (uint8_t)id);
                put8(w, (uint8_t)length);
                put(w, s->name, length);
                put_varint(w, s->next);
        }
        section_end(w, start);
}

static void put_slot(Writer *w, const Checkpoint *c)
{
        size_t start = section_begin(w, TAG_SLOT);

        for (unsigned id = 0; id < RECORD_STREAMS; id++) {
                const CheckpointStream *s = &c->streams[id];

                if (s->first == 0)
                        continue;
                put8(w, (uint8_t)id);
                put_varint(w, s->first);
                put_varint(w, s->gap);
        }
        section_end(w, start);
}

static void put_settled(Writer *w, const Checkpoint *c)
{
        size_t start = section_begin(w, TAG_SETTLED);

        put64(w, c->sequence);
        for (unsigned id = 0; id < RECORD_STREAMS; id++) {
                const CheckpointStream *s = &c->streams[id];
                uint16_t mask = 0;

                if (s->low == 0)
                        continue;
                for (unsigned t = 0; t < CHECKPOINT_TAGS; t++)
                        mask |= (uint16_t)((s->counts[t] > 0) << t);
                put8(w, (uint8_t)id);
                put_varint(w, s->low);
                put16(w, mask);
                for (unsigned t = 0; t < CHECKPOINT_TAGS; t++)
                        if (s->counts[t] > 0)
                                put_varint(w, s->counts[t]);
        }
        section_end(w, start);
}

static size_t put_ranges(Writer *w, const Checkpoint *c)
{
        size_t start = section_begin(w, TAG_RANGES), i;

        for (i = 0; i < c->n_ranges && !w->full; i++) {
                const CheckpointRange *r = &c->ranges[i];
                Writer before = *w;

                put8(w, r->id);
                put8(w, r->tag);
                put_varint(w, r->first);
                put_varint(w, r->last - r->first);
                if (w->full) {
                        *w = before;
                        break;
                }
        }
        section_end(w, start);
        return i;
}

/* As many as find room: the untold ones are the first. */
static void put_notices(Writer *w, const Checkpoint *c)
{
        size_t start = section_begin(w, TAG_NOTICES);

        for (int told = 0; told < 2; told++)
                for (size_t i = 0; i < c->n_notices && !w->full; i++) {
                        const Notice *n = &c->notices[i];
                        Writer before = *w;

                        if ((n->n != 0) != told)
                                continue;
                        put8(w, n->id);
                        put8(w, n->outcome);
                        put_varint(w, n->first);
                        put_varint(w, n->last - n->first);
                        put_varint(w, n->n);
                        if (w->full) {
                                *w = before;
                                break;
                        }
                }
        section_end(w, start);
}

static void put_boot(Writer *w, const Boot *boot)
{
        put(w, boot->id, sizeof(boot->id));
        put_varint(w, boot->ordinal);
        put8(w, boot->good ? BOOT_GOOD : 0);
        put_varint(w, boot->start_usec);
        put_varint(w, boot->last_usec);
        if (boot->good)
                return;
        put_varint(w, boot->not_before_usec);
        put_varint(w, boot->not_after_usec + 1); /* 0: none */
}

static void put_boots(Writer *w, const Checkpoint *c)
{
        Writer before = *w;
        size_t start = section_begin(w, TAG_BOOTS), i;

        for (i = 0; i < c->n_boots && !w->full; i++) {
                before = *w;
                put_boot(w, &c->boots[i]);
        }
        if (w->full)
                *w = before;
        if (i > 0)
                section_end(w, start);
}

size_t checkpoint_encode(const Checkpoint *c, unsigned sections, uint8_t *bytes, size_t room, size_t *ret_n_ranges)
{
        Writer w = {.bytes = bytes, .room = MIN(room, (size_t)CHECKPOINT_BYTES_MAX)};
        size_t n_ranges = 0;

        if (sections & CHECKPOINT_OPENING)
                put_opening(&w, c);
        if (sections & CHECKPOINT_STREAMS)
                put_streams(&w, c);
        if (sections & CHECKPOINT_SLOT)
                put_slot(&w, c);
        if (sections & CHECKPOINT_SETTLED)
                put_settled(&w, c);
        if ((sections & CHECKPOINT_NOTICES) && c->n_notices > 0)
                put_notices(&w, c);
        if (sections & CHECKPOINT_SETTLED_RANGES)
                n_ranges = put_ranges(&w, c);
        if (w.full)
                return 0;
        if (sections & CHECKPOINT_BOOTS)
                put_boots(&w, c);
        if (ret_n_ranges)
                *ret_n_ranges = n_ranges;
        return w.at;
}

/* ---- reading ---- */

typedef struct Reader {
        const uint8_t *bytes;
        size_t at, size;
        bool bad; /* sticks */
} Reader;

static void get(Reader *r, void *data, size_t size)
{
        if (r->bad || size > r->size - r->at) {
                r->bad = true;
                memset(data, 0, size);
                return;
        }
        memcpy(data, r->bytes + r->at, size);
        r->at += size;
}

static uint8_t get8(Reader *r)
{
        uint8_t v;

        get(r, &v, 1);
        return v;
}

static uint16_t get16(Reader *r)
{
        uint8_t b[2];

        get(r, b, sizeof(b));
        return bytes_get16(b);
}

static uint64_t get64(Reader *r)
{
        uint8_t b[8];

        get(r, b, sizeof(b));
        return bytes_get64(b);
}

static uint64_t get_varint(Reader *r)
{
        uint64_t v = 0;

        for (unsigned shift = 0; shift < 63; shift += 7) { /* up to PAGE_NUMBER_MAX */
                uint8_t b = get8(r);

                v |= (uint64_t)(b & 0x7f) << shift;
                if (!(b & 0x80))
                        return v;
        }
        r->bad = true;
        return 0;
}

static CheckpointStream *get_stream(Reader *r, Checkpoint *c, uint8_t *ret_id)
{
        *ret_id = get8(r);
        if (*ret_id >= RECORD_STREAMS) {
                r->bad = true;
                *ret_id = 0;
        }
        return &c->streams[*ret_id];
}

static void get_streams(Reader *r, Checkpoint *c)
{
        while (!r->bad && r->at < r->size) {
                uint8_t id, length;
                CheckpointStream *s = get_stream(r, c, &id);

                length = get8(r);
                if (length == 0 || length > NAME_LENGTH_MAX) {
                        r->bad = true;
                        return;
                }
                memset(s->name, 0, sizeof(s->name));
                get(r, s->name, length);
                s->next = get_varint(r);
                if (strlen(s->name) != length || !name_is_valid(s->name) || s->next == 0)
                        r->bad = true;
        }
}

static void get_slot(Reader *r, Checkpoint *c)
{
        while (!r->bad && r->at < r->size) {
                uint8_t id;
                CheckpointStream *s = get_stream(r, c, &id);

                s->first = get_varint(r);
                s->gap = get_varint(r);
                if (s->first == 0 || s->gap >= s->first)
                        r->bad = true;
        }
}

static void get_settled(Reader *r, Checkpoint *c)
{
        c->sequence = get64(r);
        r->bad |= c->sequence > PAGE_NUMBER_MAX;
        while (!r->bad && r->at < r->size) {
                uint8_t id;
                CheckpointStream *s = get_stream(r, c, &id);
                uint64_t sum = 0;
                uint16_t mask;

                s->low = get_varint(r);
                mask = get16(r);
                for (unsigned t = 0; t < CHECKPOINT_TAGS; t++) {
                        s->counts[t] = mask & 1u << t ? get_varint(r) : 0;
                        if (__builtin_add_overflow(sum, s->counts[t], &sum))
                                r->bad = true;
                }
                /* every number below low has one outcome */
                if (s->low == 0 || sum != s->low - 1)
                        r->bad = true;
        }
}

static void get_boots(Reader *r, Checkpoint *c)
{
        while (!r->bad && r->at < r->size) {
                Boot boot = {.not_after_usec = USEC_INFINITY};
                uint64_t ordinal;

                get(r, boot.id, sizeof(boot.id));
                ordinal = get_varint(r);
                boot.ordinal = (uint32_t)ordinal;
                boot.good = get8(r) & BOOT_GOOD;
                boot.start_usec = get_varint(r);
                boot.last_usec = get_varint(r);
                if (!boot.good) {
                        boot.not_before_usec = get_varint(r);
                        boot.not_after_usec = get_varint(r) - 1;
                }
                if (ordinal == 0 || ordinal >= UINT32_MAX || c->n_boots == BOOTS_MAX ||
                    (c->n_boots > 0 && ordinal >= c->boots[c->n_boots - 1].ordinal))
                        r->bad = true;
                if (!r->bad)
                        c->boots[c->n_boots++] = boot;
        }
}

static void get_ranges(Reader *r, Checkpoint *c)
{
        while (!r->bad && r->at < r->size) {
                const CheckpointRange *previous = c->n_ranges > 0 ? &c->ranges[c->n_ranges - 1] : NULL;
                CheckpointRange range;

                (void)get_stream(r, c, &range.id);
                range.tag = get8(r);
                range.first = get_varint(r);
                if (__builtin_add_overflow(range.first, get_varint(r), &range.last) || range.last == UINT64_MAX)
                        r->bad = true;
                if (range.tag >= CHECKPOINT_TAGS || range.first == 0 || c->n_ranges == CHECKPOINT_RANGES)
                        r->bad = true;
                if (previous && (range.id < previous->id ||
                                 (range.id == previous->id && range.first <= previous->last)))
                        r->bad = true;
                if (r->bad)
                        return;
                c->ranges[c->n_ranges++] = range;
        }
}

static void get_notices(Reader *r, Checkpoint *c)
{
        while (!r->bad && r->at < r->size) {
                Notice n;

                (void)get_stream(r, c, &n.id);
                n.outcome = get8(r);
                n.first = get_varint(r);
                if (__builtin_add_overflow(n.first, get_varint(r), &n.last) || n.last == UINT64_MAX)
                        r->bad = true;
                n.n = get_varint(r);
                if (n.outcome >= _OUTCOME_MAX || n.first == 0 || c->n_notices == NOTICES_MAX)
                        r->bad = true;
                if (r->bad)
                        return;
                c->notices[c->n_notices++] = n;
        }
}

int checkpoint_decode(Checkpoint *ret, const uint8_t *bytes, size_t size)
{
        Reader r = {.bytes = bytes, .size = size};

        memset(ret, 0, sizeof(*ret));
        while (!r.bad && r.at < r.size) {
                uint8_t tag = get8(&r);
                size_t length = get16(&r);
                Reader section = {.bytes = r.bytes + r.at, .size = length};

                if (r.bad || length > r.size - r.at)
                        return RECORD_E_BAD;
                r.at += length;
                if (tag >= 1 && tag <= TAG_LAST) {
                        if (ret->sections & 1u << tag)
                                return RECORD_E_BAD;
                        ret->sections |= 1u << tag;
                }
                switch (tag) {
                case TAG_OPENING:
                        ret->epoch = get64(&section);
                        ret->previous_epoch = get64(&section);
                        get(&section, ret->boot, sizeof(ret->boot));
                        break;
                case TAG_STREAMS:
                        get_streams(&section, ret);
                        break;
                case TAG_SLOT:
                        get_slot(&section, ret);
                        break;
                case TAG_SETTLED:
                        get_settled(&section, ret);
                        break;
                case TAG_RANGES:
                        get_ranges(&section, ret);
                        break;
                case TAG_NOTICES:
                        get_notices(&section, ret);
                        break;
                case TAG_BOOTS:
                        get_boots(&section, ret);
                        break;
                default: /* of a later version */
                        break;
                }
                if (section.bad)
                        return RECORD_E_BAD;
        }
        return r.bad ? RECORD_E_BAD : 0;
}
