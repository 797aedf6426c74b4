/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The power goes at every change of the disk in a rich story, and what was under write at that moment is lost,
 * kept, torn, shuffled, zeroed, or hit so that a page of it is noise or cannot be read. Each state is opened, read,
 * written to, and opened again.
 *
 * HUBLINK_CUTS states are tried (600); what the story has more than that is passed over evenly. HUBLINK_CUT=n tries
 * the n-th only.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "suite.h"
#include "witness.h"

enum { TELEMETRY, WIND, ALARMS, ROAMER };

static Bench bench;
static Witness witness;

/* ---- the story ---- */

/* A queue that is busy wants a little time. */
static void hand_in(unsigned stream, unsigned n, size_t size, bool receipt)
{
        for (unsigned i = 0; i < n; i++) {
                int r, tries = 0;

                while ((r = witness_append(&witness, stream, size + i % 13, receipt)) == QUEUE_E_BUSY && tries++ < 20)
                        bench_run(&bench, USEC_PER_SEC);
                if (r != 0)
                        ck_abort_msg("record %zu of %s is refused with %d", witness.n_rows, witness.names[stream], r);
        }
}

static void submit(unsigned stream, unsigned n, size_t size)
{
        hand_in(stream, n, size, true);
}

static void append(unsigned stream, unsigned n, size_t size)
{
        hand_in(stream, n, size, false);
}

static size_t acknowledge(QueueLane lane, size_t n)
{
        QueueRecord record;
        size_t done = 0;

        for (; done < n && bench_peek(&bench, lane, &record) == 0; done++) {
                bench_advance(&bench, lane);
                queue_settle(bench.queue, record.stream, record.epoch, record.n, record.n, OUTCOME_ACKNOWLEDGED);
        }
        return done;
}

/* Every second one stays: settled numbers become ranges. */
static void acknowledge_some(QueueLane lane, size_t n)
{
        QueueRecord record;

        for (size_t i = 0; i < n && bench_peek(&bench, lane, &record) == 0; i++) {
                bench_advance(&bench, lane);
                if (i % 2 == 0)
                        queue_settle(bench.queue, record.stream, record.epoch, record.n, record.n,
                                     OUTCOME_ACKNOWLEDGED);
        }
}

static void small_commits_that_are_carried(void)
{
        for (unsigned i = 0; i < 12; i++) {
                submit(i % 3, 1 + i % 4, 40);
                bench_run(&bench, 700 * USEC_PER_MSEC);
                if (i == 6)
                        (void)acknowledge(QUEUE_LANE_NORMAL, 5);
        }
}

static void larger_commits_that_are_appended(void)
{
        for (int i = 0; i < 4; i++) {
                append(TELEMETRY, 60, 90);
                submit(WIND, 20, 200);
                submit(ALARMS, 3, 60);
                bench_run(&bench, USEC_PER_SEC);
        }
        acknowledge_some(QUEUE_LANE_NORMAL, 50);
}

static void big_records(void)
{
        for (unsigned i = 0; i < 3; i++) {
                submit(i % 2 ? ALARMS : WIND, 1, 9000 + i * 30000);
                submit(TELEMETRY, 2, 50);
                bench_run(&bench, USEC_PER_SEC);
        }
}

static void a_stream_changes_its_lane(void)
{
        for (int i = 0; i < 3; i++) {
                submit(ROAMER, 3, 70);
                bench_run(&bench, 2 * USEC_PER_SEC);
                witness.lanes[ROAMER] = i % 2 ? QUEUE_LANE_NORMAL : QUEUE_LANE_URGENT;
                insist(witness_streams(&witness));
        }
}

static void slots_fill_and_are_used_again(void)
{
        for (unsigned i = 0; i < 7; i++) {
                submit(TELEMETRY, 1, 150000);
                submit(WIND, 30, 90);
                bench_run(&bench, USEC_PER_SEC);
                (void)acknowledge(QUEUE_LANE_NORMAL, 60);
                bench_run(&bench, 3 * USEC_PER_SEC);
        }
}

static void the_oldest_go(void)
{
        for (unsigned i = 0; i < 14; i++) {
                submit(WIND, 1, 200000);
                submit(TELEMETRY, 2, 50);
                bench_run(&bench, 2 * USEC_PER_SEC);
        }
        insist(bench.settled[OUTCOME_QUEUE_FULL] > 0);
}

static void only_a_checkpoint(void)
{
        (void)acknowledge(QUEUE_LANE_URGENT, 4);
        (void)acknowledge(QUEUE_LANE_NORMAL, 1);
        bench_run(&bench, 45 * USEC_PER_SEC);
}

static void a_sync_fails(void)
{
        submit(TELEMETRY, 3, 50);
        bench.disk->fail_at = bench.disk->n_calls + 1;
        bench.disk->fail_count = 1;
        bench.disk->fail_mask = FAKE_SYNC;
        bench.disk->fail_errno = EIO;
        bench_run(&bench, 5 * USEC_PER_SEC);
        submit(TELEMETRY, 3, 50);
        bench_run(&bench, 5 * USEC_PER_SEC);
}

static void open_again(void)
{
        bench_open(&bench);
        insist(witness_streams(&witness));
        bench_run(&bench, USEC_PER_SEC / 10);
}

static void tell(void)
{
        log_configure(&(LogSettings){.level = LOG_EMERG});
        bench_init(&bench);
        bench.settings.max_bytes = 3 << 20;
        witness_init(&witness, 8192);
        witness_attend(&witness, &bench);

        open_again();
        small_commits_that_are_carried();
        larger_commits_that_are_appended();
        a_stream_changes_its_lane();
        big_records();
        bench_kill(&bench); /* in the middle of it */
        open_again();
        small_commits_that_are_carried();
        a_sync_fails();
        slots_fill_and_are_used_again();
        queue_split(bench.queue);
        only_a_checkpoint();
        bench_close(&bench);
        open_again();
        the_oldest_go();
        a_stream_changes_its_lane();
        only_a_checkpoint();
        bench_close(&bench);
        insist(!witness.complaint[0]);
}

static void end(void)
{
        witness_done(&witness);
        bench_done(&bench);
}

/* ---- the states ---- */

typedef struct State {
        size_t entries;
        FakeCut cut;
        uint64_t seed;
        bool has_blow;
        FakeBlow blow;
} State;

/* What a blow can be like, for each page under write. */
static const FakeBlow blows[] = {
        {.block = 4096},
        {.block = 4096, .unreadable = true},
        {.block = 16384},
        {.block = 16384, .unreadable = true},
};
static const FakeBlow bystanders[] = {
        {.block = 16384, .bystanders = true},
        {.block = 16384, .bystanders = true, .unreadable = true},
};
static const FakeCut others[] = {FAKE_CUT_LOST, FAKE_CUT_KEPT, FAKE_CUT_REORDERED};

#define LUCKS 3 /* throws of the dice for the cuts that have any */

static size_t plain_states(void)
{
        return (bench.disk->n_entries + 1) * _FAKE_CUT_MAX * LUCKS;
}

static State plain_state(size_t i)
{
        return (State){
                .entries = i / LUCKS / _FAKE_CUT_MAX,
                .cut = (FakeCut)(i / LUCKS % _FAKE_CUT_MAX),
                .seed = i * 2654435761u + 1,
        };
}

/* How many pages were under write after each change; returns the sum. */
static size_t count_under_write(size_t *counts)
{
        size_t sum = 0;

        for (size_t k = 0; k <= bench.disk->n_entries; k++)
                sum += counts[k] = fake_disk_pages_under_write(bench.disk, k);
        return sum;
}

static State blow_state(const size_t *counts, const FakeBlow *kinds, size_t n_kinds, size_t i)
{
        State s = {
                .cut = others[i / n_kinds % ARRAY_SIZE(others)],
                .seed = i * 2654435761u + 1,
                .has_blow = true,
                .blow = kinds[i % n_kinds],
        };
        size_t page = i / n_kinds / ARRAY_SIZE(others);

        for (; page >= counts[s.entries]; s.entries++)
                page -= counts[s.entries];
        s.blow.page = page;
        return s;
}

/* ---- what each of them has to keep ---- */

static void fail_state(const State *s, size_t i, const char *what, const char *complaint)
{
        ck_abort_msg("state %zu, cut %d at %zu (seed %llu)%s%s%s%s, page %zu: %s: %s", i, s->cut, s->entries,
                     (unsigned long long)s->seed, s->has_blow ? ", hit" : "",
                     s->blow.block == 16384 ? " 16 KiB" : "", s->blow.unreadable ? " unreadable" : "",
                     s->blow.bystanders ? " and bystanders" : "", s->blow.page, what, complaint);
}

/* Opened, and patient with what cannot be read at first. */
static void open_state(Bench *b, const State *s, size_t i)
{
        QueueStatus status;

        bench_open(b);
        bench_run(b, 3 * USEC_PER_MIN);
        queue_status(b->queue, &status);
        if (status.disk_failed)
                fail_state(s, i, "it does not open", status.disk_error);
}

static void write_on(const State *s, size_t i)
{
        size_t before = witness.n_rows;

        if (!witness_streams(&witness))
                fail_state(s, i, "writing on", "no streams");
        for (unsigned k = 0; k < 3 * WITNESS_STREAMS; k++) {
                int r = witness_append(&witness, k % WITNESS_STREAMS, k == 5 ? 20000 : 60, true);

                if (r != 0)
                        fail_state(s, i, "writing on", r == QUEUE_E_FULL ? "full" : "refused");
                bench_run(witness.bench, USEC_PER_SEC / 2);
        }
        bench_run(witness.bench, USEC_PER_MIN);
        for (size_t k = before; k < witness.n_rows; k++)
                if (witness.rows[k].promised == WITNESS_NEVER)
                        fail_state(s, i, "writing on", "no receipt");
}

/* What was there in the first examination and is not in the second. */
static size_t gone_since(unsigned first, size_t n_rows)
{
        size_t n = 0;

        for (size_t k = 0; k < n_rows; k++)
                n += witness.rows[k].found == first && witness.rows[k].given_up != witness.world;
        return n;
}

static void try_state(const State *s, size_t i)
{
        WitnessMercy mercy = s->blow.bystanders ? WITNESS_HARMED :
                             s->blow.unreadable ? WITNESS_UNREAD : /* whether it was written is unknown */
                                                  WITNESS_STRICT;
        size_t n_rows = witness.n_rows;
        WitnessFinding first, second;
        const char *complaint;
        Bench b = bench; /* its clock and settings; another disk, another queue */

        b.queue = NULL;
        b.receipts = NULL;
        b.disk = fake_disk_after_blow(bench.disk, s->entries, s->cut, s->seed, s->has_blow ? &s->blow : NULL);
        b.clock.clock = bench.clock.clock;
        fake_random_init(&b.random, s->seed + 77);
        witness_branch(&witness, &b);

        open_state(&b, s, i);
        complaint = witness_examine(&witness, &b, s->entries, mercy, &first);
        if (complaint)
                fail_state(s, i, "at first", complaint);
        bench_kill(&b); /* with all of it in hand, and what is in hand is not given up for what comes */

        open_state(&b, s, i);
        write_on(s, i);
        if (i % 3 == 0)
                bench_close(&b);
        else if (i % 3 == 1 || s->has_blow)
                bench_kill(&b);
        else
                bench_cut(&b, b.disk->n_entries, FAKE_CUT_LOST, s->seed);

        open_state(&b, s, i);
        complaint = witness_examine(&witness, &b, s->entries, mercy, &second);
        if (complaint)
                fail_state(s, i, "at the second opening", complaint);
        for (size_t k = n_rows; k < witness.n_rows; k++)
                if (witness.rows[k].found != witness.examination && witness.rows[k].given_up != witness.world)
                        fail_state(s, i, "at the second opening", "what came after the cut is gone");
        if (gone_since(witness.examination - 1, n_rows) > 0 && second.n_damaged == first.n_damaged)
                fail_state(s, i, "at the second opening", "what was read at first is gone");
        witness_return(&witness, &bench, n_rows);
        bench_done(&b);
}

static size_t wanted_states(void)
{
        const char *e = getenv("HUBLINK_CUTS");

        return e ? strtoul(e, NULL, 10) : 600;
}

/* Evenly, so many of all; or only the one that is asked for. */
static size_t first_of(void)
{
        const char *e = getenv("HUBLINK_CUT");

        return e ? strtoul(e, NULL, 10) : 0;
}

static size_t next_of(size_t i, size_t all)
{
        return getenv("HUBLINK_CUT") ? all : i + MAX(all / MAX(wanted_states() / 3, (size_t)1), (size_t)1);
}

START_TEST(lost_kept_torn_shuffled_zeroed_or_noise)
{
        size_t all, n = 0;

        tell();
        all = plain_states();
        for (size_t i = first_of(); i < all; i = next_of(i, all), n++) {
                State s = plain_state(i);

                try_state(&s, i);
        }
        (void)printf("# %zu of %zu states: cuts at %zu changes\n", n, all, bench.disk->n_entries);
        end();
}
END_TEST

static void hit_pages(const FakeBlow *kinds, size_t n_kinds, const char *words)
{
        size_t *counts, all, n = 0;

        tell();
        counts = calloc(bench.disk->n_entries + 1, sizeof(*counts));
        insist(counts);
        all = count_under_write(counts) * n_kinds * ARRAY_SIZE(others);
        for (size_t i = first_of(); i < all; i = next_of(i, all), n++) {
                State s = blow_state(counts, kinds, n_kinds, i);

                try_state(&s, i);
        }
        (void)printf("# %zu of %zu states: %s\n", n, all, words);
        free(counts);
        end();
}

START_TEST(pages_under_write_become_noise_or_unreadable)
{
        hit_pages(blows, ARRAY_SIZE(blows), "4 or 16 KiB under write become noise or unreadable");
}
END_TEST

/* More than a queue can survive unharmed: it opens, serves the rest, and counts what is gone. */
START_TEST(so_do_pages_beside_them)
{
        hit_pages(bystanders, ARRAY_SIZE(bystanders), "16 KiB around a page under write become noise or unreadable");
}
END_TEST

int main(void)
{
        Suite *s = suite_create("queue/cuts");
        TCase *c = suite_case(s, "what had a receipt survives what a cut may do");

        tcase_set_timeout(c, 3600);
        tcase_add_test(c, lost_kept_torn_shuffled_zeroed_or_noise);
        tcase_add_test(c, pages_under_write_become_noise_or_unreadable);
        tcase_add_test(c, so_do_pages_beside_them);
        return suite_run(s);
}
