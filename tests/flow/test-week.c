/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A week of two hundred sensors: each is read at its times, they share their wake-ups, and memory stays where it is.
 *
 * Sensors, their schedules and threads are real, and so are the queue and the way up. Every wake-up comes a little late.
 * In the course of the week the link breaks, files are gone for hours, settings are read anew, and the wall clock leaps.
 *
 * HUBLINK_DAYS makes it longer or shorter.
 */

#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "sensor/sensors.h"
#include "suite.h"
#include "world.h"

#define DAYS       7
#define SENSORS    200
#define LATE_MAX   (5 * USEC_PER_MSEC) /* of a wake-up */
#define RETRY_MAX  (10 * USEC_PER_MIN) /* between two reads of one that fails, if its interval is not longer */
#define MEMORY_MAX (64 * 1024)         /* that the later days may take more than the first */

/* What a gateway has: a few quick ones, many of each round interval, and some of which no two are alike. */
static const struct {
        unsigned n;
        usec_t interval, step;
        bool from_file;
} kinds[] = {
        {2, 5 * USEC_PER_SEC, 0, false},  {4, 10 * USEC_PER_SEC, 0, false},  {4, 15 * USEC_PER_SEC, 0, false},
        {20, 30 * USEC_PER_SEC, 0, false}, {60, USEC_PER_MIN, 0, false},      {20, 5 * USEC_PER_MIN, 0, false},
        {10, 5 * USEC_PER_MIN, 0, true},  {10, 15 * USEC_PER_MIN, 0, false}, {10, USEC_PER_HOUR, 0, false},
        {60, 50 * USEC_PER_SEC, 2345678, false},
};

/* One sensor, and when it has to be read. */
typedef struct Seat {
        SensorSettings settings;
        char path[64];
        bool from_file;
        bool is_first;    /* its next read, which does not wait for a turn */
        uint64_t turn;    /* its next one: a multiple of the interval */
        unsigned failures; /* in a row */
        uint64_t errors;  /* all, as it tells itself */
} Seat;

static World w;
static Seat seats[SENSORS];
static ChannelSettings level = {.name = "level", .scale = 1};
static Sensors *sensors;
static Ticker ticker;
static ReadingSink way_up;
static sd_event *event;
static FakeRandom dice;
static char folder[32];
static bool files_gone;
static usec_t slice_end;

static unsigned n_under_way;
static uint64_t n_reads, n_failures, n_wakeups, n_instants;
static usec_t instants[SENSORS]; /* of the present wake-up: when its sensors were to be read to the microsecond */
static size_t n_present;

/* ---- each at its times ---- */

static usec_t interval_of(const Seat *s)
{
        return s->settings.interval_usec;
}

static usec_t tolerance_of(const Seat *s)
{
        return MIN(interval_of(s) / 100, 250 * USEC_PER_MSEC);
}

/* If each instant cost a wake-up: how many would it be? */
static void note_instant(usec_t instant)
{
        for (size_t i = 0; i < n_present; i++)
                if (instants[i] == instant)
                        return;
        instants[n_present++] = instant;
        n_instants++;
}

static void check_turn(const Seat *s)
{
        usec_t now = w.clock.boot_usec, turn = s->turn * interval_of(s);

        if (s->is_first)
                return;
        if (now < turn || now > turn + tolerance_of(s) + LATE_MAX)
                ck_abort_msg("%s is read %lld us beside its turn %llu", s->settings.name, (long long)(now - turn),
                             (unsigned long long)s->turn);
        note_instant(turn);
}

static void next_turn(Seat *s)
{
        s->turn = s->is_first ? w.clock.boot_usec / interval_of(s) + 1 : s->turn + 1;
        s->is_first = false;
        s->failures = 0;
}

/* 1, 2, 4 ... intervals later. */
static void next_try(Seat *s)
{
        usec_t wait = interval_of(s);

        for (unsigned i = 0; i < s->failures && wait < RETRY_MAX; i++)
                wait *= 2;
        ck_assert(!s->is_first);
        s->turn += MAX(MIN(wait, RETRY_MAX), interval_of(s)) / interval_of(s);
        s->failures++;
}

static Seat *seat_of(const char *name)
{
        return &seats[strtoul(name + 1, NULL, 10)];
}

static int on_reading(void *userdata, const char *stream, const Reading *reading)
{
        Seat *s = seat_of(reading->sensor);

        check_turn(s);
        next_turn(s);
        n_reads++;
        n_under_way -= s->from_file;
        insist(way_up.reading(way_up.userdata, stream, reading) == 0);
        return 0;
}

static void on_refused(void *userdata, Refusal why)
{
        way_up.refused(way_up.userdata, why);
}

static bool is_ready(void *userdata)
{
        return way_up.ready(way_up.userdata);
}

static void on_changed(void *userdata, const SensorStatus *status)
{
        Seat *s = seat_of(status->name);

        if (status->errors == s->errors)
                return;
        ck_assert(files_gone && s->from_file);
        ck_assert_uint_eq(++s->errors, status->errors);
        check_turn(s);
        next_try(s);
        n_failures++;
        n_under_way--;
}

static void check_that_none_is_overdue(void)
{
        for (size_t i = 0; i < SENSORS; i++)
                if (seats[i].turn * interval_of(&seats[i]) + tolerance_of(&seats[i]) < w.clock.boot_usec)
                        ck_abort_msg("%s is not read any more", seats[i].settings.name);
}

/* ---- the sensors among the others ---- */

static usec_t deadline(void *userdata)
{
        return ticker.deadline(ticker.userdata);
}

/* Reads on threads are waited for: so far the clock stands still. */
static void expect_threads(void)
{
        for (size_t i = 0; i < SENSORS; i++)
                if (seats[i].from_file &&
                    (seats[i].is_first || seats[i].turn * interval_of(&seats[i]) <= w.clock.boot_usec))
                        n_under_way++;
}

static void tick(void *userdata, usec_t now)
{
        usec_t late = dice.random.draw(&dice) % LATE_MAX;

        if (now + late < slice_end)
                fake_clock_advance(&w.clock, late);
        n_wakeups++;
        n_present = 0;
        expect_threads();
        ticker.tick(ticker.userdata, w.clock.boot_usec);
}

static bool wait_for_threads(void *userdata)
{
        if (n_under_way == 0)
                return false;
        while (n_under_way > 0)
                if (sd_event_run(event, 20 * USEC_PER_SEC) <= 0)
                        ck_abort_msg("%u reads do not end, or did not begin at their time, %llu us after the start", n_under_way, (unsigned long long)(w.clock.boot_usec - USEC_PER_HOUR));
        return true;
}

static void configure(void)
{
        SensorSettings settings[SENSORS];

        for (size_t i = 0; i < SENSORS; i++)
                settings[i] = seats[i].settings;
        ck_assert_int_eq(sensors_configure(sensors, settings, SENSORS), 0);
}

static Ticker start(void *userdata)
{
        const ReadingSink sink = {on_reading, on_refused, is_ready, on_changed, NULL};

        way_up = w.sink;
        ck_assert_int_eq(sensors_new(&sensors, event, &w.clock.clock, &dice.random, &i2c_port_kernel, &sink), 0);
        ticker = sensors_ticker(sensors);
        configure();
        return (Ticker){"sensors", deadline, tick, NULL};
}

static void stop(void *userdata)
{
        sensors = sensors_free(sensors);
}

static void link_changed(void *userdata)
{
}

static usec_t never(void *userdata)
{
        return USEC_INFINITY;
}

/* ---- what they are ---- */

static void write_file(const char *path)
{
        FILE *f = fopen(path, "w");

        ck_assert_ptr_nonnull(f);
        ck_assert_int_ge(fputs("17\n", f), 0);
        ck_assert_int_eq(fclose(f), 0);
}

static void place_files(bool there)
{
        files_gone = !there;
        for (size_t i = 0; i < SENSORS; i++)
                if (seats[i].from_file && there)
                        write_file(seats[i].path);
                else if (seats[i].from_file)
                        ck_assert_int_eq(unlink(seats[i].path), 0);
}

static void make_seat(size_t i, usec_t interval, bool from_file)
{
        Seat *s = &seats[i];

        *s = (Seat){.from_file = from_file, .is_first = true};
        s->settings = (SensorSettings){
                .driver = (char *)"simulated", .model = (char *)"thermostat", .seed = i + 1, .interval_usec = interval};
        if (from_file)
                s->settings = (SensorSettings){.driver = (char *)"file", .path = s->path, .interval_usec = interval,
                                               .channels = &level, .n_channels = 1};
        (void)snprintf(s->settings.name, sizeof(Name), "s%zu", i);
        (void)snprintf(s->settings.stream, sizeof(Name), "telemetry");
        (void)snprintf(s->path, sizeof(s->path), "%s/%zu", folder, i);
}

static void make_seats(void)
{
        size_t i = 0;

        for (size_t k = 0; k < ARRAY_SIZE(kinds); k++)
                for (unsigned n = 0; n < kinds[k].n; n++)
                        make_seat(i++, kinds[k].interval + n * kinds[k].step, kinds[k].from_file);
        ck_assert_uint_eq(i, SENSORS);
        place_files(true);
}

static void begin(void)
{
        strcpy(folder, "/tmp/hublink-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(folder));
        ck_assert_int_ge(sd_event_new(&event), 0);
        fake_random_init(&dice, 7);
        world_init(&w);
        w.forget_events = true;
        w.disk->forgetful = true;
        w.guest = (WorldGuest){start, stop, link_changed, wait_for_threads, never, NULL};
        make_seats();
        world_start(&w);
}

static void end(void)
{
        place_files(false);
        world_done(&w);
        sd_event_unref(event);
        ck_assert_int_eq(rmdir(folder), 0);
}

/* ---- what happens ---- */

/* Every tenth has another seed, and begins anew. */
static void reload(void)
{
        for (size_t i = 3; i < SENSORS; i += 10)
                if (!seats[i].from_file) {
                        seats[i].settings.seed += 1000;
                        seats[i].is_first = true;
                        seats[i].turn = w.clock.boot_usec / interval_of(&seats[i]) + 1;
                }
        configure();
}

static void pass_hour(void)
{
        slice_end = w.clock.boot_usec + USEC_PER_HOUR;
        world_run(&w, USEC_PER_HOUR);
        check_that_none_is_overdue();
}

/* By the seventh of the time. */
static void happen(unsigned hour, unsigned hours)
{
        if (hour == hours / 7)
                world_link(&w, false);
        if (hour == hours / 7 + 3)
                world_link(&w, true);
        if (hour == hours * 3 / 7)
                place_files(false);
        if (hour == hours * 3 / 7 + 6)
                place_files(true);
        if (hour == hours / 2)
                reload();
        if (hour == hours * 4 / 7)
                w.clock.wall_usec += 2 * USEC_PER_HOUR;
        if (hour == hours * 5 / 7)
                w.clock.wall_usec -= 3 * USEC_PER_HOUR;
}

/* What the program holds. Valgrind's malloc does not tell: 0. */
static size_t memory_in_use(void)
{
        struct mallinfo2 info = mallinfo2();

        return info.uordblks > 0 ? info.uordblks + info.hblkhd - world_memory(&w) : 0;
}

static uint64_t count_planned(unsigned hours)
{
        uint64_t n = 0;

        for (size_t i = 0; i < SENSORS; i++)
                n += hours * USEC_PER_HOUR / interval_of(&seats[i]);
        return n;
}

START_TEST(a_week_has_no_drift_few_wake_ups_and_no_growth)
{
        const char *wanted = getenv("HUBLINK_DAYS");
        unsigned days = wanted ? (unsigned)strtoul(wanted, NULL, 10) : DAYS, hours = MAX(days, 1U) * 24;
        size_t early = 0, late;

        begin();
        slice_end = w.clock.boot_usec + 400 * USEC_PER_MSEC;
        world_run(&w, 400 * USEC_PER_MSEC); /* hours do not end where sensors are read */
        for (unsigned hour = 0; hour < hours; hour++) {
                if (hour == hours * 2 / 7)
                        early = memory_in_use();
                happen(hour, hours);
                pass_hour();
        }
        late = memory_in_use();
        printf("# %u days, %d sensors: %llu readings, %llu failures; wake-ups: %llu to read, %llu with all the rest, where each "
               "instant by itself would take %llu and each read %llu\n",
               hours / 24, SENSORS, (unsigned long long)n_reads, (unsigned long long)n_failures,
               (unsigned long long)n_wakeups, (unsigned long long)(w.n_wakeups), (unsigned long long)n_instants,
               (unsigned long long)(n_reads + n_failures));
        printf("# memory: %zu bytes on the second day, %zu at the end\n", early, late);
        (void)fflush(stdout);
        ck_assert_uint_ge(n_reads + 10 * 24 * 12, count_planned(hours)); /* but what failed was not tried as often */
        ck_assert_uint_gt(n_failures, 10 * 30);
        ck_assert_uint_lt(n_wakeups * 100, n_instants * 95); /* wake-ups that come late meet a few by chance */
        ck_assert_uint_lt(n_wakeups * 3, n_reads);
        ck_assert_uint_le(late, early + MEMORY_MAX);

        slice_end = w.clock.boot_usec + 12 * USEC_PER_SEC;
        world_run(&w, 12 * USEC_PER_SEC); /* what was read goes up within the stream's latency */
        ck_assert_uint_eq(w.n_duplicates, 0);
        ck_assert_uint_eq(world_missing(&w, "telemetry", w.n_arrived), 0);
        ck_assert(world_balances(&w));
        ck_assert_uint_le(ledger_waiting(&world_ask(&w)->ledger), SENSORS);
        ck_assert_uint_eq(ledger_dropped(&world_ask(&w)->ledger), 0);
        end();
}
END_TEST

int main(void)
{
        Suite *s = suite_create("flow/week");
        TCase *c = suite_case(s, "two hundred sensors");

        tcase_set_timeout(c, 600);
        tcase_add_test(c, a_week_has_no_drift_few_wake_ups_and_no_growth);
        return suite_run(s);
}
