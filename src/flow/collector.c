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

typedef struct Route {
        Name name;
        unsigned stream;
} Route;

struct Collector {
        Queue *queue;
        const Clock *clock;

        Route routes[QUEUE_STREAMS_MAX];
        size_t n_routes;

        Trust trust;
        uint64_t refused[_REFUSAL_MAX];
        Throttle complaints[_REFUSAL_MAX];
        Buffer record; /* the one being encoded */

        void (*changed)(void *userdata, const SensorStatus *sensor);
        void *changed_userdata;
};

/* A call of submit() or submit_message() that waits for its receipts. */
typedef struct Submission {
        const Collector *collector;
        SubmitAnswerFn answer;
        void *userdata;
        Name stream;
        uint64_t epoch, first, last;
        size_t n_taken;
        size_t n_waiting; /* receipts still to come, and one while records are being appended */
        RequestError error;
        const char *detail;
        char partly[192]; /* the detail when only some were taken */
        Objection late; /* the disk's, when a receipt brings it */
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

/* ---- encoding ---- */

/* A reading without a time gets the present one, to be believed as far as the clock is. */
static bool encode_reading(Collector *c, const Reading *reading, Objection *o)
{
        Reading stamped = *reading;

        if (stamped.wall_usec == 0) {
                stamped.wall_usec = clock_wall(c->clock);
                stamped.wall_trusted = trust_ask(&c->trust, c->clock, clock_boot(c->clock));
        }
        buffer_clear(&c->record);
        reading_encode(&stamped, &c->record);
        if (buffer_error(&c->record))
                return object_to(o, REFUSAL_OVERLOAD, REQUEST_BUSY, "out of memory");
        if (c->record.size > DEAD_LETTERS_PAYLOAD_MAX)
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

static bool append_record(Collector *c, const Route *route, QueueKind kind, const QueueReceipt *receipt,
                          uint64_t *ret_n, Objection *o)
{
        int r = c->record.size > DEAD_LETTERS_PAYLOAD_MAX
                                ? QUEUE_E_TOO_LARGE
                                : queue_append(c->queue, route->stream, kind, c->record.data, c->record.size, receipt,
                                               ret_n);

        switch (r) {
        case 0:
                return true;
        case QUEUE_E_FULL:
                return object_to(o, REFUSAL_OVERLOAD, REQUEST_QUEUE_FULL,
                                 "the queue has reached its limit and queue.when_full is drop-newest, or its disk is full");
        case QUEUE_E_TOO_LARGE:
                return object_to(o, REFUSAL_TOO_LONG, REQUEST_TOO_LARGE, "a record is at most %d bytes",
                                 DEAD_LETTERS_PAYLOAD_MAX);
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

static int on_reading(void *userdata, const char *stream, const Reading *reading)
{
        Collector *c = userdata;
        const Route *route = find_route(c, stream);
        Objection o;
        uint64_t n;

        if (!route)
                (void)object_to(&o, REFUSAL_MALFORMED, REQUEST_NO_SUCH_STREAM, "there is no stream %s for %s", stream,
                                reading->sensor);
        else if (gate_reading(reading, &o) && encode_reading(c, reading, &o) &&
                 append_record(c, route, QUEUE_KIND_READING, NULL, &n, &o))
                return 0;
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

        return queue_is_ready(c->queue);
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

/* ---- local services ---- */

/* A failing disk is no overload: the caller has the answer and keeps the reading, so nothing is lost by it. */
static void count_refused(Collector *c, const Objection *o, size_t n)
{
        if (o->error != REQUEST_DISK_ERROR)
                c->refused[o->refusal] += n;
}

static void answer_refused(Collector *c, const Objection *o, SubmitAnswerFn answer, void *userdata)
{
        count_refused(c, o, 1);
        answer(userdata, &(SubmitAnswer){.error = o->error, .detail = o->text});
}

/* One receipt less to wait for. The last one answers. */
static void submission_step(Submission *s)
{
        if (--s->n_waiting > 0)
                return;
        s->answer(s->userdata, &(SubmitAnswer){
                                       .error = s->error,
                                       .detail = s->detail,
                                       .stream = s->stream,
                                       .epoch = s->epoch,
                                       .first = s->first,
                                       .last = s->last,
                               });
        free(s);
}

static void on_receipt(void *userdata, int error, unsigned stream, uint64_t epoch, uint64_t n)
{
        Submission *s = userdata;

        s->epoch = epoch;
        if (error < 0 && s->error == REQUEST_OK) {
                (void)object_to_disk(s->collector, -error, &s->late);
                s->error = s->late.error;
                s->detail = s->late.text;
        }
        submission_step(s);
}

static Submission *submission_new(const Collector *c, const Route *route, SubmitAnswerFn answer, void *userdata)
{
        Submission *s = calloc(1, sizeof(*s));

        if (!s)
                return NULL;
        *s = (Submission){.collector = c, .answer = answer, .userdata = userdata, .n_waiting = 1};
        memcpy(s->stream, route->name, sizeof(s->stream));
        return s;
}

static bool submission_append(Submission *s, Collector *c, const Route *route, QueueKind kind, Objection *o)
{
        QueueReceipt receipt = {on_receipt, s};
        uint64_t n;

        s->n_waiting++;
        if (!append_record(c, route, kind, &receipt, &n, o)) {
                s->n_waiting--;
                return false;
        }
        if (s->n_taken++ == 0)
                s->first = n;
        s->last = n;
        return true;
}

/* The queue would take no more. What it took before stays taken: the answer waits for it and says how much that is,
 * so that the caller knows what to repeat. If there was nothing, it follows at once, while the objection lives. */
static void submission_refuse(Submission *s, Collector *c, const Objection *o, size_t n_left)
{
        count_refused(c, o, n_left);
        s->error = o->error;
        s->detail = s->n_taken > 0 ? s->partly : o->text;
        if (s->n_taken > 0)
                (void)snprintf(s->partly, sizeof(s->partly),
                               "only the first %zu of %zu readings were taken, as records %llu-%llu of stream %s: "
                               "try only the others again",
                               s->n_taken, s->n_taken + n_left, (unsigned long long)s->first,
                               (unsigned long long)s->last, s->stream);
}

/* All are looked at before the first is appended, so that bad input leaves nothing behind. */
static bool all_fine(Collector *c, const Reading *readings, size_t n_readings, Objection *o)
{
        for (size_t i = 0; i < n_readings; i++)
                if (!gate_reading(&readings[i], o) || !encode_reading(c, &readings[i], o))
                        return false;
        return n_readings > 0 || object_to(o, REFUSAL_MALFORMED, REQUEST_BAD_VALUE, "there is no value");
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
        Collector *c = userdata;
        Objection o;
        const Route *route = route_or_object(c, stream, &o);
        Submission *s;

        if (!route || !all_fine(c, readings, n_readings, &o)) {
                answer_refused(c, &o, answer, answer_userdata);
                return;
        }
        s = submission_new(c, route, answer, answer_userdata);
        if (!s) {
                (void)object_to(&o, REFUSAL_OVERLOAD, REQUEST_BUSY, "out of memory");
                answer_refused(c, &o, answer, answer_userdata);
                return;
        }
        for (size_t i = 0; i < n_readings; i++)
                if (!encode_reading(c, &readings[i], &o) ||
                    !submission_append(s, c, route, QUEUE_KIND_READING, &o)) {
                        submission_refuse(s, c, &o, n_readings - i);
                        break;
                }
        submission_step(s);
}

static bool encode_message(Collector *c, const Message *message, Objection *o)
{
        buffer_clear(&c->record);
        message_encode(message, &c->record);
        if (buffer_error(&c->record))
                return object_to(o, REFUSAL_OVERLOAD, REQUEST_BUSY, "out of memory");
        return true;
}

/* A giant's buffer is not kept: it would be idle memory for ever after. */
static void release_giant(Collector *c)
{
        if (c->record.allocated > 64 * 1024)
                buffer_done(&c->record);
}

static void submit_message(void *userdata, const Message *message, const char *stream, SubmitAnswerFn answer,
                           void *answer_userdata)
{
        Collector *c = userdata;
        Objection o;
        const Route *route = route_or_object(c, stream, &o);
        Submission *s = NULL;

        if (route && gate_message(message, &o) && encode_message(c, message, &o)) {
                s = submission_new(c, route, answer, answer_userdata);
                if (!s)
                        (void)object_to(&o, REFUSAL_OVERLOAD, REQUEST_BUSY, "out of memory");
        }
        if (!s) {
                answer_refused(c, &o, answer, answer_userdata);
                return;
        }
        if (!submission_append(s, c, route, QUEUE_KIND_MESSAGE, &o))
                submission_refuse(s, c, &o, 1);
        submission_step(s);
        release_giant(c);
}

Intake collector_intake(Collector *c)
{
        return (Intake){submit, submit_message, c};
}
