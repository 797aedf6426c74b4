/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Dead letters between two real queues on a fake disk: whatever happens, a record is in one place at least.
 */

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "dead-house.h"
#include "log-capture.h"
#include "suite.h"

/* ---- moves ---- */

START_TEST(the_original_is_settled_once_the_copy_is_safe)
{
        const DeadLetter *l;
        Ledger now;
        House h;
        uint64_t n;

        house_begin(&h);
        n = house_put_reading(&h, 1.5, true);
        h.disk->held = true;
        ck_assert_int_eq(dead_letters_move(h.dead, h.stream, n, n, OUTCOME_BAD_PROPERTY, "an empty one"), 0);
        house_run(&h, 2 * USEC_PER_SEC);
        now = house_ledger(&h);
        ck_assert_uint_eq(house_waiting(&h), 1);
        ck_assert_uint_eq(dead_letters_moving(h.dead), 1);
        ck_assert_uint_eq(house_listed(&h, &l), 0);
        h.disk->held = false;
        house_run(&h, 5 * USEC_PER_SEC);
        now = house_ledger(&h);
        ck_assert_uint_eq(now.settled[OUTCOME_BAD_PROPERTY], 1);
        ck_assert_uint_eq(house_waiting(&h), 0);
        ck_assert_uint_eq(dead_letters_moving(h.dead), 0);
        ck_assert_uint_eq(h.n_added, 1);
        ck_assert_uint_eq(house_listed(&h, &l), 1);
        ck_assert_str_eq(l->stream, "telemetry");
        ck_assert_uint_eq(l->n, n);
        ck_assert_uint_eq(l->epoch, queue_epoch(h.queue));
        ck_assert_int_eq(l->reason, OUTCOME_BAD_PROPERTY);
        ck_assert_int_eq(l->kind, DEAD_LETTER_READING);
        ck_assert_str_eq(l->detail, "an empty one");
        house_end(&h);
}
END_TEST

START_TEST(only_those_of_the_range_that_have_no_outcome_are_moved)
{
        const DeadLetter *l;
        House h;

        house_begin(&h);
        for (int i = 0; i < 40; i++)
                (void)house_put_reading(&h, i, true);
        queue_settle(h.queue, h.stream, queue_epoch(h.queue), 12, 13, OUTCOME_ACKNOWLEDGED);
        house_set_aside(&h, 10, 29);
        ck_assert_uint_eq(house_listed(&h, &l), 18);
        ck_assert_uint_eq(l[0].n, 10);
        ck_assert_uint_eq(l[2].n, 14);
        ck_assert_uint_eq(house_waiting(&h), 20);
        ck_assert(house_get(&h, l[17].id).value == 28);
        house_end(&h);
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

        house_begin(&h);
        for (int i = 0; i < 3; i++)
                (void)house_put_reading(&h, i, true);
        while (queue_peek(h.queue, QUEUE_LANE_NORMAL, QUEUE_NEWS, &record) == 0)
                queue_advance(h.queue, QUEUE_LANE_NORMAL, QUEUE_NEWS);
        file = fake_disk_file(h.disk, "/queue/normal/seg-0000", &size);
        ck_assert_ptr_nonnull(file);
        memset(file + 4096, 0xa5, 16 * 4096);
        ck_assert_int_eq(dead_letters_move(h.dead, h.stream, 1, 3, OUTCOME_BREAKS_LINK, NULL), 0);
        house_run(&h, USEC_PER_MIN);
        queue_ledger(h.queue, h.stream, &ledger);
        ck_assert_uint_eq(ledger.settled[OUTCOME_DAMAGED], 3);
        ck_assert_uint_eq(ledger.settled[OUTCOME_BREAKS_LINK], 0);
        house_end(&h);
}
END_TEST

START_TEST(a_record_at_hand_is_moved_without_reading_it_again)
{
        const DeadLetter *l;
        QueueRecord record;
        House h;

        house_begin(&h);
        (void)house_put_reading(&h, 1, true);
        ck_assert_int_eq(queue_peek(h.queue, QUEUE_LANE_NORMAL, QUEUE_NEWS, &record), 0);
        ck_assert_int_eq(dead_letters_move_record(h.dead, &record, OUTCOME_BREAKS_LINK, NULL), 0);
        house_run(&h, 5 * USEC_PER_SEC);
        ck_assert_uint_eq(house_listed(&h, &l), 1);
        ck_assert_int_eq(l->reason, OUTCOME_BREAKS_LINK);
        ck_assert_str_eq(l->detail, "");
        house_end(&h);
}
END_TEST

START_TEST(moves_wait_for_a_disk_that_fails)
{
        const DeadLetter *l;
        House h;

        house_begin(&h);
        for (int i = 0; i < 200; i++)
                (void)house_put_reading(&h, i, true);
        h.disk->fail_at = 1;
        h.disk->fail_count = UINT64_MAX;
        h.disk->fail_mask = FAKE_WRITE | FAKE_SYNC | FAKE_ALLOCATE;
        h.disk->fail_errno = 5;
        for (uint64_t n = 1; n <= 64; n++) /* every other one: they cannot be told as one range */
                ck_assert_int_eq(dead_letters_move(h.dead, h.stream, 2 * n, 2 * n, OUTCOME_TOO_LARGE, NULL), 0);
        ck_assert_int_eq(dead_letters_move(h.dead, h.stream, 130, 130, OUTCOME_TOO_LARGE, NULL), DEAD_LETTERS_E_BUSY);
        ck_assert_int_eq(dead_letters_move(h.dead, h.stream, 129, 129, OUTCOME_TOO_LARGE, NULL), 0);
        house_run(&h, 30 * USEC_PER_SEC);
        ck_assert_uint_eq(house_waiting(&h), 200);
        ck_assert_uint_eq(dead_letters_moving(h.dead), 65);
        h.disk->fail_at = 0;
        house_run(&h, 5 * USEC_PER_MIN);
        ck_assert_uint_eq(dead_letters_moving(h.dead), 0);
        ck_assert_uint_eq(house_listed(&h, &l), 65);
        ck_assert_uint_eq(house_waiting(&h), 135);
        house_end(&h);
}
END_TEST

START_TEST(a_cold_disk_is_waited_for)
{
        const DeadLetter *l;
        House h;
        Got g;

        house_begin(&h);
        (void)house_put_message(&h, 200000);
        h.disk->cold = true;
        house_set_aside(&h, 1, 1);
        ck_assert_uint_eq(house_listed(&h, &l), 1);
        ck_assert(!dead_letters_is_reading(h.dead));
        g = house_get(&h, l->id);
        ck_assert_int_eq(g.kind, DEAD_LETTER_MESSAGE);
        ck_assert_uint_eq(g.body, 200000);
        ck_assert_str_eq(g.property, "blue");
        house_close(&h, USEC_PER_SEC);
        house_open(&h);
        house_run(&h, USEC_PER_SEC);
        ck_assert_uint_eq(house_listed(&h, &l), 1);
        house_end(&h);
}
END_TEST

/* The largest message that is taken in, with as much said of it as can be. */
START_TEST(the_largest_record_fits)
{
        char detail[400];
        const DeadLetter *l;
        House h;

        house_begin(&h);
        (void)house_put_message(&h, DEAD_LETTERS_PAYLOAD_MAX - 33);
        memset(detail, 'd', sizeof(detail));
        detail[399] = 0;
        ck_assert_int_eq(dead_letters_move(h.dead, h.stream, 1, 1, OUTCOME_TOO_LARGE, detail), 0);
        house_run(&h, 5 * USEC_PER_SEC);
        ck_assert_uint_eq(house_listed(&h, &l), 1);
        ck_assert_uint_eq(strlen(l->detail), 255);
        ck_assert_uint_ge(l->size, DEAD_LETTERS_PAYLOAD_MAX - 4);
        house_end(&h);
}
END_TEST

/* ---- what is there ---- */

START_TEST(the_list_is_there_after_a_restart)
{
        const DeadLetter *l;
        House h;

        house_begin(&h);
        for (int i = 0; i < 150; i++)
                (void)house_put_reading(&h, i, true);
        house_set_aside(&h, 1, 150);
        ck_assert_uint_eq(house_listed(&h, &l), 150);
        ck_assert_int_eq(house_delete(&h, 3).error, REQUEST_OK);
        house_close(&h, USEC_PER_SEC);
        house_open(&h);
        house_run(&h, USEC_PER_SEC);
        ck_assert_uint_eq(house_listed(&h, &l), 149);
        ck_assert_uint_eq(l[2].id, 4);
        ck_assert_uint_eq(l[2].n, 4);
        ck_assert_str_eq(l[2].detail, "it is too large");
        ck_assert(house_get(&h, 150).value == 149);
        house_end(&h);
}
END_TEST

/* An empty list would be believed. */
START_TEST(a_store_that_cannot_be_read_is_no_empty_one)
{
        const DeadLetter *l;
        size_t n = 0;
        House h;

        house_begin(&h);
        (void)house_put_reading(&h, 1, true);
        house_set_aside(&h, 1, 1);
        house_close(&h, USEC_PER_SEC);
        h.disk->locked = true;
        house_open(&h);
        house_run(&h, USEC_PER_SEC / 2);
        ck_assert_int_eq(h.office.list(h.office.userdata, &l, &n), REQUEST_DISK_ERROR);
        ck_assert_int_eq(house_get(&h, 1).error, REQUEST_DISK_ERROR);
        h.disk->locked = false;
        house_run(&h, 2 * USEC_PER_MIN);
        ck_assert_uint_eq(house_listed(&h, &l), 1);
        house_end(&h);
}
END_TEST

START_TEST(what_stands_in_the_place_of_the_store_goes_aside)
{
        const DeadLetter *l;
        LogCapture log;
        House h;
        int fd;

        log_capture_begin(&log);
        house_begin(&h);
        house_close(&h, USEC_PER_SEC);
        ck_assert_int_eq(disk_rename(&h.disk->disk, "/queue/dead-letters", "/away"), 0);
        fd = disk_open(&h.disk->disk, "/queue/dead-letters", O_RDWR | O_CREAT);
        ck_assert_int_ge(fd, 0);
        disk_close(&h.disk->disk, fd);
        house_open(&h);
        ck_assert(log_capture_has(&log, "/queue/dead-letters: is no directory"));
        ck_assert(log_capture_has(&log, "set aside as /queue/dead-letters-foreign-"));
        (void)house_put_reading(&h, 1, true);
        house_set_aside(&h, 1, 1);
        ck_assert_uint_eq(house_listed(&h, &l), 1);
        house_end(&h);
        log_capture_end(&log);
}
END_TEST

/* What is in it is not forgotten, and its ids are not given a second time. */
START_TEST(a_store_that_another_user_has_is_waited_for)
{
        for (int is_empty = 0; is_empty < 2; is_empty++) {
                const DeadLetter *l;
                LogCapture log;
                size_t n = 0;
                House h;

                log_capture_begin(&log);
                house_begin(&h);
                (void)house_put_reading(&h, 1, true);
                house_set_aside(&h, 1, 1);
                house_close(&h, USEC_PER_SEC);
                if (is_empty) {
                        ck_assert_int_eq(disk_rename(&h.disk->disk, "/queue/dead-letters", "/away"), 0);
                        ck_assert_int_eq(disk_mkdir(&h.disk->disk, "/queue/dead-letters"), 0);
                }
                fake_disk_forbid(h.disk, "/queue/dead-letters");
                house_open(&h);
                ck_assert(log_capture_has(&log, "Dead letters: /queue/dead-letters"));
                ck_assert(log_capture_has(&log, "belongs to another user: chown -R hublink: /queue/dead-letters"));
                ck_assert_int_eq(h.office.list(h.office.userdata, &l, &n), REQUEST_DISK_ERROR);
                fake_disk_allow(h.disk, "/queue/dead-letters");
                house_run(&h, 2 * USEC_PER_MIN);
                ck_assert(!log_capture_has(&log, "set aside as /queue"));
                ck_assert_uint_eq(house_listed(&h, &l), is_empty ? 0 : 1);
                house_end(&h);
                log_capture_end(&log);
        }
}
END_TEST

START_TEST(a_store_that_does_not_open_is_told_of_as_what_it_is)
{
        const DeadLetter *l;
        LogCapture log;
        House h;

        log_capture_begin(&log);
        house_begin(&h);
        house_close(&h, USEC_PER_SEC);
        h.disk->locked = true;
        house_open(&h);
        ck_assert(log_capture_has(&log, "Dead letters: /queue/dead-letters is in use by another process. What is to be "
                                        "set aside stays in the queue meanwhile."));
        h.disk->locked = false;
        house_run(&h, 2 * USEC_PER_MIN);
        ck_assert(log_capture_has(&log, "Dead letters: /queue/dead-letters can be written to again."));
        (void)house_put_reading(&h, 1, true);
        house_set_aside(&h, 1, 1);
        ck_assert_uint_eq(house_listed(&h, &l), 1);
        house_end(&h);
        log_capture_end(&log);
}
END_TEST

START_TEST(for_one_over_the_limit_the_oldest_goes)
{
        DeadLetterStatus status;
        const DeadLetter *l;
        LogCapture log;
        House h;

        log_capture_begin(&log);
        house_begin(&h);
        for (int i = 0; i < DEAD_LETTERS_MAX + 3; i++)
                ck_assert_int_eq(queue_append(h.queue, h.stream, QUEUE_KIND_READING, "?", 1, NULL, NULL), 0);
        house_run(&h, 5 * USEC_PER_SEC);
        ck_assert_int_eq(dead_letters_move(h.dead, h.stream, 1, DEAD_LETTERS_MAX + 3, OUTCOME_TOO_LARGE, NULL), 0);
        house_run(&h, 10 * USEC_PER_MIN);
        ck_assert_uint_eq(house_listed(&h, &l), DEAD_LETTERS_MAX);
        ck_assert_uint_eq(l[0].id, 4);
        dead_letters_status(h.dead, &status);
        ck_assert_uint_eq(status.count, DEAD_LETTERS_MAX);
        ck_assert_uint_eq(status.dropped, 3);
        ck_assert(log_capture_has(&log, "Dead letter 1 (record 1 of stream telemetry, too-large) is dropped: the "
                                        "store is full"));
        house_close(&h, USEC_PER_SEC);
        house_open(&h);
        house_run(&h, 5 * USEC_PER_SEC);
        dead_letters_status(h.dead, &status);
        ck_assert_uint_eq(status.count, DEAD_LETTERS_MAX);
        ck_assert_uint_eq(status.dropped, 3);
        house_end(&h);
        log_capture_end(&log);
}
END_TEST

/* Each has its line; of a flood so many an hour, and then how many others there were. */
START_TEST(each_is_told_in_the_log)
{
        LogCapture log;
        uint64_t n;
        House h;

        log_capture_begin(&log);
        house_begin(&h);
        for (int i = 0; i < 25; i++) {
                n = house_put_reading(&h, i, true);
                house_set_aside(&h, n, n);
        }
        ck_assert(log_capture_has(&log, "It is set aside as dead letter 1: hublinkctl dead-letters show 1"));
        ck_assert(log_capture_has(&log, "It is set aside as dead letter 20: hublinkctl dead-letters show 20"));
        ck_assert_uint_eq(log_capture_count(&log, "set aside as dead letter"), 20);
        ck_assert_uint_eq(log_capture_count(&log, "others since"), 0);
        house_run(&h, USEC_PER_HOUR);
        n = house_put_reading(&h, 26, true);
        house_set_aside(&h, n, n);
        ck_assert(log_capture_has(&log, "as dead letter 26 (and 5 others since the last such line): hublinkctl"));
        house_end(&h);
        log_capture_end(&log);
}
END_TEST

START_TEST(the_store_is_bounded_in_bytes)
{
        DeadLetterStatus status;
        const DeadLetter *l;
        House h;

        house_begin(&h);
        for (int i = 0; i < 60; i++) {
                uint64_t n = house_put_message(&h, 250000);

                house_set_aside(&h, n, n);
                house_tell_notices(&h);
                house_run(&h, 40 * USEC_PER_SEC);
                dead_letters_status(h.dead, &status);
                ck_assert_uint_le(status.bytes, 8 << 20);
                ck_assert_uint_eq(house_listed(&h, &l) + status.dropped, (unsigned)i + 1);
                ck_assert_uint_eq(l[status.count - 1].n, n);
        }
        ck_assert_uint_eq(status.count, 33);
        ck_assert_uint_eq(house_get(&h, l[0].id).body, 250000);
        house_end(&h);
}
END_TEST

/* A month in a queue that keeps nothing longer than an hour. */
START_TEST(no_dead_letter_is_too_old)
{
        DeadLetterStatus status;
        const DeadLetter *l;
        House h;

        house_begin(&h);
        house_close(&h, USEC_PER_SEC);
        h.max_age_usec = USEC_PER_HOUR;
        house_open(&h);
        for (int configured = 0; configured < 2; configured++) {
                uint64_t n = house_put_reading(&h, 1, true);

                house_set_aside(&h, n, n);
                (void)house_put_reading(&h, 2, true);
                house_run(&h, 30 * USEC_PER_DAY);
                ck_assert_uint_eq(house_waiting(&h), 0);
                ck_assert_uint_gt(house_ledger(&h).settled[OUTCOME_AGE], 0);
                ck_assert_uint_eq(house_listed(&h, &l), (unsigned)configured + 1);
                ck_assert_int_eq(house_get(&h, l[0].id).error, REQUEST_OK);
                dead_letters_status(h.dead, &status);
                ck_assert_uint_eq(status.dropped, 0);
                dead_letters_configure(h.dead, &(QueueSettings){.commit_interval_usec = USEC_PER_SEC,
                                                                .max_bytes = 8 << 20, .max_age_usec = USEC_PER_HOUR});
        }
        house_end(&h);
}
END_TEST

/* ---- back ---- */

START_TEST(a_requeued_one_goes_to_the_end_of_its_stream)
{
        const DeadLetter *l;
        QueueRecord record;
        House h;
        Got g;

        house_begin(&h);
        for (int i = 0; i < 3; i++)
                (void)house_put_reading(&h, i, true);
        house_set_aside(&h, 2, 2);
        g = house_requeue(&h, 1);
        ck_assert_int_eq(g.error, REQUEST_OK);
        ck_assert_uint_gt(g.n, 3);
        ck_assert_str_eq(g.stream, "telemetry");
        ck_assert_uint_eq(house_listed(&h, &l), 0);
        ck_assert_uint_eq(house_waiting(&h), 3);
        ck_assert_int_eq(queue_browse(h.queue, h.stream, g.n, g.n, &record), 0);
        {
                ReadingSpace space;
                Reading reading;

                ck_assert_int_eq(reading_decode(record.payload, record.size, &space, &reading), 0);
                ck_assert(reading.channels[0].value.number == 1);
        }
        ck_assert_int_eq(house_requeue(&h, 1).error, REQUEST_NO_SUCH_MESSAGE);
        ck_assert_int_eq(house_get(&h, 1).error, REQUEST_NO_SUCH_MESSAGE);
        ck_assert_int_eq(house_delete(&h, 1).error, REQUEST_NO_SUCH_MESSAGE);
        house_end(&h);
}
END_TEST

START_TEST(it_is_requeued_once_however_often_one_asks)
{
        House h;
        Got first = {}, second = {}, third = {};

        house_begin(&h);
        (void)house_put_reading(&h, 1, true);
        house_set_aside(&h, 1, 1);
        h.disk->held = true;
        house_ask_requeue(&h, 1, &first);
        house_ask_requeue(&h, 1, &second);
        house_run(&h, USEC_PER_SEC);
        house_ask_delete(&h, 1, &third);
        ck_assert_uint_eq(first.n_answers, 0);
        ck_assert_int_eq(second.error, REQUEST_BUSY);
        ck_assert_int_eq(third.error, REQUEST_BUSY);
        h.disk->held = false;
        house_run(&h, 5 * USEC_PER_SEC);
        ck_assert_uint_eq(first.n_answers, 1);
        ck_assert_int_eq(first.error, REQUEST_OK);
        ck_assert_uint_eq(house_waiting(&h), 1);
        house_end(&h);
}
END_TEST

START_TEST(a_stream_that_is_gone_takes_none_back)
{
        const DeadLetter *l;
        unsigned stream;
        House h;
        Got g;

        house_begin(&h);
        (void)house_put_reading(&h, 1, true);
        house_set_aside(&h, 1, 1);
        house_tell_notices(&h);
        house_run(&h, 5 * USEC_PER_MIN);
        house_close(&h, USEC_PER_SEC);
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
        house_run(&h, USEC_PER_SEC);
        g = house_requeue(&h, 1);
        ck_assert_int_eq(g.error, REQUEST_NO_SUCH_STREAM);
        ck_assert(strstr(g.detail, "stream telemetry"));
        ck_assert_uint_eq(house_listed(&h, &l), 1);
        house_end(&h);
}
END_TEST

START_TEST(a_queue_that_cannot_take_it_says_why)
{
        const DeadLetter *l;
        House h;
        Got g;

        house_begin(&h);
        (void)house_put_reading(&h, 1, true);
        (void)house_put_reading(&h, 2, true);
        house_set_aside(&h, 1, 1);
        h.disk->fail_at = 1;
        h.disk->fail_count = UINT64_MAX;
        h.disk->fail_mask = FAKE_WRITE | FAKE_SYNC | FAKE_ALLOCATE;
        h.disk->fail_errno = 5;
        g = house_requeue(&h, 1);
        ck_assert_int_eq(g.error, REQUEST_DISK_ERROR);
        ck_assert_uint_eq(house_listed(&h, &l), 1);
        h.disk->fail_at = 0;
        house_run(&h, 5 * USEC_PER_MIN);
        ck_assert_int_eq(house_requeue(&h, 1).error, REQUEST_OK);
        house_end(&h);
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

        house_begin_with_clock(&h, false);
        for (int synchronised = 0; synchronised < 2; synchronised++) {
                uint64_t n;

                Got back;

                h.clock.is_synchronised = false;
                then = clock_wall(&h.clock.clock);
                n = house_put_reading(&h, 1, false);
                house_run(&h, USEC_PER_HOUR);
                h.clock.is_synchronised = synchronised;
                house_set_aside(&h, n, n);
                house_run(&h, USEC_PER_HOUR);
                back = house_requeue(&h, (uint64_t)synchronised + 1);
                ck_assert_int_eq(back.error, REQUEST_OK);
                ck_assert_int_eq(queue_browse(h.queue, h.stream, back.n, back.n, &record), 0);
                ck_assert_int_eq(reading_decode(record.payload, record.size, &space, &reading), 0);
                ck_assert(reading.wall_trusted);
                ck_assert_uint_le(reading.wall_usec - then, USEC_PER_SEC);
                ck_assert_int_eq(reading.quality, synchronised ? QUALITY_GOOD : QUALITY_UNKNOWN);
        }
        house_end(&h);
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

        house_begin(&h);
        then = clock_wall(&h.clock.clock);
        n = house_put_message(&h, 100);
        house_run(&h, USEC_PER_HOUR);
        house_set_aside(&h, n, n);
        back = house_requeue(&h, 1);
        ck_assert_int_eq(queue_browse(h.queue, h.stream, back.n, back.n, &record), 0);
        ck_assert_int_eq(message_decode(record.payload, record.size, &m), 0);
        ck_assert_uint_ge(m->created_usec, then);
        ck_assert_uint_le(m->created_usec - then, USEC_PER_SEC);
        ck_assert_uint_eq(m->body.size, 100);
        house_end(&h);
}
END_TEST

/* What is on its way when all ends arrives: a move, and a requeue. Neither is found on both sides at the next start. */
START_TEST(a_clean_stop_finishes_what_is_on_its_way)
{
        for (int moves = 0; moves < 2; moves++) {
                const DeadLetter *l;
                Got g = {};
                House h;

                house_begin(&h);
                (void)house_put_reading(&h, 1, true);
                if (!moves)
                        house_set_aside(&h, 1, 1);
                h.disk->held = true;
                if (moves)
                        ck_assert_int_eq(dead_letters_move(h.dead, h.stream, 1, 1, OUTCOME_TOO_LARGE, NULL), 0);
                else
                        house_ask_requeue(&h, 1, &g);
                house_run(&h, 0);
                ck_assert_uint_eq(g.n_answers, 0);
                h.disk->held = false;
                house_close(&h, USEC_PER_SEC);
                ck_assert_uint_eq(g.n_answers, !moves);
                ck_assert_int_eq(g.error, REQUEST_OK);
                house_open(&h);
                house_run(&h, USEC_PER_SEC);
                ck_assert_uint_eq(house_waiting(&h), !moves);
                ck_assert_uint_eq(house_listed(&h, &l), moves);
                house_end(&h);
        }
}
END_TEST

START_TEST(whoever_waits_is_answered_when_all_ends)
{
        House h;
        Got got = {}, requeued = {}, moved = {};

        house_begin(&h);
        (void)house_put_reading(&h, 1, true);
        (void)house_put_reading(&h, 2, true);
        house_set_aside(&h, 1, 2);
        h.disk->held = true;
        house_ask_requeue(&h, 1, &requeued);
        house_run(&h, 0);
        house_ask_get(&h, 2, &got);
        house_ask_requeue(&h, 2, &moved);
        house_close(&h, 0);
        ck_assert_uint_eq(requeued.n_answers, 1);
        ck_assert_uint_eq(got.n_answers, 1);
        ck_assert_int_eq(got.error, REQUEST_BUSY);
        ck_assert_uint_eq(moved.n_answers, 1);
        h.disk->held = false;
        house_end(&h);
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
        tcase_add_test(c, each_is_told_in_the_log);
        tcase_add_test(c, what_stands_in_the_place_of_the_store_goes_aside);
        tcase_add_test(c, a_store_that_another_user_has_is_waited_for);
        tcase_add_test(c, a_store_that_does_not_open_is_told_of_as_what_it_is);
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
        return suite_run(s);
}
