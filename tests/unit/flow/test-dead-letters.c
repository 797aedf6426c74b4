/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Dead letters between two real queues on a fake disk: whatever happens, a record is in one place at least.
 */

#include <stdio.h>
#include <string.h>

#include "fake-clock.h"
#include "fake-disk.h"
#include "flow/dead-letters.h"
#include "log-capture.h"
#include "suite.h"

typedef struct House {
        FakeClock clock;
        FakeRandom random;
        FakeDisk *disk;
        Queue *queue;
        DeadLetters *dead;
        DeadLetterOffice office;
        unsigned stream;
        usec_t max_age_usec; /* of the queue */
        unsigned n_added, n_readable;
        size_t receipt_at; /* changes on the disk when the latest record was accepted */
} House;

static void on_readable(void *userdata)
{
        House *h = userdata;

        h->n_readable++;
        if (h->dead)
                dead_letters_readable(h->dead);
}

static void on_added(void *userdata, uint64_t id)
{
        ((House *)userdata)->n_added++;
}

static void open_queue(House *h)
{
        QueueSettings settings = {.directory = (char *)"/queue", .commit_interval_usec = USEC_PER_SEC,
                                  .max_bytes = 8 << 20, .segment_bytes = 384 << 10,
                                  .max_age_usec = h->max_age_usec};

        ck_assert_int_eq(queue_open(&h->queue, &settings, &h->disk->disk, &h->clock.clock, &h->random.random,
                                    &(QueueSink){.readable = on_readable, .userdata = h}), 0);
        ck_assert_int_eq(queue_stream(h->queue, "telemetry", QUEUE_LANE_NORMAL, &h->stream), 0);
        ck_assert_int_eq(dead_letters_new(&h->dead, &settings, h->queue, &h->disk->disk, &h->clock.clock,
                                          &h->random.random, &(DeadLettersSink){.added = on_added, .userdata = h}), 0);
        h->office = dead_letters_office(h->dead);
}

static void close_queue(House *h, usec_t timeout)
{
        dead_letters_stop(h->dead, timeout);
        h->queue = queue_close(h->queue, timeout);
        h->dead = dead_letters_free(h->dead);
}

static void begin_with_clock(House *h, bool synchronised)
{
        *h = (House){};
        fake_clock_init(&h->clock);
        h->clock.is_synchronised = synchronised;
        fake_random_init(&h->random, 1);
        h->disk = fake_disk_new();
        open_queue(h);
}

static void begin(House *h)
{
        begin_with_clock(h, true);
}

static void end(House *h)
{
        if (h->queue)
                close_queue(h, 0);
        h->disk = fake_disk_free(h->disk);
}

static void run(House *h, usec_t usec)
{
        Ticker tickers[] = {queue_ticker(h->queue), dead_letters_ticker(h->dead)};
        usec_t until = h->clock.boot_usec + usec;
        unsigned spins = 0;

        for (;;) {
                usec_t due = USEC_INFINITY;

                disk_dispatch(&h->disk->disk);
                for (size_t i = 0; i < ARRAY_SIZE(tickers); i++)
                        due = MIN(due, tickers[i].deadline(tickers[i].userdata));
                if (due > h->clock.boot_usec) {
                        if (due > until)
                                break;
                        fake_clock_advance(&h->clock, due - h->clock.boot_usec);
                        spins = 0;
                }
                if (spins++ == 5000)
                        ck_abort_msg("something wants to be called for ever");
                for (size_t i = 0; i < ARRAY_SIZE(tickers); i++)
                        tickers[i].tick(tickers[i].userdata, h->clock.boot_usec);
        }
        fake_clock_advance(&h->clock, until - h->clock.boot_usec);
}

static void on_receipt(void *userdata, int error, unsigned stream, uint64_t epoch, uint64_t n)
{
        House *h = userdata;

        ck_assert_int_eq(error, 0);
        h->receipt_at = h->disk->n_entries;
}

/* A reading that says its value; accepted when this returns. */
static uint64_t put_reading(House *h, double value, bool trusted)
{
        Channel channel = {"v", {.kind = VALUE_NUMBER, .number = value}};
        Reading reading = {.sensor = "cpu", .wall_usec = clock_wall(&h->clock.clock), .wall_trusted = trusted,
                           .channels = &channel, .n_channels = 1};
        Buffer b = BUFFER_NULL;
        uint64_t n;

        reading_encode(&reading, &b);
        ck_assert_int_eq(queue_append(h->queue, h->stream, QUEUE_KIND_READING, b.data, b.size,
                                      &(QueueReceipt){on_receipt, h}, &n), 0);
        buffer_done(&b);
        run(h, USEC_PER_SEC);
        return n;
}

static uint64_t put_message(House *h, size_t size)
{
        Message m = {.content_type = (char *)"text/plain", .correlation_id = (char *)"c-1"};
        Buffer b = BUFFER_NULL;
        uint64_t n;

        memset(buffer_extend(&m.body, size), 'x', size);
        ck_assert_int_eq(message_add_property(&m, "colour", "blue"), 0);
        message_encode(&m, &b);
        ck_assert_int_eq(queue_append(h->queue, h->stream, QUEUE_KIND_MESSAGE, b.data, b.size, NULL, &n), 0);
        buffer_done(&b);
        buffer_done(&m.body);
        free(m.properties[0].name);
        free(m.properties[0].value);
        free(m.properties);
        run(h, 2 * USEC_PER_SEC);
        return n;
}

static Ledger ledger(const House *h)
{
        Ledger l;

        queue_ledger(h->queue, h->stream, &l);
        return l;
}

/* Notices stand between the records: they are told, and gone. */
static void tell_notices(House *h)
{
        QueueRecord r;

        run(h, 10 * USEC_PER_SEC);
        for (uint64_t at = 1; queue_browse(h->queue, h->stream, at, UINT64_MAX, &r) == 0; at = r.n + 1)
                if (r.kind == QUEUE_KIND_NOTICE)
                        queue_settle(h->queue, r.stream, r.epoch, r.n, r.n, OUTCOME_ACKNOWLEDGED);
}

/* Without notices. */
static uint64_t waiting(House *h)
{
        QueueRecord r;
        uint64_t n = 0;

        for (uint64_t at = 1; queue_browse(h->queue, h->stream, at, UINT64_MAX, &r) == 0; at = r.n + 1)
                n += r.kind != QUEUE_KIND_NOTICE;
        return n;
}

static size_t listed(const House *h, const DeadLetter **ret)
{
        size_t n = 0;

        ck_assert_int_eq(h->office.list(h->office.userdata, ret, &n), REQUEST_OK);
        return n;
}

/* What the answer of a get said, after it is gone. */
typedef struct Got {
        RequestError error;
        unsigned n_answers;
        DeadLetterKind kind;
        double value;
        usec_t wall_usec;
        bool wall_trusted;
        Quality quality;
        size_t body, bytes;
        char property[32], detail[256], stream[64];
        uint64_t n;
} Got;

static void on_got(void *userdata, const DeadLetterAnswer *a)
{
        Got *g = userdata;

        g->n_answers++;
        g->error = a->error;
        (void)snprintf(g->detail, sizeof(g->detail), "%s", a->detail ? a->detail : "");
        if (a->error != REQUEST_OK)
                return;
        g->kind = a->letter->kind;
        g->n = a->letter->n;
        g->bytes = a->n_bytes;
        if (a->reading) {
                g->value = a->reading->channels[0].value.number;
                g->wall_usec = a->reading->wall_usec;
                g->wall_trusted = a->reading->wall_trusted;
                g->quality = a->reading->quality;
        }
        if (a->message) {
                g->body = a->message->body.size;
                (void)snprintf(g->property, sizeof(g->property), "%s", a->message->properties[0].value);
        }
}

static void on_requeued(void *userdata, const SubmitAnswer *a)
{
        Got *g = userdata;

        g->n_answers++;
        g->error = a->error;
        g->n = a->first;
        (void)snprintf(g->detail, sizeof(g->detail), "%s", a->detail ? a->detail : "");
        (void)snprintf(g->stream, sizeof(g->stream), "%s", a->stream ? a->stream : "");
}

static void on_done(void *userdata, RequestError error, const char *detail)
{
        Got *g = userdata;

        g->n_answers++;
        g->error = error;
        (void)snprintf(g->detail, sizeof(g->detail), "%s", detail ? detail : "");
}

static Got get(House *h, uint64_t id)
{
        Got g = {};

        h->office.get(h->office.userdata, id, on_got, &g);
        run(h, 100 * USEC_PER_MSEC);
        ck_assert_uint_eq(g.n_answers, 1);
        return g;
}

static Got requeue(House *h, uint64_t id)
{
        Got g = {};

        h->office.requeue(h->office.userdata, id, on_requeued, &g);
        run(h, 5 * USEC_PER_SEC);
        ck_assert_uint_eq(g.n_answers, 1);
        return g;
}

static Got delete(House *h, uint64_t id)
{
        Got g = {};

        h->office.remove(h->office.userdata, id, on_done, &g);
        ck_assert_uint_eq(g.n_answers, 1);
        return g;
}

static void set_aside(House *h, uint64_t first, uint64_t last)
{
        ck_assert_int_eq(dead_letters_move(h->dead, h->stream, first, last, OUTCOME_TOO_LARGE, "it is too large"), 0);
        run(h, 5 * USEC_PER_SEC);
}

/* ---- moves ---- */

START_TEST(the_original_is_settled_once_the_copy_is_safe)
{
        const DeadLetter *l;
        Ledger now;
        House h;
        uint64_t n;

        begin(&h);
        n = put_reading(&h, 1.5, true);
        h.disk->held = true;
        ck_assert_int_eq(dead_letters_move(h.dead, h.stream, n, n, OUTCOME_BAD_PROPERTY, "an empty one"), 0);
        run(&h, 2 * USEC_PER_SEC);
        now = ledger(&h);
        ck_assert_uint_eq(waiting(&h), 1);
        ck_assert_uint_eq(dead_letters_moving(h.dead), 1);
        ck_assert_uint_eq(listed(&h, &l), 0);
        h.disk->held = false;
        run(&h, 5 * USEC_PER_SEC);
        now = ledger(&h);
        ck_assert_uint_eq(now.settled[OUTCOME_BAD_PROPERTY], 1);
        ck_assert_uint_eq(waiting(&h), 0);
        ck_assert_uint_eq(dead_letters_moving(h.dead), 0);
        ck_assert_uint_eq(h.n_added, 1);
        ck_assert_uint_eq(listed(&h, &l), 1);
        ck_assert_str_eq(l->stream, "telemetry");
        ck_assert_uint_eq(l->n, n);
        ck_assert_uint_eq(l->epoch, queue_epoch(h.queue));
        ck_assert_int_eq(l->reason, OUTCOME_BAD_PROPERTY);
        ck_assert_int_eq(l->kind, DEAD_LETTER_READING);
        ck_assert_str_eq(l->detail, "an empty one");
        end(&h);
}
END_TEST

START_TEST(only_those_of_the_range_that_have_no_outcome_are_moved)
{
        const DeadLetter *l;
        House h;

        begin(&h);
        for (int i = 0; i < 40; i++)
                (void)put_reading(&h, i, true);
        queue_settle(h.queue, h.stream, queue_epoch(h.queue), 12, 13, OUTCOME_ACKNOWLEDGED);
        set_aside(&h, 10, 29);
        ck_assert_uint_eq(listed(&h, &l), 18);
        ck_assert_uint_eq(l[0].n, 10);
        ck_assert_uint_eq(l[2].n, 14);
        ck_assert_uint_eq(waiting(&h), 20);
        ck_assert(get(&h, l[17].id).value == 28);
        end(&h);
}
END_TEST

/* They were in a message that was sent, and their page went bad since: nobody else would ever count them. */
START_TEST(what_cannot_be_read_any_more_is_damaged)
{
        QueueRecord record;
        uint8_t *file;
        Ledger ledger;
        size_t size;
        House h;

        begin(&h);
        for (int i = 0; i < 3; i++)
                (void)put_reading(&h, i, true);
        while (queue_peek(h.queue, QUEUE_LANE_NORMAL, QUEUE_NEWS, &record) == 0)
                queue_advance(h.queue, QUEUE_LANE_NORMAL, QUEUE_NEWS);
        file = fake_disk_file(h.disk, "/queue/normal/seg-0000", &size);
        ck_assert_ptr_nonnull(file);
        memset(file + 4096, 0xa5, 16 * 4096);
        ck_assert_int_eq(dead_letters_move(h.dead, h.stream, 1, 3, OUTCOME_BREAKS_LINK, NULL), 0);
        run(&h, USEC_PER_MIN);
        queue_ledger(h.queue, h.stream, &ledger);
        ck_assert_uint_eq(ledger.settled[OUTCOME_DAMAGED], 3);
        ck_assert_uint_eq(ledger.settled[OUTCOME_BREAKS_LINK], 0);
        end(&h);
}
END_TEST

START_TEST(a_record_at_hand_is_moved_without_reading_it_again)
{
        const DeadLetter *l;
        QueueRecord record;
        House h;

        begin(&h);
        (void)put_reading(&h, 1, true);
        ck_assert_int_eq(queue_peek(h.queue, QUEUE_LANE_NORMAL, QUEUE_NEWS, &record), 0);
        ck_assert_int_eq(dead_letters_move_record(h.dead, &record, OUTCOME_BREAKS_LINK, NULL), 0);
        run(&h, 5 * USEC_PER_SEC);
        ck_assert_uint_eq(listed(&h, &l), 1);
        ck_assert_int_eq(l->reason, OUTCOME_BREAKS_LINK);
        ck_assert_str_eq(l->detail, "");
        end(&h);
}
END_TEST

START_TEST(moves_wait_for_a_disk_that_fails)
{
        const DeadLetter *l;
        House h;

        begin(&h);
        for (int i = 0; i < 200; i++)
                (void)put_reading(&h, i, true);
        h.disk->fail_at = 1;
        h.disk->fail_count = UINT64_MAX;
        h.disk->fail_mask = FAKE_WRITE | FAKE_SYNC | FAKE_ALLOCATE;
        h.disk->fail_errno = 5;
        for (uint64_t n = 1; n <= 64; n++) /* every other one: they cannot be told as one range */
                ck_assert_int_eq(dead_letters_move(h.dead, h.stream, 2 * n, 2 * n, OUTCOME_TOO_LARGE, NULL), 0);
        ck_assert_int_eq(dead_letters_move(h.dead, h.stream, 130, 130, OUTCOME_TOO_LARGE, NULL), DEAD_LETTERS_E_BUSY);
        ck_assert_int_eq(dead_letters_move(h.dead, h.stream, 129, 129, OUTCOME_TOO_LARGE, NULL), 0);
        run(&h, 30 * USEC_PER_SEC);
        ck_assert_uint_eq(waiting(&h), 200);
        ck_assert_uint_eq(dead_letters_moving(h.dead), 65);
        h.disk->fail_at = 0;
        run(&h, 5 * USEC_PER_MIN);
        ck_assert_uint_eq(dead_letters_moving(h.dead), 0);
        ck_assert_uint_eq(listed(&h, &l), 65);
        ck_assert_uint_eq(waiting(&h), 135);
        end(&h);
}
END_TEST

START_TEST(a_cold_disk_is_waited_for)
{
        const DeadLetter *l;
        House h;
        Got g;

        begin(&h);
        (void)put_message(&h, 200000);
        h.disk->cold = true;
        set_aside(&h, 1, 1);
        ck_assert_uint_eq(listed(&h, &l), 1);
        ck_assert(!dead_letters_is_reading(h.dead));
        g = get(&h, l->id);
        ck_assert_int_eq(g.kind, DEAD_LETTER_MESSAGE);
        ck_assert_uint_eq(g.body, 200000);
        ck_assert_str_eq(g.property, "blue");
        close_queue(&h, USEC_PER_SEC);
        open_queue(&h);
        run(&h, USEC_PER_SEC);
        ck_assert_uint_eq(listed(&h, &l), 1);
        end(&h);
}
END_TEST

/* The largest message that is taken in, with as much said of it as can be. */
START_TEST(the_largest_record_fits)
{
        char detail[400];
        const DeadLetter *l;
        House h;

        begin(&h);
        (void)put_message(&h, DEAD_LETTERS_PAYLOAD_MAX - 33);
        memset(detail, 'd', sizeof(detail));
        detail[399] = 0;
        ck_assert_int_eq(dead_letters_move(h.dead, h.stream, 1, 1, OUTCOME_TOO_LARGE, detail), 0);
        run(&h, 5 * USEC_PER_SEC);
        ck_assert_uint_eq(listed(&h, &l), 1);
        ck_assert_uint_eq(strlen(l->detail), 255);
        ck_assert_uint_ge(l->size, DEAD_LETTERS_PAYLOAD_MAX - 4);
        end(&h);
}
END_TEST

/* ---- what is there ---- */

START_TEST(the_list_is_there_after_a_restart)
{
        const DeadLetter *l;
        House h;

        begin(&h);
        for (int i = 0; i < 150; i++)
                (void)put_reading(&h, i, true);
        set_aside(&h, 1, 150);
        ck_assert_uint_eq(listed(&h, &l), 150);
        ck_assert_int_eq(delete(&h, 3).error, REQUEST_OK);
        close_queue(&h, USEC_PER_SEC);
        open_queue(&h);
        run(&h, USEC_PER_SEC);
        ck_assert_uint_eq(listed(&h, &l), 149);
        ck_assert_uint_eq(l[2].id, 4);
        ck_assert_uint_eq(l[2].n, 4);
        ck_assert_str_eq(l[2].detail, "it is too large");
        ck_assert(get(&h, 150).value == 149);
        end(&h);
}
END_TEST

/* An empty list would be believed. */
START_TEST(a_store_that_cannot_be_read_is_no_empty_one)
{
        const DeadLetter *l;
        size_t n = 0;
        House h;

        begin(&h);
        (void)put_reading(&h, 1, true);
        set_aside(&h, 1, 1);
        close_queue(&h, USEC_PER_SEC);
        h.disk->locked = true;
        open_queue(&h);
        run(&h, USEC_PER_SEC / 2);
        ck_assert_int_eq(h.office.list(h.office.userdata, &l, &n), REQUEST_DISK_ERROR);
        ck_assert_int_eq(get(&h, 1).error, REQUEST_DISK_ERROR);
        h.disk->locked = false;
        run(&h, 2 * USEC_PER_MIN);
        ck_assert_uint_eq(listed(&h, &l), 1);
        end(&h);
}
END_TEST

START_TEST(for_one_over_the_limit_the_oldest_goes)
{
        DeadLetterStatus status;
        const DeadLetter *l;
        LogCapture log;
        House h;

        log_capture_begin(&log);
        begin(&h);
        for (int i = 0; i < DEAD_LETTERS_MAX + 3; i++)
                ck_assert_int_eq(queue_append(h.queue, h.stream, QUEUE_KIND_READING, "?", 1, NULL, NULL), 0);
        run(&h, 5 * USEC_PER_SEC);
        ck_assert_int_eq(dead_letters_move(h.dead, h.stream, 1, DEAD_LETTERS_MAX + 3, OUTCOME_TOO_LARGE, NULL), 0);
        run(&h, 10 * USEC_PER_MIN);
        ck_assert_uint_eq(listed(&h, &l), DEAD_LETTERS_MAX);
        ck_assert_uint_eq(l[0].id, 4);
        dead_letters_status(h.dead, &status);
        ck_assert_uint_eq(status.count, DEAD_LETTERS_MAX);
        ck_assert_uint_eq(status.dropped, 3);
        ck_assert(log_capture_has(&log, "Dead letter 1 (record 1 of stream telemetry, too-large) is dropped: the "
                                        "store is full"));
        close_queue(&h, USEC_PER_SEC);
        open_queue(&h);
        run(&h, 5 * USEC_PER_SEC);
        dead_letters_status(h.dead, &status);
        ck_assert_uint_eq(status.count, DEAD_LETTERS_MAX);
        ck_assert_uint_eq(status.dropped, 3);
        end(&h);
        log_capture_end(&log);
}
END_TEST

START_TEST(the_store_is_bounded_in_bytes)
{
        DeadLetterStatus status;
        const DeadLetter *l;
        House h;

        begin(&h);
        for (int i = 0; i < 60; i++) {
                uint64_t n = put_message(&h, 250000);

                set_aside(&h, n, n);
                tell_notices(&h);
                run(&h, 40 * USEC_PER_SEC);
                dead_letters_status(h.dead, &status);
                ck_assert_uint_le(status.bytes, 8 << 20);
                ck_assert_uint_eq(listed(&h, &l) + status.dropped, (unsigned)i + 1);
                ck_assert_uint_eq(l[status.count - 1].n, n);
        }
        ck_assert_uint_eq(status.count, 33);
        ck_assert_uint_eq(get(&h, l[0].id).body, 250000);
        end(&h);
}
END_TEST

/* A month in a queue that keeps nothing longer than an hour. */
START_TEST(no_dead_letter_is_too_old)
{
        DeadLetterStatus status;
        const DeadLetter *l;
        House h;

        begin(&h);
        close_queue(&h, USEC_PER_SEC);
        h.max_age_usec = USEC_PER_HOUR;
        open_queue(&h);
        for (int configured = 0; configured < 2; configured++) {
                uint64_t n = put_reading(&h, 1, true);

                set_aside(&h, n, n);
                (void)put_reading(&h, 2, true);
                run(&h, 30 * USEC_PER_DAY);
                ck_assert_uint_eq(waiting(&h), 0);
                ck_assert_uint_gt(ledger(&h).settled[OUTCOME_AGE], 0);
                ck_assert_uint_eq(listed(&h, &l), (unsigned)configured + 1);
                ck_assert_int_eq(get(&h, l[0].id).error, REQUEST_OK);
                dead_letters_status(h.dead, &status);
                ck_assert_uint_eq(status.dropped, 0);
                dead_letters_configure(h.dead, &(QueueSettings){.commit_interval_usec = USEC_PER_SEC,
                                                                .max_bytes = 8 << 20, .max_age_usec = USEC_PER_HOUR});
        }
        end(&h);
}
END_TEST

/* ---- back ---- */

START_TEST(a_requeued_one_goes_to_the_end_of_its_stream)
{
        const DeadLetter *l;
        QueueRecord record;
        House h;
        Got g;

        begin(&h);
        for (int i = 0; i < 3; i++)
                (void)put_reading(&h, i, true);
        set_aside(&h, 2, 2);
        g = requeue(&h, 1);
        ck_assert_int_eq(g.error, REQUEST_OK);
        ck_assert_uint_gt(g.n, 3);
        ck_assert_str_eq(g.stream, "telemetry");
        ck_assert_uint_eq(listed(&h, &l), 0);
        ck_assert_uint_eq(waiting(&h), 3);
        ck_assert_int_eq(queue_browse(h.queue, h.stream, g.n, g.n, &record), 0);
        {
                ReadingSpace space;
                Reading reading;

                ck_assert_int_eq(reading_decode(record.payload, record.size, &space, &reading), 0);
                ck_assert(reading.channels[0].value.number == 1);
        }
        ck_assert_int_eq(requeue(&h, 1).error, REQUEST_NO_SUCH_MESSAGE);
        ck_assert_int_eq(get(&h, 1).error, REQUEST_NO_SUCH_MESSAGE);
        ck_assert_int_eq(delete(&h, 1).error, REQUEST_NO_SUCH_MESSAGE);
        end(&h);
}
END_TEST

START_TEST(it_is_requeued_once_however_often_one_asks)
{
        House h;
        Got first = {}, second = {}, third = {};

        begin(&h);
        (void)put_reading(&h, 1, true);
        set_aside(&h, 1, 1);
        h.disk->held = true;
        h.office.requeue(h.office.userdata, 1, on_requeued, &first);
        h.office.requeue(h.office.userdata, 1, on_requeued, &second);
        run(&h, USEC_PER_SEC);
        h.office.remove(h.office.userdata, 1, on_done, &third);
        ck_assert_uint_eq(first.n_answers, 0);
        ck_assert_int_eq(second.error, REQUEST_BUSY);
        ck_assert_int_eq(third.error, REQUEST_BUSY);
        h.disk->held = false;
        run(&h, 5 * USEC_PER_SEC);
        ck_assert_uint_eq(first.n_answers, 1);
        ck_assert_int_eq(first.error, REQUEST_OK);
        ck_assert_uint_eq(waiting(&h), 1);
        end(&h);
}
END_TEST

START_TEST(a_stream_that_is_gone_takes_none_back)
{
        const DeadLetter *l;
        unsigned stream;
        House h;
        Got g;

        begin(&h);
        (void)put_reading(&h, 1, true);
        set_aside(&h, 1, 1);
        tell_notices(&h);
        run(&h, 5 * USEC_PER_MIN);
        close_queue(&h, USEC_PER_SEC);
        /* 32 others: the name of the one that has nothing waiting goes */
        {
                QueueSettings settings = {.directory = (char *)"/queue", .commit_interval_usec = USEC_PER_SEC,
                                          .max_bytes = 8 << 20, .segment_bytes = 384 << 10};

                ck_assert_int_eq(queue_open(&h.queue, &settings, &h.disk->disk, &h.clock.clock, &h.random.random,
                                            NULL), 0);
                for (int i = 0; i < QUEUE_STREAMS_MAX; i++) {
                        char name[16];

                        (void)snprintf(name, sizeof(name), "other%d", i);
                        ck_assert_int_eq(queue_stream(h.queue, name, QUEUE_LANE_NORMAL, &stream), 0);
                }
                ck_assert_int_eq(dead_letters_new(&h.dead, &settings, h.queue, &h.disk->disk, &h.clock.clock,
                                                  &h.random.random, &(DeadLettersSink){}), 0);
                h.office = dead_letters_office(h.dead);
        }
        run(&h, USEC_PER_SEC);
        g = requeue(&h, 1);
        ck_assert_int_eq(g.error, REQUEST_NO_SUCH_STREAM);
        ck_assert(strstr(g.detail, "stream telemetry"));
        ck_assert_uint_eq(listed(&h, &l), 1);
        end(&h);
}
END_TEST

START_TEST(a_queue_that_cannot_take_it_says_why)
{
        const DeadLetter *l;
        House h;
        Got g;

        begin(&h);
        (void)put_reading(&h, 1, true);
        (void)put_reading(&h, 2, true);
        set_aside(&h, 1, 1);
        h.disk->fail_at = 1;
        h.disk->fail_count = UINT64_MAX;
        h.disk->fail_mask = FAKE_WRITE | FAKE_SYNC | FAKE_ALLOCATE;
        h.disk->fail_errno = 5;
        g = requeue(&h, 1);
        ck_assert_int_eq(g.error, REQUEST_DISK_ERROR);
        ck_assert_uint_eq(listed(&h, &l), 1);
        h.disk->fail_at = 0;
        run(&h, 5 * USEC_PER_MIN);
        ck_assert_int_eq(requeue(&h, 1).error, REQUEST_OK);
        end(&h);
}
END_TEST

/* Its time was to be made out by when it was appended: to be appended again must not make it younger. */
START_TEST(a_requeued_reading_keeps_its_time)
{
        QueueRecord record;
        ReadingSpace space;
        Reading reading;
        usec_t then;
        House h;

        begin_with_clock(&h, false);
        for (int synchronised = 0; synchronised < 2; synchronised++) {
                uint64_t n;

                Got back;

                h.clock.is_synchronised = false;
                then = clock_wall(&h.clock.clock);
                n = put_reading(&h, 1, false);
                run(&h, USEC_PER_HOUR);
                h.clock.is_synchronised = synchronised;
                set_aside(&h, n, n);
                run(&h, USEC_PER_HOUR);
                back = requeue(&h, (uint64_t)synchronised + 1);
                ck_assert_int_eq(back.error, REQUEST_OK);
                ck_assert_int_eq(queue_browse(h.queue, h.stream, back.n, back.n, &record), 0);
                ck_assert_int_eq(reading_decode(record.payload, record.size, &space, &reading), 0);
                ck_assert(reading.wall_trusted);
                ck_assert_uint_le(reading.wall_usec - then, USEC_PER_SEC);
                ck_assert_int_eq(reading.quality, synchronised ? QUALITY_GOOD : QUALITY_UNKNOWN);
        }
        end(&h);
}
END_TEST

START_TEST(a_requeued_message_keeps_its_creation)
{
        _cleanup_(message_freep) Message *m = NULL;
        QueueRecord record;
        usec_t then;
        uint64_t n;
        House h;
        Got back;

        begin(&h);
        then = clock_wall(&h.clock.clock);
        n = put_message(&h, 100);
        run(&h, USEC_PER_HOUR);
        set_aside(&h, n, n);
        back = requeue(&h, 1);
        ck_assert_int_eq(queue_browse(h.queue, h.stream, back.n, back.n, &record), 0);
        ck_assert_int_eq(message_decode(record.payload, record.size, &m), 0);
        ck_assert_uint_ge(m->created_usec, then);
        ck_assert_uint_le(m->created_usec - then, USEC_PER_SEC);
        ck_assert_uint_eq(m->body.size, 100);
        end(&h);
}
END_TEST

/* What is on its way when all ends arrives: a move, and a requeue. Neither is found on both sides at the next start. */
START_TEST(a_clean_stop_finishes_what_is_on_its_way)
{
        for (int moves = 0; moves < 2; moves++) {
                const DeadLetter *l;
                Got g = {};
                House h;

                begin(&h);
                (void)put_reading(&h, 1, true);
                if (!moves)
                        set_aside(&h, 1, 1);
                h.disk->held = true;
                if (moves)
                        ck_assert_int_eq(dead_letters_move(h.dead, h.stream, 1, 1, OUTCOME_TOO_LARGE, NULL), 0);
                else
                        h.office.requeue(h.office.userdata, 1, on_requeued, &g);
                run(&h, 0);
                ck_assert_uint_eq(g.n_answers, 0);
                h.disk->held = false;
                close_queue(&h, USEC_PER_SEC);
                ck_assert_uint_eq(g.n_answers, !moves);
                ck_assert_int_eq(g.error, REQUEST_OK);
                open_queue(&h);
                run(&h, USEC_PER_SEC);
                ck_assert_uint_eq(waiting(&h), !moves);
                ck_assert_uint_eq(listed(&h, &l), moves);
                end(&h);
        }
}
END_TEST

START_TEST(whoever_waits_is_answered_when_all_ends)
{
        House h;
        Got got = {}, requeued = {}, moved = {};

        begin(&h);
        (void)put_reading(&h, 1, true);
        (void)put_reading(&h, 2, true);
        set_aside(&h, 1, 2);
        h.disk->held = true;
        h.office.requeue(h.office.userdata, 1, on_requeued, &requeued);
        run(&h, 0);
        h.office.get(h.office.userdata, 2, on_got, &got);
        h.office.requeue(h.office.userdata, 2, on_requeued, &moved);
        close_queue(&h, 0);
        ck_assert_uint_eq(requeued.n_answers, 1);
        ck_assert_uint_eq(got.n_answers, 1);
        ck_assert_int_eq(got.error, REQUEST_BUSY);
        ck_assert_uint_eq(moved.n_answers, 1);
        h.disk->held = false;
        end(&h);
}
END_TEST

/* ---- the power goes ---- */

/* How often the value is on either side. */
typedef struct Places {
        unsigned queued, dead;
} Places;

static Places find(House *h, double value)
{
        const DeadLetter *l;
        QueueRecord record;
        Places p = {};
        size_t n;

        run(h, USEC_PER_SEC);
        for (uint64_t at = 1; queue_browse(h->queue, h->stream, at, UINT64_MAX, &record) == 0; at = record.n + 1) {
                ReadingSpace space;
                Reading reading;

                if (record.kind == QUEUE_KIND_NOTICE)
                        continue;
                insist(reading_decode(record.payload, record.size, &space, &reading) == 0);
                p.queued += reading.channels[0].value.number == value;
        }
        n = listed(h, &l);
        for (size_t i = 0; i < n; i++) {
                Got g = {};

                h->office.get(h->office.userdata, l[i].id, on_got, &g);
                run(h, 0);
                insist(g.n_answers == 1 && g.error == REQUEST_OK);
                p.dead += g.value == value;
        }
        return p;
}

/* Two records, one is set aside and later requeued. Gives the moments on the disk. */
static void tell(House *h, size_t *accepted, size_t *moved)
{
        begin(h);
        (void)put_reading(h, 1, true);
        (void)put_reading(h, 2, true);
        *accepted = h->receipt_at;
        set_aside(h, 2, 2);
        run(h, 35 * USEC_PER_SEC); /* a checkpoint */
        *moved = h->disk->n_entries;
        ck_assert_int_eq(requeue(h, 1).error, REQUEST_OK);
        run(h, 35 * USEC_PER_SEC);
}

START_TEST(at_every_moment_it_is_somewhere)
{
        size_t accepted, moved, n_entries;
        unsigned in_both = 0;
        House h;

        tell(&h, &accepted, &moved);
        n_entries = h.disk->n_entries;
        for (size_t at = accepted; at <= n_entries; at++)
                for (FakeCut cut = 0; cut < _FAKE_CUT_MAX; cut++) {
                        House after = {.clock = h.clock, .random = h.random,
                                       .disk = fake_disk_after_cut(h.disk, at, cut, at)};
                        Places p;

                        open_queue(&after);
                        p = find(&after, 2);
                        insist(p.queued + p.dead >= 1);
                        insist(p.queued <= 1 && p.dead <= 1);
                        in_both += p.queued + p.dead == 2;
                        p = find(&after, 1);
                        insist(p.queued == 1 && p.dead == 0);
                        end(&after);
                }
        ck_assert_uint_gt(in_both, 0);
        end(&h);
}
END_TEST

/* The power went after the copy was safe and before the original was settled: moved again, it is recognised. */
START_TEST(what_was_moved_before_a_cut_is_not_there_twice)
{
        size_t accepted, moved, n_entries;
        unsigned n_recognised = 0;
        House h;

        tell(&h, &accepted, &moved);
        n_entries = moved;
        for (size_t at = accepted; at <= n_entries; at++) {
                House after = {.clock = h.clock, .random = h.random,
                               .disk = fake_disk_after_cut(h.disk, at, FAKE_CUT_LOST, at)};
                Places before, p;
                Ledger now;

                open_queue(&after);
                before = find(&after, 2);
                n_recognised += before.queued && before.dead;
                set_aside(&after, 2, 2);
                p = find(&after, 2);
                insist(p.queued == 0 && p.dead == 1);
                now = ledger(&after);
                insist(now.settled[OUTCOME_TOO_LARGE] == 1 && waiting(&after) == 1);
                end(&after);
        }
        ck_assert_uint_gt(n_recognised, 0);
        end(&h);
}
END_TEST

/* Every call to the disk fails once: the move is done in the end. */
START_TEST(every_call_may_fail_once)
{
        for (uint64_t n = 1;; n++) {
                const DeadLetter *l;
                uint64_t calls;
                Ledger now;
                House h;

                begin(&h);
                (void)put_reading(&h, 1, true);
                (void)put_reading(&h, 2, true);
                calls = h.disk->n_calls;
                h.disk->fail_at = calls + n;
                h.disk->fail_count = 1;
                h.disk->fail_errno = 5;
                set_aside(&h, 1, 1);
                run(&h, 5 * USEC_PER_MIN);
                insist(listed(&h, &l) == 1);
                now = ledger(&h);
                insist(now.settled[OUTCOME_TOO_LARGE] == 1 && waiting(&h) == 1);
                calls = h.disk->n_calls - calls;
                close_queue(&h, USEC_PER_SEC);
                open_queue(&h);
                run(&h, 5 * USEC_PER_MIN);
                insist(listed(&h, &l) == 1);
                end(&h);
                if (calls < n)
                        break;
        }
}
END_TEST

int main(void)
{
        Suite *s = suite_create("flow/dead-letters");
        TCase *c = suite_case(s, "a record is moved");

        tcase_add_test(c, the_original_is_settled_once_the_copy_is_safe);
        tcase_add_test(c, only_those_of_the_range_that_have_no_outcome_are_moved);
        tcase_add_test(c, what_cannot_be_read_any_more_is_damaged);
        tcase_add_test(c, a_record_at_hand_is_moved_without_reading_it_again);
        tcase_add_test(c, moves_wait_for_a_disk_that_fails);
        tcase_add_test(c, a_cold_disk_is_waited_for);
        tcase_add_test(c, the_largest_record_fits);
        c = suite_case(s, "what is there");
        tcase_add_test(c, the_list_is_there_after_a_restart);
        tcase_add_test(c, a_store_that_cannot_be_read_is_no_empty_one);
        tcase_add_test(c, for_one_over_the_limit_the_oldest_goes);
        tcase_add_test(c, the_store_is_bounded_in_bytes);
        tcase_add_test(c, no_dead_letter_is_too_old);
        c = suite_case(s, "and back");
        tcase_add_test(c, a_requeued_one_goes_to_the_end_of_its_stream);
        tcase_add_test(c, it_is_requeued_once_however_often_one_asks);
        tcase_add_test(c, a_stream_that_is_gone_takes_none_back);
        tcase_add_test(c, a_queue_that_cannot_take_it_says_why);
        tcase_add_test(c, a_requeued_reading_keeps_its_time);
        tcase_add_test(c, a_requeued_message_keeps_its_creation);
        tcase_add_test(c, a_clean_stop_finishes_what_is_on_its_way);
        tcase_add_test(c, whoever_waits_is_answered_when_all_ends);
        c = suite_case(s, "the power goes, the disk fails");
        tcase_add_test(c, at_every_moment_it_is_somewhere);
        tcase_add_test(c, what_was_moved_before_a_cut_is_not_there_twice);
        tcase_add_test(c, every_call_may_fail_once);
        return suite_run(s);
}
