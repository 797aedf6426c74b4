/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The Bus with nobody behind it: a test program that plays the rest of the daemon.
 *
 * usage: bus-peer ADDRESS
 *
 * It has three dead letters, which stay: 7, a reading; 8, a message; 9, bytes. 10 cannot be read.
 *
 * What local services ask is written to standard output, a JSON line each; what the daemon's other parts
 * would do comes from standard input, a command a line:
 *
 *   link STATE REASON [DETAIL]     the link's state, since now; when waiting, the next try in 30 s
 *   since USEC                     that link's state has lasted so long, and nothing was acknowledged meanwhile
 *   busy 0|1                       SendState
 *   queue RECORDS BYTES AGE_USEC   what waits
 *   fill FRACTION                  how full the queue is
 *   disk TEXT                      the disk fails: why; nothing: well again
 *   disk-state STATE TEXT          another trouble of the disk
 *   count N                        N records more are accepted and acknowledged, a change told for each
 *   sensor NAME DRIVER             a new one
 *   gone NAME                      it is there no more
 *   read NAME CHANNEL UNIT NUMBER  a good reading of it
 *   fail NAME TEXT                 a bad one
 *   settle STREAM EPOCH FIRST LAST OUTCOME
 *   storm N                        N records of stream "telemetry" are settled, one by one
 *   answer now|hold|error N TEXT   how Submit, SubmitMessage, Flush and Reload are answered from now on,
 *                                  and, unless hold, also those held
 *   acknowledge 0|1                whether records are settled as acknowledged as soon as they are accepted
 *   raised [SENSOR CHANNEL STATE LIMIT]  so many alarms are raised, one more with each; without any: none
 *   settings [TEXT]                why the last reload was refused
 *   pressure STREAM FILL           bus_pressure()
 *   alarm CHANNEL STATE VALUE      bus_alarm()
 *   change                         bus_status_changed(), without cause
 *   dead ID                        a record became dead letter ID
 *   dead-count N                   so many of them are counted
 *   quit                           as at the end of the daemon
 *
 * Each command is answered with {"did":"COMMAND"}, so that a test knows where it is.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-event.h>

#include "base/json.h"
#include "base/log.h"
#include "bus/bus.h"
#include "model/value-json.h"

#define SENSORS_MAX 64
#define ALARMS_MAX 8
#define HELD_MAX    2048
#define EPOCH       0x0123456789abcdefu

typedef struct FakeSensor {
        Name name, driver;
        char channel[64], unit[16], error[256];
        const char *units[1];
        Channel value;
        SensorStatus status;
} FakeSensor;

typedef struct Held {
        SubmitAnswerFn submitted;
        DoneFn done;
        void *userdata;
        Name stream;
        uint64_t first, last;
} Held;

typedef struct Peer {
        sd_event *event;
        sd_event_source *timer;
        Bus *bus;
        Ticker ticker;

        Status status;
        FakeSensor sensors[SENSORS_MAX];
        const SensorStatus *list[SENSORS_MAX];
        char disk_error[256], link_detail[256], settings_problem[256], metrics_problem[256], twin_problem[256];
        struct {
                Name sensor, channel;
                char state[8];
        } raised[ALARMS_MAX];
        RaisedAlarm alarms[ALARMS_MAX];

        bool hold, acknowledge;
        RequestError error;
        char detail[256];
        Held held[HELD_MAX];
        size_t n_held;
        uint64_t next;

        char line[4096];
        size_t n_line;
} Peer;

static void say(Buffer *b)
{
        buffer_append_char(b, '\n');
        (void)fwrite(b->data, 1, b->size, stdout);
        (void)fflush(stdout);
        buffer_done(b);
}

/* ---- what the bus asks ---- */

static const Status *peer_status(void *userdata)
{
        Peer *p = userdata;

        p->status.sensors = p->list;
        p->status.queue.disk_error = p->disk_error;
        p->status.link_detail = p->link_detail;
        p->status.settings_problem = p->settings_problem;
        p->status.metrics_problem = p->metrics_problem;
        p->status.twin.problem = p->twin_problem;
        p->status.alarms = p->alarms;
        return &p->status;
}

static void settle(Peer *p, const char *stream, uint64_t epoch, uint64_t first, uint64_t last,
                   Outcome outcome)
{
        p->status.ledger.settled[outcome] += last - first + 1;
        p->status.last_acknowledged_usec = clock_wall(&clock_system);
        bus_settled(p->bus, &(Settled){stream, epoch, first, last, outcome});
        bus_status_changed(p->bus);
}

static void give(Peer *p, const Held *h)
{
        if (h->done) {
                h->done(h->userdata, p->error, p->detail);
                return;
        }
        h->submitted(h->userdata, &(SubmitAnswer){.error = p->error,
                                                  .detail = p->detail,
                                                  .stream = h->stream,
                                                  .epoch = EPOCH,
                                                  .first = h->first,
                                                  .last = h->last});
        if (p->error != REQUEST_OK)
                return;
        p->status.ledger.accepted += h->last - h->first + 1;
        bus_status_changed(p->bus);
        if (p->acknowledge)
                settle(p, h->stream, EPOCH, h->first, h->last, OUTCOME_ACKNOWLEDGED);
}

static void take(Peer *p, Held h, const char *stream, size_t n)
{
        (void)snprintf(h.stream, sizeof(h.stream), "%s", stream ? stream : "telemetry");
        h.first = p->next;
        h.last = p->next + n - 1;
        if (n > 0)
                p->next = h.last + 1;
        if (p->hold && p->n_held < HELD_MAX)
                p->held[p->n_held++] = h;
        else
                give(p, &h);
}

static void put_text(Buffer *b, const char *text)
{
        if (text)
                json_string(b, text);
        else
                buffer_append_string(b, "null");
}

static void peer_submit(void *userdata, const Reading *readings, size_t n_readings, const char *stream,
                        SubmitAnswerFn answer, void *answer_userdata)
{
        Buffer b = BUFFER_NULL;

        buffer_append_string(&b, "{\"asked\":\"submit\",\"stream\":");
        put_text(&b, stream);
        buffer_append_string(&b, ",\"readings\":[");
        for (size_t i = 0; i < n_readings; i++) {
                const Reading *r = &readings[i];

                buffer_printf(&b, "%s{\"sensor\":\"%s\",\"time\":%" PRIu64 ",\"trusted\":%s,\"values\":{",
                              i ? "," : "", r->sensor, r->wall_usec, r->wall_trusted ? "true" : "false");
                for (size_t c = 0; c < r->n_channels; c++) {
                        buffer_printf(&b, "%s\"%s\":", c ? "," : "", r->channels[c].name);
                        value_to_json(&r->channels[c].value, &b);
                }
                buffer_append_string(&b, "}}");
        }
        buffer_append_string(&b, "]}");
        say(&b);
        take(userdata, (Held){.submitted = answer, .userdata = answer_userdata}, stream, n_readings);
}

static void peer_submit_message(void *userdata, const Message *m, const char *stream, SubmitAnswerFn answer,
                                void *answer_userdata)
{
        Buffer b = BUFFER_NULL;

        buffer_append_string(&b, "{\"asked\":\"submit-message\",\"stream\":");
        put_text(&b, stream);
        buffer_append_string(&b, ",\"content_type\":");
        put_text(&b, m->content_type);
        buffer_append_string(&b, ",\"encoding\":");
        put_text(&b, m->content_encoding);
        buffer_append_string(&b, ",\"correlation_id\":");
        put_text(&b, m->correlation_id);
        buffer_append_string(&b, ",\"properties\":{");
        for (size_t i = 0; i < m->n_properties; i++) {
                buffer_append_string(&b, i ? "," : "");
                json_string(&b, m->properties[i].name);
                buffer_append_char(&b, ':');
                json_string(&b, m->properties[i].value);
        }
        buffer_append_string(&b, "},\"body\":");
        json_string_n(&b, m->body.data ? m->body.data : "", m->body.size);
        buffer_append_char(&b, '}');
        say(&b);
        take(userdata, (Held){.submitted = answer, .userdata = answer_userdata}, stream, 1);
}

static void told(const char *what)
{
        Buffer b = BUFFER_NULL;

        buffer_printf(&b, "{\"asked\":\"%s\"}", what);
        say(&b);
}

static void peer_flush(void *userdata, DoneFn done, void *done_userdata)
{
        told("flush");
        take(userdata, (Held){.done = done, .userdata = done_userdata}, NULL, 0);
}

static void peer_reconnect(void *userdata)
{
        told("reconnect");
}

static void peer_reload(void *userdata, DoneFn done, void *done_userdata)
{
        told("reload");
        take(userdata, (Held){.done = done, .userdata = done_userdata}, NULL, 0);
}

/* ---- what the test tells ---- */

static FakeSensor *find_sensor(Peer *p, const char *name)
{
        for (size_t i = 0; i < SENSORS_MAX; i++)
                if (strcmp(p->sensors[i].name, name) == 0)
                        return &p->sensors[i];
        return NULL;
}

static void add_sensor(Peer *p, const char *name, const char *driver)
{
        FakeSensor *s = find_sensor(p, "");

        if (!s)
                return;
        (void)snprintf(s->name, sizeof(s->name), "%s", name);
        (void)snprintf(s->driver, sizeof(s->driver), "%s", driver);
        s->units[0] = s->unit;
        s->status = (SensorStatus){.name = s->name,
                                   .driver = s->driver,
                                   .values = &s->value,
                                   .units = s->units,
                                   .last_error = s->error,
                                   .interval_usec = 10 * USEC_PER_SEC};
        p->list[p->status.n_sensors++] = &s->status;
        bus_status_changed(p->bus);
}

static void remove_sensor(Peer *p, const char *name)
{
        for (size_t i = 0; i < p->status.n_sensors; i++)
                if (strcmp(p->list[i]->name, name) == 0) {
                        FakeSensor *s = container_of(p->list[i], FakeSensor, status);

                        p->list[i] = p->list[--p->status.n_sensors];
                        *s = (FakeSensor){};
                        bus_status_changed(p->bus);
                        return;
                }
}

static void read_sensor(Peer *p, const char *name, const char *channel, const char *unit, double number)
{
        FakeSensor *s = find_sensor(p, name);

        if (!s)
                return;
        (void)snprintf(s->channel, sizeof(s->channel), "%s", channel);
        (void)snprintf(s->unit, sizeof(s->unit), "%s", strcmp(unit, "-") == 0 ? "" : unit);
        s->value = (Channel){s->channel, {.kind = VALUE_NUMBER, .number = number}};
        s->status.n_values = 1;
        s->status.state = SENSOR_OK;
        s->status.time_usec = clock_wall(&clock_system);
        bus_sensor_changed(p->bus, &s->status);
}

static void fail_sensor(Peer *p, const char *name, const char *text)
{
        FakeSensor *s = find_sensor(p, name);

        if (!s)
                return;
        (void)snprintf(s->error, sizeof(s->error), "%s", text);
        s->status.state = SENSOR_FAILING;
        s->status.errors++;
        s->status.faults[SENSOR_FAULT_OTHER]++;
        bus_sensor_changed(p->bus, &s->status);
}

static int index_of(const char *(*to_string)(int), int max, const char *text)
{
        for (int i = 0; i < max; i++)
                if (strcmp(to_string(i), text) == 0)
                        return i;
        return 0;
}

static const char *state_name(int i)
{
        return link_state_to_string((LinkState)i);
}

static const char *reason_name(int i)
{
        return link_reason_to_string((LinkReason)i);
}

static const char *outcome_name(int i)
{
        return outcome_to_string((Outcome)i);
}

static void set_link(Peer *p, const char *state, const char *reason, const char *detail)
{
        p->status.link_state = (LinkState)index_of(state_name, _LINK_STATE_MAX, state);
        p->status.link_reason = (LinkReason)index_of(reason_name, _LINK_REASON_MAX, reason);
        (void)snprintf(p->link_detail, sizeof(p->link_detail), "%s", detail);
        p->status.link_since_usec = clock_wall(&clock_system);
        p->status.next_attempt_usec = 0;
        if (p->status.link_state == LINK_WAITING)
                p->status.next_attempt_usec = p->status.link_since_usec + 30 * USEC_PER_SEC;
        bus_status_changed(p->bus);
}

static void answer(Peer *p, const char *how, int error, const char *detail)
{
        p->hold = strcmp(how, "hold") == 0;
        p->error = strcmp(how, "error") == 0 ? (RequestError)error : REQUEST_OK;
        (void)snprintf(p->detail, sizeof(p->detail), "%s", detail);
        for (; !p->hold && p->n_held > 0; p->n_held--)
                give(p, &p->held[p->n_held - 1]);
}

static void count(Peer *p, uint64_t n)
{
        for (; n > 0; n--) {
                p->status.ledger.accepted++;
                p->status.ledger.settled[OUTCOME_ACKNOWLEDGED]++;
                bus_status_changed(p->bus);
        }
}

static void raise_alarm(Peer *p, const char *words)
{
        size_t i = p->status.n_alarms;
        RaisedAlarm *a = &p->alarms[i];

        if (i == ALARMS_MAX || sscanf(words, "%32s %32s %7s %lf", p->raised[i].sensor, p->raised[i].channel,
                                      p->raised[i].state, &a->limit) != 4)
                return;
        a->sensor = p->raised[i].sensor;
        a->channel = p->raised[i].channel;
        a->state = p->raised[i].state;
        a->since_usec = clock_wall(&clock_system);
        p->status.n_alarms++;
}

static void command(Peer *p, const char *line)
{
        char a[64] = "", b[64] = "", c[64] = "", outcome[64] = "";
        uint64_t x = 0, y = 0, z = 0;
        double number;
        int error = 0, rest = 0;
        Buffer did = BUFFER_NULL;

        if (sscanf(line, "link %63s %63s %n", a, b, &rest) == 2)
                set_link(p, a, b, line + rest);
        else if (sscanf(line, "since %" SCNu64, &x) == 1) {
                p->status.link_since_usec = p->status.last_acknowledged_usec = clock_wall(&clock_system) - x;
                bus_status_changed(p->bus);
        } else if (sscanf(line, "busy %" SCNu64, &x) == 1) {
                p->status.busy = x;
                bus_status_changed(p->bus);
        } else if (sscanf(line, "queue %" SCNu64 " %" SCNu64 " %" SCNu64, &x, &y, &z) == 3) {
                p->status.queue.records = x;
                p->status.queue.bytes = y;
                p->status.queue.oldest_age_usec = z;
                bus_status_changed(p->bus);
        } else if (sscanf(line, "fill %lf", &number) == 1) {
                p->status.queue.fill = number;
                bus_status_changed(p->bus);
        } else if (sscanf(line, "disk-state %15s %n", a, &rest) == 1) {
                (void)snprintf(p->disk_error, sizeof(p->disk_error), "%s", line + rest);
                for (int i = 0; i < _DISK_STATE_MAX; i++)
                        if (strcmp(disk_state_to_string((DiskState)i), a) == 0)
                                p->status.queue.disk_state = (DiskState)i;
                p->status.queue.disk_failed = p->status.queue.disk_state != DISK_WELL;
                bus_status_changed(p->bus);
        } else if (strncmp(line, "disk", 4) == 0) {
                (void)snprintf(p->disk_error, sizeof(p->disk_error), "%s", line[4] ? line + 5 : "");
                p->status.queue.disk_failed = p->disk_error[0];
                p->status.queue.disk_state = p->disk_error[0] ? DISK_FAILED : DISK_WELL;
                bus_status_changed(p->bus);
        } else if (strncmp(line, "settings", 8) == 0) {
                (void)snprintf(p->settings_problem, sizeof(p->settings_problem), "%s", line[8] ? line + 9 : "");
                bus_status_changed(p->bus);
        } else if (strncmp(line, "metrics", 7) == 0) {
                (void)snprintf(p->metrics_problem, sizeof(p->metrics_problem), "%s", line[7] ? line + 8 : "");
                bus_status_changed(p->bus);
        } else if (strncmp(line, "twin", 4) == 0) {
                (void)snprintf(p->twin_problem, sizeof(p->twin_problem), "%s", line[4] ? line + 5 : "");
                bus_status_changed(p->bus);
        } else if (strncmp(line, "raised", 6) == 0) {
                if (line[6])
                        raise_alarm(p, line + 7);
                else
                        p->status.n_alarms = 0;
                bus_status_changed(p->bus);
        } else if (sscanf(line, "count %" SCNu64, &x) == 1)
                count(p, x);
        else if (sscanf(line, "sensor %32s %32s", a, b) == 2)
                add_sensor(p, a, b);
        else if (sscanf(line, "gone %32s", a) == 1)
                remove_sensor(p, a);
        else if (sscanf(line, "read %32s %63s %15s %lf", a, b, c, &number) == 4)
                read_sensor(p, a, b, c, number);
        else if (sscanf(line, "fail %32s %n", a, &rest) == 1)
                fail_sensor(p, a, line + rest);
        else if (sscanf(line, "settle %32s %" SCNu64 " %" SCNu64 " %" SCNu64 " %63s", a, &x, &y, &z,
                        outcome) == 5)
                settle(p, a, x, y, z, (Outcome)index_of(outcome_name, _OUTCOME_MAX, outcome));
        else if (sscanf(line, "storm %" SCNu64, &x) == 1)
                for (; x > 0; x--, p->next++)
                        settle(p, "telemetry", EPOCH, p->next, p->next, OUTCOME_ACKNOWLEDGED);
        else if (sscanf(line, "answer %63s %d %n", a, &error, &rest) >= 1)
                answer(p, a, error, rest ? line + rest : "");
        else if (sscanf(line, "acknowledge %" SCNu64, &x) == 1)
                p->acknowledge = x;
        else if (sscanf(line, "dead %" SCNu64, &x) == 1)
                bus_dead_letter_added(p->bus, x);
        else if (sscanf(line, "dead-count %" SCNu64, &x) == 1) {
                p->status.dead_letters.count = x;
                bus_status_changed(p->bus);
        } else if (sscanf(line, "pressure %32s %lf", a, &number) == 2)
                bus_pressure(p->bus, a, number);
        else if (sscanf(line, "alarm %63s %63s %lf", a, b, &number) == 3)
                bus_alarm(p->bus, a, b, number);
        else if (strcmp(line, "change") == 0)
                bus_status_changed(p->bus);
        else if (strcmp(line, "quit") == 0)
                (void)sd_event_exit(p->event, 0);
        else
                fprintf(stderr, "bus-peer: what is \"%s\"?\n", line);

        buffer_append_string(&did, "{\"did\":");
        json_string(&did, line);
        buffer_append_char(&did, '}');
        say(&did);
}

static int on_input(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
        Peer *p = userdata;
        ssize_t n = read(fd, p->line + p->n_line, sizeof(p->line) - p->n_line);
        char *end;

        if (n <= 0)
                return sd_event_exit(p->event, 0);
        p->n_line += (size_t)n;
        while ((end = memchr(p->line, '\n', p->n_line))) {
                *end++ = 0;
                command(p, p->line);
                p->n_line -= (size_t)(end - p->line);
                memmove(p->line, end, p->n_line);
        }
        return 0;
}

/* ---- the pulse ---- */

static int on_time(sd_event_source *source, uint64_t usec, void *userdata)
{
        Peer *p = userdata;

        p->ticker.tick(p->ticker.userdata, clock_boot(&clock_system));
        return 0;
}

/* Before each sleep the deadline is asked again. */
static int before_sleep(sd_event_source *source, void *userdata)
{
        Peer *p = userdata;
        usec_t deadline = p->ticker.deadline(p->ticker.userdata);

        if (deadline == USEC_INFINITY)
                return sd_event_source_set_enabled(p->timer, SD_EVENT_OFF);
        (void)sd_event_source_set_time(p->timer, deadline);
        return sd_event_source_set_enabled(p->timer, SD_EVENT_ONESHOT);
}

/* ---- dead letters ---- */

static const DeadLetter letters[] = {
        {7, "telemetry", EPOCH, 42, OUTCOME_TOO_LARGE, "over the limit", DEAD_LETTER_READING, 30, 1767225600000000},
        {8, "events", EPOCH, 43, OUTCOME_BAD_PROPERTY, "", DEAD_LETTER_MESSAGE, 31, 1767225601000000},
        {9, "telemetry", EPOCH, 44, OUTCOME_BREAKS_LINK, "", DEAD_LETTER_OTHER, 3, 1767225602000000},
};

static RequestError peer_list(void *userdata, const DeadLetter **ret, size_t *ret_n)
{
        *ret = letters;
        *ret_n = ARRAY_SIZE(letters);
        return REQUEST_OK;
}

static void peer_get(void *userdata, uint64_t id, DeadLetterAnswerFn fn, void *fn_userdata)
{
        const Channel channels[] = {{"v", {.kind = VALUE_NUMBER, .number = 1.5}},
                                    {"name", {.kind = VALUE_TEXT, .text = "a \"text\""}}};
        const Reading reading = {.sensor = "cpu", .wall_usec = 1767225500000000, .wall_trusted = true, .channels = channels,
                                 .n_channels = 2};
        Property property = {(char *)"colour", (char *)"blue"};
        Message message = {.content_type = (char *)"text/plain", .properties = &property, .n_properties = 1};
        DeadLetterAnswer a = {};

        buffer_append_string(&message.body, "hello\n");
        if (id < 7 || id > 10)
                a = (DeadLetterAnswer){.error = REQUEST_NO_SUCH_MESSAGE, .detail = "there is no such dead letter"};
        else if (id == 10)
                a = (DeadLetterAnswer){.error = REQUEST_DISK_ERROR, .detail = "it cannot be read"};
        else
                a.letter = &letters[id - 7];
        if (id == 7)
                a.reading = &reading;
        if (id == 8)
                a.message = &message;
        if (id == 9) {
                a.bytes = "\001\002\003";
                a.n_bytes = 3;
        }
        fn(fn_userdata, &a);
        buffer_done(&message.body);
}

static void peer_requeue(void *userdata, uint64_t id, SubmitAnswerFn fn, void *fn_userdata)
{
        if (id < 7 || id > 9)
                fn(fn_userdata, &(SubmitAnswer){.error = REQUEST_NO_SUCH_MESSAGE});
        else
                fn(fn_userdata, &(SubmitAnswer){.stream = "telemetry", .epoch = EPOCH, .first = 100 + id,
                                                        .last = 100 + id});
}

static void peer_remove(void *userdata, uint64_t id, DoneFn done, void *done_userdata)
{
        done(done_userdata, id < 7 || id > 9 ? REQUEST_NO_SUCH_MESSAGE : REQUEST_OK, NULL);
}

/* ---- the inbox: empty ---- */

static RequestError peer_inbox_list(void *userdata, const InboxItem **ret, size_t *ret_n)
{
        *ret_n = 0;
        return REQUEST_OK;
}

static void peer_inbox_take(void *userdata, uint64_t id, const char *taker, const char *who, InboxAnswerFn fn,
                            void *fn_userdata)
{
        fn(fn_userdata, &(InboxAnswer){.error = REQUEST_NO_SUCH_MESSAGE});
}

static void peer_inbox_complete(void *userdata, uint64_t id, const char *taker, DoneFn done, void *done_userdata)
{
        done(done_userdata, REQUEST_NO_SUCH_MESSAGE, NULL);
}

static void peer_inbox_reject(void *userdata, uint64_t id, const char *taker, const char *reason, DoneFn done,
                              void *done_userdata)
{
        done(done_userdata, REQUEST_NO_SUCH_MESSAGE, NULL);
}

static void peer_inbox_extend(void *userdata, uint64_t id, const char *taker, usec_t usec, DoneFn done,
                              void *done_userdata)
{
        done(done_userdata, REQUEST_NO_SUCH_MESSAGE, NULL);
}

static void peer_inbox_left(void *userdata, const char *taker)
{
}

/* ---- the twin: never heard of ---- */

static void peer_twin_desired(void *userdata, const char *section, TwinDesired *ret)
{
        *ret = (TwinDesired){.error = REQUEST_NOT_CONNECTED, .detail = "There is no hub here."};
}

static void peer_twin_reported(void *userdata, const char *section, TwinDesired *ret)
{
        *ret = (TwinDesired){.json = "{}"};
}

static void peer_twin_report(void *userdata, const char *section, const char *json, const char *user, DoneFn done,
                             void *done_userdata)
{
        done(done_userdata, *json == '{' ? REQUEST_OK : REQUEST_BAD_VALUE, NULL);
}

static void peer_twin_owners(void *userdata, TwinOwnerFn each, void *each_userdata)
{
        each(each_userdata, "pump", "pumpd");
        each(each_userdata, "temperature", "");
}

/* ---- the methods: one that is hung, and anybody may register any ---- */

static void peer_register(void *userdata, const char *name, const char *client, const char *user, DoneFn done,
                          void *done_userdata)
{
        done(done_userdata, REQUEST_OK, NULL);
}

static void peer_unregister(void *userdata, const char *name, const char *client, DoneFn done, void *done_userdata)
{
        done(done_userdata, REQUEST_NOT_OWNER, NULL);
}

static void peer_methods(void *userdata, const MethodInfo **ret, size_t *ret_n)
{
        static const MethodInfo hung = {.name = "hung", .responder = ""};

        *ret = &hung;
        *ret_n = 1;
}

static void peer_call(void *userdata, const char *name, const char *json, usec_t timeout_usec, const char *caller,
                      MethodAnswerFn fn, void *fn_userdata)
{
        fn(fn_userdata, &(MethodAnswer){METHOD_TIMEOUT, "", 0});
}

static bool peer_has(void *userdata, const char *client)
{
        return true;
}

static void peer_left(void *userdata, const char *client)
{
}

static void peer_answered(void *userdata, uint64_t call, int error, int status, const char *json)
{
}

static const AuditEntry *peer_entry(void *userdata, size_t back)
{
        static const AuditEntry entry = {.caller = "hub", .name = "hung", .request = "", .answer = ""};

        return back == 0 ? &entry : NULL;
}

static int run(Peer *p, const char *address)
{
        BusPeers peers = {
                .intake = {peer_submit, peer_submit_message, p},
                .control = {peer_flush, peer_reconnect, peer_reload, p},
                .status = {peer_status, p},
                .dead_letters = {peer_list, peer_get, peer_requeue, peer_remove, p},
                .inbox = {peer_inbox_list, peer_inbox_take, peer_inbox_complete, peer_inbox_reject, peer_inbox_extend,
                          peer_has, peer_inbox_left, p},
                .twin = {peer_twin_desired, peer_twin_reported, peer_twin_report, peer_twin_owners, p},
                .methods = {peer_register, peer_unregister, peer_methods, peer_call, peer_has, peer_left,
                            peer_answered, p},
                .audit = {peer_entry, p},
        };
        sd_event_source *input = NULL;
        int r;

        if ((r = sd_event_new(&p->event)) < 0 ||
            (r = sd_event_add_io(p->event, &input, 0, EPOLLIN, on_input, p)) < 0 ||
            (r = sd_event_add_time(p->event, &p->timer, CLOCK_BOOTTIME, 0, 1000, on_time, p)) < 0)
                return r;
        r = bus_new(&p->bus, p->event, address, &peers, &clock_system, &random_system);
        if (r < 0)
                return r;
        p->ticker = bus_ticker(p->bus);
        /* on the input, since a timer that is off is not asked */
        r = sd_event_source_set_prepare(input, before_sleep);
        if (r >= 0)
                r = sd_event_loop(p->event);
        answer(p, "now", 0, "");
        p->bus = bus_free(p->bus);
        sd_event_source_unref(input);
        sd_event_source_unref(p->timer);
        sd_event_unref(p->event);
        return r;
}

int main(int argc, char **argv)
{
        static Peer peer = {
                .status = {.version = HUBLINK_VERSION, .hub = "hub.example", .device_id = "gw-1"},
                .next = 1,
        };

        if (argc != 2) {
                fprintf(stderr, "usage: bus-peer ADDRESS\n");
                return 2;
        }
        log_open(LOG_TARGET_STDERR, &clock_system);
        peer.status.link_state = LINK_OFFLINE;
        return run(&peer, argv[1]) < 0;
}
