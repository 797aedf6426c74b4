/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What local services ask of the dead letters. A payload may have to be read from the disk, so get and requeue are
 * errands: done one after another, each answered when its dead letter was read.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "flow/dead-letters-core.h"
#include "flow/reading-time.h"

struct DeadErrand {
        DeadErrand *next;
        uint64_t id;
        DeadLetterAnswerFn get; /* or else: requeue */
        SubmitAnswerFn requeue;
        void *userdata;
};

/* On its way back. The dead letter is settled when the new record is on disk. */
typedef struct Return {
        DeadLetters *d;
        uint64_t id;
        Name stream;
        SubmitAnswerFn answer;
        void *userdata;
} Return;

#define NOT_THERE   "there is no dead letter %llu: hublinkctl dead-letters list names those that there are"
#define ON_ITS_WAY  "dead letter %llu is being requeued already"
#define NOT_READ    "dead letter %llu cannot be read from the disk; it can still be deleted"
#define NO_STREAM   "dead letter %llu came from stream %s, which is in the queue no more: add it to the settings, or " \
                    "export the dead letter and submit it to another stream"
#define QUEUE_FULL  "the queue is full: hublinkctl status says why, and what to do"
#define QUEUE_FAILS "the queue's disk fails: see hublinkctl status"
#define QUEUE_BUSY  "the queue's buffers are full: try again shortly"
#define STOPPING    "the daemon is stopping"
#define NOT_LOADED  "the dead letters are still being read: try again shortly"
#define STORE_FAILS "the disk of the dead letters fails: see the journal of hublinkd"

/* ---- answers ---- */

static void refuse(const DeadErrand *e, RequestError error, const char *text)
{
        if (e->get)
                e->get(e->userdata, &(DeadLetterAnswer){.error = error, .detail = text});
        else
                e->requeue(e->userdata, &(SubmitAnswer){.error = error, .detail = text});
}

static void refuse_by_id(const DeadErrand *e, RequestError error, const char *fmt)
{
        char text[128];

        (void)snprintf(text, sizeof(text), fmt, (unsigned long long)e->id);
        refuse(e, error, text);
}

/* ---- get ---- */

static void give(const DeadLetters *d, const DeadErrand *e, size_t at, const DeadRecord *record)
{
        _cleanup_(message_freep) Message *message = NULL;
        DeadLetterAnswer answer = {.letter = &d->index.letters[at]};
        ReadingSpace space;
        Reading reading;

        if (record->kind == QUEUE_KIND_READING &&
            reading_decode(record->payload, record->size, &space, &reading) == 0) {
                answer.reading = &reading;
        } else if (record->kind == QUEUE_KIND_MESSAGE &&
                   message_decode(record->payload, record->size, &message) == 0) {
                answer.message = message;
        } else {
                answer.bytes = record->payload;
                answer.n_bytes = record->size;
        }
        e->get(e->userdata, &answer);
}

/* ---- requeue ---- */

static void on_returned(void *userdata, int error, unsigned stream, uint64_t epoch, uint64_t n)
{
        Return *back = userdata;
        DeadLetters *d = back->d;
        size_t at = dead_index_find(&d->index, back->id);
        SubmitAnswer answer = {.stream = back->stream, .epoch = epoch, .first = n, .last = n};

        if (at < d->index.n)
                d->index.leaving[at] = false;
        if (error < 0) {
                answer.error = REQUEST_DISK_ERROR;
                answer.detail = QUEUE_FAILS;
        } else if (at < d->index.n)
                dead_letters_settle(d, back->id, OUTCOME_ACKNOWLEDGED);
        back->answer(back->userdata, &answer);
        free(back);
}

/* When it was appended is lost by appending it again: what is known of that goes into the record itself. */

static int fix_reading(const DeadRecord *record, Buffer *b)
{
        ReadingSpace space;
        Reading reading;

        if (reading_decode(record->payload, record->size, &space, &reading) < 0 || reading.wall_trusted)
                return 0;
        reading_time_make_out(&reading, record->appended_usec, record->time);
        reading.wall_trusted = true;
        reading_encode(&reading, b);
        return buffer_error(b);
}

static int fix_message(const DeadRecord *record, Buffer *b)
{
        _cleanup_(message_freep) Message *m = NULL;
        int r = message_decode(record->payload, record->size, &m);

        if (r == -ENOMEM)
                return r;
        if (r < 0 || m->created_usec > 0 || record->time == QUEUE_TIME_UNKNOWN)
                return 0;
        m->created_usec = record->appended_usec;
        message_encode(m, b);
        return buffer_error(b);
}

static int fix_time(const DeadRecord *record, Buffer *b)
{
        return record->kind == QUEUE_KIND_READING   ? fix_reading(record, b)
               : record->kind == QUEUE_KIND_MESSAGE ? fix_message(record, b)
                                                    : 0;
}

static bool find_stream(const Queue *q, const char *name, unsigned *ret)
{
        for (unsigned h = 0; h < queue_n_streams(q); h++)
                if (strcmp(queue_stream_name(q, h), name) == 0) {
                        *ret = h;
                        return true;
                }
        return false;
}

static int append_again(DeadLetters *d, const DeadErrand *e, unsigned stream, const DeadRecord *record)
{
        _cleanup_(buffer_done) Buffer fixed = BUFFER_NULL;
        Return *back;
        int r;

        if (fix_time(record, &fixed) < 0)
                return -ENOMEM;
        back = calloc(1, sizeof(*back));
        if (!back)
                return -ENOMEM;
        *back = (Return){.d = d, .id = e->id, .answer = e->requeue, .userdata = e->userdata};
        memcpy(back->stream, record->stream, sizeof(back->stream));
        r = queue_append(d->queue, stream, record->kind, fixed.size > 0 ? fixed.data : record->payload,
                         fixed.size > 0 ? fixed.size : record->size, &(QueueReceipt){on_returned, back}, NULL);
        if (r != 0)
                free(back);
        return r;
}

static void requeue(DeadLetters *d, const DeadErrand *e, size_t at, const DeadRecord *record)
{
        unsigned stream;
        char text[256];

        if (!find_stream(d->queue, record->stream, &stream)) {
                (void)snprintf(text, sizeof(text), NO_STREAM, (unsigned long long)e->id, record->stream);
                refuse(e, REQUEST_NO_SUCH_STREAM, text);
                return;
        }
        d->index.leaving[at] = true;
        switch (append_again(d, e, stream, record)) {
        case 0:
                return;
        case QUEUE_E_FULL:
                refuse(e, REQUEST_QUEUE_FULL, QUEUE_FULL);
                break;
        case QUEUE_E_DISK:
                refuse(e, REQUEST_DISK_ERROR, QUEUE_FAILS);
                break;
        default: /* QUEUE_E_BUSY, -ENOMEM */
                refuse(e, REQUEST_BUSY, QUEUE_BUSY);
                break;
        }
        d->index.leaving[at] = false;
}

/* ---- errands ---- */

void dead_errands_init(DeadLetters *d)
{
        d->last_errand = &d->first_errand;
}

static void enqueue(DeadLetters *d, const DeadErrand *errand)
{
        DeadErrand *e;

        if (d->stopped) {
                refuse(errand, REQUEST_BUSY, STOPPING);
                return;
        }
        if (!d->loaded && !dead_letters_disk_is_well(d)) {
                refuse(errand, REQUEST_DISK_ERROR, STORE_FAILS);
                return;
        }
        e = malloc(sizeof(*e));
        if (!e) {
                refuse(errand, REQUEST_BUSY, "out of memory");
                return;
        }
        *e = *errand;
        *d->last_errand = e;
        d->last_errand = &e->next;
        d->wanted = true;
}

/* False: its dead letter is still being read. */
static bool run(DeadLetters *d, const DeadErrand *e)
{
        size_t at = dead_index_find(&d->index, e->id);
        QueueRecord found;
        DeadRecord record;
        int r;

        if (at == d->index.n) {
                refuse_by_id(e, REQUEST_NO_SUCH_MESSAGE, NOT_THERE);
                return true;
        }
        if (e->requeue && d->index.leaving[at]) {
                refuse_by_id(e, REQUEST_BUSY, ON_ITS_WAY);
                return true;
        }
        r = queue_browse(d->store, (unsigned)dead_letters_stream(d), e->id, e->id, &found);
        if (r == QUEUE_E_WAIT)
                return false;
        if (r != 0 || dead_record_decode(found.payload, found.size, &record) < 0)
                refuse_by_id(e, REQUEST_DISK_ERROR, NOT_READ);
        else if (e->get)
                give(d, e, at, &record);
        else
                requeue(d, e, at, &record);
        return true;
}

static DeadErrand *take_first(DeadLetters *d)
{
        DeadErrand *e = d->first_errand;

        d->first_errand = e->next;
        if (!d->first_errand)
                d->last_errand = &d->first_errand;
        return e;
}

void dead_errands_step(DeadLetters *d)
{
        while (d->first_errand && run(d, d->first_errand))
                free(take_first(d));
}

void dead_errands_end(DeadLetters *d)
{
        while (d->first_errand) {
                refuse(d->first_errand, REQUEST_BUSY, STOPPING);
                free(take_first(d));
        }
}

/* ---- the office ---- */

static RequestError on_list(void *userdata, const DeadLetter **ret, size_t *ret_n)
{
        const DeadLetters *d = userdata;

        if (!d->loaded)
                return !d->stopped && dead_letters_disk_is_well(d) ? REQUEST_BUSY : REQUEST_DISK_ERROR;
        *ret = d->index.letters;
        *ret_n = d->index.n;
        return REQUEST_OK;
}

static void on_get(void *userdata, uint64_t id, DeadLetterAnswerFn answer, void *answer_userdata)
{
        enqueue(userdata, &(DeadErrand){.id = id, .get = answer, .userdata = answer_userdata});
}

static void on_requeue(void *userdata, uint64_t id, SubmitAnswerFn answer, void *answer_userdata)
{
        enqueue(userdata, &(DeadErrand){.id = id, .requeue = answer, .userdata = answer_userdata});
}

static void on_remove(void *userdata, uint64_t id, DoneFn done, void *done_userdata)
{
        DeadLetters *d = userdata;
        size_t at = dead_index_find(&d->index, id);
        char text[128];

        if (d->stopped) {
                done(done_userdata, REQUEST_BUSY, STOPPING);
        } else if (at == d->index.n && !d->loaded) {
                done(done_userdata, REQUEST_BUSY, NOT_LOADED);
        } else if (at == d->index.n) {
                (void)snprintf(text, sizeof(text), NOT_THERE, (unsigned long long)id);
                done(done_userdata, REQUEST_NO_SUCH_MESSAGE, text);
        } else if (d->index.leaving[at]) {
                (void)snprintf(text, sizeof(text), ON_ITS_WAY, (unsigned long long)id);
                done(done_userdata, REQUEST_BUSY, text);
        } else if (!dead_letters_disk_is_well(d)) {
                done(done_userdata, REQUEST_DISK_ERROR, STORE_FAILS);
        } else {
                dead_letters_settle(d, id, OUTCOME_ACKNOWLEDGED);
                done(done_userdata, REQUEST_OK, NULL);
        }
}

DeadLetterOffice dead_letters_office(DeadLetters *d)
{
        return (DeadLetterOffice){on_list, on_get, on_requeue, on_remove, d};
}
