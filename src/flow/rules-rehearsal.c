/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/rules-rehearsal.h"

#include <errno.h>
#include <string.h>

#include "flow/format.h"
#include "flow/gate.h"
#include "flow/rules.h"

/* One stream's readings on their way. */
typedef struct Lane {
        Format *format;
        Packer packer;
        uint64_t n; /* of the last reading */
} Lane;

struct Rehearsal {
        Clock clock;
        usec_t now; /* of both clocks */
        RehearsalSettings settings;
        RehearsalSink sink;
        Rules *rules;
        ReadingSink in;
        Ticker ticker;
        Lane *lanes; /* beside the streams */
        RehearsalSums sums;
        int error;
};

/* ---- the clock ---- */

static usec_t now_of(const Clock *clock)
{
        return container_of(clock, const Rehearsal, clock)->now;
}

static bool is_synchronised(const Clock *clock)
{
        return true;
}

/* ---- messages ---- */

static void send_message(Rehearsal *r, Message *m, size_t n_readings)
{
        size_t size = message_size(m);
        RehearsalMessage what = {m, r->now, n_readings, size, billed_messages(size, BILLING_CHUNK)};

        r->sums.messages++;
        r->sums.sent += n_readings;
        r->sums.bytes += size;
        r->sums.units += what.units;
        if (r->sink.message)
                r->sink.message(r->sink.userdata, &what);
        message_free(m);
}

static Cargo cargo_of(const Rehearsal *r, uint64_t first, uint64_t last, usec_t wall)
{
        return (Cargo){.first = first, .last = last, .wall_usec = wall, .device = r->settings.device_id};
}

static int seal(Rehearsal *r, Lane *lane, bool whole_units)
{
        Pack pack = packer_range(&lane->packer, whole_units);
        Cargo cargo = cargo_of(r, pack.first, pack.last, pack.wall_usec);
        Message *m;
        int error = format_pack(lane->format, &cargo, &m);

        if (error < 0)
                return error;
        error = packer_seal(&lane->packer, whole_units, &pack);
        if (error < 0) {
                message_free(m);
                return error;
        }
        m->body = pack.body;
        send_message(r, m, pack.last - pack.first + 1);
        return 0;
}

static int open_pack(const Rehearsal *r, Lane *lane, usec_t wall)
{
        Cargo cargo = cargo_of(r, lane->n, lane->n, wall);
        size_t overhead;
        int error = format_overhead(lane->format, &cargo, &overhead);

        if (error < 0)
                return error;
        packer_begin(&lane->packer, 0, overhead);
        return 0;
}

static usec_t due_of(const Rehearsal *r, const Lane *lane)
{
        return usec_add(lane->packer.appended_usec,
                        MAX(lane->format->max_latency_usec, r->settings.commit_interval_usec));
}

static int add_to_pack(Rehearsal *r, Lane *lane, const PackerRecord *record)
{
        int error;

        if (packer_is_empty(&lane->packer) && (error = open_pack(r, lane, record->wall_usec)) < 0)
                return error;
        error = packer_add(&lane->packer, record);
        if (error == PACKER_E_FULL) {
                error = seal(r, lane, false);
                return error < 0 ? error : add_to_pack(r, lane, record);
        }
        if (error == 0 && packer_has_whole_units(&lane->packer))
                error = seal(r, lane, true);
        return error;
}

static int send_object(Rehearsal *r, const Lane *lane, const Reading *reading)
{
        Cargo cargo = cargo_of(r, lane->n, lane->n, reading->wall_usec);
        Message *m;
        int error = format_reading(lane->format, &cargo, reading, &m);

        if (error < 0)
                return error;
        send_message(r, m, 1);
        return 0;
}

static Lane *find_lane(const Rehearsal *r, const char *stream)
{
        Lane *usual = NULL;

        for (size_t i = 0; i < r->settings.n_streams; i++) {
                if (stream && strcmp(r->settings.streams[i].name, stream) == 0)
                        return &r->lanes[i];
                if (strcmp(r->settings.streams[i].name, STREAM_DEFAULT) == 0)
                        usual = &r->lanes[i];
        }
        return usual;
}

/* ---- what the rules let pass ---- */

static int on_reading(void *userdata, const char *stream, const Reading *reading)
{
        Rehearsal *r = userdata;
        Lane *lane = find_lane(r, stream);
        Reading stamped = *reading;
        Objection o;
        int error;

        if (!gate_reading(reading, &o)) {
                r->sums.refused++;
                return 1;
        }
        if (stamped.wall_usec == 0)
                stamped.wall_usec = usec_sub(r->now, reading->age_usec);
        lane->n++;
        error = lane->format->kind == STREAM_OBJECT ? send_object(r, lane, &stamped)
                                                    : add_to_pack(r, lane, &(PackerRecord){
                                                                                   .n = lane->n,
                                                                                   .reading = &stamped,
                                                                                   .wall_usec = stamped.wall_usec,
                                                                                   .quality = stamped.quality,
                                                                                   .appended_usec = r->now,
                                                                                   .read_usec = r->now,
                                                                           });
        r->error = r->error < 0 ? r->error : error;
        return 0;
}

static void on_refused(void *userdata, Refusal why)
{
}

static bool is_ready(void *userdata)
{
        return true;
}

static void on_changed(void *userdata, const SensorStatus *sensor)
{
}

static void on_alarm(void *userdata, const char *channel, const char *state, double value)
{
        const Rehearsal *r = userdata;

        if (r->sink.alarm)
                r->sink.alarm(r->sink.userdata, r->now, channel, state, value);
}

static void on_stale(void *userdata, const char *sensor, const char *why, bool is_news)
{
        const Rehearsal *r = userdata;

        if (r->sink.stale)
                r->sink.stale(r->sink.userdata, r->now, sensor, why);
}

/* ---- time ---- */

static usec_t next_due(Rehearsal *r, Lane **ret)
{
        usec_t next = r->ticker.deadline(r->ticker.userdata);

        *ret = NULL;
        for (size_t i = 0; i < r->settings.n_streams; i++)
                if (!packer_is_empty(&r->lanes[i].packer) && due_of(r, &r->lanes[i]) < next) {
                        *ret = &r->lanes[i];
                        next = due_of(r, *ret);
                }
        return next;
}

static int pass_time(Rehearsal *r, usec_t until)
{
        Lane *lane;
        usec_t due;

        while (r->error >= 0 && (due = next_due(r, &lane)) <= until) {
                r->now = MAX(r->now, due);
                if (lane)
                        r->error = seal(r, lane, false);
                else
                        r->ticker.tick(r->ticker.userdata, r->now);
        }
        r->now = MAX(r->now, until);
        return r->error;
}

/* The rules begin with the recording: before it nobody was silent. */
static int begin(Rehearsal *r, usec_t now)
{
        r->now = now;
        r->sums.first_usec = now;
        return rules_configure(r->rules, r->settings.rules, r->settings.n_rules);
}

int rehearsal_take(Rehearsal *r, const char *stream, const Reading *reading)
{
        int error = r->sums.taken++ == 0 ? begin(r, reading->wall_usec) : pass_time(r, reading->wall_usec);

        if (error < 0)
                return error;
        r->sums.last_usec = r->now;
        (void)r->in.reading(r->in.userdata, stream, reading);
        return r->error;
}

int rehearsal_end(Rehearsal *r)
{
        for (size_t i = 0; i < r->settings.n_streams && r->error >= 0; i++)
                if (!packer_is_empty(&r->lanes[i].packer))
                        r->error = seal(r, &r->lanes[i], false);
        return r->error;
}

const RehearsalSums *rehearsal_sums(const Rehearsal *r)
{
        return &r->sums;
}

/* ---- life ---- */

int rehearsal_new(Rehearsal **ret, const RehearsalSettings *settings, const RehearsalSink *sink)
{
        _cleanup_(rehearsal_freep) Rehearsal *r = calloc(1, sizeof(*r));
        int error;

        if (!r)
                return -ENOMEM;
        r->clock = (Clock){now_of, now_of, is_synchronised};
        r->settings = *settings;
        r->sink = *sink;
        r->lanes = calloc(settings->n_streams, sizeof(*r->lanes));
        if (!r->lanes)
                return -ENOMEM;
        for (size_t i = 0; i < settings->n_streams; i++)
                if ((error = format_new(&r->lanes[i].format, &settings->streams[i])) < 0)
                        return error;
        error = rules_new(&r->rules, &r->clock,
                          &(RulesSink){{on_reading, on_refused, is_ready, on_changed, r}, on_alarm, on_stale, r});
        if (error < 0)
                return error;
        r->in = rules_reading_sink(r->rules);
        r->ticker = rules_ticker(r->rules);
        *ret = TAKE_PTR(r);
        return 0;
}

Rehearsal *rehearsal_free(Rehearsal *r)
{
        if (!r)
                return NULL;
        rules_free(r->rules);
        for (size_t i = 0; r->lanes && i < r->settings.n_streams; i++) {
                format_free(r->lanes[i].format);
                packer_done(&r->lanes[i].packer);
        }
        free(r->lanes);
        free(r);
        return NULL;
}
