/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Store - hublink's queue alone, without a hub
 *
 * usage: store through DIRECTORY SAMPLES-A-COMMIT SAMPLES    commits back to back
 *        store paced DIRECTORY INTERVAL-MSEC COMMITS         some samples at each interval, then one commit
 * Prints one JSON line (usage.h). Paced, it says "opened" and waits for a line of input before the first commit, and
 * for another before it closes: for somebody who counts what the disk does in between.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loop.h"
#include "sample.h"
#include "usage.h"

#define PACED_SAMPLES 8 /* a commit */

typedef struct Store {
        Loop loop;
        uint64_t appended, commits;
        uint64_t last; /* number of the last sample in its stream */
        bool waiting;  /* for the receipt of a commit's last sample */
} Store;

static void on_readable(void *userdata)
{
}

static void on_settled(void *userdata, const Settled *settled)
{
}

static void on_changed(void *userdata)
{
}

static void on_receipt(void *userdata, int error, unsigned stream, uint64_t epoch, uint64_t n)
{
        Store *s = userdata;

        if (error < 0) {
                (void)fprintf(stderr, "store: a commit failed: %s\n", strerror(-error));
                exit(1);
        }
        s->commits++;
        s->waiting = false;
}

static int append(Store *s, const QueueReceipt *receipt)
{
        char sample[SAMPLE_SIZE];
        int r;

        sample_write(sample, s->appended);
        r = queue_append(s->loop.queue, s->loop.stream, QUEUE_KIND_READING, sample, sizeof(sample), receipt, &s->last);
        if (r == 0)
                s->appended++;
        return r;
}

/* What was sent a while ago is acknowledged by now: slots come free as in real life. */
static void settle(Store *s, uint64_t keep)
{
        if (s->last > keep)
                queue_settle(s->loop.queue, s->loop.stream, queue_epoch(s->loop.queue), 1, s->last - keep,
                             OUTCOME_ACKNOWLEDGED);
}

/* So many samples, and the commit that takes them: the last one asks for its receipt. */
static int commit(Store *s, uint64_t samples)
{
        QueueReceipt receipt = {on_receipt, s};

        for (uint64_t i = 1; i <= samples; i++) {
                int r = append(s, i == samples ? &receipt : NULL);

                if (r != 0)
                        return r < 0 ? r : -EBUSY;
        }
        s->waiting = true;
        while (s->waiting)
                loop_turn(&s->loop);
        return 0;
}

static int run_through(Store *s, uint64_t per_commit, uint64_t samples)
{
        Usage start = usage_now();

        while (s->appended < samples) {
                int r = commit(s, per_commit);

                if (r < 0)
                        return r;
                settle(s, KEEP_QUEUED);
        }
        usage_print("through", &start, s->appended, s->commits);
        return 0;
}

static int on_time(sd_event_source *source, uint64_t usec, void *userdata)
{
        return 0;
}

static void sleep_until(Store *s, usec_t until)
{
        while (clock_boot(&clock_system) < until) {
                (void)sd_event_add_time(s->loop.event, NULL, CLOCK_BOOTTIME, until, 1, on_time, s);
                loop_turn(&s->loop);
        }
}

static int run_paced(Store *s, usec_t interval_usec, uint64_t commits)
{
        QueueStats before, after;
        Usage start;
        usec_t at;

        (void)puts("opened");
        (void)fflush(stdout);
        (void)getchar();
        start = usage_now();
        at = start.wall_usec;
        queue_stats(s->loop.queue, &before);
        while (s->commits < commits) {
                for (int i = 1; i <= PACED_SAMPLES; i++) {
                        int r = append(s, i == PACED_SAMPLES ? &(QueueReceipt){on_receipt, s} : NULL);

                        if (r != 0)
                                return r < 0 ? r : -EBUSY;
                }
                settle(s, PACED_SAMPLES * 2); /* a hub is there: acknowledged soon */
                sleep_until(s, at += interval_usec);
        }
        queue_stats(s->loop.queue, &after);
        usage_print("paced", &start, s->appended, after.commits - before.commits);
        (void)getchar();
        return 0;
}

int main(int argc, char **argv)
{
        QueueSink sink = {.readable = on_readable, .settled = on_settled, .changed = on_changed};
        Store s = {};
        bool paced;
        int r;

        if (argc != 5)
                return 2;
        paced = strcmp(argv[1], "paced") == 0;
        sink.userdata = &s;
        /* Paced, a receipt finds its token at once. Else the shortest interval: a commit begins when the last ended. */
        r = loop_open(&s.loop, argv[2], paced ? USEC_PER_SEC / 10 : 1, &sink);
        if (r == 0 && paced)
                r = run_paced(&s, strtoull(argv[3], NULL, 10) * USEC_PER_MSEC, strtoull(argv[4], NULL, 10));
        else if (r == 0)
                r = run_through(&s, strtoull(argv[3], NULL, 10), strtoull(argv[4], NULL, 10));
        if (r < 0)
                (void)fprintf(stderr, "store: %s\n", strerror(-r));
        loop_close(&s.loop);
        return r < 0;
}
