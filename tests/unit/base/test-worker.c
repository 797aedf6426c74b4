/* SPDX-License-Identifier: Apache-2.0 */
#include "base/worker.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "fake-clock.h"
#include "suite.h"

/* A job that may hang until the gate opens. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t moved = PTHREAD_COND_INITIALIZER;
static bool gate_open;
static unsigned inside; /* jobs that stand before the gate */

static atomic_uint freed;
static size_t done, lost;
static unsigned order[64];
static char last_why[128];

typedef struct Job {
        WorkerJob job;
        unsigned number;
        bool hangs;
} Job;

static void job_run(WorkerJob *job)
{
        Job *j = container_of(job, Job, job);

        if (!j->hangs)
                return;
        pthread_mutex_lock(&lock);
        inside++;
        pthread_cond_broadcast(&moved);
        while (!gate_open)
                pthread_cond_wait(&moved, &lock);
        inside--;
        pthread_cond_broadcast(&moved);
        pthread_mutex_unlock(&lock);
}

static void job_free(WorkerJob *job)
{
        free(container_of(job, Job, job));
        atomic_fetch_add(&freed, 1);
}

static void job_done(WorkerJob *job)
{
        order[done++ % ARRAY_SIZE(order)] = container_of(job, Job, job)->number;
        job_free(job);
}

static void job_lost(WorkerJob *job, const char *why)
{
        lost++;
        (void)snprintf(last_why, sizeof(last_why), "%s", why);
}

static FakeClock fake;
static sd_event *event;
static Worker *worker;

static void setup(void)
{
        fake_clock_init(&fake);
        ck_assert_int_ge(sd_event_new(&event), 0);
        gate_open = false;
        inside = 0;
        done = lost = 0;
        atomic_store(&freed, 0);
        ck_assert_int_eq(worker_new(&worker, event, &fake.clock, "i2c-1"), 0);
}

static void open_gate(void)
{
        pthread_mutex_lock(&lock);
        gate_open = true;
        pthread_cond_broadcast(&moved);
        while (inside > 0)
                pthread_cond_wait(&moved, &lock);
        pthread_mutex_unlock(&lock);
}

static void teardown(void)
{
        worker = worker_free(worker);
        open_gate();
        event = sd_event_unref(event);
}

/* The loop turns for as long as something is ready. */
static void turn(void)
{
        while (sd_event_run(event, 0) > 0)
                ;
}

/* Until so many are done. */
static void wait_for(size_t at_least)
{
        while (done < at_least)
                ck_assert_msg(sd_event_run(event, 20 * USEC_PER_SEC) > 0, "nothing came within 20 s (%zu of %zu)", done,
                              at_least);
}

static void wait_inside(unsigned n)
{
        pthread_mutex_lock(&lock);
        while (inside < n)
                pthread_cond_wait(&moved, &lock);
        pthread_mutex_unlock(&lock);
}

static void wait_freed(unsigned n)
{
        for (int i = 0; atomic_load(&freed) < n; i++) {
                ck_assert_int_lt(i, 20000);
                usleep(1000);
        }
}

static void wait_returned(void)
{
        open_gate();
        for (int i = 0; worker_stuck(worker) > 0; i++) {
                ck_assert_int_lt(i, 20000);
                usleep(1000);
        }
        gate_open = false;
}

static void submit(unsigned number, bool hangs)
{
        Job *j = calloc(1, sizeof(*j));

        *j = (Job){{USEC_PER_SEC, job_run, job_done, job_lost, job_free, NULL}, number, hangs};
        worker_submit(worker, &j->job);
}

static void expire(void)
{
        fake_clock_advance(&fake, USEC_PER_SEC);
        worker_tick(worker, fake.boot_usec);
}

START_TEST(jobs_are_done_in_their_order)
{
        for (unsigned i = 0; i < 50; i++)
                submit(i, false);
        wait_for(50);
        for (unsigned i = 0; i < 50; i++)
                ck_assert_uint_eq(order[i], i);
        ck_assert_uint_eq(atomic_load(&freed), 50);
        ck_assert_uint_eq(worker_deadline(worker), USEC_INFINITY);
}
END_TEST

START_TEST(deadline_counts_from_when_the_job_began)
{
        submit(0, true);
        submit(1, false);
        wait_inside(1);
        ck_assert_uint_eq(worker_deadline(worker), fake.boot_usec + USEC_PER_SEC);
        fake_clock_advance(&fake, USEC_PER_SEC - 1);
        worker_tick(worker, fake.boot_usec);
        ck_assert_uint_eq(lost, 0);
        open_gate();
        wait_for(2);
        ck_assert_uint_eq(lost, 0);
}
END_TEST

/* The thread has told the loop, which has not listened yet. */
static void wait_told(void)
{
        struct pollfd told = {.fd = sd_event_get_fd(event), .events = POLLIN};

        ck_assert_int_eq(poll(&told, 1, 20000), 1);
}

START_TEST(late_look_at_a_finished_job_is_no_hang)
{
        submit(0, false);
        wait_told();
        ck_assert_uint_eq(done, 0);
        expire();
        wait_for(1);
        ck_assert_uint_eq(lost, 0);
        ck_assert_uint_eq(atomic_load(&freed), 1);
}
END_TEST

START_TEST(stuck_job_is_lost_and_the_next_one_goes_on)
{
        submit(0, true);
        submit(1, false);
        wait_inside(1);
        expire();
        ck_assert_uint_eq(lost, 1);
        ck_assert_str_eq(last_why, "no answer within 1 s");
        ck_assert_uint_eq(atomic_load(&freed), 0); /* the thread still has it */
        wait_for(1);
        ck_assert_uint_eq(order[0], 1);
        ck_assert_uint_eq(worker_stuck(worker), 1);
        wait_returned();
        wait_freed(2);
        turn();
        ck_assert_uint_eq(done, 1); /* its result is not wanted any more */
}
END_TEST

START_TEST(pauses_grow_and_end)
{
        static const usec_t pauses[] = {0, USEC_PER_SEC, 2 * USEC_PER_SEC};

        for (unsigned i = 0; i < ARRAY_SIZE(pauses); i++) {
                submit(i, true);
                wait_inside(i + 1);
                expire();
                ck_assert_uint_eq(lost, i + 1);
                if (pauses[i] > 0) {
                        fake_clock_advance(&fake, pauses[i] - 1);
                        submit(99, false);
                        ck_assert_uint_eq(lost, i + 2);
                        ck_assert_ptr_nonnull(strstr(last_why, "hung again and again"));
                        fake_clock_advance(&fake, 1);
                        lost--;
                }
        }
        submit(7, false);
        wait_for(1);
        /* all is well again: the next hang is a first one */
        wait_returned();
        submit(8, true);
        wait_inside(1);
        submit(9, false);
        expire();
        wait_for(2);
        ck_assert_uint_eq(order[1], 9);
}
END_TEST

START_TEST(stuck_threads_are_not_piled_up)
{
        for (unsigned i = 0; i < WORKER_STUCK_MAX; i++) {
                submit(i, true);
                wait_inside(i + 1);
                expire();
                fake_clock_advance(&fake, USEC_PER_HOUR);
        }
        ck_assert_uint_eq(worker_stuck(worker), WORKER_STUCK_MAX);
        submit(99, false);
        ck_assert_uint_eq(lost, WORKER_STUCK_MAX + 1);
        ck_assert_ptr_nonnull(strstr(last_why, "has come back"));
        wait_returned();
        wait_freed(WORKER_STUCK_MAX + 1);
        submit(100, false);
        wait_for(1);
}
END_TEST

START_TEST(end_waits_for_nobody)
{
        submit(0, true);
        submit(1, false);
        wait_inside(1);
        expire();
        submit(2, true);
        submit(3, false);
        wait_inside(1);
        worker = worker_free(worker); /* with one thread stuck, one busy, one job waiting */
        open_gate();
        wait_freed(4);
        ck_assert_uint_le(done, 1);
}
END_TEST

START_TEST(end_at_any_moment_leaks_nothing)
{
        for (unsigned i = 0; i < 300; i++) {
                submit(0, false);
                submit(1, false);
                if (i % 3 == 1)
                        usleep(i % 100);
                if (i % 3 == 2)
                        (void)sd_event_run(event, 0);
                worker = worker_free(worker);
                wait_freed(2 * (i + 1));
                ck_assert_int_eq(worker_new(&worker, event, &fake.clock, "i2c-1"), 0);
        }
}
END_TEST

START_TEST(who_waits_has_all_or_his_time_is_up)
{
        ck_assert(worker_wait(worker, 0)); /* there is nothing */
        for (unsigned i = 0; i < 3; i++)
                submit(i, false);
        ck_assert(worker_wait(worker, 20 * USEC_PER_SEC));
        ck_assert_uint_eq(done, 3);
        submit(3, true);
        submit(4, false);
        ck_assert(!worker_wait(worker, 20 * USEC_PER_MSEC));
        ck_assert_uint_eq(done, 3);
        open_gate();
        ck_assert(worker_wait(worker, 20 * USEC_PER_SEC));
        ck_assert_uint_eq(done, 5);
        ck_assert_uint_eq(lost, 0);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("base/worker");
        TCase *c = suite_case(s, "jobs");

        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_test(c, jobs_are_done_in_their_order);
        tcase_add_test(c, deadline_counts_from_when_the_job_began);
        tcase_add_test(c, late_look_at_a_finished_job_is_no_hang);
        c = suite_case(s, "threads that hang");
        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_test(c, stuck_job_is_lost_and_the_next_one_goes_on);
        tcase_add_test(c, pauses_grow_and_end);
        tcase_add_test(c, stuck_threads_are_not_piled_up);
        tcase_add_test(c, who_waits_has_all_or_his_time_is_up);
        tcase_add_test(c, end_waits_for_nobody);
        tcase_add_test(c, end_at_any_moment_leaks_nothing);
        return suite_run(s);
}
