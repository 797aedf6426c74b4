/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/positions.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fake-clock.h"
#include "log-capture.h"
#include "model/reading.h"
#include "suite.h"

/*
 * A source of lines, a queue of few lines in the place of the real one, and a file of positions. All that can be killed
 * in between is killed in between: every sequence of so many steps is walked.
 */

#define RECORDS_MAX 64
#define WALK_STEPS  6

typedef struct Record {
        Buffer payload;
        unsigned stream;
        uint64_t n, line;
        bool settled;
} Record;

struct Queue {
        Record records[RECORDS_MAX];
        size_t n_records;
        uint64_t next[2], durable[2]; /* numbers of two streams */
        bool waits, failed;
};

static Queue the_queue;
static FakeClock the_clock;
static Positions *positions;
static char stored[POSITIONS_STATE_MAX], on_its_way[POSITIONS_STATE_MAX];
static bool busy;
static int store_fails;
static unsigned n_released;
static uint64_t line; /* the source took last */
static uint64_t held_before; /* something of the line behind is held; 0: nothing is */
static LogCapture the_log;

/* Who reads, and what. */
static const char *sensor;
static uint32_t place;

/* ---- in the place of the queue ---- */

uint64_t queue_durable(const Queue *q, unsigned stream)
{
        return q->durable[stream];
}

unsigned queue_n_streams(const Queue *q)
{
        return ARRAY_SIZE(q->next);
}

const char *queue_stream_name(const Queue *q, unsigned stream)
{
        return stream == 0 ? "telemetry" : "alarms";
}

void queue_status(const Queue *q, QueueStatus *ret)
{
        *ret = (QueueStatus){.disk_failed = q->failed};
}

int queue_browse(Queue *q, unsigned stream, uint64_t first, uint64_t last, QueueRecord *ret)
{
        if (q->waits)
                return QUEUE_E_WAIT;
        for (size_t i = 0; i < q->n_records; i++) {
                Record *r = &q->records[i];

                if (r->stream != stream || r->settled || r->n < first || r->n > last || r->n >= q->durable[stream])
                        continue;
                *ret = (QueueRecord){.stream = stream, .kind = QUEUE_KIND_READING, .n = r->n,
                                     .payload = r->payload.data, .size = r->payload.size};
                return 0;
        }
        return QUEUE_E_EMPTY;
}

static void append(unsigned stream, const Reading *reading, uint64_t of_line)
{
        Record *r = &the_queue.records[the_queue.n_records++];

        insist(the_queue.n_records <= RECORDS_MAX);
        *r = (Record){.stream = stream, .n = the_queue.next[stream]++, .line = of_line};
        reading_encode(reading, &r->payload);
        if (reading->source)
                positions_appended(positions, reading, stream, r->n);
}

static void commit(void)
{
        memcpy(the_queue.durable, the_queue.next, sizeof(the_queue.next));
        positions_queue_changed(positions);
}

/* The way up takes what it may, and the hub has it; a checkpoint says so at once. */
static void send_up(void)
{
        for (size_t i = 0; i < the_queue.n_records; i++) {
                Record *r = &the_queue.records[i];

                if (r->n >= the_queue.durable[r->stream])
                        continue;
                if (positions_hold(positions, r->stream, r->n))
                        return;
                r->settled = true;
        }
}

/* ---- around it ---- */

static int on_store(void *userdata, const char *text, size_t size)
{
        insist(!busy && size < sizeof(on_its_way));
        if (store_fails)
                return store_fails;
        memcpy(on_its_way, text, size);
        on_its_way[size] = 0;
        busy = true;
        return 0;
}

static void on_released(void *userdata)
{
        n_released++;
}

static void on_limit(void *userdata, const char *source, SourcePosition *at)
{
        if (held_before > 0 && held_before < at->serial)
                at->serial = at->offset = held_before;
}

static void end_store(void)
{
        if (!busy)
                return;
        busy = false;
        strcpy(stored, on_its_way);
        positions_stored(positions, 0);
}

/* The settings have this sensor, and it asks. */
static void ask(void)
{
        PositionBook book = positions_book(positions);
        SourceName name = {.place = place};
        SourcePosition at;

        strcpy(name.sensor, sensor);
        insist(positions_expect(positions, &name, 1) == 0);
        line = book.find(book.userdata, sensor, place, &at) == POSITION_FOUND ? at.offset : 0;
}

static void begin(void)
{
        const PositionsPort port = {on_store, on_released, on_limit, NULL};

        insist(positions_new(&positions, stored, strlen(stored), true, &the_queue, &the_clock.clock, &port) == 0);
        positions_queue_changed(positions);
        ask();
}

static void take(unsigned stream)
{
        const Channel channel = {"v", {.kind = VALUE_INTEGER, .integer = 1}};

        line++;
        append(stream,
               &(Reading){.sensor = sensor, .channels = &channel, .n_channels = 1, .source = sensor,
                          .position = {.serial = line, .file = 7, .offset = line, .mtime = 9, .check = 3, .place = place}},
               line);
}

/* A neighbour in the stream, without positions. */
static void take_other(void)
{
        const Channel channel = {"v", {.kind = VALUE_INTEGER, .integer = 1}};

        append(0, &(Reading){.sensor = "room", .channels = &channel, .n_channels = 1}, 0);
}

/* What was not committed is gone; what was being stored is there, or is not. */
static void kill_it(bool arrived)
{
        size_t kept = 0;

        positions = positions_free(positions);
        if (busy && arrived)
                strcpy(stored, on_its_way);
        busy = false;
        for (size_t i = 0; i < the_queue.n_records; i++) {
                Record *r = &the_queue.records[i];

                if (r->n < the_queue.durable[r->stream])
                        the_queue.records[kept++] = *r;
                else
                        buffer_done(&r->payload);
        }
        the_queue.n_records = kept;
        memcpy(the_queue.next, the_queue.durable, sizeof(the_queue.next));
        begin();
}

static void clear(void)
{
        positions = positions_free(positions);
        for (size_t i = 0; i < the_queue.n_records; i++)
                buffer_done(&the_queue.records[i].payload);
        the_queue = (Queue){.next = {1, 1}, .durable = {1, 1}};
        stored[0] = 0;
        busy = false;
        store_fails = 0;
        n_released = 0;
        line = held_before = 0;
        sensor = "meter";
        place = 11;
}

static void setup(void)
{
        log_capture_begin(&the_log);
        fake_clock_init(&the_clock);
        clear();
        begin();
}

static void teardown(void)
{
        clear();
        log_capture_end(&the_log);
}

static void check_lines(void)
{
        uint64_t next = 1;

        for (size_t i = 0; i < the_queue.n_records; i++)
                if (the_queue.records[i].line > 0)
                        ck_assert_msg(the_queue.records[i].line == next++, "line %llu at %llu",
                                      (unsigned long long)the_queue.records[i].line, (unsigned long long)next - 1);
        ck_assert_uint_eq(next - 1, line);
}

static void step(unsigned what)
{
        switch (what) {
        case 0:
                take(0);
                break;
        case 1:
                take_other();
                take(0);
                break;
        case 2:
                commit();
                break;
        case 3:
                end_store();
                break;
        case 4:
                send_up();
                break;
        case 5:
                kill_it(false);
                break;
        default:
                kill_it(true);
                break;
        }
}

START_TEST(no_line_is_lost_or_doubled_wherever_it_is_killed)
{
        unsigned n_walks = 1;

        for (unsigned i = 0; i < WALK_STEPS; i++)
                n_walks *= 7;
        for (unsigned walk = 0; walk < n_walks; walk++) {
                unsigned rest = walk;

                clear();
                begin();
                for (unsigned i = 0; i < WALK_STEPS; i++, rest /= 7)
                        step(rest % 7);
                kill_it(false);
                insist(line <= the_queue.n_records);
                take(0);
                commit();
                while (busy)
                        end_store();
                send_up();
                for (size_t i = 0, next = 0; i < the_queue.n_records; i++) {
                        insist(the_queue.records[i].settled);
                        if (the_queue.records[i].line > 0)
                                insist(the_queue.records[i].line == ++next);
                }
        }
}
END_TEST

START_TEST(what_was_committed_and_not_stored_is_held_and_found)
{
        take(0);
        take(0);
        commit();
        ck_assert(busy);
        send_up();
        ck_assert(!the_queue.records[0].settled);
        kill_it(false);
        ck_assert_uint_eq(line, 2);
        /* and is held until that is stored */
        send_up();
        ck_assert(!the_queue.records[0].settled);
        n_released = 0;
        end_store();
        ck_assert_uint_gt(n_released, 0);
        send_up();
        ck_assert(the_queue.records[1].settled);
        kill_it(false);
        ck_assert_uint_eq(line, 2);
        check_lines();
}
END_TEST

static void pass(void)
{
        PositionBook book = positions_book(positions);

        book.passed(book.userdata, sensor, &(SourcePosition){.serial = line, .file = 7, .offset = line, .mtime = 9, .check = 3, .place = place});
}

START_TEST(what_is_held_is_read_again_after_a_kill)
{
        PositionBook book;
        SourcePosition at;

        take(0);
        pass();
        commit();
        end_store();
        held_before = line;
        for (int i = 0; i < 3; i++) {
                line++;
                pass();
                commit(); /* of others */
                end_store();
        }
        /* who asks in this life goes on behind what is held */
        book = positions_book(positions);
        ck_assert_int_eq(book.find(book.userdata, "meter", place, &at), POSITION_FOUND);
        ck_assert_uint_eq(at.serial, 4);
        kill_it(true);
        ck_assert_uint_eq(line, 1);
        /* what was decided to stay is passed in the end, without a record of its own */
        held_before = 0;
        line = 4;
        pass();
        commit();
        end_store();
        kill_it(true);
        ck_assert_uint_eq(line, 4);
}
END_TEST

START_TEST(a_record_goes_up_though_something_before_it_is_held)
{
        const Channel channel = {"v", {.kind = VALUE_INTEGER, .integer = 1}};

        take(0);
        pass();
        commit();
        end_store();
        held_before = line++;
        append(0, &(Reading){.sensor = sensor, .channels = &channel, .n_channels = 1, .source = sensor,
                             .position = {.serial = 1, .file = 7, .offset = 1, .place = place}}, 0);
        pass();
        commit();
        end_store();
        send_up();
        ck_assert(the_queue.records[1].settled);
        kill_it(true);
        ck_assert_uint_eq(line, 1);
}
END_TEST

START_TEST(many_lines_in_one_commit_are_covered)
{
        for (int i = 0; i < 40; i++)
                take(0);
        commit();
        end_store();
        send_up();
        for (size_t i = 0; i < the_queue.n_records; i++)
                ck_assert(the_queue.records[i].settled);
        /* those that were appended while it was being stored come with the next */
        take(0);
        commit();
        take(0);
        end_store();
        send_up();
        ck_assert(the_queue.records[40].settled);
        commit();
        ck_assert(positions_hold(positions, 0, 42));
        end_store();
        ck_assert(!positions_hold(positions, 0, 42));
        kill_it(false);
        check_lines();
}
END_TEST

START_TEST(another_stream_is_not_held)
{
        take(0);
        commit();
        ck_assert(positions_hold(positions, 0, 1));
        ck_assert(!positions_hold(positions, 1, 1));
        /* but when the source moves there, all is until it is stored */
        take(1);
        ck_assert(positions_hold(positions, 0, 1));
        ck_assert(positions_hold(positions, 1, 1));
        end_store();
        commit();
        end_store();
        ck_assert(!positions_hold(positions, 0, 1));
        ck_assert(!positions_hold(positions, 1, 1));
}
END_TEST

START_TEST(while_the_queue_is_looked_through_nothing_goes_up_and_nothing_is_known)
{
        PositionBook book;
        SourcePosition at;
        Ticker ticker;

        take(0);
        commit();
        the_queue.waits = true;
        kill_it(false);
        book = positions_book(positions);
        ck_assert_int_eq(book.find(book.userdata, "meter", place, &at), POSITION_WAIT);
        ck_assert(positions_hold(positions, 0, 1));
        the_queue.waits = false;
        positions_queue_changed(positions);
        ck_assert_int_eq(book.find(book.userdata, "meter", place, &at), POSITION_FOUND);
        ck_assert_uint_eq(at.offset, 1);
        ck_assert_uint_eq(at.mtime, 9);
        ck_assert_uint_eq(at.check, 3);
        ck_assert_int_eq(book.find(book.userdata, "other", place, &at), POSITION_NONE);
        end_store();

        /* a disk that never answers holds up nobody for ever */
        the_queue.waits = true;
        kill_it(false);
        ticker = positions_ticker(positions);
        fake_clock_advance(&the_clock, usec_sub(ticker.deadline(ticker.userdata), the_clock.boot_usec));
        ticker.tick(ticker.userdata, the_clock.boot_usec);
        ck_assert_int_eq(positions_book(positions).find(positions, "meter", place, &at), POSITION_FOUND);
        ck_assert(!positions_hold(positions, 0, 1));
}
END_TEST

START_TEST(a_disk_that_does_not_store_does_not_keep_from_sending)
{
        Ticker ticker = positions_ticker(positions);

        store_fails = -ENOSPC;
        take(0);
        commit();
        ck_assert(!positions_hold(positions, 0, 1));
        take(0);
        commit();
        ck_assert_uint_eq(log_capture_count(&the_log, "cannot be stored"), 1);
        store_fails = 0;
        fake_clock_advance(&the_clock, usec_sub(ticker.deadline(ticker.userdata), the_clock.boot_usec));
        ticker.tick(ticker.userdata, the_clock.boot_usec);
        ck_assert(busy);
        end_store();
        ck_assert_uint_eq(log_capture_count(&the_log, "are stored again"), 1);
        kill_it(false);
        ck_assert_uint_eq(line, 2);
        /* what is served from memory, since the queue's own disk failed, is never durable */
        the_queue.failed = true;
        take(0);
        ck_assert(!positions_hold(positions, 0, 3));
}
END_TEST

START_TEST(lines_without_a_reading_are_passed_too)
{
        PositionBook book = positions_book(positions);
        SourcePosition at = {.serial = 1, .file = 7, .offset = 100, .place = place};

        /* the first position of a source is stored at once */
        book.passed(book.userdata, "other", &at);
        ck_assert(busy);
        end_store();
        take(0);
        at = (SourcePosition){.serial = 2, .file = 7, .offset = 200, .place = place};
        book.passed(book.userdata, sensor, &at);
        commit();
        end_store();
        kill_it(false);
        ck_assert_uint_eq(line, 200);
        ck_assert_int_eq(positions_book(positions).find(positions, "other", place, &at), POSITION_FOUND);
        ck_assert_uint_eq(at.offset, 100);
}
END_TEST

/* A rule keeps a line for itself. */
static void keep_back(void)
{
        PositionBook book = positions_book(positions);

        line++;
        book.passed(book.userdata, sensor, &(SourcePosition){.serial = line, .file = 7, .offset = line, .place = place});
}

/* What it makes of the lines up to this one goes now. */
static void tell_kept(uint64_t up_to)
{
        const Channel channel = {"v_mean", {.kind = VALUE_NUMBER, .number = 1}};

        append(0,
               &(Reading){.sensor = sensor, .channels = &channel, .n_channels = 1, .source = sensor,
                          .position = {.serial = up_to, .file = 7, .offset = up_to, .place = place}},
               up_to);
}

static void settle_all(void)
{
        commit();
        while (busy)
                end_store();
        send_up();
        for (size_t i = 0; i < the_queue.n_records; i++)
                insist(the_queue.records[i].settled);
}

START_TEST(what_a_rule_made_of_lines_that_were_passed_goes_up)
{
        take(0);
        settle_all();
        keep_back();
        /* a neighbour's commit stores how far it was read */
        take_other();
        settle_all();
        tell_kept(line);
        take_other();
        commit();
        end_store();
        ck_assert(!positions_hold(positions, 0, the_queue.next[0] - 1));
        settle_all();
}
END_TEST

START_TEST(a_position_never_goes_back)
{
        take(0);
        take(0);
        settle_all();
        tell_kept(1);
        settle_all();
        kill_it(false);
        ck_assert_uint_eq(line, 2);
}
END_TEST

/* Without another line, however those that were kept and those that went, commits and stores lie to each other. */
START_TEST(nothing_is_held_for_ever)
{
        static const unsigned n_steps = 6;
        unsigned n_walks = 1;

        for (unsigned i = 0; i < WALK_STEPS; i++)
                n_walks *= n_steps;
        for (unsigned walk = 0; walk < n_walks; walk++) {
                unsigned rest = walk;

                clear();
                begin();
                for (unsigned i = 0; i < WALK_STEPS; i++, rest /= n_steps)
                        switch (rest % n_steps) {
                        case 0:
                                keep_back();
                                break;
                        case 1:
                                tell_kept(MAX(line, (uint64_t)1));
                                break;
                        case 2:
                                tell_kept(1);
                                break;
                        case 3:
                                take_other();
                                break;
                        case 4:
                                commit();
                                break;
                        default:
                                end_store();
                                break;
                        }
                settle_all();
        }
}
END_TEST

START_TEST(a_queue_that_began_anew_is_looked_through_from_its_beginning)
{
        for (int i = 0; i < 5; i++)
                take(0);
        commit();
        end_store();
        send_up();
        for (size_t i = 0; i < the_queue.n_records; i++)
                buffer_done(&the_queue.records[i].payload);
        the_queue = (Queue){.next = {1, 1}, .durable = {1, 1}};
        kill_it(false);
        ck_assert_uint_eq(line, 5);
        end_store(); /* the disk does things in their order */
        take(0);
        commit();
        kill_it(false); /* not stored */
        ck_assert_uint_eq(line, 6);
}
END_TEST

START_TEST(what_was_stored_for_another_stream_covers_nothing_of_this_one)
{
        for (int i = 0; i < 5; i++)
                take(0);
        commit();
        ck_assert(busy);
        take(1); /* its settings changed meanwhile */
        end_store();
        ck_assert(positions_hold(positions, 1, 1));
        if (busy)
                end_store();
        kill_it(false); /* before that record was committed */
        ck_assert_uint_eq(line, 5);
}
END_TEST

/* Killed or not, whatever was stored of it by then, and while its records wait. */
START_TEST(a_sensor_with_a_new_name_goes_on_where_the_old_one_stood)
{
        for (unsigned how = 0; how < 12; how++) {
                clear();
                begin();
                take(0);
                take(0);
                if (how & 1)
                        commit();
                if (how & 2)
                        end_store();
                sensor = "counter";
                if (how >= 8)
                        ask();
                else
                        kill_it(how & 4);
                insist(line == (how < 8 && !(how & 1) ? 0 : 2));
                take(0);
                settle_all();
                kill_it(false);
                check_lines();
        }
}
END_TEST

START_TEST(a_new_path_is_begun_as_a_new_one)
{
        for (unsigned how = 0; how < 4; how++) {
                clear();
                begin();
                take(0);
                commit();
                if (how & 1)
                        end_store();
                place = 12;
                if (how & 2)
                        ask();
                else
                        kill_it(true);
                insist(line == 0);
                take(0);
                settle_all();
                kill_it(false);
                insist(line == 1);
                /* and back: there it goes on */
                place = 11;
                kill_it(false);
                insist(line == 1);
                take(0);
                settle_all();
                kill_it(false);
                insist(line == 2);
        }
}
END_TEST

static PositionAnswer find(const char *who, uint32_t what, uint64_t *ret_offset)
{
        PositionBook book = positions_book(positions);
        SourcePosition at = {};
        PositionAnswer answer = book.find(book.userdata, who, what, &at);

        *ret_offset = at.offset;
        ck_assert(answer != POSITION_FOUND || at.place == what);
        return answer;
}

static void restart(const char *text, const SourceName *names, size_t n)
{
        const PositionsPort port = {on_store, on_released, on_limit, NULL};

        clear();
        positions = positions_free(positions);
        ck_assert_int_eq(positions_new(&positions, text, strlen(text), true, &the_queue, &the_clock.clock, &port), 0);
        ck_assert_int_eq(positions_expect(positions, names, n), 0);
        positions_queue_changed(positions);
}

START_TEST(who_reads_the_same_file_as_another_has_a_position_of_its_own)
{
        static const char text[] = "source a 1 7 10 1 3 11\nsource b 1 7 20 1 3 11\nsource gone 1 7 30 1 3 12\n";
        static const SourceName as_it_was[] = {{"a", 11}, {"b", 11}, {"new", 11}}, renamed[] = {{"a", 11}, {"c", 11}},
                                swapped[] = {{"a", 12}, {"gone", 11}, {"b", 11}};
        uint64_t at;

        restart(text, as_it_was, ARRAY_SIZE(as_it_was));
        ck_assert_int_eq(find("new", 11, &at), POSITION_NONE);
        ck_assert(find("b", 11, &at) == POSITION_FOUND && at == 20);
        ck_assert(find("a", 11, &at) == POSITION_FOUND && at == 10);
        restart(text, renamed, ARRAY_SIZE(renamed));
        ck_assert(find("c", 11, &at) == POSITION_FOUND && at == 20);
        ck_assert(find("a", 11, &at) == POSITION_FOUND && at == 10);
        restart(text, swapped, ARRAY_SIZE(swapped));
        ck_assert(find("gone", 11, &at) == POSITION_FOUND && at == 10);
        ck_assert(find("a", 12, &at) == POSITION_FOUND && at == 30);
        ck_assert(find("b", 11, &at) == POSITION_FOUND && at == 20);
}
END_TEST

/* Its place was not noted. */
START_TEST(a_position_of_an_earlier_version_is_that_of_the_sensors_name)
{
        static const SourceName names[] = {{"meter", 11}, {"other", 11}};
        uint64_t at;

        restart("hublink-positions 1\nsource meter 4 7 40 9 3\nstream telemetry 0\n", names, ARRAY_SIZE(names));
        ck_assert_int_eq(find("other", 11, &at), POSITION_NONE);
        ck_assert(find("meter", 11, &at) == POSITION_FOUND && at == 40);
        ck_assert_int_eq(find("meter", 12, &at), POSITION_NONE);

        /* so is that of its records, which wait in the queue */
        clear();
        place = 0;
        begin();
        take(0);
        take(0);
        commit();
        place = 11;
        kill_it(false);
        ck_assert_uint_eq(line, 2);
        take(0);
        settle_all();
        kill_it(false);
        check_lines();
}
END_TEST

/* Those that no sensor has any more are let go for others, the oldest first. */
START_TEST(there_is_always_room_for_the_sensors_that_there_are)
{
        _cleanup_(buffer_done) Buffer text = BUFFER_NULL;
        SourceName names[512];
        uint64_t at;

        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                buffer_printf(&text, "source old%zu 1 7 40 %zu 3 %zu\n", i, 1000 - i, 100 + i);
        restart(text.data, NULL, 0);
        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                (void)snprintf(names[i].sensor, sizeof(Name), "new%zu", i);
                names[i].place = 5000;
        }
        ck_assert_int_eq(positions_expect(positions, names, ARRAY_SIZE(names)), 0);
        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                PositionBook book = positions_book(positions);

                book.passed(book.userdata, names[i].sensor,
                            &(SourcePosition){.serial = 1, .file = 7, .offset = i, .place = 5000});
                ck_assert(find(names[i].sensor, 5000, &at) == POSITION_FOUND && at == i);
                ck_assert_int_eq(find("anew", (uint32_t)(100 + ARRAY_SIZE(names) - 1 - i), &at), POSITION_NONE);
                while (busy)
                        end_store();
        }
}
END_TEST

START_TEST(noise_in_the_file_is_no_position)
{
        static const char *const texts[] = {"", "\n\n", "source", "source meter 1 2 3", "source 1x 1 2 3 4 5\n",
                                            "stream telemetry\n", "hublink-positions 1\nsource meter 0 0 0 0 0\n",
                                            "source aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa 1 2 3 4 5\n"};

        for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
                clear();
                strcpy(stored, texts[i]);
                begin();
                ck_assert_uint_eq(line, 0);
                ck_assert(!positions_hold(positions, 0, 1));
        }
}
END_TEST

int main(void)
{
        Suite *s = suite_create("flow/positions");
        TCase *c = suite_case(s, "positions and records agree");

        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_test(c, no_line_is_lost_or_doubled_wherever_it_is_killed);
        tcase_add_test(c, what_was_committed_and_not_stored_is_held_and_found);
        tcase_add_test(c, what_is_held_is_read_again_after_a_kill);
        tcase_add_test(c, a_record_goes_up_though_something_before_it_is_held);
        tcase_add_test(c, many_lines_in_one_commit_are_covered);
        tcase_add_test(c, another_stream_is_not_held);
        tcase_add_test(c, while_the_queue_is_looked_through_nothing_goes_up_and_nothing_is_known);
        tcase_add_test(c, a_disk_that_does_not_store_does_not_keep_from_sending);
        tcase_add_test(c, lines_without_a_reading_are_passed_too);
        tcase_add_test(c, what_a_rule_made_of_lines_that_were_passed_goes_up);
        tcase_add_test(c, a_position_never_goes_back);
        tcase_add_test(c, nothing_is_held_for_ever);
        tcase_add_test(c, a_queue_that_began_anew_is_looked_through_from_its_beginning);
        tcase_add_test(c, what_was_stored_for_another_stream_covers_nothing_of_this_one);
        tcase_add_test(c, a_sensor_with_a_new_name_goes_on_where_the_old_one_stood);
        tcase_add_test(c, a_new_path_is_begun_as_a_new_one);
        tcase_add_test(c, who_reads_the_same_file_as_another_has_a_position_of_its_own);
        tcase_add_test(c, a_position_of_an_earlier_version_is_that_of_the_sensors_name);
        tcase_add_test(c, there_is_always_room_for_the_sensors_that_there_are);
        tcase_add_test(c, noise_in_the_file_is_no_position);
        return suite_run(s);
}
