/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Random operations against what the witness remembers. Lists of them are drawn from a seed and played, each in a
 * process of its own; one that breaks a promise is made shorter as long as it still does, and printed.
 *
 * HUBLINK_OPERATIONS: so many in all (50000). HUBLINK_SEED: the first seed (1).
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "queue/queue-core.h"
#include "suite.h"
#include "witness.h"

#define LIST       500 /* operations of one seed */
#define ROWS       8192
#define READ_COUNT 40

enum {
        APPEND,
        APPEND_BIG,
        READ,
        SETTLE,
        PASS,
        SPLIT,
        CHANGE_LANE,
        CONFIGURE,
        FAIL,
        STALL,
        RESUME,
        CLOSE,
        KILL,
        CUT,
        QUIET,
        _KINDS,
};

static const char *const names[_KINDS] = {
        [APPEND] = "append", [APPEND_BIG] = "append-big", [READ] = "read", [SETTLE] = "settle", [PASS] = "pass",
        [SPLIT] = "split", [CHANGE_LANE] = "change-lane", [CONFIGURE] = "configure", [FAIL] = "fail",
        [STALL] = "stall", [RESUME] = "resume", [CLOSE] = "close", [KILL] = "kill", [CUT] = "cut",
        [QUIET] = "quiet",
};
static const unsigned weights[_KINDS] = {
        [APPEND] = 30, [APPEND_BIG] = 6, [READ] = 16, [SETTLE] = 16, [PASS] = 16, [SPLIT] = 2, [CHANGE_LANE] = 1,
        [CONFIGURE] = 1, [FAIL] = 2, [STALL] = 1, [RESUME] = 2, [CLOSE] = 1, [KILL] = 1, [CUT] = 1, [QUIET] = 1,
};

typedef struct Operation {
        unsigned kind;
        uint32_t a, b;
} Operation;

typedef struct Model {
        Bench b;
        Witness w;
        unsigned opening;
        unsigned taken[ROWS];   /* by serial: the opening in which it was handed out */
        unsigned settled[ROWS]; /* and in which it had an outcome */
        size_t hand[ROWS], n_hand;
} Model;

static Model model;

/* ---- one operation ---- */

static void open_queue(Model *m)
{
        m->opening++;
        m->n_hand = 0;
        bench_open(&m->b);
        if (!witness_streams(&m->w))
                (void)witness_complain(&m->w, "no streams");
}

/* The changes of the disk are counted anew: what was promised or had an outcome was so from the start. */
static void count_anew(Witness *w)
{
        for (size_t i = 0; i < w->n_rows; i++) {
                if (w->rows[i].promised != WITNESS_NEVER)
                        w->rows[i].promised = 0;
                if (w->rows[i].settled != WITNESS_NEVER)
                        w->rows[i].settled = 0;
        }
}

static void heal(Model *m)
{
        m->b.disk->fail_at = 0;
        m->b.disk->stall_at = 0;
        fake_disk_resume(m->b.disk);
}

static void append(Model *m, const Operation *o, size_t size)
{
        unsigned n = o->a % 12 + 1;

        /* numbers are provisional until the directory was read: who would remember them */
        for (unsigned i = 0; i < n && queue_is_open(m->b.queue) && m->w.n_rows < ROWS - 64; i++) {
                int r = witness_append(&m->w, o->b % WITNESS_STREAMS, size, o->a & 64);

                if (r != 0 && r != QUEUE_E_BUSY && r != QUEUE_E_FULL && r != QUEUE_E_DISK)
                        (void)witness_complain(&m->w, "append says %d", r);
        }
}

static void read_some(Model *m, const Operation *o)
{
        QueueLane lane = (QueueLane)(o->a % _QUEUE_LANE_MAX);
        QueueSource source = (QueueSource)(o->a / 2 % _QUEUE_SOURCE_MAX);
        QueueRecord record;

        for (unsigned i = 0; i < o->b % READ_COUNT && queue_peek(m->b.queue, lane, source, &record) == 0; i++) {
                WitnessRow *row;
                size_t serial;

                if (record.kind == QUEUE_KIND_NOTICE) { /* the queue's own, once there are many to tell of */
                        queue_advance(m->b.queue, lane, source);
                        queue_settle(m->b.queue, record.stream, record.epoch, record.n, record.n, OUTCOME_ACKNOWLEDGED);
                        continue;
                }
                row = witness_recognise(&m->w, &record);
                if (!row)
                        return;
                serial = (size_t)(row - m->w.rows);
                if (m->taken[serial] == m->opening)
                        (void)witness_complain(&m->w, "%s %llu is handed out twice", m->w.names[row->stream],
                                               (unsigned long long)row->n);
                if (m->settled[serial] == m->opening)
                        (void)witness_complain(&m->w, "%s %llu is handed out after its outcome",
                                               m->w.names[row->stream], (unsigned long long)row->n);
                m->taken[serial] = m->opening;
                m->hand[m->n_hand++] = serial;
                queue_advance(m->b.queue, lane, source);
        }
}

static void settle_some(Model *m, const Operation *o)
{
        for (unsigned i = 0; i < o->b % READ_COUNT && m->n_hand > 0; i++) {
                size_t k = o->a & 1 ? (o->a + i * 7) % m->n_hand : 0; /* out of order, or in order */
                size_t serial = m->hand[k];
                const WitnessRow *row = &m->w.rows[serial];

                memmove(m->hand + k, m->hand + k + 1, (--m->n_hand - k) * sizeof(m->hand[0]));
                m->settled[serial] = m->opening;
                queue_settle(m->b.queue, m->w.handles[row->stream], row->epoch, row->n, row->n, OUTCOME_ACKNOWLEDGED);
        }
}

/* The disk is well, time passes, and all that is there is looked at. */
static void be_quiet(Model *m)
{
        WitnessFinding finding;
        QueueStatus status;

        heal(m);
        bench_run(&m->b, 5 * USEC_PER_MIN);
        bench_kill(&m->b);
        open_queue(m);
        bench_run(&m->b, USEC_PER_MIN);
        queue_status(m->b.queue, &status);
        if (status.disk_failed)
                (void)witness_complain(&m->w, "it does not recover: %s", status.disk_error);
        (void)witness_examine(&m->w, &m->b, m->b.disk->n_entries, WITNESS_STRICT, &finding);
        bench_kill(&m->b); /* nothing is in hand any more */
        open_queue(m);
}

static void play_one(Model *m, const Operation *o)
{
        static const int errors[] = {EIO, ENOSPC, EROFS, EINTR, 0};

        switch (o->kind) {
        case APPEND:
                append(m, o, 20 + o->b % 700);
                break;
        case APPEND_BIG:
                append(m, &(Operation){APPEND, o->a & 64, o->b}, 3000 + o->b % 200000);
                break;
        case READ:
                read_some(m, o);
                break;
        case SETTLE:
                settle_some(m, o);
                break;
        case PASS:
                bench_run(&m->b, o->a % 8 == 0 ? o->b % (40 * USEC_PER_SEC) : o->b % (2 * USEC_PER_SEC));
                break;
        case SPLIT:
                queue_split(m->b.queue);
                break;
        case CHANGE_LANE:
                m->w.lanes[o->a % WITNESS_STREAMS] = (QueueLane)(o->b % _QUEUE_LANE_MAX);
                (void)witness_streams(&m->w);
                break;
        case CONFIGURE:
                m->b.settings.max_bytes = (2 + o->a % 6) << 20;
                m->b.settings.commit_interval_usec = (1 + o->b % 5) * USEC_PER_SEC;
                queue_configure(m->b.queue, &m->b.settings);
                break;
        case FAIL:
                m->b.disk->fail_at = m->b.disk->n_calls + 1 + o->a % 20;
                m->b.disk->fail_count = 1 + o->b % 3;
                m->b.disk->fail_errno = errors[o->b / 3 % ARRAY_SIZE(errors)];
                break;
        case STALL:
                m->b.disk->stall_at = m->b.disk->n_calls + 1 + o->a % 10;
                break;
        case RESUME:
                fake_disk_resume(m->b.disk);
                break;
        case CLOSE:
                heal(m);
                bench_close(&m->b);
                open_queue(m);
                break;
        case KILL:
                bench_kill(&m->b);
                open_queue(m);
                break;
        case CUT:
                bench_cut(&m->b, m->b.disk->n_entries, (FakeCut)(o->a % _FAKE_CUT_MAX), o->b);
                count_anew(&m->w);
                open_queue(m);
                break;
        case QUIET:
                be_quiet(m);
                break;
        }
}

/* ---- lists of them ---- */

/* NULL: every promise was kept. */
static const char *play(const Operation *list, size_t n)
{
        Model *m = &model;

        log_configure(&(LogSettings){.level = LOG_EMERG});
        memset(m, 0, sizeof(*m));
        bench_init(&m->b);
        m->b.settings.max_bytes = 3 << 20;
        witness_init(&m->w, ROWS);
        witness_attend(&m->w, &m->b);
        open_queue(m);
        for (size_t i = 0; i < n && !m->w.complaint[0]; i++)
                play_one(m, &list[i]);
        if (!m->w.complaint[0])
                be_quiet(m);
        return m->w.complaint[0] ? m->w.complaint : NULL;
}

/* In a process of its own, so that a crash is a finding like others. True when all was well. */
static bool is_well(const Operation *list, size_t n, char complaint[static 512])
{
        int fds[2], status;
        ssize_t got;
        pid_t child;

        insist(pipe(fds) == 0);
        child = fork();
        insist(child >= 0);
        if (child == 0) {
                const char *words;

                (void)close(fds[0]);
                words = play(list, n);
                if (words && write(fds[1], words, strlen(words)) < 0)
                        _exit(2);
                _exit(words ? 1 : 0);
        }
        (void)close(fds[1]);
        got = read(fds[0], complaint, 511);
        complaint[got > 0 ? got : 0] = 0;
        (void)close(fds[0]);
        insist(waitpid(child, &status, 0) == child);
        if (WIFSIGNALED(status))
                (void)snprintf(complaint, 512, "it dies of signal %d", WTERMSIG(status));
        return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void draw(Operation *list, size_t n, uint64_t seed)
{
        unsigned sum = 0;
        FakeRandom dice;

        for (unsigned k = 0; k < _KINDS; k++)
                sum += weights[k];
        fake_random_init(&dice, seed);
        for (size_t i = 0; i < n; i++) {
                unsigned x = (unsigned)(dice.random.draw(&dice) % sum);

                list[i] = (Operation){0, (uint32_t)dice.random.draw(&dice), (uint32_t)dice.random.draw(&dice)};
                for (; x >= weights[list[i].kind]; list[i].kind++)
                        x -= weights[list[i].kind];
        }
}

/* Leaves out what is not needed for it to go wrong: halves, quarters, down to single ones, until nothing can go. */
static size_t shrink(Operation *list, size_t n)
{
        static Operation shorter[LIST];
        char complaint[512];

        for (size_t chunk = n / 2; chunk > 0;) {
                bool less = false;

                for (size_t at = 0; at + chunk <= n;) {
                        memcpy(shorter, list, at * sizeof(*list));
                        memcpy(shorter + at, list + at + chunk, (n - at - chunk) * sizeof(*list));
                        if (!is_well(shorter, n - chunk, complaint)) {
                                n -= chunk;
                                memcpy(list, shorter, n * sizeof(*list));
                                less = true;
                        } else
                                at += chunk;
                }
                if (!less || chunk > n)
                        chunk = MIN(chunk, n) / 2;
        }
        return n;
}

static uint64_t number_from(const char *variable, uint64_t otherwise)
{
        const char *e = getenv(variable);

        return e ? strtoull(e, NULL, 10) : otherwise;
}

START_TEST(random_operations_break_no_promise)
{
        uint64_t wanted = number_from("HUBLINK_OPERATIONS", 50000), first = number_from("HUBLINK_SEED", 1);
        static Operation list[LIST];
        char complaint[512];
        uint64_t seed = first;

        for (; (seed - first) * LIST < wanted; seed++) {
                size_t n = LIST;

                draw(list, n, seed);
                if (is_well(list, n, complaint))
                        continue;
                (void)printf("# seed %llu: %s\n", (unsigned long long)seed, complaint);
                n = shrink(list, n);
                (void)is_well(list, n, complaint);
                (void)printf("# the shortest list found, %zu operations: %s\n", n, complaint);
                for (size_t i = 0; i < n; i++)
                        (void)printf("#   %s %u %u\n", names[list[i].kind], list[i].a, list[i].b);
                (void)fflush(stdout);
                ck_abort_msg("seed %llu: %s", (unsigned long long)seed, complaint);
        }
        (void)printf("# %llu operations, seeds %llu to %llu\n", (unsigned long long)((seed - first) * LIST),
                     (unsigned long long)first, (unsigned long long)seed - 1);
}
END_TEST

/* It broke one: what the last commit before the end had to drop was told to nobody. */
START_TEST(what_is_dropped_while_closing_is_told)
{
        static const Operation list[] = {
                {PASS, 2899297380u, 197185407u}, {APPEND, 508634635u, 881750190u}, {APPEND_BIG, 1051590524u, 1586428955u},
                {PASS, 2347499097u, 33508728u}, {READ, 443269117u, 3461563260u}, {APPEND_BIG, 4154453425u, 3293721233u},
                {APPEND_BIG, 1396232307u, 1303883390u}, {APPEND_BIG, 2087220074u, 713210519u},
                {SETTLE, 2847661357u, 255177277u}, {QUIET, 1832387242u, 3104091911u}, {APPEND_BIG, 4291104507u, 3875946805u},
                {PASS, 2871418411u, 295549206u}, {CHANGE_LANE, 2561876758u, 3205804486u},
                {APPEND_BIG, 1972797059u, 1307658571u}, {APPEND_BIG, 3190717830u, 1852376827u},
                {PASS, 1530172038u, 4242782233u}, {APPEND_BIG, 381905527u, 2758826227u}, {PASS, 4103228029u, 1045708662u},
                {APPEND, 3347935680u, 4210382702u}, {CLOSE, 187550493u, 1708303020u},
        };
        char complaint[512];

        ck_assert_msg(is_well(list, ARRAY_SIZE(list), complaint), "%s", complaint);
}
END_TEST

/* It broke one: a slot half made when the process died was used, before its name was on the disk. */
START_TEST(what_has_no_name_on_the_disk_is_not_relied_upon)
{
        static const Operation list[] = {
                {APPEND, 2525214736u, 2246857682u}, {APPEND, 1727159535u, 346857276u},
                {CHANGE_LANE, 2232710920u, 4232409057u}, {QUIET, 2677953544u, 2602854734u},
                {APPEND, 2358708773u, 2669240420u}, {FAIL, 1741129241u, 3294390111u},
                {APPEND, 1096684403u, 969276075u}, {APPEND, 806163703u, 2037490900u},
                {PASS, 1614752607u, 3926382603u}, {APPEND, 419803193u, 3960898078u},
                {APPEND, 104873317u, 2256293674u}, {APPEND_BIG, 417383167u, 3217300001u},
                {PASS, 2291852905u, 2696261001u}, {APPEND_BIG, 537991623u, 1381682366u},
                {FAIL, 2740051535u, 3679213282u}, {APPEND_BIG, 3272642915u, 3867258219u},
                {PASS, 1878626173u, 1675781759u}, {KILL, 4264902438u, 2619184434u},
                {APPEND_BIG, 805783107u, 3867937379u}, {PASS, 3305862261u, 2060314968u},
                {CUT, 4144104696u, 4230560158u},
        };
        char complaint[512];

        ck_assert_msg(is_well(list, ARRAY_SIZE(list), complaint), "%s", complaint);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("queue/model");
        TCase *c = suite_case(s, "no list of operations breaks a promise");

        tcase_set_timeout(c, 7200);
        tcase_add_test(c, what_is_dropped_while_closing_is_told);
        tcase_add_test(c, what_has_no_name_on_the_disk_is_not_relied_upon);
        tcase_add_test(c, random_operations_break_no_promise);
        return suite_run(s);
}
