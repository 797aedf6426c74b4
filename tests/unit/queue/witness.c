/* SPDX-License-Identifier: Apache-2.0 */
#include "witness.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "fail-alloc.h"
#include "queue/queue-core.h"

#define READ_PATIENCE_USEC (3 * USEC_PER_MIN) /* for what cannot be read: the queue gives up earlier */

static void *grow(void *p, size_t size)
{
        fail_alloc_exempt(); /* it is no part of what is tried */
        p = realloc(p, size);
        fail_alloc_resume();
        if (!p)
                abort();
        return p;
}

void witness_init(Witness *w, size_t room)
{
        *w = (Witness){
                .names = {"telemetry", "wind", "alarms", "roamer"},
                .lanes = {QUEUE_LANE_NORMAL, QUEUE_LANE_NORMAL, QUEUE_LANE_URGENT, QUEUE_LANE_NORMAL},
        };
        w->rows = grow(NULL, room * sizeof(*w->rows));
        memset(w->rows, 0, room * sizeof(*w->rows));
        w->allocated = room;
}

void witness_done(Witness *w)
{
        for (unsigned i = 0; i < WITNESS_STREAMS; i++)
                free(w->numbers[i].newest);
        free(w->rows);
        *w = (Witness){};
}

const char *witness_complain(Witness *w, const char *fmt, ...)
{
        va_list ap;

        va_start(ap, fmt);
        if (!w->complaint[0]) /* the first one counts */
                (void)vsnprintf(w->complaint, sizeof(w->complaint), fmt, ap);
        va_end(ap);
        return w->complaint;
}

/* ---- what it hears ---- */

static size_t *newest(Witness *w, unsigned stream, uint64_t n)
{
        struct WitnessNumbers *numbers = &w->numbers[stream];

        if (n >= numbers->allocated) {
                size_t room = MAX((size_t)n + 1, numbers->allocated * 2);

                numbers->newest = grow(numbers->newest, room * sizeof(size_t));
                memset(numbers->newest + numbers->allocated, 0, (room - numbers->allocated) * sizeof(size_t));
                numbers->allocated = room;
        }
        return &numbers->newest[n];
}

static int stream_of(const Witness *w, const char *name)
{
        for (unsigned i = 0; i < WITNESS_STREAMS; i++)
                if (strcmp(w->names[i], name) == 0)
                        return (int)i;
        return -1;
}

static void hear_outcome(Witness *w, WitnessRow *row, Outcome outcome)
{
        if (w->world > 0) {
                if (outcome != OUTCOME_DAMAGED)
                        row->given_up = w->world;
        } else if (row->settled == WITNESS_NEVER) {
                row->settled = w->bench->disk->n_entries;
                row->outcome = outcome;
        }
}

static void on_settled(void *userdata, const Settled *settled)
{
        Witness *w = userdata;
        int stream = stream_of(w, settled->stream);

        if (stream < 0 || settled->first > settled->last) {
                (void)witness_complain(w, "an outcome for stream %s, %llu-%llu", settled->stream,
                                       (unsigned long long)settled->first, (unsigned long long)settled->last);
                return;
        }
        for (uint64_t n = settled->first; n <= settled->last && n < w->numbers[stream].allocated; n++)
                for (size_t k = *newest(w, (unsigned)stream, n); k != 0; k = w->rows[k - 1].before)
                        hear_outcome(w, &w->rows[k - 1], settled->outcome);
}

static void on_receipt(void *userdata, int error, unsigned stream, uint64_t epoch, uint64_t n)
{
        WitnessRow *row = userdata;
        Witness *w = row->witness;

        if (row->answered)
                (void)witness_complain(w, "%s %llu: a second receipt", w->names[row->stream], (unsigned long long)n);
        if (row->n == 0) /* not known before queue_append() returns */
                row->n = n;
        if (epoch != row->epoch || n != row->n || stream != w->handles[row->stream])
                (void)witness_complain(w, "%s %llu: a receipt for %llu", w->names[row->stream],
                                       (unsigned long long)row->n, (unsigned long long)n);
        row->answered = true;
        for (size_t i = 0; error == 0 && i < row->n_together; i++)
                row[-(ptrdiff_t)i].promised = w->bench->disk->n_entries;
}

void witness_attend(Witness *w, Bench *b)
{
        w->bench = b;
        b->on_settled = on_settled;
        b->on_settled_userdata = w;
}

/* ---- what it hands in ---- */

bool witness_streams(Witness *w)
{
        for (unsigned i = 0; i < WITNESS_STREAMS; i++)
                if (queue_stream(w->bench->queue, w->names[i], w->lanes[i], &w->handles[i]) < 0)
                        return false;
        return true;
}

static void fill(uint8_t *payload, size_t size, size_t serial)
{
        bytes_put64(payload, serial);
        for (size_t i = 8; i < size; i++)
                payload[i] = (uint8_t)(serial * 31 + i * 7 + i / 251);
}

/* It was taken, with that number. */
static void remember(Witness *w, WitnessRow *row, uint64_t n)
{
        size_t *number = newest(w, row->stream, n);

        for (size_t k = *number; k != 0; k = w->rows[k - 1].before)
                if (w->rows[k - 1].epoch == row->epoch)
                        (void)witness_complain(w, "%s %llu: given twice in one epoch", w->names[row->stream],
                                               (unsigned long long)n);
        row->n = n;
        row->before = *number;
        *number = ++w->n_rows;
}

int witness_append_all(Witness *w, unsigned stream, size_t size, size_t n, bool receipt)
{
        static uint8_t payload[QUEUE_PAYLOAD_MAX];
        struct iovec pieces[WITNESS_TOGETHER_MAX];
        WitnessRow *rows = &w->rows[w->n_rows], *last = rows + n - 1;
        QueueReceipt wanted = {on_receipt, last};
        uint64_t first = 0;
        int r;

        if (n > WITNESS_TOGETHER_MAX || w->n_rows + n > w->allocated)
                abort();
        size = CLAMP(size, (size_t)8, sizeof(payload) / n);
        for (size_t i = 0; i < n; i++) {
                pieces[i] = (struct iovec){payload + i * size, size};
                fill(pieces[i].iov_base, size, w->n_rows + i);
                rows[i] = (WitnessRow){
                        .witness = w,
                        .stream = stream,
                        .kind = size > 1000 ? QUEUE_KIND_MESSAGE : QUEUE_KIND_READING,
                        .size = size,
                        .epoch = queue_epoch(w->bench->queue),
                        .promised = WITNESS_NEVER,
                        .settled = WITNESS_NEVER,
                };
        }
        last->n_together = n;
        r = queue_append_all(w->bench->queue, w->handles[stream], rows->kind, pieces, n, receipt ? &wanted : NULL,
                             &first);
        if (last->answered && (r != 0 || last->n != first + n - 1))
                (void)witness_complain(w, "%s: a receipt for %llu at once, and the append says %d, %llu",
                                       w->names[stream], (unsigned long long)last->n, r, (unsigned long long)first);
        for (size_t i = 0; r == 0 && i < n; i++)
                remember(w, &rows[i], first + i);
        return r;
}

int witness_append(Witness *w, unsigned stream, size_t size, bool receipt)
{
        return witness_append_all(w, stream, size, 1, receipt);
}

void witness_branch(Witness *w, Bench *b)
{
        w->world = ++w->n_worlds;
        w->bench = b;
}

void witness_return(Witness *w, Bench *story, size_t n_rows)
{
        w->world = 0;
        w->bench = story;
        while (w->n_rows > n_rows) {
                const WitnessRow *row = &w->rows[--w->n_rows];

                *newest(w, row->stream, row->n) = row->before;
        }
}

/* ---- what it finds ---- */

WitnessRow *witness_recognise(Witness *w, const QueueRecord *record)
{
        const uint8_t *payload = record->payload;
        uint64_t serial = record->size >= 8 ? bytes_get64(payload) : UINT64_MAX;
        const char *name = queue_stream_name(w->bench->queue, record->stream);
        WitnessRow *row = serial < w->n_rows ? &w->rows[serial] : NULL;
        int stream = stream_of(w, name);

        if (!row || stream < 0 || row->stream != (unsigned)stream || row->n != record->n ||
            row->epoch != record->epoch || row->size != record->size || row->kind != record->kind) {
                (void)witness_complain(w, "%s %llu is a record that was never handed in", name,
                                       (unsigned long long)record->n);
                return NULL;
        }
        for (size_t i = 8; i < row->size; i++)
                if (payload[i] != (uint8_t)(serial * 31 + i * 7 + i / 251)) {
                        (void)witness_complain(w, "%s %llu was changed at byte %zu", name,
                                               (unsigned long long)record->n, i);
                        return NULL;
                }
        return row;
}

/* As queue_peek(), and waits as long as it takes. */
static int peek(Bench *b, QueueLane lane, QueueSource source, QueueRecord *ret)
{
        usec_t until = b->clock.boot_usec + READ_PATIENCE_USEC;
        int r;

        while ((r = queue_peek(b->queue, lane, source, ret)) == QUEUE_E_WAIT && b->clock.boot_usec < until)
                bench_run(b, USEC_PER_SEC / 2);
        return r;
}

static void read_source(Witness *w, Bench *b, QueueLane lane, QueueSource source, WitnessFinding *f,
                        uint64_t counts[static WITNESS_STREAMS])
{
        uint64_t last[WITNESS_STREAMS] = {};
        QueueRecord record;
        int r;

        while ((r = peek(b, lane, source, &record)) == 0) {
                const char *name = queue_stream_name(b->queue, record.stream);
                int stream = stream_of(w, name);
                WitnessRow *row = NULL;

                if (stream < 0 || (record.kind != QUEUE_KIND_NOTICE && !(row = witness_recognise(w, &record)))) {
                        (void)witness_complain(w, "a record of stream %s", name);
                        return;
                }
                if (record.n <= last[stream])
                        (void)witness_complain(w, "%s %llu comes after %llu", name, (unsigned long long)record.n,
                                               (unsigned long long)last[stream]);
                last[stream] = record.n;
                f->n_read++;
                counts[stream]++;
                queue_advance(b->queue, lane, source);
                if (!row) /* the queue's own */
                        continue;
                if (row->found == w->examination)
                        (void)witness_complain(w, "%s %llu comes twice", name, (unsigned long long)record.n);
                row->found = w->examination;
                f->n_again += row->settled != WITNESS_NEVER;
        }
        if (r != QUEUE_E_EMPTY)
                (void)witness_complain(w, "lane %d, source %d: no end of waiting", lane, source);
}

static void learn_known(const Witness *w, Bench *b, uint64_t known[static WITNESS_STREAMS])
{
        for (unsigned s = 0; s < queue_n_streams(b->queue); s++) {
                int stream = stream_of(w, queue_stream_name(b->queue, s));
                Ledger l;

                queue_ledger(b->queue, s, &l);
                if (stream >= 0)
                        known[stream] = l.accepted;
        }
}

static void look_for_promised(Witness *w, size_t entries, WitnessMercy mercy, WitnessFinding *f,
                              const uint64_t known[static WITNESS_STREAMS],
                              uint64_t promised[static WITNESS_STREAMS])
{
        for (size_t i = 0; i < w->n_rows; i++) {
                WitnessRow *row = &w->rows[i];

                if (row->promised > entries || row->promised == WITNESS_NEVER)
                        continue;
                promised[row->stream]++;
                if (row->found == w->examination || (row->settled != WITNESS_NEVER && row->settled <= entries) ||
                    (w->world > 0 && row->given_up == w->world))
                        continue;
                /* Where the last page that told of a number is gone as well, nobody can count it. */
                if (mercy == WITNESS_HARMED && row->n > known[row->stream]) {
                        row->given_up = w->world;
                        continue;
                }
                f->n_gone++;
                if (mercy != WITNESS_HARMED)
                        (void)witness_complain(w, "%s %llu had its receipt (at change %zu) and is gone",
                                               w->names[row->stream], (unsigned long long)row->n, row->promised);
        }
}

/* On a disk without room for another slot, a lane that has none to write to takes the one whose records it has just
 * dropped, before a durable checkpoint says so: with a cut right then, they count as damaged (is_last_resort()). */
static size_t given_way(const Witness *w, size_t entries)
{
        size_t n = 0;

        for (size_t i = 0; i < w->n_rows; i++) {
                const WitnessRow *row = &w->rows[i];

                n += row->settled <= entries && row->settled != WITNESS_NEVER && row->found != w->examination &&
                     (row->outcome == OUTCOME_QUEUE_FULL || row->outcome == OUTCOME_FREE_SPACE);
        }
        return n;
}

static void look_at_books(Witness *w, Bench *b, WitnessMercy mercy, WitnessFinding *f,
                          const uint64_t counts[static WITNESS_STREAMS],
                          const uint64_t promised[static WITNESS_STREAMS])
{
        for (unsigned s = 0; s < queue_n_streams(b->queue); s++) {
                const char *name = queue_stream_name(b->queue, s);
                int stream = stream_of(w, name);
                Ledger l;

                queue_ledger(b->queue, s, &l);
                f->n_damaged += l.settled[OUTCOME_DAMAGED];
                f->n_torn += b->queue->streams[s]->durable - 1 - l.accepted;
                if (stream < 0) { /* the page that named it is gone */
                        if (mercy != WITNESS_HARMED)
                                (void)witness_complain(w, "a stream of the name %s", name);
                        continue;
                }
                if (ledger_waiting(&l) != counts[stream])
                        (void)witness_complain(w, "%s: %llu wait, %llu can be read", name,
                                               (unsigned long long)ledger_waiting(&l),
                                               (unsigned long long)counts[stream]);
                if (mercy != WITNESS_HARMED && l.accepted < promised[stream])
                        (void)witness_complain(w, "%s: %llu accepted, %llu were promised", name,
                                               (unsigned long long)l.accepted, (unsigned long long)promised[stream]);
        }
}

const char *witness_examine(Witness *w, Bench *b, size_t entries, WitnessMercy mercy, WitnessFinding *ret)
{
        uint64_t counts[WITNESS_STREAMS] = {}, known[WITNESS_STREAMS] = {}, promised[WITNESS_STREAMS] = {};
        WitnessFinding f = {};

        w->examination++;
        for (QueueLane lane = 0; lane < _QUEUE_LANE_MAX; lane++)
                for (int source = _QUEUE_SOURCE_MAX; source-- > 0;)
                        read_source(w, b, lane, (QueueSource)source, &f, counts);
        learn_known(w, b, known);
        look_for_promised(w, entries, mercy, &f, known, promised);
        look_at_books(w, b, mercy, &f, counts, promised);
        if (mercy == WITNESS_STRICT && f.n_damaged > given_way(w, entries))
                (void)witness_complain(w, "%llu are counted as damaged", (unsigned long long)f.n_damaged);
        /* With the pages before a torn commit gone as well, what they held counts as torn with it. */
        if (f.n_gone > f.n_damaged + f.n_torn)
                (void)witness_complain(w, "%zu are gone, %llu counted as damaged", f.n_gone,
                                       (unsigned long long)f.n_damaged);
        *ret = f;
        return w->complaint[0] ? w->complaint : NULL;
}
