/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Weeks of bad luck: sources, outages, slow hubs, kills, power cuts, reloads, caps, poison. At every quiet point the
 * ledger balances; at the end it says of each number what was told of it, and the far side holds what it says.
 *
 * HUBLINK_SEED: the first seed. HUBLINK_SEEDS: how many. HUBLINK_DAYS: of virtual time each.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "suite.h"
#include "world.h"

#define N_STREAMS 3

/* A value that no other reading has: the link breaks whenever it is sent. */
#define POISON 666.66

static World w;
static uint64_t seed;
static unsigned step;
static uint64_t n_poisons;
/* The power went while the disk had no room: the queue may just have reused a slot of which no durable checkpoint said
 * yet that all in it was settled. Then some of that is settled a second time, as damaged. */
static bool may_have_given_way;

/* What a reload may change. */
static StreamSettings streams[N_STREAMS];

#define assert_holds(condition, ...)                                                                                 \
        do {                                                                                                         \
                if (!(condition)) {                                                                                  \
                        (void)fprintf(stderr, "seed %" PRIu64 ", step %u: ", seed, step);                            \
                        (void)fprintf(stderr, __VA_ARGS__);                                                          \
                        ck_abort_msg("%s (HUBLINK_SEED=%" PRIu64 ", step %u)", #condition, seed, step);              \
                }                                                                                                    \
        } while (0)

static uint64_t from_environment(const char *name, uint64_t otherwise)
{
        const char *text = getenv(name);

        return text ? strtoull(text, NULL, 10) : otherwise;
}

static uint64_t draw(uint64_t below)
{
        return w.dice.random.draw(&w.dice) % below;
}

/* ---- what happens ---- */

static usec_t some_time(void)
{
        static const usec_t spans[] = {USEC_PER_SEC, USEC_PER_MIN, 10 * USEC_PER_MIN, USEC_PER_HOUR, 6 * USEC_PER_HOUR};

        return 1 + draw(spans[draw(ARRAY_SIZE(spans))]);
}

static void burst(void)
{
        uint64_t n = draw(draw(8) ? 1500 : 10000);

        for (uint64_t i = 0; i < n; i++)
                world_submit(&w, w.streams[draw(N_STREAMS)].name, "tool", (double)i);
}

static void poison(void)
{
        world_submit(&w, w.streams[draw(N_STREAMS)].name, "tool", POISON);
        n_poisons++;
}

static void reload(void)
{
        streams[0].max_latency_usec = draw(20) * USEC_PER_SEC;
        streams[0].format = draw(4) ? STREAM_ARRAY : STREAM_OBJECT;
        streams[1].urgent = draw(4) > 0;
        streams[2].expire_after_usec = draw(3) ? USEC_INFINITY : USEC_PER_HOUR;
        w.queue_settings.max_bytes = draw(3) ? 4 << 20 : 16 << 20;
        w.queue_settings.max_age_usec = draw(3) ? USEC_INFINITY : 2 * USEC_PER_HOUR;
        w.queue_settings.min_free_bytes = draw(3) ? 0 : 1 << 20;
        w.queue_settings.drop_newest = draw(4) == 0;
        w.queue_settings.commit_interval_usec = draw(2) ? USEC_PER_SEC : 10 * USEC_PER_SEC;
        queue_configure(w.queue, &w.queue_settings);
        ck_assert_int_eq(collector_configure(w.collector, w.streams, w.n_streams), 0);
        ck_assert_int_eq(uplink_configure(w.uplink, &w.uplink_settings, w.streams, w.n_streams), 0);
}

/* Some calls of the disk fail, one of them soon. */
static void fail_disk(void)
{
        static const int errors[] = {EIO, ENOSPC, EROFS, 0};

        w.disk->fail_at = w.disk->n_calls + 1 + draw(20);
        w.disk->fail_count = 1 + draw(draw(4) ? 3 : 300);
        w.disk->fail_mask = FAKE_WRITE | FAKE_SYNC | FAKE_ALLOCATE;
        w.disk->fail_errno = errors[draw(ARRAY_SIZE(errors))];
}

static void something_happens(void)
{
        if (draw(12) == 0) {
                fail_disk();
                return;
        }
        switch (draw(17)) {
        case 0:
        case 1:
                world_link(&w, false);
                break;
        case 2:
        case 3:
        case 4:
                world_link(&w, true);
                w.withhold_pubacks = false;
                break;
        case 5:
                w.puback_delay_usec = draw(3 * USEC_PER_SEC);
                break;
        case 6:
                w.withhold_pubacks = true;
                break;
        case 7:
                world_restart(&w);
                break;
        case 8:
                world_kill(&w);
                break;
        case 9:
                may_have_given_way |= w.disk->capacity != 0;
                world_cut_power(&w, (FakeCut)draw(_FAKE_CUT_MAX), draw(UINT32_MAX));
                break;
        case 10:
                reload();
                break;
        case 11:
                /* a while with no room for another slot, or little */
                w.disk->capacity = draw(2) ? draw(2 << 20) + 1 : 0;
                break;
        case 12:
                poison();
                break;
        default:
                burst();
                break;
        }
}

/* ---- what has to hold ---- */

static uint64_t waiting(void)
{
        return ledger_waiting(&world_ask(&w)->ledger);
}

/* The sensors stay for a day: who broke the link is condemned only if others got their PUBACK in between. Where all that
 * is left is a poison, or the parts of one pack that holds it, there are no others, and it rightly stays where it is. */
static void all_ends_well(void)
{
        w.withhold_pubacks = false;
        w.puback_delay_usec = 0;
        w.disk->capacity = 0;
        world_link(&w, true);
        for (int hour = 0; hour < 72 && (hour < 24 || waiting() > 30); hour++)
                world_run(&w, USEC_PER_HOUR);
        w.n_sensors = 0;
        for (int hour = 0; hour < 12 && (hour == 0 || waiting() > 0); hour++)
                world_run(&w, USEC_PER_HOUR);
}

static bool has_arrived(const WorldTally *t, uint64_t n)
{
        return n < t->n_counts && t->counts[n] > 0;
}

/* Of each number: it was acknowledged and is there, or it was dropped by a name. And the sums are the ledger's. */
static void assert_accounted_for(unsigned stream)
{
        const char *name = queue_stream_name(w.queue, stream);
        const WorldTally *t = world_tally(&w, name);
        uint64_t told[_OUTCOME_MAX] = {}, arrived = 0, dropped_and_there = 0, told_otherwise = 0;
        Ledger ledger;

        queue_ledger(w.queue, stream, &ledger);
        for (uint64_t n = 1; n <= ledger.accepted; n++) {
                Outcome outcome = world_outcome(&w, name, n);

                assert_holds(outcome >= 0, "nothing was told of %s %" PRIu64 "\n", name, n);
                told[outcome]++;
                arrived += has_arrived(t, n);
                if (outcome != OUTCOME_ACKNOWLEDGED)
                        dropped_and_there += has_arrived(t, n);
                else
                        assert_holds(has_arrived(t, n), "%s %" PRIu64 " was acknowledged by nobody\n", name, n);
                assert_holds(!outcome_is_dead_letter(outcome) || !has_arrived(t, n),
                             "%s %" PRIu64 " is a dead letter, and had arrived\n", name, n);
        }
        for (Outcome o = 0; o < _OUTCOME_MAX; o++) {
                if (o == OUTCOME_DAMAGED)
                        continue;
                assert_holds(may_have_given_way ? told[o] >= ledger.settled[o] : told[o] == ledger.settled[o],
                             "%s: %" PRIu64 " are told as %s, the ledger says %" PRIu64 "\n", name, told[o],
                             outcome_to_string(o), ledger.settled[o]);
                told_otherwise += told[o] - ledger.settled[o];
        }
        assert_holds(told_otherwise + told[OUTCOME_DAMAGED] == ledger.settled[OUTCOME_DAMAGED],
                     "%s: %" PRIu64 " are damaged\n", name, ledger.settled[OUTCOME_DAMAGED]);
        assert_holds(arrived - dropped_and_there == told[OUTCOME_ACKNOWLEDGED], "%s: %" PRIu64 " arrived\n", name,
                     arrived);
        for (uint64_t n = ledger.accepted + 1; n < t->n_counts; n++)
                assert_holds(t->counts[n] == 0, "%s %" PRIu64 " arrived and was never accepted\n", name, n);
}

static void assert_answers_were_true(void)
{
        for (size_t i = 0; i < w.n_receipts; i++) {
                const char *name = w.receipts[i].stream;
                uint64_t n = w.receipts[i].n;

                assert_holds(has_arrived(world_tally(&w, name), n) ||
                                     world_outcome(&w, name, n) != OUTCOME_ACKNOWLEDGED,
                             "%s %" PRIu64 " was answered\n", name, n);
        }
}

/* ---- a walk ---- */

static void begin(void)
{
        world_init(&w);
        fake_random_init(&w.dice, seed);
        w.forget_events = true;
        w.keep_outcomes = true;
        w.lossy = true;
        w.poison = "666.66";
        n_poisons = 0;
        may_have_given_way = false;
        for (unsigned i = 0; i < N_STREAMS; i++)
                streams[i] = world_streams[i];
        w.streams = streams;
        /* The least that may be set, and the slots that come of it. In less, of one slot a lane, a poison in somebody's
         * hand keeps that slot, and those who have to get their PUBACK for it to be condemned find no room. */
        w.queue_settings.max_bytes = 4 << 20;
        w.queue_settings.segment_bytes = 512 << 10;
        world_start(&w);
        world_add_sensor(&w, "cpu", "telemetry", 30 * USEC_PER_SEC);
        world_add_sensor(&w, "wind", "wind", USEC_PER_MIN);
        world_add_sensor(&w, "door", "alarms", 20 * USEC_PER_MIN);
}

static void walk(usec_t length)
{
        usec_t lived = 0;

        begin();
        for (step = 1; lived < length; step++) {
                usec_t span = some_time();

                something_happens();
                world_run(&w, span);
                lived += span;
                assert_holds(world_balances(&w), "the ledger does not balance\n");
                assert_holds(may_have_given_way || world_ask(&w)->ledger.settled[OUTCOME_DAMAGED] == 0,
                             "nobody has harmed the disk\n");
        }
        all_ends_well();
        assert_holds(waiting() == 0, "the queue does not drain\n");
        assert_holds(world_balances(&w), "the ledger does not balance at the end\n");
        for (unsigned stream = 0; stream < queue_n_streams(w.queue); stream++)
                assert_accounted_for(stream);
        assert_answers_were_true();
        assert_holds(ledger_dead_lettered(&world_ask(&w)->ledger) <= n_poisons, "%" PRIu64 " dead letters of %" PRIu64 "\n",
                     ledger_dead_lettered(&world_ask(&w)->ledger), n_poisons);
}

START_TEST(the_ledger_is_what_the_far_side_counted)
{
        uint64_t first = from_environment("HUBLINK_SEED", 1), n = from_environment("HUBLINK_SEEDS", 4);
        usec_t length = from_environment("HUBLINK_DAYS", 4) * USEC_PER_DAY;

        for (seed = first; seed < first + n; seed++) {
                const Ledger *l;

                walk(length);
                l = &world_ask(&w)->ledger;
                (void)printf("# seed %" PRIu64 ": %u steps, %" PRIu64 " accepted, %" PRIu64 " acknowledged, %" PRIu64
                             " dropped, %" PRIu64 " of %" PRIu64 " poisons dead letters, %" PRIu64 " duplicates\n",
                             seed, step, l->accepted, l->settled[OUTCOME_ACKNOWLEDGED], ledger_dropped(l),
                             ledger_dead_lettered(l), n_poisons, w.n_duplicates);
                (void)fflush(stdout);
                world_done(&w);
        }
}
END_TEST

int main(void)
{
        Suite *s = suite_create("flow/ledger");
        TCase *c = suite_case(s, "the ledger, through weeks of bad luck");

        tcase_set_timeout(c, 7200);
        tcase_add_test(c, the_ledger_is_what_the_far_side_counted);
        return suite_run(s);
}
