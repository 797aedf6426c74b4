/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/builtin-methods.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/iso-time.h"
#include "base/json.h"
#include "base/quantity.h"
#include "model/json-read.h"

#define WISH_VALUES_MAX 8 /* there are three */

struct BuiltinMethods {
        Methods *methods;
        BuiltinPeers peers;
        const Clock *clock;
        unsigned n_flushes; /* that have not ended, answered 504 or not */
};

/* A flush that somebody waits for. */
typedef struct FlushErrand {
        BuiltinMethods *b;
        uint64_t call;
} FlushErrand;

static void give(BuiltinMethods *b, uint64_t call, int status, Buffer *json)
{
        if (buffer_error(json) < 0)
                methods_answer(b->methods, call, METHOD_FAILED, METHOD_ERROR_NO_MEMORY);
        else
                methods_answer(b->methods, call, status, json->data);
}

static void give_error(BuiltinMethods *b, uint64_t call, int status, const char *text)
{
        _cleanup_(buffer_done) Buffer json = BUFFER_NULL;

        method_error_write(&json, text);
        give(b, call, status, &json);
}

/* ---- ping ---- */

static void on_ping(void *userdata, const char *json, size_t size, uint64_t call)
{
        _cleanup_(buffer_done) Buffer answer = BUFFER_NULL;
        BuiltinMethods *b = userdata;
        char time[ISO_TIME_MAX];

        (void)iso_time_format(clock_wall(b->clock), time);
        buffer_printf(&answer,
                      "{\"version\":\"" HUBLINK_VERSION "\",\"time\":\"%s\"}", time);
        give(b, call, METHOD_OK, &answer);
}

/* ---- getStatus ---- */

static void put_ledger(Buffer *b, const Ledger *l)
{
        buffer_printf(b,
                      "\"ledger\":{\"accepted\":%" PRIu64 ",\"acknowledged\":%" PRIu64 ",\"waiting\":%" PRIu64
                      ",\"dropped\":%" PRIu64 ",\"dead_lettered\":%" PRIu64 "}",
                      l->accepted, l->settled[OUTCOME_ACKNOWLEDGED], ledger_waiting(l), ledger_dropped(l),
                      ledger_dead_lettered(l));
}

static void put_queue(Buffer *b, const Status *s)
{
        buffer_printf(b,
                      "\"queue\":{\"records\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"oldest_age\":%" PRIu64
                      ",\"in_flight\":%" PRIu32 ",\"fill\":",
                      s->queue.records, s->queue.bytes, s->queue.oldest_age_usec, s->in_flight);
        json_number(b, s->queue.fill);
        buffer_printf(b, ",\"disk_state\":\"%s\"}", disk_state_to_string(s->queue.disk_state));
}

static void put_sensor(Buffer *b, const SensorStatus *s)
{
        buffer_printf(b,
                      "{\"name\":\"%s\",\"state\":\"%s\",\"time\":%" PRIu64 ",\"errors\":%" PRIu64
                      ",\"interval\":%" PRIu64 "}",
                      s->name, sensor_state_to_string(s->state), s->time_usec, s->errors, s->interval_usec);
}

static void on_get_status(void *userdata, const char *json, size_t size, uint64_t call)
{
        _cleanup_(buffer_done) Buffer answer = BUFFER_NULL;
        BuiltinMethods *b = userdata;
        const Status *s = b->peers.status.status(b->peers.status.userdata);

        buffer_printf(&answer,
                      "{\"version\":\"%s\",\"link_state\":\"%s\",\"link_reason\":\"%s\",\"since\":%" PRIu64 ",",
                      s->version, link_state_to_string(s->link_state), link_reason_to_string(s->link_reason),
                      s->link_since_usec);
        if (!s->queue.unknown) { /* else its counts would tell nothing */
                put_ledger(&answer, &s->ledger);
                buffer_append_char(&answer, ',');
        }
        put_queue(&answer, s);
        buffer_printf(&answer, ",\"dead_letters\":%" PRIu64 ",\"sensors\":[", s->dead_letters.count);
        for (size_t i = 0; i < s->n_sensors; i++) {
                if (i > 0)
                        buffer_append_char(&answer, ',');
                put_sensor(&answer, s->sensors[i]);
        }
        buffer_append_string(&answer, "]}");
        give(b, call, METHOD_OK, &answer);
}

/* ---- flush ---- */

static void on_flushed(void *userdata, RequestError error, const char *detail)
{
        FlushErrand *e = userdata;

        e->b->n_flushes--;
        if (error == REQUEST_OK)
                methods_answer(e->b->methods, e->call, METHOD_OK, "{\"flushed\":true}");
        else
                give_error(e->b, e->call, error == REQUEST_NOT_CONNECTED ? METHOD_UNAVAILABLE : METHOD_FAILED,
                           detail && *detail ? detail : "there is no connection to the hub");
        free(e);
}

static void on_flush(void *userdata, const char *json, size_t size, uint64_t call)
{
        BuiltinMethods *b = userdata;
        FlushErrand *e;

        if (b->n_flushes >= BUILTIN_FLUSHES_MAX) {
                give_error(b, call, METHOD_BUSY, "16 flushes wait for the hub to acknowledge the backlog already");
                return;
        }
        e = malloc(sizeof(*e));
        if (!e) {
                methods_answer(b->methods, call, METHOD_FAILED, METHOD_ERROR_NO_MEMORY);
                return;
        }
        *e = (FlushErrand){b, call};
        b->n_flushes++;
        b->peers.control.flush(b->peers.control.userdata, on_flushed, e);
}

/* ---- setInterval ---- */

/* "10s", or a number of seconds; null is infinity. */
static bool read_interval(json_object *value, usec_t *ret)
{
        double seconds;

        if (!value) {
                *ret = USEC_INFINITY;
                return true;
        }
        if (json_object_is_type(value, json_type_string))
                return quantity_parse_time(json_object_get_string(value), ret) == 0;
        if (!json_object_is_type(value, json_type_int) && !json_object_is_type(value, json_type_double))
                return false;
        seconds = json_object_get_double(value);
        if (!(seconds >= 0 && seconds <= 1e9))
                return false;
        *ret = (usec_t)(seconds * (double)USEC_PER_SEC + 0.5);
        return true;
}

/* NULL, or what is wrong. The sensor's name is borrowed from the object. */
static const char *read_wish(json_object *o, const char **ret_sensor, usec_t *ret_interval)
{
        static const char form[] = "expected {\"sensor\":\"NAME\",\"interval\":\"10s\"}";
        json_object *sensor, *interval;

        if (!json_object_is_type(o, json_type_object) || json_object_object_length(o) != 2 ||
            !json_object_object_get_ex(o, "sensor", &sensor) || !json_object_object_get_ex(o, "interval", &interval) ||
            !json_object_is_type(sensor, json_type_string))
                return form;
        if (!read_interval(interval, ret_interval))
                return "interval: expected a time such as \"10s\" or \"5min\", a number of seconds, or null for what "
                       "the settings say";
        *ret_sensor = json_object_get_string(sensor);
        return NULL;
}

/* Set, and on its way to the disk. */
typedef struct IntervalErrand {
        BuiltinMethods *b;
        uint64_t call;
        usec_t interval_usec;
        Name sensor;
} IntervalErrand;

static void put_interval(Buffer *b, const char *sensor, usec_t interval)
{
        buffer_append_string(b, "{\"sensor\":");
        json_string(b, sensor);
        buffer_append_string(b, ",\"interval\":\"");
        quantity_print_time(b, interval);
        buffer_append_string(b, "\"}");
}

static void on_kept(void *userdata, RequestError error, const char *detail)
{
        _cleanup_(buffer_done) Buffer answer = BUFFER_NULL;
        _cleanup_free_ IntervalErrand *e = userdata;
        char text[512];

        if (error == REQUEST_OK) {
                put_interval(&answer, e->sensor, e->interval_usec);
                give(e->b, e->call, METHOD_OK, &answer);
                return;
        }
        (void)snprintf(text, sizeof(text),
                       "it is in effect, and would be lost at a restart: it is not on the disk (%s)", detail ?: "");
        give_error(e->b, e->call, METHOD_FAILED, text);
}

static void await_disk(BuiltinMethods *b, uint64_t call, const char *sensor, usec_t interval)
{
        IntervalErrand *e = malloc(sizeof(*e));

        if (e) {
                *e = (IntervalErrand){.b = b, .call = call, .interval_usec = interval};
                (void)snprintf(e->sensor, sizeof(e->sensor), "%s", sensor);
                if (b->peers.await_disk(b->peers.userdata, on_kept, e) >= 0)
                        return;
        }
        free(e);
        methods_answer(b->methods, call, METHOD_FAILED, METHOD_ERROR_NO_MEMORY);
}

static void answer_unfit(BuiltinMethods *b, uint64_t call, const Buffer *why)
{
        _cleanup_(buffer_done) Buffer text = BUFFER_NULL;

        buffer_append_string(&text, "interval: it does not go with other settings");
        if (why->size > 0)
                buffer_printf(&text, ": %s", why->data);
        give_error(b, call, METHOD_BAD_REQUEST, buffer_error(&text) < 0 ? strerror(ENOMEM) : text.data);
}

static void answer_not_set(BuiltinMethods *b, uint64_t call, const char *sensor, int r, const Buffer *why)
{
        char text[256];

        switch (r) {
        case -ENOENT:
                (void)snprintf(text, sizeof(text), "there is no sensor \"%.*s\"", NAME_LENGTH_MAX * 2, sensor);
                give_error(b, call, METHOD_NOT_FOUND, text);
                return;
        case -EOPNOTSUPP:
                (void)snprintf(text, sizeof(text), "sensor %s is not read at intervals: it is driven by its source",
                               sensor);
                give_error(b, call, METHOD_BAD_REQUEST, text);
                return;
        case -ERANGE:
                give_error(b, call, METHOD_BAD_REQUEST, "interval: expected a time from 10ms to 1d");
                return;
        case -EINVAL:
                answer_unfit(b, call, why);
                return;
        default:
                give_error(b, call, METHOD_FAILED, strerror(-r));
                return;
        }
}

static void on_set_interval(void *userdata, const char *json, size_t size, uint64_t call)
{
        _cleanup_(buffer_done) Buffer why = BUFFER_NULL;
        _cleanup_json_ json_object *o = NULL;
        const char *sensor = NULL, *fault;
        BuiltinMethods *b = userdata;
        usec_t interval = 0;
        int r;

        if (json_read_within(json, size, WISH_VALUES_MAX, &o, &fault) < 0)
                o = NULL;
        fault = read_wish(o, &sensor, &interval);
        if (fault) {
                give_error(b, call, METHOD_BAD_REQUEST, fault);
                return;
        }
        r = b->peers.set_interval(b->peers.userdata, sensor, interval, &interval, &why);
        if (r < 0)
                answer_not_set(b, call, sensor, r, &why);
        else
                await_disk(b, call, sensor, interval);
}

/* ---- life ---- */

static const struct {
        const char *name;
        BuiltinFn run;
} rows[] = {
        {"ping", on_ping},
        {"getStatus", on_get_status},
        {"flush", on_flush},
        {"setInterval", on_set_interval},
};

bool builtin_method_is(const char *name)
{
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
                if (strcmp(rows[i].name, name) == 0)
                        return true;
        return false;
}

int builtin_methods_new(BuiltinMethods **ret, Methods *methods, const BuiltinPeers *peers, const Clock *clock)
{
        BuiltinMethods *b = calloc(1, sizeof(*b));
        int r = 0;

        if (!b)
                return -ENOMEM;
        *b = (BuiltinMethods){.methods = methods, .peers = *peers, .clock = clock};
        for (size_t i = 0; i < ARRAY_SIZE(rows) && r >= 0; i++)
                r = methods_add_builtin(methods, rows[i].name, rows[i].run, b);
        if (r < 0) {
                free(b);
                return r;
        }
        *ret = b;
        return 0;
}

BuiltinMethods *builtin_methods_free(BuiltinMethods *b)
{
        free(b);
        return NULL;
}
