/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/collector.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/log-id.h"
#include "base/log.h"
#include "base/throttle.h"
#include "base/utf8.h"
#include "flow/format.h"
#include "flow/trust.h"

/* One line per reason is enough; the counters tell the rest. */
#define COMPLAINT_INTERVAL USEC_PER_HOUR

/* The year 10000 has no ISO 8601 text of 24 characters. */
#define WALL_MAX (253402300800 * USEC_PER_SEC)

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

/* Why a reading or a message cannot be taken. */
typedef struct Objection {
        Refusal refusal;
        RequestError error;
        char text[256];
} Objection;

/* A call of submit() or submit_message() that waits for its receipts. */
typedef struct Submission {
        SubmitAnswerFn answer;
        void *userdata;
        Name stream;
        uint64_t epoch, first, last;
        size_t n_taken;
        size_t n_waiting; /* receipts still to come, and one while records are being appended */
        RequestError error;
        const char *detail;
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

/* ---- what can be taken ---- */

static bool object_to(Objection *o, Refusal refusal, RequestError error, const char *fmt, ...) _printf_(4, 5);
static bool object_to(Objection *o, Refusal refusal, RequestError error, const char *fmt, ...)
{
        va_list ap;

        o->refusal = refusal;
        o->error = error;
        va_start(ap, fmt);
        (void)vsnprintf(o->text, sizeof(o->text), fmt, ap);
        va_end(ap);
        return false;
}

static bool value_is_fine(const Reading *reading, const Channel *channel, Objection *o)
{
        const Value *v = &channel->value;

        if (v->kind == VALUE_NUMBER && !isfinite(v->number))
                return object_to(o, REFUSAL_NAN, REQUEST_BAD_VALUE, "%s.%s is not a finite number", reading->sensor,
                                 channel->name);
        if (v->kind != VALUE_TEXT)
                return true;
        if (strlen(v->text) > READING_TEXT_MAX)
                return object_to(o, REFUSAL_TOO_LONG, REQUEST_TOO_LARGE, "the text of %s.%s is over %d bytes",
                                 reading->sensor, channel->name, READING_TEXT_MAX);
        if (!utf8_is_valid(v->text, strlen(v->text)))
                return object_to(o, REFUSAL_MALFORMED, REQUEST_BAD_VALUE, "the text of %s.%s is not UTF-8",
                                 reading->sensor, channel->name);
        return true;
}

static bool channel_is_fine(const Reading *reading, size_t i, Objection *o)
{
        const Channel *channel = &reading->channels[i];

        if (!channel_name_is_valid(channel->name))
                return object_to(o, REFUSAL_MALFORMED, REQUEST_BAD_VALUE,
                                 "%s has a channel with a bad name: it must match [A-Za-z][A-Za-z0-9_]*, at most %d "
                                 "characters, and be none of t, s, q",
                                 reading->sensor, NAME_LENGTH_MAX);
        for (size_t k = 0; k < i; k++)
                if (strcmp(reading->channels[k].name, channel->name) == 0)
                        return object_to(o, REFUSAL_MALFORMED, REQUEST_BAD_VALUE, "%s.%s is given twice",
                                         reading->sensor, channel->name);
        return value_is_fine(reading, channel, o);
}

static bool reading_is_fine(const Reading *reading, Objection *o)
{
        if (!name_is_valid(reading->sensor))
                return object_to(o, REFUSAL_MALFORMED, REQUEST_BAD_VALUE,
                                 "the sensor has a bad name: it must match [A-Za-z][A-Za-z0-9_]*, at most %d characters",
                                 NAME_LENGTH_MAX);
        if (reading->n_channels == 0 || reading->n_channels > READING_CHANNELS_MAX)
                return object_to(o, REFUSAL_MALFORMED, REQUEST_BAD_VALUE,
                                 "a reading of %s has %zu channels: it must have 1 to %d", reading->sensor,
                                 reading->n_channels, READING_CHANNELS_MAX);
        if (reading->wall_usec >= WALL_MAX)
                return object_to(o, REFUSAL_RANGE, REQUEST_BAD_VALUE, "the time of %s lies beyond the year 9999",
                                 reading->sensor);
        for (size_t i = 0; i < reading->n_channels; i++)
                if (!channel_is_fine(reading, i, o))
                        return false;
        return true;
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
        if (c->record.size > QUEUE_PAYLOAD_MAX)
                return object_to(o, REFUSAL_TOO_LONG, REQUEST_TOO_LARGE, "a reading of %s is over %d bytes",
                                 reading->sensor, QUEUE_PAYLOAD_MAX);
        return true;
}

static bool append_record(Collector *c, const Route *route, QueueKind kind, const QueueReceipt *receipt,
                          uint64_t *ret_n, Objection *o)
{
        int r = queue_append(c->queue, route->stream, kind, c->record.data, c->record.size, receipt, ret_n);

        switch (r) {
        case 0:
                return true;
        case QUEUE_E_FULL:
                return object_to(o, REFUSAL_OVERLOAD, REQUEST_QUEUE_FULL,
                                 "the queue has reached its limit, and queue.when_full is drop-newest");
        case QUEUE_E_TOO_LARGE:
                return object_to(o, REFUSAL_TOO_LONG, REQUEST_TOO_LARGE, "a record is at most %d bytes",
                                 QUEUE_PAYLOAD_MAX);
        case QUEUE_E_DISK:
                return object_to(o, REFUSAL_OVERLOAD, REQUEST_DISK_ERROR, "the queue's disk has failed");
        default: /* QUEUE_E_BUSY, -ENOMEM */
                return object_to(o, REFUSAL_OVERLOAD, REQUEST_BUSY, "the queue's buffers are full: try again shortly");
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
        else if (reading_is_fine(reading, &o) && encode_reading(c, reading, &o) &&
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

static void answer_refused(Collector *c, const Objection *o, SubmitAnswerFn answer, void *userdata)
{
        c->refused[o->refusal]++;
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
                s->error = REQUEST_DISK_ERROR;
                s->detail = strerror(-error);
        }
        submission_step(s);
}

static Submission *submission_new(const Route *route, SubmitAnswerFn answer, void *userdata)
{
        Submission *s = calloc(1, sizeof(*s));

        if (!s)
                return NULL;
        *s = (Submission){.answer = answer, .userdata = userdata, .n_waiting = 1};
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

/* The queue would take no more. What it took before stays taken: the answer waits for it and names the range. If
 * there was nothing, the answer follows at once, while the objection still lives. */
static void submission_refuse(Submission *s, Collector *c, const Objection *o, size_t n_left)
{
        c->refused[o->refusal] += n_left;
        s->error = o->error;
        s->detail = s->n_taken > 0 ? "only the first readings, up to the number given, were taken: try the others again"
                                   : o->text;
}

/* All are looked at before the first is appended, so that bad input leaves nothing behind. */
static bool all_fine(Collector *c, const Reading *readings, size_t n_readings, Objection *o)
{
        for (size_t i = 0; i < n_readings; i++)
                if (!reading_is_fine(&readings[i], o) || !encode_reading(c, &readings[i], o))
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
        s = submission_new(route, answer, answer_userdata);
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

static bool text_is_fine(const char *text, const char *what, Objection *o)
{
        if (!text || utf8_is_valid(text, strlen(text)))
                return true;
        return object_to(o, REFUSAL_MALFORMED, REQUEST_BAD_VALUE, "the %s is not UTF-8", what);
}

static bool property_is_fine(const Property *p, Objection *o)
{
        if (p->name[0] == 0)
                return object_to(o, REFUSAL_MALFORMED, REQUEST_BAD_VALUE, "a property has no name");
        if (strcmp(p->name, PROPERTY_IDENTITY) == 0 || strcmp(p->name, PROPERTY_BACKFILL) == 0)
                return object_to(o, REFUSAL_MALFORMED, REQUEST_BAD_VALUE,
                                 "property %s needs another name: this one is hublink's own", p->name);
        return text_is_fine(p->name, "name of a property", o) && text_is_fine(p->value, "value of a property", o);
}

static bool message_is_fine(const Message *m, Objection *o)
{
        /* what dress() in flow/format will add, at most */
        const size_t reserve = 128;

        if (!text_is_fine(m->content_type, "content type", o) ||
            !text_is_fine(m->content_encoding, "content encoding", o) ||
            !text_is_fine(m->correlation_id, "correlation id", o))
                return false;
        if (m->n_properties > UINT8_MAX)
                return object_to(o, REFUSAL_MALFORMED, REQUEST_BAD_VALUE, "a message has at most %d properties",
                                 UINT8_MAX);
        for (size_t i = 0; i < m->n_properties; i++)
                if (!property_is_fine(&m->properties[i], o))
                        return false;
        if (message_size(m) + reserve > MESSAGE_SIZE_MAX)
                return object_to(o, REFUSAL_TOO_LONG, REQUEST_TOO_LARGE,
                                 "a message is at most %zu bytes, its properties included",
                                 (size_t)MESSAGE_SIZE_MAX - reserve);
        return true;
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

        if (route && message_is_fine(message, &o) && encode_message(c, message, &o)) {
                s = submission_new(route, answer, answer_userdata);
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
