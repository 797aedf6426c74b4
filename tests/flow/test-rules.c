/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A month of a small gateway with rules and without: what it costs, and how wrong the far side is at most. What a
 * rehearsal of the same month tells beforehand is what it then costs.
 *
 * HUBLINK_DAYS makes it longer or shorter.
 */

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "flow/rules-rehearsal.h"
#include "flow/rules.h"
#include "model/json-read.h"
#include "suite.h"
#include "world.h"

#define STEP    USEC_PER_MIN
#define A_DAY   (USEC_PER_DAY / STEP)
#define DAYS    30
#define DAY_MAX 400

enum {
        CPU,
        ROOM,
        HUMIDITY,
        DOOR,
        FLOW,
        _CHANNELS,
};

static const struct {
        const char *sensor, *channel;
        double deadband;
} what[_CHANNELS] = {
        [CPU] = {"cpu", "temperature", 1.0},      [ROOM] = {"room", "temperature", 0.2},
        [HUMIDITY] = {"room", "humidity", 1.0},   [DOOR] = {"door", "open", 0.0},
        [FLOW] = {"flow", "rate", NAN},
};

static const RuleSettings rules[] = {
        {.channel = (char *)"cpu.temperature",
         .range = {true, -40, 125},
         .deadband = {.width = {true, 1.0}, .max_silence_usec = 10 * USEC_PER_MIN}},
        {.channel = (char *)"room.temperature", .deadband = {.width = {true, 0.2}, .max_silence_usec = USEC_PER_HOUR}},
        {.channel = (char *)"room.humidity", .deadband = {.width = {true, 1.0}, .max_silence_usec = USEC_PER_HOUR}},
        {.channel = (char *)"door.open", .deadband = {.width = {true, 0.0}, .max_silence_usec = USEC_PER_HOUR}},
        {.channel = (char *)"flow.rate",
         .watch = {.stale_after_usec = 10 * USEC_PER_MIN},
         .window = {5 * USEC_PER_MIN,
                    (1U << WINDOW_MEAN) | (1U << WINDOW_MIN) | (1U << WINDOW_MAX) | (1U << WINDOW_COUNT)}},
        {.channel = (char *)"cpu.temperature",
         .alarm = {.above = {true, 70}, .clear = {true, 65}, .hold_usec = 2 * USEC_PER_MIN, .stream = "alarms"}},
};

static World w;
static Rules *machine;
static ReadingSink sink;
static FakeRandom dice;
static unsigned days;

static double values[_CHANNELS][DAY_MAX * A_DAY];
static usec_t times[DAY_MAX * A_DAY]; /* wall clock */
static size_t n_steps;
static unsigned n_signals, n_stale;

/* ---- the gateway ---- */

static double draw(double low, double high)
{
        return low + (high - low) * (double)(dice.random.draw(&dice) % 1000000) / 1e6;
}

static bool happens(double once_in)
{
        return draw(0, once_in) < 1;
}

/* A processor with its days and its jobs, a room with a sluggish heater, a door, a pump. */
static void live(size_t i)
{
        static double heat, room, humidity, open;
        double day = 2 * M_PI * (double)(i % A_DAY) / A_DAY;

        if (i == 0) {
                heat = 0;
                room = 21;
                humidity = 45;
                open = 0;
        }
        heat = happens(360) ? draw(5, 40) : heat * 0.9;
        room += draw(-0.02, 0.02) - 0.001 * (room - 21);
        humidity = CLAMP(humidity + draw(-0.3, 0.3), 10.0, 90.0);
        if (happens(open > 0 ? 5 : 240))
                open = 1 - open;
        values[CPU][i] = 45 + 6 * sin(day) + heat + draw(-0.3, 0.3);
        values[ROOM][i] = room + 1.5 * sin(day);
        values[HUMIDITY][i] = humidity;
        values[DOOR][i] = open;
        values[FLOW][i] = 12 + draw(-2, 2);
        times[i] = w.clock.wall_usec;
}

/* The sensors, and which of the channels are theirs. */
static const struct {
        const char *name;
        size_t first, n;
} sensors[] = {{"cpu", CPU, 1}, {"room", ROOM, 2}, {"door", DOOR, 1}, {"flow", FLOW, 1}};

static Reading reading_of(size_t sensor, size_t i, Channel channels[static 2])
{
        for (size_t k = 0; k < sensors[sensor].n; k++) {
                size_t c = sensors[sensor].first + k;

                channels[k] = (Channel){what[c].channel,
                                        c == DOOR ? (Value){.kind = VALUE_BOOLEAN, .boolean = values[DOOR][i] > 0}
                                                  : (Value){.kind = VALUE_NUMBER, .number = values[c][i]}};
        }
        return (Reading){.sensor = sensors[sensor].name, .channels = channels, .n_channels = sensors[sensor].n};
}

static void read_all(size_t i)
{
        Channel channels[2];

        for (size_t s = 0; s < ARRAY_SIZE(sensors); s++) {
                Reading reading = reading_of(s, i, channels);

                insist(sink.reading(sink.userdata, NULL, &reading) == 0);
        }
}

static void on_alarm(void *userdata, const char *channel, const char *state, double value)
{
        n_signals++;
}

static void on_stale(void *userdata, const char *sensor, const char *why, bool is_news)
{
        n_stale++;
}

static void run(bool with_rules)
{
        world_init(&w);
        world_start(&w);
        fake_random_init(&dice, 2026);
        sink = w.sink;
        if (with_rules) {
                insist(rules_new(&machine, &w.clock.clock, &(RulesSink){w.sink, on_alarm, on_stale, NULL}) == 0);
                insist(rules_configure(machine, rules, ARRAY_SIZE(rules)) == 0);
                sink = rules_reading_sink(machine);
                w.tickers[w.n_tickers++] = rules_ticker(machine);
        } else
                w.forget_events = true;
        world_run(&w, 30 * USEC_PER_SEC); /* until the link is up; the reads do not fall on whole windows */
        for (size_t i = 0; i < n_steps; i++) {
                live(i);
                read_all(i);
                world_run(&w, STEP);
        }
        world_run(&w, USEC_PER_MIN);
}

static void end(void)
{
        world_done(&w);
        machine = rules_free(machine);
}

/* ---- the far side ---- */

/* What it knows of each channel after each step. */
static double known[_CHANNELS][DAY_MAX * A_DAY];

typedef struct FarSide {
        unsigned n_raised, n_cleared;
        uint64_t n_counted; /* of the pump's values, in windows */
        double flow_min, flow_max, flow_sum;
        uint64_t n_readings;
} FarSide;

static double number_of(json_object *o, const char *name)
{
        json_object *v;

        return json_object_object_get_ex(o, name, &v) ? json_object_get_double(v) : NAN;
}

static size_t step_of(usec_t wall)
{
        return wall < times[0] ? 0 : (size_t)((wall - times[0] + STEP / 2) / STEP);
}

static void learn_window(FarSide *f, json_object *o)
{
        double n = number_of(o, "rate_count");

        if (isnan(n))
                return;
        f->n_counted += (uint64_t)n;
        f->flow_sum += n * number_of(o, "rate_mean");
        f->flow_min = fmin(f->flow_min, number_of(o, "rate_min"));
        f->flow_max = fmax(f->flow_max, number_of(o, "rate_max"));
}

static void learn(FarSide *f, json_object *o)
{
        usec_t wall = (usec_t)(number_of(o, "t") * 1000);
        json_object *s, *alarm;

        f->n_readings++;
        insist(json_object_object_get_ex(o, "s", &s));
        if (json_object_object_get_ex(o, "alarm", &alarm)) {
                if (strcmp(json_object_get_string(alarm), "above") == 0)
                        f->n_raised++;
                else
                        f->n_cleared++;
                return;
        }
        for (size_t c = 0; c < FLOW; c++)
                if (strcmp(what[c].sensor, json_object_get_string(s)) == 0 && step_of(wall) < n_steps &&
                    !isnan(number_of(o, what[c].channel)))
                        known[c][step_of(wall)] = number_of(o, what[c].channel);
        learn_window(f, o);
}

static void learn_all(FarSide *f)
{
        for (size_t i = 0; i < w.n_events; i++) {
                _cleanup_json_ json_object *body = NULL;
                const char *error;

                insist(json_read(w.events[i].body, strlen(w.events[i].body), &body, &error) == 0);
                for (size_t k = 0; k < json_object_array_length(body); k++)
                        learn(f, json_object_array_get_idx(body, k));
        }
}

/* Until it hears something else it takes the last value for the present one. */
static double largest_error(size_t c)
{
        double last = NAN, largest = 0;

        for (size_t i = 0; i < n_steps; i++) {
                last = isnan(known[c][i]) ? last : known[c][i];
                insist(!isnan(last));
                largest = fmax(largest, fabs(last - values[c][i]));
        }
        return largest;
}

/* Alarms as one would count them by hand: two minutes above are two reads. */
static unsigned count_alarms(void)
{
        unsigned n = 0, above = 0;
        bool raised = false;

        for (size_t i = 0; i < n_steps; i++) {
                double v = values[CPU][i];

                above = v > 70 && !raised ? above + 1 : 0;
                if (raised && v <= 65)
                        raised = false;
                if (above == 2) {
                        raised = true;
                        n++;
                }
        }
        return n;
}

/* Of the month that was. */
static RehearsalSums rehearse(size_t n_rules)
{
        const RehearsalSettings settings = {
                rules,
                n_rules,
                world_streams,
                ARRAY_SIZE(world_streams),
                w.queue_settings.commit_interval_usec,
                w.uplink_settings.device_id,
        };
        RehearsalSums sums;
        Rehearsal *r;

        insist(rehearsal_new(&r, &settings, &(RehearsalSink){}) == 0);
        for (size_t i = 0; i < n_steps; i++)
                for (size_t s = 0; s < ARRAY_SIZE(sensors); s++) {
                        Channel channels[2];
                        Reading reading = reading_of(s, i, channels);

                        reading.wall_usec = times[i];
                        reading.wall_trusted = true;
                        insist(rehearsal_take(r, NULL, &reading) == 0);
                }
        insist(rehearsal_end(r) == 0);
        sums = *rehearsal_sums(r);
        rehearsal_free(r);
        return sums;
}

/* At the end of a recording a window is open that the daemon, which lives on, tells. */
static void compare_with_rehearsal(size_t n_rules)
{
        RehearsalSums sums = rehearse(n_rules);

        printf("# rehearsed: %llu readings, %llu messages, %llu units, %llu bytes\n", (unsigned long long)sums.sent,
               (unsigned long long)sums.messages, (unsigned long long)sums.units, (unsigned long long)sums.bytes);
        ck_assert_uint_eq(sums.taken, n_steps * ARRAY_SIZE(sensors));
        ck_assert_uint_le(sums.messages, w.far.n_published);
        ck_assert_uint_ge(sums.messages + 2, w.far.n_published);
        ck_assert_uint_le(sums.units, w.n_units);
        ck_assert_uint_ge(sums.units + 2, w.n_units);
        ck_assert_uint_ge(sums.sent + 2, w.n_arrived);
}

START_TEST(a_month_costs_a_fraction_and_is_known_to_within_its_deadbands)
{
        uint64_t messages, units, readings;
        FarSide f = {.flow_min = INFINITY, .flow_max = -INFINITY};
        double sum = 0;

        run(false);
        messages = w.far.n_published;
        units = w.n_units;
        readings = w.n_arrived;
        ck_assert_uint_eq(readings, n_steps * ARRAY_SIZE(sensors));
        compare_with_rehearsal(0);
        end();

        run(true);
        for (size_t c = 0; c < _CHANNELS; c++)
                for (size_t i = 0; i < n_steps; i++)
                        known[c][i] = NAN;
        learn_all(&f);
        printf("# %u days, %llu readings: without rules %llu messages, %llu units; with rules %llu readings, %zu messages, "
               "%llu units\n",
               days, (unsigned long long)readings, (unsigned long long)messages, (unsigned long long)units,
               (unsigned long long)f.n_readings, w.far.n_published, (unsigned long long)w.n_units);
        for (size_t c = 0; c < FLOW; c++) {
                double error = largest_error(c);

                printf("# largest error of %s.%s: %.3f of %.1f\n", what[c].sensor, what[c].channel, error,
                       what[c].deadband);
                ck_assert(error <= what[c].deadband);
        }
        ck_assert_uint_eq(f.n_readings, w.n_arrived);
        ck_assert_uint_eq(w.n_duplicates, 0);
        ck_assert(world_balances(&w));
        ck_assert_uint_lt(w.n_units, units * 6 / 10);

        for (size_t i = 0; i < f.n_counted; i++)
                sum += values[FLOW][i];
        ck_assert_uint_ge(f.n_counted, n_steps - 5); /* but the window that is open still */
        ck_assert_uint_le(f.n_counted, n_steps);
        ck_assert(fabs(f.flow_sum - sum) < 1e-6 * sum);
        printf("# alarms: %u, and %u signals\n", f.n_raised, n_signals);
        ck_assert_uint_gt(f.n_raised, days / 2);
        ck_assert_uint_eq(f.n_raised, count_alarms());
        ck_assert_uint_le(f.n_raised - f.n_cleared, 1);
        ck_assert_uint_eq(n_signals, f.n_raised + f.n_cleared);
        ck_assert_uint_eq(n_stale, 0);
        compare_with_rehearsal(ARRAY_SIZE(rules));
        end();
}
END_TEST

int main(void)
{
        const char *wanted = getenv("HUBLINK_DAYS");
        Suite *s = suite_create("flow/rules");
        TCase *c = suite_case(s, "a month");

        days = wanted ? (unsigned)strtoul(wanted, NULL, 10) : DAYS;
        days = CLAMP(days, 1U, (unsigned)DAY_MAX);
        n_steps = days * A_DAY;
        tcase_set_timeout(c, 300);
        tcase_add_test(c, a_month_costs_a_fraction_and_is_known_to_within_its_deadbands);
        return suite_run(s);
}
