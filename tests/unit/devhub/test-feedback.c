/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/hub/feedback.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "devhub-house.h"
#include "suite.h"

typedef struct Bench {
        DevhubHouse house;
        Feedback *feedback;
        unsigned n_ready;
} Bench;

static void on_ready(void *userdata)
{
        Bench *b = userdata;

        b->n_ready++;
}

static void come_to_life(Bench *b)
{
        ck_assert_int_eq(feedback_prepare(&b->house.store), 0);
        ck_assert_int_eq(feedback_new(&b->feedback, &b->house.store, &b->house.time.clock), 0);
        feedback_set_sink(b->feedback, on_ready, b);
}

static void open_bench(Bench *b)
{
        *b = (Bench){};
        devhub_house_open(&b->house);
        come_to_life(b);
}

static void close_bench(Bench *b)
{
        b->feedback = feedback_free(b->feedback);
        devhub_house_close(&b->house);
}

static void restart(Bench *b)
{
        ck_assert_int_eq(store_commit(&b->house.store), 0);
        b->feedback = feedback_free(b->feedback);
        devhub_house_reopen(&b->house);
        come_to_life(b);
}

static usec_t now(const Bench *b)
{
        return b->house.time.wall_usec;
}

static void pass(Bench *b, usec_t usec)
{
        fake_clock_advance(&b->house.time, usec);
        ck_assert_int_eq(feedback_tick(b->feedback), 0);
}

static void record(Bench *b, const char *id, Outcome outcome)
{
        ck_assert_int_eq(feedback_record(b->feedback, ACK_FULL, outcome, id, "d1", "17"), 0);
}

static FeedbackBatch take(Bench *b)
{
        FeedbackBatch batch = {};

        ck_assert_int_eq(feedback_take(b->feedback, &batch), 0);
        return batch;
}

static void check_nothing_to_take(Bench *b)
{
        FeedbackBatch batch = {};

        ck_assert_int_eq(feedback_take(b->feedback, &batch), FEEDBACK_E_EMPTY);
}

/* A batch that is there to be taken. */
static void make_batch(Bench *b)
{
        record(b, "m", OUTCOME_SUCCESS);
        pass(b, 15 * USEC_PER_SEC);
}

static unsigned size_of(const FeedbackBatch *batch)
{
        struct json_object *list = json_tokener_parse(batch->body);
        unsigned n;

        ck_assert_ptr_nonnull(list);
        n = (unsigned)json_object_array_length(list);
        (void)json_object_put(list);
        return n;
}

/* ---- words ---- */

START_TEST(words_read_back)
{
        static const char *const modes[] = {"none", "positive", "negative", "full"};
        static const char *const words[] = {"Success", "Expired", "DeliveryCountExceeded", "Rejected", "Purged"};

        for (int i = 0; i < _ACK_MODE_MAX; i++) {
                ck_assert_str_eq(ack_mode_to_string((AckMode)i), modes[i]);
                ck_assert_int_eq(ack_mode_from_string(modes[i]), i);
        }
        ck_assert_int_eq(ack_mode_from_string("Full"), _ACK_MODE_INVALID);
        ck_assert_int_eq(ack_mode_from_string(""), _ACK_MODE_INVALID);
        for (int i = 0; i < _OUTCOME_MAX; i++)
                ck_assert_str_eq(outcome_to_string((Outcome)i), words[i]);
}
END_TEST

/* ---- batches ---- */

START_TEST(a_record_is_written_as_services_read_it)
{
        FeedbackBatch batch;
        Bench b;

        open_bench(&b);
        b.house.time.wall_usec += 123 * USEC_PER_MSEC;
        record(&b, "m \"1\"", OUTCOME_SUCCESS);
        ck_assert_int_eq(feedback_record(b.feedback, ACK_NEGATIVE, OUTCOME_DELIVERY_COUNT_EXCEEDED, NULL, "d1", "18"),
                         0);
        pass(&b, 15 * USEC_PER_SEC);
        batch = take(&b);
        ck_assert_str_eq(batch.body,
                         "[{\"originalMessageId\":\"m \\\"1\\\"\",\"enqueuedTimeUtc\":\"2026-01-01T00:00:00.123Z\","
                         "\"statusCode\":\"Success\",\"description\":\"Success\",\"deviceId\":\"d1\","
                         "\"deviceGenerationId\":\"17\"},"
                         "{\"originalMessageId\":null,\"enqueuedTimeUtc\":\"2026-01-01T00:00:00.123Z\","
                         "\"statusCode\":\"DeliveryCountExceeded\",\"description\":\"DeliveryCountExceeded\","
                         "\"deviceId\":\"d1\",\"deviceGenerationId\":\"18\"}]");
        ck_assert_uint_eq(batch.body_size, strlen(batch.body));
        ck_assert_uint_eq(batch.enqueued_usec, now(&b));
        ck_assert_uint_eq(batch.locked_until_usec, now(&b) + USEC_PER_MIN);
        ck_assert_uint_eq(batch.delivery_count, 0);
        feedback_batch_done(&batch);
        close_bench(&b);
}
END_TEST

START_TEST(a_batch_closes_15_s_after_its_first)
{
        FeedbackBatch batch;
        Bench b;

        open_bench(&b);
        ck_assert_int_eq(feedback_tick(b.feedback), 0);
        ck_assert_uint_eq(feedback_deadline(b.feedback), USEC_INFINITY);
        record(&b, "1", OUTCOME_SUCCESS);
        ck_assert_uint_eq(feedback_deadline(b.feedback), now(&b) + 15 * USEC_PER_SEC);
        pass(&b, 10 * USEC_PER_SEC);
        record(&b, "2", OUTCOME_SUCCESS);
        pass(&b, 5 * USEC_PER_SEC - 1);
        check_nothing_to_take(&b);
        ck_assert_uint_eq(b.n_ready, 0);
        pass(&b, 1);
        ck_assert_uint_eq(b.n_ready, 1);
        batch = take(&b);
        ck_assert_uint_eq(size_of(&batch), 2);
        feedback_batch_done(&batch);
        pass(&b, 15 * USEC_PER_SEC);
        check_nothing_to_take(&b);
        close_bench(&b);
}
END_TEST

START_TEST(the_64th_closes_a_batch_at_once)
{
        FeedbackBatch batch;
        Bench b;

        open_bench(&b);
        for (unsigned i = 0; i < 63; i++)
                record(&b, "m", OUTCOME_SUCCESS);
        check_nothing_to_take(&b);
        record(&b, "m", OUTCOME_SUCCESS);
        record(&b, "m", OUTCOME_SUCCESS);
        ck_assert_uint_eq(b.n_ready, 1);
        batch = take(&b);
        ck_assert_uint_eq(size_of(&batch), 64);
        feedback_batch_done(&batch);
        pass(&b, 15 * USEC_PER_SEC);
        batch = take(&b);
        ck_assert_uint_eq(size_of(&batch), 1);
        feedback_batch_done(&batch);
        close_bench(&b);
}
END_TEST

/* ---- receivers ---- */

START_TEST(what_is_completed_or_rejected_is_gone)
{
        bool completed = _i == 0;
        FeedbackBatch batch;
        Bench b;

        open_bench(&b);
        make_batch(&b);
        batch = take(&b);
        check_nothing_to_take(&b);
        ck_assert_int_eq(completed ? feedback_complete(b.feedback, batch.tag) : feedback_reject(b.feedback, batch.tag),
                         0);
        ck_assert_int_eq(feedback_complete(b.feedback, batch.tag), FEEDBACK_E_LOCK_LOST);
        pass(&b, 2 * USEC_PER_MIN);
        check_nothing_to_take(&b);
        feedback_batch_done(&batch);
        close_bench(&b);
}
END_TEST

START_TEST(it_may_be_abandoned_ten_times)
{
        Bench b;

        open_bench(&b);
        make_batch(&b);
        for (unsigned i = 0; i < 10; i++) {
                FeedbackBatch batch = take(&b);

                ck_assert_uint_eq(batch.delivery_count, i);
                ck_assert_int_eq(feedback_abandon(b.feedback, batch.tag), 0);
                ck_assert_int_eq(feedback_abandon(b.feedback, batch.tag), FEEDBACK_E_LOCK_LOST);
                feedback_batch_done(&batch);
        }
        check_nothing_to_take(&b);
        ck_assert_uint_eq(b.n_ready, 10);
        close_bench(&b);
}
END_TEST

START_TEST(a_lock_that_ends_or_is_released_is_not_counted)
{
        FeedbackBatch first, second;
        Bench b;

        open_bench(&b);
        make_batch(&b);
        first = take(&b);
        pass(&b, USEC_PER_MIN - 1);
        check_nothing_to_take(&b);
        pass(&b, 1);
        ck_assert_uint_eq(b.n_ready, 2);
        ck_assert_int_eq(feedback_complete(b.feedback, first.tag), FEEDBACK_E_LOCK_LOST);
        second = take(&b);
        ck_assert_mem_ne(first.tag, second.tag, FEEDBACK_TAG_SIZE);
        feedback_batch_done(&first);
        ck_assert_int_eq(feedback_release(b.feedback, second.tag), 0);
        feedback_batch_done(&second);
        second = take(&b);
        ck_assert_uint_eq(second.delivery_count, 0);
        feedback_batch_done(&second);
        close_bench(&b);
}
END_TEST

START_TEST(a_batch_lives_an_hour)
{
        FeedbackBatch batch;
        Bench b;

        open_bench(&b);
        make_batch(&b);
        pass(&b, USEC_PER_HOUR - 1);
        batch = take(&b);
        ck_assert_int_eq(feedback_release(b.feedback, batch.tag), 0);
        feedback_batch_done(&batch);
        pass(&b, 1);
        check_nothing_to_take(&b);
        pass(&b, USEC_PER_SEC);
        ck_assert_uint_eq(feedback_deadline(b.feedback), USEC_INFINITY);
        close_bench(&b);
}
END_TEST

START_TEST(a_locked_batch_outlives_its_hour_until_its_lock_ends)
{
        FeedbackBatch batch;
        Bench b;

        open_bench(&b);
        make_batch(&b);
        pass(&b, USEC_PER_HOUR - 1);
        batch = take(&b);
        pass(&b, 30 * USEC_PER_SEC);
        ck_assert_int_eq(feedback_complete(b.feedback, batch.tag), 0);
        feedback_batch_done(&batch);
        close_bench(&b);
}
END_TEST

START_TEST(the_oldest_comes_first)
{
        FeedbackBatch first, second;
        Bench b;

        open_bench(&b);
        make_batch(&b);
        make_batch(&b);
        first = take(&b);
        second = take(&b);
        ck_assert_uint_lt(first.enqueued_usec, second.enqueued_usec);
        feedback_batch_done(&first);
        feedback_batch_done(&second);
        close_bench(&b);
}
END_TEST

/* ---- what lasts ---- */

START_TEST(a_restart_keeps_records_and_batches_and_frees_locks)
{
        FeedbackBatch batch;
        Bench b;

        open_bench(&b);
        make_batch(&b);
        batch = take(&b);
        record(&b, "open", OUTCOME_SUCCESS);
        restart(&b);
        ck_assert_int_eq(feedback_complete(b.feedback, batch.tag), FEEDBACK_E_LOCK_LOST);
        feedback_batch_done(&batch);
        batch = take(&b);
        ck_assert_int_eq(feedback_complete(b.feedback, batch.tag), 0);
        feedback_batch_done(&batch);
        pass(&b, 15 * USEC_PER_SEC);
        batch = take(&b);
        ck_assert_ptr_nonnull(strstr(batch.body, "\"open\""));
        feedback_batch_done(&batch);
        close_bench(&b);
}
END_TEST

START_TEST(what_is_undone_is_done_again)
{
        FeedbackBatch batch;
        Bench b;

        open_bench(&b);
        record(&b, "m", OUTCOME_SUCCESS);
        ck_assert_int_eq(store_commit(&b.house.store), 0);
        pass(&b, 15 * USEC_PER_SEC);
        store_rollback(&b.house.store); /* the commit failed */
        check_nothing_to_take(&b);
        ck_assert_uint_le(feedback_deadline(b.feedback), now(&b) + USEC_PER_SEC);
        pass(&b, USEC_PER_SEC);
        batch = take(&b);
        ck_assert_uint_eq(size_of(&batch), 1);
        feedback_batch_done(&batch);
        close_bench(&b);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("devhub/feedback");
        TCase *c = suite_case(s, "records and batches");

        tcase_add_test(c, words_read_back);
        tcase_add_test(c, a_record_is_written_as_services_read_it);
        tcase_add_test(c, a_batch_closes_15_s_after_its_first);
        tcase_add_test(c, the_64th_closes_a_batch_at_once);

        c = suite_case(s, "receivers");
        tcase_add_loop_test(c, what_is_completed_or_rejected_is_gone, 0, 2);
        tcase_add_test(c, it_may_be_abandoned_ten_times);
        tcase_add_test(c, a_lock_that_ends_or_is_released_is_not_counted);
        tcase_add_test(c, a_batch_lives_an_hour);
        tcase_add_test(c, a_locked_batch_outlives_its_hour_until_its_lock_ends);
        tcase_add_test(c, the_oldest_comes_first);

        c = suite_case(s, "what lasts");
        tcase_add_test(c, a_restart_keeps_records_and_batches_and_frees_locks);
        tcase_add_test(c, what_is_undone_is_done_again);
        return suite_run(s);
}
