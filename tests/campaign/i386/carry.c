/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Carries a queue on by one round, and checks what the rounds before left, which may have run on another machine.
 * usage: queue-carry DIR ROUND     (rounds from 0 on, on the same directory)
 *
 * Each round appends RECORDS to each of the streams: small ones, now and then one of many pages; and settles the
 * older half of what waits. All is the same at each run, whatever the machine. Boot clock and wall clock are beyond
 * 2^32 seconds.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "queue/queue.h"

#define RECORDS   400u
#define BOOT_BASE ((((usec_t)1 << 32) + 5) * USEC_PER_SEC)
#define WALL_BASE ((((usec_t)1 << 33) + 7) * USEC_PER_SEC)

static const char *const names[] = {"telemetry", "alarms", "a_name_of_the_greatest_length_32"};
#define STREAMS ARRAY_SIZE(names)

/* ---- a clock and dice that are the same everywhere ---- */

static usec_t boot_usec;

static usec_t boot(const Clock *clock)
{
        return boot_usec;
}

static usec_t wall(const Clock *clock)
{
        return boot_usec - BOOT_BASE + WALL_BASE;
}

static bool synchronised(const Clock *clock)
{
        return true;
}

static const Clock the_clock = {boot, wall, synchronised};

static uint64_t draw(void *userdata)
{
        uint64_t *state = userdata, z = *state += 0x9e3779b97f4a7c15;

        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
        z = (z ^ z >> 27) * 0x94d049bb133111eb;
        return z ^ z >> 31;
}

/* ---- what the records hold ---- */

static _Noreturn void fail(const char *what, unsigned stream, uint64_t n)
{
        (void)fprintf(stderr, "queue-carry: %s: %s %llu\n", what, names[stream], (unsigned long long)n);
        exit(1);
}

static size_t size_of(unsigned stream, uint64_t n)
{
        return n % 50 == 0 ? 10000 + (size_t)(n * 37 % 90000) : 20 + (size_t)(n * 7 + stream) % 300;
}

/* When it was appended, and bytes that only this record has. */
static void fill(uint8_t *bytes, unsigned stream, uint64_t n, usec_t appended)
{
        bytes_put64(bytes, appended);
        for (size_t i = 8; i < size_of(stream, n); i++)
                bytes[i] = (uint8_t)(n * 31 + stream * 7 + i);
}

static void check(const QueueRecord *r)
{
        static uint8_t expected[QUEUE_PAYLOAD_MAX];
        usec_t appended;

        if (r->size != size_of(r->stream, r->n))
                fail("another size", r->stream, r->n);
        appended = bytes_get64(r->payload);
        fill(expected, r->stream, r->n, appended);
        if (memcmp(expected, r->payload, r->size) != 0)
                fail("other bytes", r->stream, r->n);
        if (r->time != QUEUE_TIME_GOOD || r->wall_usec != appended)
                fail("another time", r->stream, r->n);
}

/* ---- a round ---- */

/* Of each stream, as many as it has had, and as many are settled. */
static void expect(unsigned round, uint64_t *ret_appended, uint64_t *ret_settled)
{
        *ret_appended = *ret_settled = 0;
        for (unsigned i = 0; i < round; i++) {
                *ret_settled += (*ret_appended - *ret_settled) / 2;
                *ret_appended += RECORDS;
        }
}

static void pass(Queue *q, Disk *disk)
{
        Ticker t = queue_ticker(q);

        boot_usec += USEC_PER_SEC;
        t.tick(t.userdata, boot_usec);
        if (disk_wait(disk, 100 * USEC_PER_MSEC))
                disk_dispatch(disk);
}

static void read_lane(Queue *q, Disk *disk, QueueLane lane, uint64_t settle, uint64_t *last)
{
        QueueRecord r;
        int e;

        while ((e = queue_peek(q, lane, QUEUE_BACKLOG, &r)) != QUEUE_E_EMPTY) {
                if (e == QUEUE_E_WAIT) {
                        if (disk_wait(disk, 10 * USEC_PER_SEC))
                                disk_dispatch(disk);
                        continue;
                }
                if (r.n != last[r.stream] + 1)
                        fail("not in order", r.stream, r.n);
                last[r.stream] = r.n;
                check(&r);
                queue_advance(q, lane, QUEUE_BACKLOG);
                if (r.n <= settle)
                        queue_settle(q, r.stream, r.epoch, r.n, r.n, OUTCOME_ACKNOWLEDGED);
        }
}

static void read_all(Queue *q, Disk *disk, unsigned round)
{
        uint64_t last[STREAMS], appended, settled, settle;

        expect(round, &appended, &settled);
        settle = settled + (appended - settled) / 2;
        for (unsigned s = 0; s < STREAMS; s++) {
                Ledger ledger;

                queue_ledger(q, s, &ledger);
                if (ledger.accepted != appended || ledger.settled[OUTCOME_ACKNOWLEDGED] != settled ||
                    ledger_waiting(&ledger) != appended - settled)
                        fail("another ledger", s, ledger.accepted);
                last[s] = settled;
        }
        for (int lane = 0; lane < _QUEUE_LANE_MAX; lane++)
                read_lane(q, disk, (QueueLane)lane, settle, last);
        for (unsigned s = 0; s < STREAMS; s++)
                if (last[s] != appended)
                        fail("missing from", s, last[s] + 1);
        printf("round %u: %llu records of each stream, %llu of them settled, are as they were left\n", round,
               (unsigned long long)appended, (unsigned long long)settled);
}

static void append_all(Queue *q, Disk *disk, unsigned round)
{
        static uint8_t bytes[QUEUE_PAYLOAD_MAX];

        for (uint64_t n = RECORDS * (uint64_t)round + 1; n <= RECORDS * (uint64_t)(round + 1); n++)
                for (unsigned s = 0; s < STREAMS; s++) {
                        int r;

                        do {
                                fill(bytes, s, n, wall(&the_clock));
                                r = queue_append(q, s, QUEUE_KIND_READING, bytes, size_of(s, n), NULL, NULL);
                                if (r == QUEUE_E_BUSY)
                                        pass(q, disk);
                        } while (r == QUEUE_E_BUSY);
                        if (r != 0)
                                fail("not taken", s, n);
                }
}

int main(int argc, char **argv)
{
        unsigned round = argc == 3 ? (unsigned)strtoul(argv[2], NULL, 10) : 0, stream;
        uint64_t state = round;
        QueueSettings settings = {.commit_interval_usec = USEC_PER_SEC, .max_bytes = 256 << 20};
        Disk *disk;
        Queue *q;

        if (argc != 3) {
                (void)fprintf(stderr, "usage: queue-carry DIR ROUND\n");
                return 2;
        }
        settings.directory = argv[1];
        boot_usec = BOOT_BASE + round * USEC_PER_DAY;
        if (disk_new(&disk) < 0 ||
            queue_open(&q, &settings, disk, &the_clock, &(Random){draw, &state}, NULL) < 0)
                return 1;
        for (unsigned s = 0; s < STREAMS; s++)
                if (queue_stream(q, names[s], s == 1 ? QUEUE_LANE_URGENT : QUEUE_LANE_NORMAL, &stream) < 0 ||
                    stream != s)
                        fail("another handle", s, 0);
        read_all(q, disk, round);
        append_all(q, disk, round);
        q = queue_close(q, USEC_PER_MIN);
        disk = disk_free(disk);
        return 0;
}
