/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/rules.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log-id.h"
#include "base/log.h"
#include "base/number.h"
#include "flow/rules-core.h"

#define OUTSIDE_INTERVAL USEC_PER_HOUR /* between two lines about one sensor's values outside their ranges */

/* ---- who there is ---- */

RuleSensor *rules_find_sensor(const Rules *r, const char *name)
{
        size_t low = 0, high = r->n_sensors;

        while (low < high) {
                size_t at = low + (high - low) / 2;
                int order = strcmp(name, r->sensors[at].name);

                if (order == 0)
                        return &r->sensors[at];
                if (order < 0)
                        high = at;
                else
                        low = at + 1;
        }
        return NULL;
}

/* Readings have their channels in the same order each time: the next one is the one behind the last. */
RuleChannel *rules_find_channel(RuleSensor *s, const char *name)
{
        for (size_t i = 0; i < s->n_channels; i++) {
                size_t at = s->next + i < s->n_channels ? s->next + i : s->next + i - s->n_channels;

                if (strcmp(s->channels[at].name, name) != 0)
                        continue;
                s->next = at + 1 < s->n_channels ? at + 1 : 0;
                return &s->channels[at];
        }
        return NULL;
}

/* ---- readings ---- */

void rules_limit_position(const Rules *r, const char *source, SourcePosition *at)
{
        for (size_t i = 0; i < r->n_sensors; i++) {
                const RuleSensor *s = &r->sensors[i];

                for (size_t k = 0; s->source.name[0] && k < s->n_channels; k++)
                        rule_channel_limit(&s->channels[k], source, at);
        }
}

static void limit(void *userdata, const char *source, SourcePosition *at)
{
        rules_limit_position(userdata, source, at);
}

/* What was held may outlive its stream: then it goes by the usual one. */
static const char *stream_of(const Rules *r, const RuleSensor *s)
{
        return *s->stream && rule_streams_has(&r->streams, s->stream) ? s->stream : NULL;
}

static int empty(Rules *r, RuleSensor *s, usec_t now)
{
        return outbox_empty(&r->outbox, &(OutboxPost){
                                                .sink = &r->sink.down,
                                                .stream = stream_of(r, s),
                                                .sensor = s->name,
                                                .source = &s->source,
                                                .limit = limit,
                                                .userdata = r,
                                                .now = now,
                                        });
}

/* ---- time ---- */

/* On the sensor's own clock. */
static usec_t due_of(const RuleSensor *s)
{
        usec_t next = USEC_INFINITY;

        for (size_t i = 0; i < s->n_channels; i++)
                next = MIN(next, rule_channel_deadline(&s->channels[i]));
        return next;
}

void rules_set_deadline(RuleSensor *s)
{
        usec_t next = rule_clock_to_boot(&s->clock, due_of(s));

        for (size_t i = 0; i < s->n_channels; i++)
                next = MIN(next, rule_channel_boot_deadline(&s->channels[i]));
        s->deadline_usec = next;
}

static void tell(Rules *r, RuleSensor *s, usec_t now)
{
        for (size_t i = 0; i < s->n_channels; i++)
                rules_tell_alarms(r, s, &s->channels[i], now);
        rules_look_for_trouble(r, s, true);
        rules_set_deadline(s);
}

static void tick_sensor(Rules *r, RuleSensor *s, const RuleTime *now)
{
        for (size_t i = 0; i < s->n_channels; i++) {
                if (r->outbox.n + RULE_CHANNEL_TICK_MAX > OUTBOX_MAX)
                        (void)empty(r, s, now->boot_usec);
                rule_channel_tick(&s->channels[i], now, &r->outbox);
        }
        (void)empty(r, s, now->boot_usec);
        tell(r, s, now->boot_usec);
}

/* Lines may pass hours at once: what was due in them is, one after the other. */
static void pass_time(Rules *r, RuleSensor *s, const RuleTime *now)
{
        usec_t due;

        while (now->is_wall && (due = due_of(s)) <= now->usec)
                tick_sensor(r, s, &(RuleTime){now->boot_usec, due, true, now->is_doubted});
        if (now->boot_usec >= s->deadline_usec)
                tick_sensor(r, s, now);
}

static void release(Rules *r, RuleSensor *s, RuleSensor *next, usec_t now)
{
        const RuleTime at = rule_clock_now(&s->clock, now);

        for (size_t i = 0; i < s->n_channels; i++) {
                if (r->outbox.n + RULE_CHANNEL_TICK_MAX > OUTBOX_MAX)
                        (void)empty(r, s, now);
                rule_channel_release(&s->channels[i], next ? rules_find_channel(next, s->channels[i].name) : NULL,
                                     &at, &r->outbox);
        }
        (void)empty(r, s, now);
        rules_set_deadline(s);
}

static void let_time_pass(Rules *r, RuleSensor *s, usec_t now)
{
        const RuleTime at = rule_clock_now(&s->clock, now);

        if (now >= s->deadline_usec)
                pass_time(r, s, &at);
}

/* Its time is another one from now on: with the first line that tells it, and where the clock was wrong. */
static void turn(Rules *r, RuleSensor *s, const Reading *reading, usec_t now)
{
        const RuleTime was = rule_clock_now(&s->clock, now);
        RuleTime at;

        rule_clock_doubt(&s->clock, r->clock, now);
        let_time_pass(r, s, now);
        release(r, s, NULL, now);
        at = rule_clock_turn(&s->clock, reading, r->clock, now);
        for (size_t i = 0; i < s->n_channels; i++)
                rule_channel_turn(&s->channels[i], &was, &at);
        rules_set_deadline(s);
}

/* What is due, as it is due; then what is not. */
void rules_release_sensor(Rules *r, RuleSensor *s, RuleSensor *next, usec_t now)
{
        rule_clock_doubt(&s->clock, r->clock, now);
        let_time_pass(r, s, now);
        release(r, s, next, now);
}

void rules_release(Rules *r)
{
        usec_t now = clock_boot(r->clock);

        for (size_t i = 0; i < r->n_sensors; i++)
                rules_release_sensor(r, &r->sensors[i], NULL, now);
}

static usec_t rules_deadline(void *userdata)
{
        const Rules *r = userdata;
        usec_t next = MIN(rules_orphans_deadline(r), r->book ? alarm_book_deadline(r->book) : USEC_INFINITY);

        for (size_t i = 0; i < r->n_sensors; i++)
                next = MIN(next, r->sensors[i].deadline_usec);
        return next;
}

static void rules_tick(void *userdata, usec_t now)
{
        Rules *r = userdata;

        if (r->book)
                alarm_book_tick(r->book, now);
        if (r->n_orphans > 0)
                rules_tell_orphans(r, now);
        for (size_t i = 0; i < r->n_sensors; i++) {
                RuleSensor *s = &r->sensors[i];

                if (now < s->deadline_usec)
                        continue;
                if (rule_clock_turns(&s->clock, NULL, r->clock, now))
                        turn(r, s, NULL, now);
                let_time_pass(r, s, now);
        }
}

Ticker rules_ticker(Rules *r)
{
        return (Ticker){"rules", rules_deadline, rules_tick, r};
}

/* ---- the sensors' sink ---- */

static void note_stream(RuleSensor *s, const char *stream)
{
        if (strcmp(s->stream, stream ?: "") != 0)
                (void)snprintf(s->stream, sizeof(s->stream), "%s", stream ?: "");
}

static void note_source(RuleSensor *s, const Reading *reading)
{
        if (!reading->source)
                return;
        s->source.waits = true;
        s->source.position = reading->position;
        (void)snprintf(s->source.name, sizeof(s->source.name), "%s", reading->source);
}

static void tell_outside(RuleSensor *s, const RuleChannel *c, usec_t now)
{
        char low[NUMBER_TEXT_MAX], high[NUMBER_TEXT_MAX];
        ThrottleOthers others;
        uint64_t held_back;

        if (!throttle_admits(&s->outside, now, OUTSIDE_INTERVAL, &held_back))
                return;
        (void)number_format(c->range.low, low);
        (void)number_format(c->range.high, high);
        log_line(LOG_WARNING, LOG_ID_OUT_OF_RANGE, NULL,
                 "sensor %s: %s is not within %s to %s: such values go up marked%s.", s->name, c->name, low, high,
                 throttle_others(&others, held_back));
}

static void take_ruled(Rules *r, RuleSensor *s, RuleChannel *c, const OutboxItem *item, const RuleHold *from,
                       const RuleTime *now)
{
        bool was_outside = c->is_outside;

        rule_channel_take(c, item, from, now, &r->outbox);
        if (c->is_outside && !was_outside)
                tell_outside(s, c, now->boot_usec);
}

static void take_reading(Rules *r, RuleSensor *s, const Reading *reading, const RuleTime *now)
{
        RuleHold from = {.before = reading->before};
        uint64_t channels = rule_again_channels(&s->again, reading);

        (void)snprintf(from.source, sizeof(from.source), "%s", reading->source ?: "");
        s->next = 0;
        for (size_t i = 0; i < reading->n_channels; i++) {
                const Channel *channel = &reading->channels[i];
                RuleChannel *c = rules_find_channel(s, channel->name);
                OutboxItem item = {
                        .name = channel->name,
                        .value = channel->value,
                        .quality = reading->quality,
                        .time = {.wall_usec = reading->wall_usec, .wall_trusted = reading->wall_trusted},
                        .of = UINT64_C(1) << i,
                };

                if (!(channels & item.of))
                        continue;
                if (c)
                        take_ruled(r, s, c, &item, &from, now);
                else
                        outbox_add(&r->outbox, &item);
        }
}

/* Its line may lie behind another one, of which something is held. */
static int pass_on(Rules *r, const char *stream, const Reading *reading)
{
        Reading limited = *reading;

        if (limited.source)
                rules_limit_position(r, limited.source, &limited.position);
        return r->sink.down.reading(r->sink.down.userdata, stream, &limited);
}

/* A position goes no further than what was taken. */
static int rule(Rules *r, RuleSensor *s, const Reading *reading, const RuleTime *now)
{
        const OutboxSource was = s->source;
        int result;

        r->outbox.refused = 0;
        note_source(s, reading);
        take_reading(r, s, reading, now);
        result = empty(r, s, now->boot_usec);
        rule_again_note(&s->again, reading, r->outbox.refused);
        if (r->outbox.refused != 0)
                s->source = was;
        return result;
}

/* What was due comes first: a window that has ended does not get another value. */
static int on_reading(void *userdata, const char *stream, const Reading *reading)
{
        Rules *r = userdata;
        RuleSensor *s = r->n_sensors > 0 ? rules_find_sensor(r, reading->sensor) : NULL;
        RuleTime at;
        usec_t now;
        int result;

        if (!s || reading->n_channels > READING_CHANNELS_MAX)
                return pass_on(r, stream, reading);
        now = clock_boot(r->clock);
        note_stream(s, stream);
        if (rule_clock_turns(&s->clock, reading, r->clock, now))
                turn(r, s, reading, now);
        at = rule_clock_take(&s->clock, reading, r->clock, now);
        pass_time(r, s, &at);
        result = rule(r, s, reading, &at);
        tell(r, s, now);
        return result;
}

static void on_refused(void *userdata, Refusal why)
{
        const Rules *r = userdata;

        r->sink.down.refused(r->sink.down.userdata, why);
}

static bool is_ready(void *userdata)
{
        const Rules *r = userdata;

        return r->sink.down.ready(r->sink.down.userdata);
}

static void on_changed(void *userdata, const SensorStatus *sensor)
{
        const Rules *r = userdata;

        r->sink.down.changed(r->sink.down.userdata, sensor);
}

ReadingSink rules_reading_sink(Rules *r)
{
        return (ReadingSink){on_reading, on_refused, is_ready, on_changed, r};
}

/* ---- life ---- */

int rules_know_streams(Rules *r, const StreamSettings *streams, size_t n_streams)
{
        return rule_streams_set(&r->streams, streams, n_streams);
}

void rules_keep_alarms(Rules *r, AlarmBook *book)
{
        r->book = book;
}

int rules_new(Rules **ret, const Clock *clock, const RulesSink *sink)
{
        Rules *r = calloc(1, sizeof(*r));

        if (!r)
                return -ENOMEM;
        r->clock = clock;
        r->sink = *sink;
        *ret = r;
        return 0;
}

Rules *rules_free(Rules *r)
{
        if (!r)
                return NULL;
        rules_sensors_done(r->sensors, r->n_sensors);
        rule_streams_done(&r->streams);
        free(r->orphans);
        free(r);
        return NULL;
}
