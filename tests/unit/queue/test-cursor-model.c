/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Anything in any order, against a table of what was served: every number comes once a run, from one cursor, its
 * stream's numbers ascending; and when all was read, none is missing.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "bench.h"
#include "queue/queue-core.h"
#include "suite.h"

#define STREAMS     4
#define NUMBERS_MAX 60000
#define HANDS_MAX   12 /* few enough that what was settled around them fits a checkpoint */

typedef enum Fate {
        WAITS,
        SERVED,  /* in this run */
        SETTLED,
        UNSURE,  /* settled, but a kill may have undone that */
} Fate;

typedef struct Model {
        Bench b;
        uint64_t seed, dice;
        uint64_t appetite; /* of the readers */
        bool odd;          /* neighbours have different outcomes */
        unsigned streams[STREAMS];
        uint8_t fate[STREAMS][NUMBERS_MAX];
        uint64_t last[_QUEUE_LANE_MAX][_QUEUE_SOURCE_MAX][STREAMS];
        struct {
                unsigned i;
                uint64_t epoch, n;
        } hands[HANDS_MAX];
        size_t n_hands;
        uint64_t n_served, n_joined, n_steps;
} Model;

static Model m;
static uint64_t n_served, n_dropped, n_joined;

static uint64_t roll(uint64_t sides)
{
        m.dice ^= m.dice << 13;
        m.dice ^= m.dice >> 7;
        m.dice ^= m.dice << 17;
        return m.dice % sides;
}

static unsigned index_of(const char *name)
{
        return (unsigned)(name[1] - '0');
}

#define must(condition)                                                                                       \
        do {                                                                                                         \
                if (!(condition))                                                                                    \
                        ck_abort_msg("seed %llu, step %llu: %s", (unsigned long long)m.seed,                       \
                                     (unsigned long long)m.n_steps, #condition);                                     \
        } while (0)

static void on_settled(void *userdata, const Settled *settled)
{
        unsigned i = index_of(settled->stream);

        must(settled->outcome != OUTCOME_DAMAGED);
        must(settled->last < NUMBERS_MAX);
        for (uint64_t n = settled->first; n <= settled->last; n++) {
                must(settled->outcome != OUTCOME_QUEUE_FULL || m.fate[i][n] != SERVED);
                must(m.fate[i][n] != SETTLED);
                m.fate[i][n] = SETTLED;
        }
}

static void open_queue(void)
{
        bench_open(&m.b);
        for (unsigned i = 0; i < STREAMS; i++) {
                char name[] = {'s', (char)('0' + i), 0};

                m.streams[i] = bench_stream(&m.b, name, i == 3 && roll(2) ? QUEUE_LANE_URGENT : QUEUE_LANE_NORMAL);
        }
        memset(m.last, 0, sizeof(m.last));
        m.n_hands = 0;
}

/* What was served and not settled comes again; after a kill also what was settled a moment ago, and what of it a
 * checkpoint has no room for. */
static void again(void)
{
        bool killed = roll(2);
        size_t n_ranges = 0;

        if (!killed) /* what is dropped while the queue is being closed is told to nobody */
                bench_run(&m.b, 3 * USEC_PER_SEC);
        for (unsigned i = 0; i < STREAMS; i++)
                n_ranges += m.b.queue->streams[m.streams[i]]->settled.n;
        if (killed)
                bench_kill(&m.b);
        else
                bench_close(&m.b);
        for (unsigned i = 0; i < STREAMS; i++)
                for (uint64_t n = 0; n < NUMBERS_MAX; n++)
                        if (m.fate[i][n] == SERVED)
                                m.fate[i][n] = WAITS;
                        else if (m.fate[i][n] == SETTLED && (killed || n_ranges > CHECKPOINT_RANGES))
                                m.fate[i][n] = UNSURE;
        open_queue();
}

static void append(void)
{
        unsigned i = (unsigned)roll(STREAMS);

        for (uint64_t k = roll(12); k > 0; k--)
                (void)bench_append_big(&m.b, m.streams[i], roll(60) == 0 ? roll(30000) : roll(300));
}

static bool read_one(QueueLane lane, QueueSource source)
{
        QueueRecord record;
        int r = queue_peek(m.b.queue, lane, source, &record);
        unsigned i;

        if (r == QUEUE_E_WAIT)
                disk_dispatch(&m.b.disk->disk);
        if (r != 0)
                return r == QUEUE_E_WAIT;
        i = index_of(queue_stream_name(m.b.queue, record.stream));
        must(record.n < NUMBERS_MAX && record.n > m.last[lane][source][i]);
        must(m.fate[i][record.n] == WAITS || m.fate[i][record.n] == UNSURE);
        must(record.size < 30000);
        if (roll(20) == 0)
                return true; /* looked at only */
        m.last[lane][source][i] = record.n;
        m.fate[i][record.n] = SERVED;
        m.n_served++;
        queue_advance(m.b.queue, lane, source);
        if (m.n_hands == HANDS_MAX || roll(30) > 0)
                queue_settle(m.b.queue, record.stream, record.epoch, record.n, record.n,
                             m.odd && roll(2) ? OUTCOME_EXPIRED : OUTCOME_ACKNOWLEDGED);
        else {
                m.hands[m.n_hands].i = i;
                m.hands[m.n_hands].epoch = record.epoch;
                m.hands[m.n_hands++].n = record.n;
        }
        return true;
}

static void read_some(void)
{
        QueueLane lane = (QueueLane)roll(_QUEUE_LANE_MAX);
        QueueSource source = (QueueSource)roll(_QUEUE_SOURCE_MAX);

        for (uint64_t k = roll(m.appetite); k > 0 && read_one(lane, source); k--)
                ;
}

static void settle(uint64_t most)
{
        for (uint64_t k = most; k > 0 && m.n_hands > 0; k--) {
                size_t h = roll(m.n_hands);

                queue_settle(m.b.queue, m.streams[m.hands[h].i], m.hands[h].epoch, m.hands[h].n, m.hands[h].n,
                             OUTCOME_ACKNOWLEDGED);
                m.hands[h] = m.hands[--m.n_hands];
        }
}

static void change_lanes(void)
{
        char name[] = {'s', (char)('0' + roll(STREAMS)), 0};

        (void)bench_stream(&m.b, name, (QueueLane)roll(_QUEUE_LANE_MAX));
}

/* All that is durable was served or settled by somebody. */
static void drain(void)
{
        bool more = true;

        while (more) {
                more = false;
                settle(HANDS_MAX); /* what is in hand may keep the slot that the last batch waits for */
                bench_run(&m.b, 3 * USEC_PER_SEC);
                for (int lane = 0; lane < _QUEUE_LANE_MAX; lane++)
                        for (int source = 0; source < _QUEUE_SOURCE_MAX; source++)
                                while (read_one((QueueLane)lane, (QueueSource)source))
                                        more = true;
        }
        for (unsigned i = 0; i < STREAMS; i++) {
                Ledger l;

                queue_ledger(m.b.queue, m.streams[i], &l);
                for (uint64_t n = 1; n <= l.accepted; n++)
                        if (m.fate[i][n] == WAITS)
                                ck_abort_msg("seed %llu, step %llu: s%u, %llu was never served",
                                             (unsigned long long)m.seed, (unsigned long long)m.n_steps, i,
                                             (unsigned long long)n);
        }
}

static void step(void)
{
        m.n_steps++;
        for (int lane = 0; lane < _QUEUE_LANE_MAX; lane++)
                m.n_joined += m.b.queue->lanes[lane]->joined;
        switch (roll(64)) {
        case 0 ... 19:
                append();
                break;
        case 20 ... 27:
                bench_run(&m.b, roll(2 * USEC_PER_SEC));
                break;
        case 28 ... 49:
                read_some();
                break;
        case 50 ... 55:
                settle(roll(8));
                break;
        case 56 ... 58:
                queue_split(m.b.queue);
                break;
        case 59:
                m.b.disk->cold = roll(2);
                break;
        case 60:
                if (roll(4) == 0)
                        change_lanes();
                break;
        case 61:
                if (roll(4) == 0)
                        drain();
                break;
        case 62:
                if (roll(6) == 0)
                        again();
                break;
        default:
                for (unsigned k = 0; k < 30; k++) /* a rush, so that slots fill and the oldest goes */
                        append();
                break;
        }
}

static void play(uint64_t seed, uint64_t steps)
{
        m = (Model){.seed = seed, .dice = seed * 0x9e3779b97f4a7c15u + 1};
        bench_init(&m.b);
        m.b.tells = true; /* there is a link: what is in hand stays there */
        m.b.settings.store_of = QUEUE_OF_DEAD_LETTERS;
        m.b.settings.max_bytes = roll(2) ? 1 << 20 : 16 << 20;
        m.appetite = roll(2) ? 40 : 4;
        m.odd = roll(2);
        m.b.on_settled = on_settled;
        open_queue();
        while (steps-- > 0)
                step();
        drain();
        bench_done(&m.b);
        n_served += m.n_served;
        n_dropped += m.b.settled[OUTCOME_QUEUE_FULL];
        n_joined += m.n_joined;
}

START_TEST(each_number_comes_once)
{
        const char *seed = getenv("HUBLINK_SEED");

        log_configure(&(LogSettings){.level = LOG_EMERG});
        if (seed) {
                play(strtoull(seed, NULL, 10), 3000);
                return;
        }
        for (uint64_t k = 1; k <= 40; k++)
                play(k, 3000);
        printf("# %llu served, %llu dropped, joined in %llu steps\n", (unsigned long long)n_served,
               (unsigned long long)n_dropped, (unsigned long long)n_joined);
        (void)fflush(stdout);
        insist(n_served > 0 && n_dropped > 0 && n_joined > 0);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("queue/cursor-model");
        TCase *c = suite_case(s, "any order of things");

        tcase_add_test(c, each_number_comes_once);
        return suite_run(s);
}
