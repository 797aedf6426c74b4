/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The first inputs for the fuzzer, from what the program really writes: make-seeds FOLDER, which has a folder for
 * each target. What is committed there has grown and was made smaller since.
 */

#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "fake-clock.h"
#include "fake-disk.h"
#include "lane-bytes.h"
#include "model/c2d-message.h"
#include "model/message.h"
#include "model/reading.h"
#include "queue/page.h"
#include "queue/queue.h"
#include "queue/record.h"

static const char *folder;

static void save(const char *target, const char *name, const void *data, size_t size)
{
        char path[512];
        FILE *f;

        (void)snprintf(path, sizeof(path), "%s/%s/%s", folder, target, name);
        f = fopen(path, "wb");
        if (!f || fwrite(data, 1, size, f) != size || fclose(f) != 0) {
                perror(path);
                exit(1);
        }
}

/* ---- pages of a queue ---- */

static void pass(Queue *q, FakeClock *clock, FakeDisk *disk, usec_t usec)
{
        Ticker t = queue_ticker(q);

        for (usec_t end = clock->boot_usec + usec; clock->boot_usec < end; fake_clock_advance(clock, USEC_PER_SEC)) {
                disk_dispatch(&disk->disk);
                t.tick(t.userdata, clock->boot_usec);
                disk_dispatch(&disk->disk);
        }
}

static size_t trimmed(const uint8_t page[static PAGE_BYTES])
{
        size_t n = PAGE_BYTES;

        while (n > 4 && page[n - 1] == 0)
                n--;
        return n - 4;
}

static void save_checkpoints(const uint8_t *page, size_t used, unsigned slot, size_t i)
{
        RecordContext context = {};
        size_t at = PAGE_HEADER;
        char name[64];
        Record r;

        while (record_get(page, used, &at, &context, &r) == 0)
                if (r.type == RECORD_EPOCH || r.type == RECORD_CHECKPOINT) {
                        (void)snprintf(name, sizeof(name), "slot-%u-page-%zu-at-%zu", slot, i, at);
                        save("checkpoint", name, r.payload, r.size);
                }
}

static void save_directory(FakeDisk *disk, const char *name)
{
        Buffer all = BUFFER_NULL;

        for (unsigned slot = 0; slot < LANE_BYTES_SLOTS; slot++) {
                char path[64];
                uint8_t *file;
                size_t size;

                (void)snprintf(path, sizeof(path), "/queue/normal/seg-%04u", slot);
                file = fake_disk_file(disk, path, &size);
                for (size_t i = 0; file && i < size / PAGE_BYTES; i++) {
                        uint8_t *page = file + i * PAGE_BYTES, header[LANE_BYTES_HEADER];
                        size_t n = trimmed(page);
                        char one[64];

                        if (page_is_blank(page))
                                continue;
                        header[0] = (uint8_t)slot;
                        header[1] = (uint8_t)i;
                        header[2] = LANE_BYTES_IDENTITY | LANE_BYTES_SEALED;
                        bytes_put16(header + 3, (uint16_t)n);
                        buffer_append(&all, header, sizeof(header));
                        buffer_append(&all, page + 4, n);
                        (void)snprintf(one, sizeof(one), "%s-slot-%u-page-%zu", name, slot, i);
                        if (i < 4)
                                save("page", one, page + 4, n);
                        save_checkpoints(page, page_used(page), slot, i);
                }
        }
        save("lane", name, all.data, all.size);
        buffer_done(&all);
}

static void tell(void)
{
        QueueSettings settings = {
                .directory = (char *)"/queue",
                .commit_interval_usec = USEC_PER_SEC,
                .max_bytes = 8 << 20,
                .segment_bytes = LANE_BYTES_PAGES * PAGE_BYTES,
        };
        FakeDisk *disk = fake_disk_new();
        static uint8_t big[20000];
        FakeRandom random;
        FakeClock clock;
        QueueRecord r;
        Queue *q;

        fake_clock_init(&clock);
        fake_random_init(&random, 3);
        for (int run = 0; run < 3; run++) {
                unsigned a, b;
                char name[32];

                if (queue_open(&q, &settings, &disk->disk, &clock.clock, &random.random, NULL) < 0 ||
                    queue_stream(q, "telemetry", QUEUE_LANE_NORMAL, &a) < 0 ||
                    queue_stream(q, "wind", QUEUE_LANE_NORMAL, &b) < 0)
                        exit(1);
                for (int i = 0; i < 6; i++) {
                        (void)queue_append(q, a, QUEUE_KIND_READING, "a small reading", 15, NULL, NULL);
                        (void)queue_append(q, b, QUEUE_KIND_MESSAGE, "another", 7, NULL, NULL);
                        pass(q, &clock, disk, 2 * USEC_PER_SEC);
                        if (i == 3 && queue_peek(q, QUEUE_LANE_NORMAL, QUEUE_NEWS, &r) == 0) {
                                queue_advance(q, QUEUE_LANE_NORMAL, QUEUE_NEWS);
                                queue_settle(q, r.stream, r.epoch, r.n, r.n, OUTCOME_ACKNOWLEDGED);
                                queue_settle(q, a, r.epoch, 3, 3, OUTCOME_QUEUE_FULL);
                        }
                        if (i == 4 && run == 1)
                                (void)queue_append(q, b, QUEUE_KIND_MESSAGE, big, sizeof(big), NULL, NULL);
                }
                pass(q, &clock, disk, 60 * USEC_PER_SEC);
                (void)snprintf(name, sizeof(name), "run-%d", run);
                q = queue_close(q, USEC_PER_SEC);
                save_directory(disk, name);
                if (run == 1) /* so that the next one begins a slot */
                        settings.commit_interval_usec *= 2;
        }
        (void)fake_disk_free(disk);
}

/* ---- records ---- */

static void save_message(void)
{
        Message *m = calloc(1, sizeof(*m));
        Buffer b = BUFFER_NULL;

        if (!m)
                exit(1);
        m->content_type = strdup("application/json");
        m->content_encoding = strdup("utf-8");
        m->correlation_id = strdup("c");
        (void)message_add_property(m, "a", "b");
        (void)message_add_property(m, "alert", "high");
        buffer_append_string(&m->body, "{\"x\":1}");
        message_encode(m, &b);
        save("message", "whole", b.data, b.size);
        buffer_done(&b);
        (void)message_free(m);
}

static void save_c2d_message(void)
{
        C2dMessage *m = calloc(1, sizeof(*m));
        Buffer b = BUFFER_NULL;

        if (!m)
                exit(1);
        m->message_id = strdup("order-17");
        m->expiry_usec = 1763647260000000;
        (void)c2d_message_add_property(m, "k", "v");
        buffer_append_string(&m->body, "{\"a\":1}");
        c2d_message_encode(m, &b);
        save("c2d-message", "whole", b.data, b.size);
        buffer_done(&b);
        (void)c2d_message_free(m);
}

static void save_reading(void)
{
        const Channel channels[] = {
                {"t", {.kind = VALUE_NUMBER, .number = 21.5}},
                {"n", {.kind = VALUE_INTEGER, .integer = -3}},
                {"on", {.kind = VALUE_BOOLEAN, .boolean = true}},
                {"s", {.kind = VALUE_TEXT, .text = "\xc3\xa4\xe2\x82\xac"}},
        };
        Reading r = {.sensor = "roof", .wall_usec = 1767225600000000, .wall_trusted = true,
                     .channels = channels, .n_channels = ARRAY_SIZE(channels)};
        Buffer b = BUFFER_NULL;

        reading_encode(&r, &b);
        save("reading", "whole", b.data, b.size);
        buffer_done(&b);
}

int main(int argc, char **argv)
{
        if (argc != 2) {
                (void)fprintf(stderr, "usage: make-seeds FOLDER\n");
                return 2;
        }
        folder = argv[1];
        tell();
        save_message();
        save_c2d_message();
        save_reading();
        return 0;
}
