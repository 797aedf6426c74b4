/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/positions.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log-id.h"
#include "base/log.h"
#include "model/reading.h"

#define BROWSE_AT_ONCE 1024                /* records in one step */
#define BROWSE_MAX     (60 * USEC_PER_SEC) /* a disk that does not answer holds up nobody for longer */
#define RETRY_USEC     (10 * USEC_PER_SEC)

/* Up to here no record of the stream needs to be looked at again. */
typedef struct Floor {
        Name stream;
        uint64_t n;
} Floor;

struct Positions {
        Queue *queue;
        const Clock *clock;
        PositionsPort port;

        Sources sources;
        Floor floors[QUEUE_STREAMS_MAX];
        size_t n_floors;

        /* looking through the queue at the start */
        bool looking;
        unsigned look_stream;
        uint64_t look_next; /* 0: the stream is not begun */
        bool look_waits;    /* for the disk */
        usec_t look_until;

        bool dirty;    /* the file speaks of a queue that is gone */
        bool hold_all; /* which records are not covered is not known one by one */
        bool is_storing;
        bool failed; /* the last try to store */
        usec_t retry_at;
};

/* ---- the file ----
 *
 * hublink-positions 1
 * source ...    (flow/sources.h)
 * stream NAME N
 */

static void take_line(Positions *p, const char *line)
{
        char name[NAME_LENGTH_MAX + 2];
        uint64_t n;

        if (sources_take_line(&p->sources, line))
                return;
        if (sscanf(line, "stream %33s %" SCNu64, name, &n) == 2 && name_is_valid(name) &&
            p->n_floors < QUEUE_STREAMS_MAX) {
                Floor *f = &p->floors[p->n_floors++];

                memcpy(f->stream, name, strlen(name) + 1);
                f->n = n;
        }
}

static int load(Positions *p, const char *text, size_t size)
{
        _cleanup_free_ char *copy = strndup(text, size);
        char *rest = copy;

        if (!copy)
                return -ENOMEM;
        for (char *line; (line = strsep(&rest, "\n"));)
                take_line(p, line);
        return 0;
}

static uint64_t stored_floor(const Positions *p, unsigned stream)
{
        const char *name = queue_stream_name(p->queue, stream);

        for (size_t i = 0; i < p->n_floors; i++)
                if (strcmp(p->floors[i].stream, name) == 0)
                        return MIN(p->floors[i].n, queue_durable(p->queue, stream) - 1);
        return 0;
}

/* Where records are not covered, it stays below them. */
static uint64_t new_floor(const Positions *p, unsigned stream)
{
        uint64_t durable = queue_durable(p->queue, stream), n = durable - 1;

        if (p->hold_all)
                return stored_floor(p, stream);
        for (size_t i = 0; i < p->sources.n; i++)
                if (p->sources.all[i].stream == stream)
                        n = MIN(n, source_covered(&p->sources.all[i], durable));
        return n;
}

static void raise_floors(Positions *p)
{
        Floor floors[QUEUE_STREAMS_MAX] = {};
        size_t n = 0;

        for (unsigned i = 0; i < queue_n_streams(p->queue) && n < QUEUE_STREAMS_MAX; i++) {
                const char *name = queue_stream_name(p->queue, i);

                (void)snprintf(floors[n].stream, sizeof(floors[n].stream), "%s", name);
                floors[n++].n = new_floor(p, i);
        }
        memcpy(p->floors, floors, sizeof(floors));
        p->n_floors = n;
}

/* As far as it was read, or to where something is held. What was let go meanwhile is in the queue, and its record has a
 * mark; or it was dropped. */
static void refresh(const Positions *p, Source *s)
{
        SourcePosition at = s->read;

        if (p->port.limit)
                p->port.limit(p->port.userdata, s->name.sensor, &at);
        source_reach(s, &at);
}

/* How far each source may be told of: to its newest record that is durable. True: the file would say more. */
static bool choose(Positions *p)
{
        bool news = false;

        for (size_t i = 0; i < p->sources.n; i++) {
                Source *s = &p->sources.all[i];

                refresh(p, s);
                news = source_choose(s, queue_durable(p->queue, s->stream)) || news;
        }
        return news;
}

static void print(const Positions *p, Buffer *b)
{
        buffer_append_string(b, "hublink-positions 1\n");
        sources_print(&p->sources, b);
        for (size_t i = 0; i < p->n_floors; i++)
                buffer_printf(b, "stream %s %" PRIu64 "\n", p->floors[i].stream, p->floors[i].n);
}

static void store(Positions *p)
{
        _cleanup_(buffer_done) Buffer b = BUFFER_NULL;
        int r;

        if (p->is_storing || p->looking)
                return;
        if (!choose(p) && !p->dirty) {
                p->hold_all = false;
                return;
        }
        p->dirty = false;
        raise_floors(p);
        print(p, &b);
        r = buffer_error(&b) < 0 ? -ENOMEM : 0;
        p->is_storing = true;
        if (r == 0)
                r = p->port.store(p->port.userdata, b.data, b.size);
        if (r < 0)
                positions_stored(p, r);
}

static void note_failure(Positions *p, int error)
{
        if (!p->failed)
                log_line(LOG_WARNING, LOG_ID_POSITIONS_NOT_STORED, NULL,
                         "The positions in growing files cannot be stored: %s. Lines are sent all the same; if "
                         "hublinkd is killed before this is mended, some may come twice.",
                         strerrordesc_np(-error));
        p->failed = true;
        p->retry_at = usec_add(clock_boot(p->clock), RETRY_USEC);
}

void positions_stored(Positions *p, int error)
{
        bool clean = true;

        p->is_storing = false;
        if (error < 0) {
                note_failure(p, error);
                p->port.released(p->port.userdata);
                return;
        }
        if (p->failed)
                log_notice("The positions in growing files are stored again.");
        p->failed = false;
        for (size_t i = 0; i < p->sources.n; i++) {
                source_stored(&p->sources.all[i]);
                clean = clean && p->sources.all[i].held_from == 0;
        }
        p->hold_all = p->hold_all && !clean;
        p->port.released(p->port.userdata);
        store(p); /* what was committed meanwhile */
}

/* ---- what the queue knows, at the start ---- */

static void take_record(Positions *p, const QueueRecord *record)
{
        ReadingSpace space;
        Reading reading;
        Source *s;

        if (record->kind != QUEUE_KIND_READING ||
            reading_decode(record->payload, record->size, &space, &reading) < 0 || !reading.source)
                return;
        s = sources_get(&p->sources, reading.source, reading.position.place);
        if (s && reading.position.serial > s->latest.serial)
                s->latest = reading.position;
}

/* A queue that began anew counts from one. Soon its numbers would be those of the old one. */
static bool speaks_of_another_queue(const Positions *p)
{
        for (unsigned i = 0; i < queue_n_streams(p->queue); i++)
                for (size_t k = 0; k < p->n_floors; k++)
                        if (strcmp(p->floors[k].stream, queue_stream_name(p->queue, i)) == 0 &&
                            p->floors[k].n >= queue_durable(p->queue, i))
                                return true;
        return false;
}

static void look_ended(Positions *p)
{
        p->dirty = speaks_of_another_queue(p);
        p->looking = false;
        for (size_t i = 0; i < p->sources.n; i++)
                p->hold_all = p->hold_all || !source_is_clean(&p->sources.all[i]);
        store(p);
        if (!p->hold_all)
                p->port.released(p->port.userdata);
}

static void look(Positions *p)
{
        p->look_waits = false;
        for (int i = 0; i < BROWSE_AT_ONCE; i++) {
                QueueRecord record;
                int r;

                if (p->look_stream >= queue_n_streams(p->queue)) {
                        look_ended(p);
                        return;
                }
                if (p->look_next == 0)
                        p->look_next = stored_floor(p, p->look_stream) + 1;
                r = queue_browse(p->queue, p->look_stream, p->look_next, UINT64_MAX, &record);
                if (r == 0) {
                        take_record(p, &record);
                        p->look_next = record.n + 1;
                } else if (r == QUEUE_E_WAIT) {
                        p->look_waits = true;
                        return;
                } else {
                        p->look_stream++;
                        p->look_next = 0;
                }
        }
}

/* ---- what the others say ---- */

void positions_appended(void *userdata, const Reading *reading, unsigned stream, uint64_t n)
{
        Positions *p = userdata;
        Source *s = sources_get(&p->sources, reading->source, reading->position.place);

        /* Its settings changed. What lies in the other stream is not covered yet, either. */
        if (s && source_append(s, &reading->position, stream, n))
                p->hold_all = true;
}

bool positions_hold(void *userdata, unsigned stream, uint64_t n)
{
        const Positions *p = userdata;
        QueueStatus status;
        bool held = p->looking || p->hold_all;

        for (size_t i = 0; i < p->sources.n && !held; i++) {
                const Source *s = &p->sources.all[i];

                held = s->held_from > 0 && s->stream == stream && n >= s->held_from;
        }
        if (!held || p->failed)
                return false;
        /* What is served from memory will never be durable. */
        queue_status(p->queue, &status);
        return !status.disk_failed;
}

void positions_queue_changed(Positions *p)
{
        if (p->looking)
                look(p);
        else if (!p->failed)
                store(p);
}

void positions_stop(Positions *p)
{
        if (!p->looking)
                store(p);
}

/* ---- what sources ask ---- */

static PositionAnswer on_find(void *userdata, const char *source, uint32_t place, SourcePosition *ret)
{
        Positions *p = userdata;
        const Source *s = p->looking ? NULL : sources_claim(&p->sources, source, place);

        if (p->looking)
                return POSITION_WAIT;
        if (!s || (s->latest.serial == 0 && s->read.serial == 0))
                return POSITION_NONE;
        *ret = s->read.serial > 0 ? s->read : s->latest;
        ret->place = place;
        return POSITION_FOUND;
}

static void on_passed(void *userdata, const char *source, const SourcePosition *at)
{
        Positions *p = userdata;
        Source *s = sources_get(&p->sources, source, at->place);

        if (!s)
                return;
        s->read = *at;
        refresh(p, s);
        if (s->n_marks == 0 && s->stored.serial == 0)
                store(p);
}

PositionBook positions_book(Positions *p)
{
        return (PositionBook){on_find, on_passed, p};
}

/* ---- time ---- */

static usec_t deadline(void *userdata)
{
        const Positions *p = userdata;

        if (p->looking)
                return p->look_waits ? p->look_until : 0;
        return p->failed && !p->is_storing ? p->retry_at : USEC_INFINITY;
}

static void tick(void *userdata, usec_t now)
{
        Positions *p = userdata;

        if (p->looking && p->look_waits && now >= p->look_until) {
                log_warning("Positions: the queue's disk does not answer; growing files go on from where it is known.");
                look_ended(p);
        } else if (p->looking && !p->look_waits) {
                look(p);
        } else if (p->failed && !p->is_storing && now >= p->retry_at) {
                p->retry_at = usec_add(now, RETRY_USEC);
                store(p);
        }
}

Ticker positions_ticker(Positions *p)
{
        return (Ticker){"positions", deadline, tick, p};
}

/* ---- life ---- */

int positions_expect(Positions *p, const SourceName *names, size_t n)
{
        return sources_expect(&p->sources, names, n);
}

int positions_new(Positions **ret, const char *text, size_t size, bool expected, Queue *queue, const Clock *clock,
                  const PositionsPort *port)
{
        _cleanup_(positions_freep) Positions *p = calloc(1, sizeof(*p));
        int r;

        if (!p)
                return -ENOMEM;
        p->queue = queue;
        p->clock = clock;
        p->port = *port;
        r = load(p, text, size);
        if (r < 0)
                return r;
        p->looking = expected || size > 0;
        p->look_until = usec_add(clock_boot(clock), BROWSE_MAX);
        *ret = TAKE_PTR(p);
        return 0;
}

Positions *positions_free(Positions *p)
{
        if (!p)
                return NULL;
        sources_done(&p->sources);
        free(p);
        return NULL;
}
