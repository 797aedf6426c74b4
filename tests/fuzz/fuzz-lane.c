/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A whole directory of any bytes. It opens; all that can be read is read, in order and with an end; the books
 * balance; a record that is accepted then is there at the next opening too. No number of readings, restarts or
 * checkpoints asks anybody for help.
 */

#include <fcntl.h>
#include <string.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "fake-clock.h"
#include "fake-disk.h"
#include "fuzz.h"
#include "lane-bytes.h"
#include "queue/page.h"
#include "queue/queue.h"
#include "base/log.h"

#define RECORDS_MAX 200000 /* more than the pages could hold */

typedef struct Fuzz {
        FakeClock clock;
        FakeRandom random;
        FakeDisk *disk;
        Queue *queue;
        uint64_t receipt; /* the number it gave */
        bool answered;
} Fuzz;

/* ---- the directory ---- */

static void put_page(Disk *disk, const char *path, size_t i, const uint8_t page[static PAGE_BYTES])
{
        struct iovec iov = {(void *)(uintptr_t)page, PAGE_BYTES};
        int fd = disk_open(disk, path, O_RDWR | O_CREAT);

        promise(fd >= 0 && disk_write(disk, fd, &iov, 1, i * PAGE_BYTES) == 0);
        disk_close(disk, fd);
}

static void make_identity(Disk *disk)
{
        uint8_t page[PAGE_BYTES] = {};

        page_begin(page, PAGE_IDENTITY);
        page_seal(page, &(Page){.kind = PAGE_IDENTITY, .used = PAGE_HEADER, .lane = LANE_BYTES_LANE});
        put_page(disk, "/queue/normal/lane", 0, page);
        put_page(disk, "/queue/normal/lane", 1, page);
}

static void make_slots(Disk *disk, const uint8_t *data, size_t size)
{
        while (size > LANE_BYTES_HEADER) {
                unsigned slot = data[0] % LANE_BYTES_SLOTS, i = data[1] % LANE_BYTES_PAGES, what = data[2];
                size_t n = bytes_get16(data + 3) % (PAGE_BYTES - 3);
                uint8_t page[PAGE_BYTES] = {};
                char path[64];

                data += LANE_BYTES_HEADER;
                size -= LANE_BYTES_HEADER;
                n = MIN(n, size);
                memcpy(page + 4, data, n);
                data += n;
                size -= n;
                if (what & LANE_BYTES_IDENTITY)
                        bytes_put64(page + 8, LANE_BYTES_LANE);
                if (what & LANE_BYTES_SEALED)
                        bytes_put32(page, crc32c(0, page + 4, PAGE_BYTES - 4));
                (void)snprintf(path, sizeof(path), "/queue/normal/seg-%04u", slot);
                put_page(disk, path, i, page);
        }
}

/* ---- the queue ---- */

static void pass(Fuzz *f, usec_t usec)
{
        Ticker t = queue_ticker(f->queue);
        usec_t end = f->clock.boot_usec + usec;

        for (unsigned spins = 0;;) {
                usec_t due;

                disk_dispatch(&f->disk->disk);
                due = t.deadline(t.userdata);
                if (due > f->clock.boot_usec) {
                        if (due > end)
                                break;
                        fake_clock_advance(&f->clock, due - f->clock.boot_usec);
                        spins = 0;
                }
                promise(spins++ < 1000);
                t.tick(t.userdata, f->clock.boot_usec);
        }
        fake_clock_advance(&f->clock, end - f->clock.boot_usec);
}

static void on_receipt(void *userdata, int error, unsigned stream, uint64_t epoch, uint64_t n)
{
        Fuzz *f = userdata;

        promise(error == 0);
        f->answered = true;
        f->receipt = n;
}

static void open_queue(Fuzz *f)
{
        const QueueSettings settings = {
                .directory = (char *)"/queue",
                .commit_interval_usec = USEC_PER_SEC,
                .max_bytes = 8 << 20,
                .segment_bytes = LANE_BYTES_PAGES * PAGE_BYTES,
        };
        QueueStatus status;

        promise(queue_open(&f->queue, &settings, &f->disk->disk, &f->clock.clock, &f->random.random, NULL) == 0);
        queue_status(f->queue, &status);
        promise(!status.disk_failed);
}

/* Reads a source to its end. True if that record was in it. */
static bool read_source(Fuzz *f, QueueLane lane, QueueSource source, unsigned stream, uint64_t n, bool settle)
{
        uint64_t last[QUEUE_STREAMS_MAX] = {};
        bool found = false;
        QueueRecord record;

        for (size_t count = 0; queue_peek(f->queue, lane, source, &record) == 0; count++) {
                uint8_t sum = 0;

                promise(count < RECORDS_MAX);
                promise(record.stream < queue_n_streams(f->queue) && record.size <= QUEUE_PAYLOAD_MAX);
                promise(record.n > last[record.stream]);
                last[record.stream] = record.n;
                for (size_t i = 0; i < record.size; i++) /* every byte can be read */
                        sum |= ((const uint8_t *)record.payload)[i];
                found |= record.stream == stream && record.n == n && sum != 0;
                queue_advance(f->queue, lane, source);
                if (settle)
                        queue_settle(f->queue, record.stream, record.epoch, record.n, record.n, OUTCOME_ACKNOWLEDGED);
        }
        return found;
}

static bool read_all(Fuzz *f, unsigned stream, uint64_t n, bool settle)
{
        bool found = false;

        for (QueueLane lane = 0; lane < _QUEUE_LANE_MAX; lane++)
                for (QueueSource source = 0; source < _QUEUE_SOURCE_MAX; source++)
                        found |= read_source(f, lane, source, stream, n, settle);
        return found;
}

static void balance(const Fuzz *f)
{
        for (unsigned s = 0; s < queue_n_streams(f->queue); s++) {
                uint64_t sum = 0;
                Ledger l;

                queue_ledger(f->queue, s, &l);
                for (int o = 0; o < _OUTCOME_MAX; o++)
                        sum += l.settled[o];
                promise(sum + ledger_waiting(&l) == l.accepted);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        Fuzz f = {};
        QueueReceipt receipt = {on_receipt, &f};
        unsigned stream, again;

        log_configure(&(LogSettings){.level = LOG_EMERG});
        fake_clock_init(&f.clock);
        fake_random_init(&f.random, 7);
        f.disk = fake_disk_new();
        promise(disk_mkdir(&f.disk->disk, "/queue") == 0 && disk_mkdir(&f.disk->disk, "/queue/normal") == 0);
        make_identity(&f.disk->disk);
        make_slots(&f.disk->disk, data, size);

        open_queue(&f);
        (void)read_all(&f, 0, 0, size & 1);
        balance(&f);
        pass(&f, USEC_PER_MIN);
        if (queue_stream(f.queue, "hereafter", QUEUE_LANE_NORMAL, &stream) == 0 &&
            queue_append(f.queue, stream, QUEUE_KIND_READING, "goes on", 7, &receipt, NULL) == 0) {
                pass(&f, USEC_PER_MIN);
                promise(f.answered);
                promise(read_all(&f, stream, f.receipt, false));
        }
        balance(&f);
        f.queue = queue_close(f.queue, USEC_PER_SEC);

        open_queue(&f);
        if (f.answered && queue_stream(f.queue, "hereafter", QUEUE_LANE_NORMAL, &again) == 0)
                promise(read_all(&f, again, f.receipt, true));
        balance(&f);
        f.queue = queue_close(f.queue, USEC_PER_SEC);
        f.disk = fake_disk_free(f.disk);
        return 0;
}
