/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/collector.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log-id.h"
#include "base/log.h"
#include "base/throttle.h"
#include "flow/dead-letters.h"
#include "flow/gate.h"
#include "flow/trust.h"

/* One line per reason is enough; the counters tell the rest. */
#define COMPLAINT_INTERVAL USEC_PER_HOUR

/* Of one call: what the queue takes at once, with a little for what it adds of its own. */
#define SUBMIT_BYTES_MAX (256 * 1024)

typedef struct Route {
        Name name;
        unsigned stream;
} Route;

struct Collector {
        Queue *queue;
        const Clock *clock;

        Route routes[QUEUE_STREAMS_MAX];
        size_t n_routes;

        uint64_t given[QUEUE_STREAMS_MAX]; /* by the queue's streams: the number of the last record that went there */

        Trust trust;
        uint64_t refused[_REFUSAL_MAX];
        Throttle complaints[_REFUSAL_MAX];
        Buffer record; /* the one being encoded */

        void (*changed)(void *userdata, const SensorStatus *sensor);
        void *changed_userdata;
        void (*taken)(void *userdata, const Reading *reading);
        void *taken_userdata;
        void (*appended)(void *userdata, const Reading *reading, unsigned stream, uint64_t n);
        void *appended_userdata;
};

/* A call of submit() or submit_message() that waits for its receipt. */
typedef struct Submission {
        const Collector *collector;
        SubmitAnswerFn answer;
        void *userdata;
        Name stream;
        size_t n_records;
} Submission;

/* ---- life ---- */

int collector_new(Collector **ret, Queue *queue, const Clock *clock)
{
        Collector *c = calloc(1, sizeof(*c));

        if (!c)
                return -ENOMEM;
        c->queue = queue;
        c->clock = clock;
        *ret = c;
        return 0;
}

Collector *collector_free(Collector *c)
{
        if (!c)
                return NULL;
        buffer_done(&c->record);
        free(c);
        return NULL;
}

static int add_route(Collector *c, const StreamSettings *settings, Route *routes, size_t *n_routes)
{
        Route *route = &routes[*n_routes];
        int r;

        if (*n_routes >= QUEUE_STREAMS_MAX)
                return -ENOSPC;
        memcpy(route->name, settings->name, sizeof(route->name));
        r = queue_stream(c->queue, settings->name, settings->urgent ? QUEUE_LANE_URGENT : QUEUE_LANE_NORMAL,
                         &route->stream);
        if (r < 0) {
                if (r == -ENOSPC)
                        log_error("Stream %s cannot be had: the queue holds %d streams already, "
                                  "those with records left over included.",
                                  settings->name, QUEUE_STREAMS_MAX);
                return r;
        }
        ++*n_routes;
        return 0;
}

int collector_configure(Collector *c, const StreamSettings *streams, size_t n_streams)
{
        static const StreamSettings usual = {.name = STREAM_DEFAULT};
        Route routes[QUEUE_STREAMS_MAX];
        size_t n_routes = 0;
        bool has_usual = false;
        int r;

        for (size_t i = 0; i < n_streams; i++)
                queue_expect_stream(c->queue, streams[i].name);
        queue_expect_stream(c->queue, STREAM_DEFAULT);
        for (size_t i = 0; i < n_streams; i++) {
                r = add_route(c, &streams[i], routes, &n_routes);
                if (r < 0)
                        return r;
                has_usual = has_usual || strcmp(streams[i].name, STREAM_DEFAULT) == 0;
        }
        if (!has_usual) {
                r = add_route(c, &usual, routes, &n_routes);
                if (r < 0)
                        return r;
        }
        memcpy(c->routes, routes, n_routes * sizeof(*routes));
        c->n_routes = n_routes;
        return 0;
}

static const Route *find_route(const Collector *c, const char *stream)
{
        const char *name = stream && *stream ? stream : STREAM_DEFAULT;

        for (size_t i = 0; i < c->n_routes; i++)
                if (strcmp(c->routes[i].name, name) == 0)
                        return &c->routes[i];
        return NULL;
}

const uint64_t *collector_refused(const Collector *c)
{
        return c->refused;
}

static bool has_stored(const Collector *c, unsigned stream)
{
        return c->given[stream] == 0 || queue_durable(c->queue, stream) > c->given[stream];
}

bool collector_has_stored(const Collector *c, const char *stream)
{
        const Route *route = find_route(c, stream);

        if (route)
                return has_stored(c, route->stream);
        for (unsigned i = 0; i < QUEUE_STREAMS_MAX; i++)
                if (!has_stored(c, i))
                        return false;
        return true;
}

/* ---- encoding ---- */

/* Behind what is in c->record already. A reading without a time gets the present one, or that of its age, to be
 * believed as far as the clock is. */
static bool encode_reading(Collector *c, const Reading *reading, Objection *o)
{
        size_t before = c->record.size;
        Reading stamped = *reading;

        if (stamped.wall_usec == 0) {
                stamped.wall_usec = usec_sub(clock_wall(c->clock), stamped.age_usec);
                stamped.wall_trusted = trust_ask(&c->trust, c->clock, clock_boot(c->clock));
        }
        reading_encode(&stamped, &c->record);
        if (buffer_error(&c->record))
                return object_to(o, REFUSAL_OVERLOAD, REQUEST_BUSY, "out of memory");
        if (c->record.size - before > DEAD_LETTERS_PAYLOAD_MAX)
                return object_to(o, REFUSAL_TOO_LONG, REQUEST_TOO_LARGE, "a reading of %s is over %d bytes",
                                 reading->sensor, DEAD_LETTERS_PAYLOAD_MAX);
        return true;
}

/* The queue knows best what is wrong with it, and what to do. error: what it said itself. */
static bool object_to_disk(const Collector *c, int error, Objection *o)
{
        QueueStatus status;

        queue_status(c->queue, &status);
        return object_to(o, REFUSAL_OVERLOAD, REQUEST_DISK_ERROR, "the queue's disk fails: %s",
                         *status.disk_error ? status.disk_error : strerror(error));
}

/* It is refused only where drop-newest says so, or where the disk keeps the queue from growing. */
static bool object_to_full(const Collector *c, Objection *o)
{
        QueueStatus status;

        queue_status(c->queue, &status);
        if (status.disk_state == DISK_FULL)
                return object_to(o, REFUSAL_OVERLOAD, REQUEST_QUEUE_FULL, "the queue is full, and its disk too: %s",
                                 status.disk_error);
        if (status.disk_state == DISK_READ_ONLY)
                return object_to(o, REFUSAL_OVERLOAD, REQUEST_QUEUE_FULL,
                                 "the queue is full, and its disk gives it no more: %s", status.disk_error);
        return object_to(o, REFUSAL_OVERLOAD, REQUEST_QUEUE_FULL,
                         "the queue has reached queue.max_bytes, and queue.when_full is drop-newest: restore the link, "
                         "raise the one, or change the other");
}

static bool object_to_sum(Objection *o)
{
        return object_to(o, REFUSAL_TOO_LONG, REQUEST_TOO_LARGE,
                         "the readings of one call take at most %d KiB on disk together: hand them in by several calls",
                         SUBMIT_BYTES_MAX / 1024);
}

/* What is in c->record, as records of these sizes, all of them or none. */
static bool append_records(Collector *c, const Route *route, QueueKind kind, struct iovec *records, size_t n,
                           const QueueReceipt *receipt, uint64_t *ret_first, Objection *o)
{
        char *at = c->record.data;
        uint64_t first;
        int r;

        for (size_t i = 0; i < n; at += records[i++].iov_len)
                records[i].iov_base = at;
        r = n == 1 && c->record.size > DEAD_LETTERS_PAYLOAD_MAX
                            ? QUEUE_E_TOO_LARGE
                            : queue_append_all(c->queue, route->stream, kind, records, n, receipt, &first);
        switch (r) {
        case 0:
                c->given[route->stream] = first + n - 1;
                *ret_first = first;
                return true;
        case QUEUE_E_FULL:
                return object_to_full(c, o);
        case QUEUE_E_TOO_LARGE:
                return n == 1 ? object_to(o, REFUSAL_TOO_LONG, REQUEST_TOO_LARGE, "a record is at most %d bytes",
                                          DEAD_LETTERS_PAYLOAD_MAX)
                              : object_to_sum(o);
        case QUEUE_E_DISK:
                return object_to_disk(c, EIO, o);
        default: /* QUEUE_E_BUSY, -ENOMEM */
                return object_to(o, REFUSAL_OVERLOAD, REQUEST_BUSY,
                                 "the queue's buffers are full: try again shortly");
        }
}

/* ---- sensors ---- */

static void refuse(Collector *c, const Objection *o)
{
        uint64_t held_back;

        c->refused[o->refusal]++;
        if (throttle_admits(&c->complaints[o->refusal], clock_boot(c->clock), COMPLAINT_INTERVAL, &held_back))
                log_line(LOG_WARNING, LOG_ID_READING_DROPPED, NULL, "A reading is refused (%s): %s%s.",
                         refusal_to_string(o->refusal), o->text,
                         held_back > 0 ? "; others before it as well" : "");
}

static void tell_taken(const Collector *c, const Reading *reading)
{
        if (c->taken)
                c->taken(c->taken_userdata, reading);
}

static int on_reading(void *userdata, const char *stream, const Reading *reading)
{
        Collector *c = userdata;
        const Route *route = find_route(c, stream);
        struct iovec record;
        uint64_t number;
        Objection o;

        buffer_clear(&c->record);
        if (!route)
                (void)object_to(&o, REFUSAL_MALFORMED, REQUEST_NO_SUCH_STREAM, "there is no stream %s for %s", stream,
                                reading->sensor);
        else if (gate_reading(reading, &o) && encode_reading(c, reading, &o)) {
                record.iov_len = c->record.size;
                if (append_records(c, route, QUEUE_KIND_READING, &record, 1, NULL, &number, &o)) {
                        if (reading->source && c->appended)
                                c->appended(c->appended_userdata, reading, route->stream, number);
                        return 0;
                }
        }
        refuse(c, &o);
        return 1;
}

static void on_refused(void *userdata, Refusal why)
{
        Collector *c = userdata;

        assert(why >= 0 && why < _REFUSAL_MAX);
        c->refused[why]++;
}

static bool is_ready(void *userdata)
{
        const Collector *c = userdata;

        return queue_make_ready(c->queue);
}

static void on_changed(void *userdata, const SensorStatus *sensor)
{
        const Collector *c = userdata;

        if (c->changed)
                c->changed(c->changed_userdata, sensor);
}

ReadingSink collector_reading_sink(Collector *c, void (*changed)(void *userdata, const SensorStatus *sensor),
                                   void *userdata)
{
        c->changed = changed;
        c->changed_userdata = userdata;
        return (ReadingSink){on_reading, on_refused, is_ready, on_changed, c};
}

void collector_watch(Collector *c, void (*taken)(void *userdata, const Reading *reading), void *userdata)
{
        c->taken = taken;
        c->taken_userdata = userdata;
}

void collector_note_positions(Collector *c,
                              void (*appended)(void *userdata, const Reading *reading, unsigned stream, uint64_t n),
                              void *userdata)
{
        c->appended = appended;
        c->appended_userdata = userdata;
}

/* ---- local services ---- */

/* A failing disk is no overload: the caller has the answer and keeps the reading, so nothing is lost by it. */
static void count_refused(Collector *c, const Objection *o, size_t n)
{
        if (o->error != REQUEST_DISK_ERROR)
                c->refused[o->refusal] += n;
}

static void answer_refused(Collector *c, const Objection *o, size_t n, SubmitAnswerFn answer, void *userdata)
{
        count_refused(c, o, n);
        answer(userdata, &(SubmitAnswer){.error = o->error, .detail = o->text});
}

/* Of the last record: all are on disk, or none can be relied upon. */
static void on_receipt(void *userdata, int error, unsigned stream, uint64_t epoch, uint64_t n)
{
        Submission *s = userdata;
        Objection late = {};

        if (error < 0)
                (void)object_to_disk(s->collector, -error, &late);
        s->answer(s->userdata, &(SubmitAnswer){
                                       .error = late.error,
                                       .detail = error < 0 ? late.text : NULL,
                                       .stream = s->stream,
                                       .epoch = epoch,
                                       .first = n - s->n_records + 1,
                                       .last = n,
                               });
        free(s);
}

/* What is in c->record. All of it is taken, and its receipt answers; or none, and the objection does. */
static void hand_in(Collector *c, const Route *route, QueueKind kind, struct iovec *records, size_t n,
                    SubmitAnswerFn answer, void *userdata)
{
        Submission *s = calloc(1, sizeof(*s));
        uint64_t first;
        Objection o;

        if (!s) {
                (void)object_to(&o, REFUSAL_OVERLOAD, REQUEST_BUSY, "out of memory");
                answer_refused(c, &o, n, answer, userdata);
                return;
        }
        *s = (Submission){.collector = c, .answer = answer, .userdata = userdata, .n_records = n};
        memcpy(s->stream, route->name, sizeof(s->stream));
        if (append_records(c, route, kind, records, n, &(QueueReceipt){on_receipt, s}, &first, &o))
                return;
        free(s);
        answer_refused(c, &o, n, answer, userdata);
}

/* A giant's buffer is not kept: it would be idle memory for ever after. */
static void release_giant(Collector *c)
{
        if (c->record.allocated > 64 * 1024)
                buffer_done(&c->record);
}

/* All are looked at before any is appended, so that bad input leaves nothing behind. */
static bool encode_all(Collector *c, const Reading *readings, size_t n, struct iovec *records, Objection *o)
{
        buffer_clear(&c->record);
        for (size_t i = 0; i < n; i++) {
                size_t before = c->record.size;

                if (!gate_reading(&readings[i], o) || !encode_reading(c, &readings[i], o))
                        return false;
                if (n > 1 && c->record.size > SUBMIT_BYTES_MAX)
                        return object_to_sum(o);
                records[i].iov_len = c->record.size - before;
        }
        return n > 0 || object_to(o, REFUSAL_MALFORMED, REQUEST_BAD_VALUE, "there is no value");
}

static const Route *route_or_object(const Collector *c, const char *stream, Objection *o)
{
        const Route *route = find_route(c, stream);

        if (!route)
                (void)object_to(o, REFUSAL_MALFORMED, REQUEST_NO_SUCH_STREAM,
                                "there is no stream %.64s in the settings", stream);
        return route;
}

static void submit(void *userdata, const Reading *readings, size_t n_readings, const char *stream,
                   SubmitAnswerFn answer, void *answer_userdata)
{
        _cleanup_free_ struct iovec *records = calloc(n_readings + 1, sizeof(*records));
        Collector *c = userdata;
        Objection o;
        const Route *route = route_or_object(c, stream, &o);

        if (!records)
                (void)object_to(&o, REFUSAL_OVERLOAD, REQUEST_BUSY, "out of memory");
        if (records && route && encode_all(c, readings, n_readings, records, &o)) {
                for (size_t i = 0; i < n_readings; i++)
                        tell_taken(c, &readings[i]);
                hand_in(c, route, QUEUE_KIND_READING, records, n_readings, answer, answer_userdata);
        } else
                answer_refused(c, &o, 1, answer, answer_userdata);
        release_giant(c);
}

static bool encode_message(Collector *c, const Message *message, Objection *o)
{
        buffer_clear(&c->record);
        message_encode(message, &c->record);
        if (buffer_error(&c->record))
                return object_to(o, REFUSAL_OVERLOAD, REQUEST_BUSY, "out of memory");
        return true;
}

static void submit_message(void *userdata, const Message *message, const char *stream, SubmitAnswerFn answer,
                           void *answer_userdata)
{
        Collector *c = userdata;
        struct iovec record;
        Objection o;
        const Route *route = route_or_object(c, stream, &o);

        if (route && gate_message(message, &o) && encode_message(c, message, &o)) {
                record.iov_len = c->record.size;
                hand_in(c, route, QUEUE_KIND_MESSAGE, &record, 1, answer, answer_userdata);
        } else
                answer_refused(c, &o, 1, answer, answer_userdata);
        release_giant(c);
}

Intake collector_intake(Collector *c)
{
        return (Intake){submit, submit_message, c};
}
