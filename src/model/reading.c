/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The record of a reading, version 1:
 *
 *   version u8 | quality u8 | flags u8 (1: wall time trusted, 2: position, 4: age,
 *   8: place) | n_channels u8 | wall u64 | sensor NUL
 *   then per channel: kind u8 | name NUL | number f64, integer u64, boolean u8, or text NUL
 *   and the position, if there is one: source NUL (empty: the sensor) | serial file offset mtime u64 | check u32
 *   and the age, if there is one: u64
 *   and the place of the position, if it is known: u32
 */

#include "model/reading.h"

#include <errno.h>
#include <math.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "base/utf8.h"

#define VERSION 1

#define YEAR_2000 (946684800 * USEC_PER_SEC)
#define YEAR_2200 (7258118400 * USEC_PER_SEC)
#define MSEC_MAX  253402300799000.0 /* the end of 9999: later than any sensor, and far from any overflow */

enum {
        FLAG_WALL_TRUSTED = 1,
        FLAG_POSITION = 2,
        FLAG_AGE = 4,
        FLAG_PLACE = 8,
};

#define POSITION_SIZE 36

bool reading_time_is_of_our_days(usec_t wall_usec)
{
        return wall_usec >= YEAR_2000 && wall_usec <= YEAR_2200;
}

usec_t reading_time_of_msec(double msec)
{
        return msec >= 1 && msec <= MSEC_MAX ? (usec_t)(msec * 1000 + 0.5) : 0;
}

/* The clock is asked last whether it is to be believed: that costs system calls, and this is asked for each line. */
bool reading_time_is_sane(const Clock *clock, usec_t wall_usec)
{
        if (!reading_time_is_of_our_days(wall_usec))
                return false;
        return wall_usec <= usec_add(clock_wall(clock), USEC_PER_DAY) || !clock_synchronised(clock);
}

const char *quality_to_string(Quality quality)
{
        switch (quality) {
        case QUALITY_GOOD:
                return "good";
        case QUALITY_BOUNDED:
                return "bounded";
        case QUALITY_UNKNOWN:
                return "unknown";
        case QUALITY_STALE:
                return "stale";
        case QUALITY_RANGE:
                return "range";
        case _QUALITY_MAX:
        case _QUALITY_INVALID:
                break;
        }
        return NULL;
}

Quality quality_from_string(const char *text)
{
        for (Quality q = 0; q < _QUALITY_MAX; q++)
                if (strcmp(quality_to_string(q), text) == 0)
                        return q;
        return _QUALITY_INVALID;
}

uint32_t source_place(const char *path)
{
        return crc32c(0, path, strlen(path)) ?: 1;
}

static void put_u64(Buffer *b, uint64_t v)
{
        void *p = buffer_extend(b, sizeof(v));

        if (p)
                bytes_put64(p, v);
}

static void put_u32(Buffer *b, uint32_t v)
{
        void *p = buffer_extend(b, sizeof(v));

        if (p)
                bytes_put32(p, v);
}

static void put_value(Buffer *b, const Value *v)
{
        uint64_t bits;

        switch (v->kind) {
        case VALUE_NUMBER:
                memcpy(&bits, &v->number, sizeof(bits));
                put_u64(b, bits);
                break;
        case VALUE_INTEGER:
                put_u64(b, (uint64_t)v->integer);
                break;
        case VALUE_BOOLEAN:
                buffer_append_char(b, v->boolean);
                break;
        case VALUE_TEXT:
                buffer_append(b, v->text, strlen(v->text) + 1);
                break;
        case _VALUE_KIND_MAX:
                break;
        }
}

static void put_position(Buffer *b, const Reading *reading)
{
        const SourcePosition *p = &reading->position;
        const char *source = strcmp(reading->source, reading->sensor) == 0 ? "" : reading->source;
        uint8_t *to;

        buffer_append(b, source, strlen(source) + 1);
        to = buffer_extend(b, POSITION_SIZE);
        if (!to)
                return;
        bytes_put64(to, p->serial);
        bytes_put64(to + 8, p->file);
        bytes_put64(to + 16, p->offset);
        bytes_put64(to + 24, p->mtime);
        bytes_put32(to + 32, p->check);
}

void reading_encode(const Reading *reading, Buffer *b)
{
        bool has_age = reading->age_usec > 0 && !reading->wall_trusted;
        bool has_place = reading->source && reading->position.place != 0;
        uint8_t flags = (reading->wall_trusted ? FLAG_WALL_TRUSTED : 0) | (reading->source ? FLAG_POSITION : 0) |
                        (has_age ? FLAG_AGE : 0) | (has_place ? FLAG_PLACE : 0);
        uint8_t head[4] = {VERSION, (uint8_t)reading->quality, flags, (uint8_t)reading->n_channels};

        buffer_append(b, head, sizeof(head));
        put_u64(b, reading->wall_usec);
        buffer_append(b, reading->sensor, strlen(reading->sensor) + 1);
        for (size_t i = 0; i < reading->n_channels; i++) {
                const Channel *c = &reading->channels[i];

                buffer_append_char(b, (char)c->value.kind);
                buffer_append(b, c->name, strlen(c->name) + 1);
                put_value(b, &c->value);
        }
        if (reading->source)
                put_position(b, reading);
        if (has_age)
                put_u64(b, reading->age_usec);
        if (has_place)
                put_u32(b, reading->position.place);
}

typedef struct Cursor {
        const uint8_t *p;
        size_t left;
} Cursor;

static const void *take(Cursor *c, size_t n)
{
        const void *p = c->p;

        if (n > c->left)
                return NULL;
        c->p += n;
        c->left -= n;
        return p;
}

static const char *take_text(Cursor *c)
{
        const uint8_t *end = c->left > 0 ? memchr(c->p, 0, c->left) : NULL;

        return end ? take(c, (size_t)(end - c->p) + 1) : NULL;
}

static const char *take_name(Cursor *c)
{
        const char *name = take_text(c);

        return name && name_is_valid(name) ? name : NULL;
}

static int take_value(Cursor *c, ValueKind kind, Value *ret)
{
        Value v = {.kind = kind};
        uint64_t bits;
        const void *p;

        switch (kind) {
        case VALUE_NUMBER:
        case VALUE_INTEGER:
                p = take(c, sizeof(bits));
                if (!p)
                        return -EBADMSG;
                bits = bytes_get64(p);
                if (kind == VALUE_INTEGER)
                        v.integer = (int64_t)bits;
                else
                        memcpy(&v.number, &bits, sizeof(bits));
                if (kind == VALUE_NUMBER && !isfinite(v.number))
                        return -EBADMSG;
                break;
        case VALUE_BOOLEAN:
                p = take(c, 1);
                if (!p)
                        return -EBADMSG;
                v.boolean = *(const uint8_t *)p != 0;
                break;
        case VALUE_TEXT:
                v.text = take_text(c);
                if (!v.text || !utf8_is_valid(v.text, strlen(v.text)))
                        return -EBADMSG;
                break;
        case _VALUE_KIND_MAX:
        default:
                return -EBADMSG;
        }
        *ret = v;
        return 0;
}

static int take_position(Cursor *c, const char *sensor, Reading *ret)
{
        const char *source = take_text(c);
        const uint8_t *p = source ? take(c, POSITION_SIZE) : NULL;

        if (!p || (*source && !name_is_valid(source)))
                return -EBADMSG;
        ret->source = *source ? source : sensor;
        ret->position = (SourcePosition){
                .serial = bytes_get64(p),
                .file = bytes_get64(p + 8),
                .offset = bytes_get64(p + 16),
                .mtime = bytes_get64(p + 24),
                .check = bytes_get32(p + 32),
        };
        return 0;
}

static int take_age(Cursor *c, Reading *ret)
{
        const void *p = take(c, sizeof(uint64_t));

        if (!p)
                return -EBADMSG;
        ret->age_usec = bytes_get64(p);
        return 0;
}

static int take_place(Cursor *c, Reading *ret)
{
        const void *p = take(c, sizeof(uint32_t));

        if (!p)
                return -EBADMSG;
        ret->position.place = bytes_get32(p);
        return 0;
}

int reading_decode(const void *data, size_t size, ReadingSpace *space, Reading *ret)
{
        Cursor c = {data, size};
        const uint8_t *head = take(&c, 4);
        const void *wall = head ? take(&c, 8) : NULL;
        const char *sensor = wall ? take_name(&c) : NULL;

        if (!sensor || head[0] != VERSION || head[1] >= _QUALITY_MAX || head[3] == 0 ||
            head[3] > READING_CHANNELS_MAX)
                return -EBADMSG;
        for (size_t i = 0; i < head[3]; i++) {
                const uint8_t *kind = take(&c, 1);
                const char *name = kind ? take_name(&c) : NULL;

                if (!name || take_value(&c, (ValueKind)*kind, &space->channels[i].value) < 0)
                        return -EBADMSG;
                space->channels[i].name = name;
        }
        *ret = (Reading){
                .sensor = sensor,
                .wall_usec = bytes_get64(wall),
                .wall_trusted = head[2] & FLAG_WALL_TRUSTED,
                .quality = (Quality)head[1],
                .channels = space->channels,
                .n_channels = head[3],
        };
        if (head[2] & FLAG_POSITION && take_position(&c, sensor, ret) < 0)
                return -EBADMSG;
        if (head[2] & FLAG_AGE && take_age(&c, ret) < 0)
                return -EBADMSG;
        if (head[2] & FLAG_PLACE && take_place(&c, ret) < 0)
                return -EBADMSG;
        return c.left == 0 ? 0 : -EBADMSG;
}
