/* SPDX-License-Identifier: Apache-2.0 */
#include "dead-house.h"

#include <stdio.h>
#include <string.h>

#include "suite.h"

static void on_readable(void *userdata)
{
        House *h = userdata;

        h->n_readable++;
        if (h->dead)
                dead_letters_readable(h->dead);
}

static void on_added(void *userdata, uint64_t id)
{
        ((House *)userdata)->n_added++;
}

void house_open(House *h)
{
        QueueSettings settings = {.directory = (char *)"/queue", .commit_interval_usec = USEC_PER_SEC,
                                  .max_bytes = 8 << 20, .segment_bytes = 384 << 10,
                                  .max_age_usec = h->max_age_usec};

        ck_assert_int_eq(queue_open(&h->queue, &settings, &h->disk->disk, &h->clock.clock, &h->random.random,
                                    &(QueueSink){.readable = on_readable, .userdata = h}), 0);
        ck_assert_int_eq(queue_stream(h->queue, "telemetry", QUEUE_LANE_NORMAL, &h->stream), 0);
        ck_assert_int_eq(dead_letters_new(&h->dead, &settings, h->queue, &h->disk->disk, &h->clock.clock,
                                          &h->random.random, &(DeadLettersSink){.added = on_added, .userdata = h}), 0);
        h->office = dead_letters_office(h->dead);
}

void house_close(House *h, usec_t timeout)
{
        dead_letters_stop(h->dead, timeout);
        h->queue = queue_close(h->queue, timeout);
        h->dead = dead_letters_free(h->dead);
}

void house_begin_with_clock(House *h, bool synchronised)
{
        *h = (House){};
        fake_clock_init(&h->clock);
        h->clock.is_synchronised = synchronised;
        fake_random_init(&h->random, 1);
        h->disk = fake_disk_new();
        house_open(h);
}

void house_begin(House *h)
{
        house_begin_with_clock(h, true);
}

void house_end(House *h)
{
        if (h->queue)
                house_close(h, 0);
        h->disk = fake_disk_free(h->disk);
}

void house_run(House *h, usec_t usec)
{
        Ticker tickers[] = {queue_ticker(h->queue), dead_letters_ticker(h->dead)};
        usec_t until = h->clock.boot_usec + usec;
        unsigned spins = 0;

        for (;;) {
                usec_t due = USEC_INFINITY;

                disk_dispatch(&h->disk->disk);
                for (size_t i = 0; i < ARRAY_SIZE(tickers); i++)
                        due = MIN(due, tickers[i].deadline(tickers[i].userdata));
                if (due > h->clock.boot_usec) {
                        if (due > until)
                                break;
                        fake_clock_advance(&h->clock, due - h->clock.boot_usec);
                        spins = 0;
                }
                if (spins++ == 5000)
                        ck_abort_msg("something wants to be called for ever");
                for (size_t i = 0; i < ARRAY_SIZE(tickers); i++)
                        tickers[i].tick(tickers[i].userdata, h->clock.boot_usec);
        }
        fake_clock_advance(&h->clock, until - h->clock.boot_usec);
}

static void on_receipt(void *userdata, int error, unsigned stream, uint64_t epoch, uint64_t n)
{
        House *h = userdata;

        ck_assert_int_eq(error, 0);
        h->receipt_at = h->disk->n_entries;
}

uint64_t house_put_reading(House *h, double value, bool trusted)
{
        Channel channel = {"v", {.kind = VALUE_NUMBER, .number = value}};
        Reading reading = {.sensor = "cpu", .wall_usec = clock_wall(&h->clock.clock), .wall_trusted = trusted,
                           .channels = &channel, .n_channels = 1};
        Buffer b = BUFFER_NULL;
        uint64_t n;

        reading_encode(&reading, &b);
        ck_assert_int_eq(queue_append(h->queue, h->stream, QUEUE_KIND_READING, b.data, b.size,
                                      &(QueueReceipt){on_receipt, h}, &n), 0);
        buffer_done(&b);
        house_run(h, USEC_PER_SEC);
        return n;
}

uint64_t house_put_message(House *h, size_t size)
{
        Message m = {.content_type = (char *)"text/plain", .correlation_id = (char *)"c-1"};
        Buffer b = BUFFER_NULL;
        uint64_t n;

        memset(buffer_extend(&m.body, size), 'x', size);
        ck_assert_int_eq(message_add_property(&m, "colour", "blue"), 0);
        message_encode(&m, &b);
        ck_assert_int_eq(queue_append(h->queue, h->stream, QUEUE_KIND_MESSAGE, b.data, b.size, NULL, &n), 0);
        buffer_done(&b);
        buffer_done(&m.body);
        free(m.properties[0].name);
        free(m.properties[0].value);
        free(m.properties);
        house_run(h, 2 * USEC_PER_SEC);
        return n;
}

Ledger house_ledger(const House *h)
{
        Ledger l;

        queue_ledger(h->queue, h->stream, &l);
        return l;
}

void house_tell_notices(House *h)
{
        QueueRecord r;

        house_run(h, 10 * USEC_PER_SEC);
        for (uint64_t at = 1; queue_browse(h->queue, h->stream, at, UINT64_MAX, &r) == 0; at = r.n + 1)
                if (r.kind == QUEUE_KIND_NOTICE)
                        queue_settle(h->queue, r.stream, r.epoch, r.n, r.n, OUTCOME_ACKNOWLEDGED);
}

uint64_t house_waiting(House *h)
{
        QueueRecord r;
        uint64_t n = 0;

        for (uint64_t at = 1; queue_browse(h->queue, h->stream, at, UINT64_MAX, &r) == 0; at = r.n + 1)
                n += r.kind != QUEUE_KIND_NOTICE;
        return n;
}

size_t house_listed(const House *h, const DeadLetter **ret)
{
        size_t n = 0;

        insist(h->office.list(h->office.userdata, ret, &n) == REQUEST_OK);
        return n;
}

static void on_got(void *userdata, const DeadLetterAnswer *a)
{
        Got *g = userdata;

        g->n_answers++;
        g->error = a->error;
        (void)snprintf(g->detail, sizeof(g->detail), "%s", a->detail ? a->detail : "");
        if (a->error != REQUEST_OK)
                return;
        g->kind = a->letter->kind;
        g->n = a->letter->n;
        g->bytes = a->n_bytes;
        if (a->reading) {
                g->value = a->reading->channels[0].value.number;
                g->wall_usec = a->reading->wall_usec;
                g->wall_trusted = a->reading->wall_trusted;
                g->quality = a->reading->quality;
        }
        if (a->message) {
                g->body = a->message->body.size;
                (void)snprintf(g->property, sizeof(g->property), "%s", a->message->properties[0].value);
        }
}

static void on_requeued(void *userdata, const SubmitAnswer *a)
{
        Got *g = userdata;

        g->n_answers++;
        g->error = a->error;
        g->n = a->first;
        (void)snprintf(g->detail, sizeof(g->detail), "%s", a->detail ? a->detail : "");
        (void)snprintf(g->stream, sizeof(g->stream), "%s", a->stream ? a->stream : "");
}

static void on_done(void *userdata, RequestError error, const char *detail)
{
        Got *g = userdata;

        g->n_answers++;
        g->error = error;
        (void)snprintf(g->detail, sizeof(g->detail), "%s", detail ? detail : "");
}

void house_ask_get(House *h, uint64_t id, Got *ret)
{
        h->office.get(h->office.userdata, id, on_got, ret);
}

void house_ask_requeue(House *h, uint64_t id, Got *ret)
{
        h->office.requeue(h->office.userdata, id, on_requeued, ret);
}

void house_ask_delete(House *h, uint64_t id, Got *ret)
{
        h->office.remove(h->office.userdata, id, on_done, ret);
}

Got house_get(House *h, uint64_t id)
{
        Got g = {};

        house_ask_get(h, id, &g);
        house_run(h, 100 * USEC_PER_MSEC);
        ck_assert_uint_eq(g.n_answers, 1);
        return g;
}

Got house_requeue(House *h, uint64_t id)
{
        Got g = {};

        house_ask_requeue(h, id, &g);
        house_run(h, 5 * USEC_PER_SEC);
        ck_assert_uint_eq(g.n_answers, 1);
        return g;
}

Got house_delete(House *h, uint64_t id)
{
        Got g = {};

        house_ask_delete(h, id, &g);
        ck_assert_uint_eq(g.n_answers, 1);
        return g;
}

void house_set_aside(House *h, uint64_t first, uint64_t last)
{
        ck_assert_int_eq(dead_letters_move(h->dead, h->stream, first, last, OUTCOME_TOO_LARGE, "it is too large"), 0);
        house_run(h, 5 * USEC_PER_SEC);
}
