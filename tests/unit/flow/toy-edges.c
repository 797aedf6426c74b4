/* SPDX-License-Identifier: Apache-2.0 */
#include "toy-edges.h"

#include <check.h>
#include <errno.h>
#include <string.h>

/* ---- queue ---- */

void toy_queue_init(Queue *q, const Clock *clock)
{
        *q = (Queue){.clock = clock, .epoch = 0xe1};
}

void toy_queue_done(Queue *q)
{
        for (size_t i = 0; i < q->n_records; i++)
                buffer_done(&q->records[i].payload);
}

void queue_expect_stream(Queue *q, const char *name) /* no name of it is ever given away */
{
}

int queue_stream(Queue *q, const char *name, QueueLane lane, unsigned *ret)
{
        unsigned i = 0;

        while (i < q->n_streams && strcmp(q->streams[i], name) != 0)
                i++;
        if (i == QUEUE_STREAMS_MAX)
                return -ENOSPC;
        if (i == q->n_streams) {
                strcpy(q->streams[i], name);
                q->next_n[i] = 1;
                q->n_streams++;
        }
        q->lanes[i] = lane;
        *ret = i;
        return 0;
}

unsigned queue_n_streams(const Queue *q)
{
        return q->n_streams;
}

const char *queue_stream_name(const Queue *q, unsigned stream)
{
        return q->streams[stream];
}

int queue_append(Queue *q, unsigned stream, QueueKind kind, const void *payload, size_t size,
                 const QueueReceipt *receipt, uint64_t *ret_n)
{
        ToyRecord *r = &q->records[q->n_records];

        if (q->refuses)
                return q->refuses;
        ck_assert_uint_lt(q->n_records, TOY_RECORDS_MAX);
        *r = (ToyRecord){.record = {.stream = stream, .kind = kind, .epoch = q->epoch, .n = q->next_n[stream]++,
                                    .boot_usec = clock_boot(q->clock), .this_boot = true},
                         .lane = q->lanes[stream]};
        buffer_append(&r->payload, payload, size);
        q->n_records++;
        *ret_n = r->record.n;
        if (receipt && q->hold_receipts) {
                ck_assert_uint_lt(q->n_receipts, ARRAY_SIZE(q->receipts));
                q->receipts[q->n_receipts].receipt = *receipt;
                q->receipts[q->n_receipts].stream = stream;
                q->receipts[q->n_receipts++].n = r->record.n;
        } else if (receipt)
                receipt->fn(receipt->userdata, 0, stream, q->epoch, r->record.n);
        return 0;
}

void toy_queue_give_receipts(Queue *q, int error)
{
        size_t n = q->n_receipts;

        q->n_receipts = 0;
        for (size_t i = 0; i < n; i++)
                q->receipts[i].receipt.fn(q->receipts[i].receipt.userdata, error, q->receipts[i].stream, q->epoch,
                                          q->receipts[i].n);
}

int queue_append_all(Queue *q, unsigned stream, QueueKind kind, const struct iovec *payloads, size_t n,
                     const QueueReceipt *receipt, uint64_t *ret_first)
{
        uint64_t first = q->next_n[stream], last;

        for (size_t i = 0; i < n; i++) {
                int r = queue_append(q, stream, kind, payloads[i].iov_base, payloads[i].iov_len,
                                     i == n - 1 ? receipt : NULL, &last);

                if (r != 0)
                        return r;
        }
        if (ret_first)
                *ret_first = first;
        return 0;
}

uint64_t queue_durable(const Queue *q, unsigned stream)
{
        for (size_t i = q->n_durable; i < q->n_records; i++)
                if (q->records[i].record.stream == stream)
                        return q->records[i].record.n;
        return q->next_n[stream];
}

bool queue_make_ready(Queue *q)
{
        return q->refuses == 0;
}

static ToyRecord *front(Queue *q, QueueLane lane, QueueSource source)
{
        for (size_t i = 0; i < q->n_durable; i++)
                if (q->records[i].lane == lane && q->records[i].record.backlog == (source == QUEUE_BACKLOG) &&
                    !q->records[i].taken && !q->records[i].settled)
                        return &q->records[i];
        return NULL;
}

int queue_peek(Queue *q, QueueLane lane, QueueSource source, QueueRecord *ret)
{
        ToyRecord *r = front(q, lane, source);

        q->peeks++;
        if (!r)
                return QUEUE_E_EMPTY;
        if (q->waits)
                return QUEUE_E_WAIT;
        *ret = r->record;
        ret->age_usec = r->record.this_boot ? usec_sub(clock_boot(q->clock), r->record.boot_usec)
                                            : MAX(r->record.age_usec, clock_boot(q->clock));
        ret->time = r->record.this_boot && clock_synchronised(q->clock) ? QUEUE_TIME_GOOD : QUEUE_TIME_UNKNOWN;
        if (ret->time == QUEUE_TIME_GOOD)
                ret->wall_usec = clock_wall(q->clock) - (clock_boot(q->clock) - r->record.boot_usec);
        ret->payload = r->payload.data;
        ret->size = r->payload.size;
        return 0;
}

void queue_advance(Queue *q, QueueLane lane, QueueSource source)
{
        front(q, lane, source)->taken = true;
}

int queue_browse(Queue *q, unsigned stream, uint64_t first, uint64_t last, QueueRecord *ret)
{
        if (q->waits)
                return QUEUE_E_WAIT;
        for (size_t i = 0; i < q->n_durable; i++) {
                ToyRecord *r = &q->records[i];

                if (r->record.stream != stream || r->record.n < first || r->record.n > last || r->settled || r->is_gone)
                        continue;
                *ret = r->record;
                ret->payload = r->payload.data;
                ret->size = r->payload.size;
                return 0;
        }
        return QUEUE_E_EMPTY;
}

void queue_set_link(Queue *q, bool up)
{
}

void queue_split(Queue *q)
{
        for (size_t i = 0; i < q->n_durable; i++)
                q->records[i].record.backlog |= !q->records[i].taken;
}

void queue_settle(Queue *q, unsigned stream, uint64_t epoch, uint64_t first, uint64_t last, Outcome outcome)
{
        size_t n = 0;

        for (size_t i = 0; i < q->n_records; i++) {
                ToyRecord *r = &q->records[i];

                if (r->record.stream != stream || r->record.epoch != epoch || r->record.n < first || r->record.n > last)
                        continue;
                ck_assert_msg(r->taken, "a record that was not advanced over is settled");
                ck_assert_msg(!r->settled, "a record is settled twice");
                r->settled = true;
                r->outcome = outcome;
                n++;
        }
        ck_assert_uint_eq(n, last - first + 1);
}

bool queue_all_settled(const Queue *q, unsigned stream, uint64_t first, uint64_t end)
{
        for (size_t i = 0; i < q->n_records; i++) {
                const ToyRecord *r = &q->records[i];

                if (r->record.stream == stream && r->record.n >= first && r->record.n < end && !r->settled)
                        return false;
        }
        return true;
}

ToyRecord *toy_queue_record(Queue *q, const char *stream, uint64_t n)
{
        for (size_t i = 0; i < q->n_records; i++)
                if (strcmp(q->streams[q->records[i].record.stream], stream) == 0 && q->records[i].record.n == n)
                        return &q->records[i];
        ck_abort_msg("no record %llu in %s", (unsigned long long)n, stream);
        return NULL;
}

size_t toy_queue_settled(const Queue *q, Outcome outcome)
{
        size_t n = 0;

        for (size_t i = 0; i < q->n_records; i++)
                n += q->records[i].settled && q->records[i].outcome == outcome;
        return n;
}

uint64_t toy_queue_put_raw(Queue *q, const char *stream, QueueKind kind, const void *payload, size_t size)
{
        unsigned id = 0;
        uint64_t n;

        while (id < q->n_streams && strcmp(q->streams[id], stream) != 0)
                id++;
        if (id == q->n_streams)
                ck_assert_int_eq(queue_stream(q, stream, QUEUE_LANE_NORMAL, &id), 0);
        ck_assert_int_eq(queue_append(q, id, kind, payload, size, NULL, &n), 0);
        q->n_durable = q->n_records;
        return n;
}

uint64_t toy_queue_put(Queue *q, const char *stream, const char *sensor, double value)
{
        Channel channel = {"v", {.kind = VALUE_NUMBER, .number = value}};
        Reading reading = {.sensor = sensor, .wall_usec = clock_wall(q->clock), .wall_trusted = true,
                           .channels = &channel, .n_channels = 1};
        Buffer b = BUFFER_NULL;
        uint64_t n;

        reading_encode(&reading, &b);
        n = toy_queue_put_raw(q, stream, QUEUE_KIND_READING, b.data, b.size);
        buffer_done(&b);
        return n;
}

uint64_t queue_epoch(const Queue *q)
{
        return q->epoch;
}

/* What became of the records, counted from the records. */
void queue_ledger(const Queue *q, unsigned stream, Ledger *ret)
{
        *ret = (Ledger){};
        for (size_t i = 0; i < q->n_records; i++)
                if (q->records[i].record.stream == stream) {
                        ret->accepted++;
                        ret->settled[q->records[i].outcome] += q->records[i].settled;
                }
}

void queue_status(const Queue *q, QueueStatus *ret)
{
        *ret = (QueueStatus){.records = q->n_records, .disk_failed = q->disk_error, .disk_error = q->disk_error ?: "",
                               .disk_state = q->disk_state};
}

/* ---- hub ---- */

void toy_hub_init(Hub *hub, const Clock *clock)
{
        *hub = (Hub){.clock = clock};
}

void toy_hub_done(Hub *hub)
{
        for (size_t i = 0; i < hub->n_sent; i++) {
                free(hub->sent[i].id);
                free(hub->sent[i].body);
                free(hub->sent[i].identity);
        }
}

bool hub_is_ready(const Hub *hub)
{
        return hub->ready;
}

static char *copied(const char *s)
{
        return s ? strdup(s) : NULL;
}

int hub_send(Hub *hub, const Message *m, uint64_t ticket)
{
        ToySent *sent = &hub->sent[hub->n_sent];

        if (!hub->ready)
                return HUB_E_NOT_READY;
        if (hub->refuses)
                return hub->refuses;
        ck_assert_uint_lt(hub->n_sent, TOY_SENT_MAX);
        *sent = (ToySent){.ticket = ticket, .first = m->first, .last = m->last, .id = copied(m->message_id),
                          .body = copied(m->body.data), .created_usec = m->created_usec,
                          .at = clock_boot(hub->clock), .size = message_size(m)};
        memcpy(sent->stream, m->stream, sizeof(sent->stream));
        for (size_t i = 0; i < m->n_properties; i++) {
                if (strcmp(m->properties[i].name, "hl-backfill") == 0)
                        sent->backfill = true;
                if (strcmp(m->properties[i].name, "hl") == 0)
                        sent->identity = copied(m->properties[i].value);
        }
        hub->n_sent++;
        return 0;
}

void hub_status(const Hub *hub, HubStatus *ret)
{
        *ret = (HubStatus){.state = hub->ready ? LINK_CONNECTED : LINK_WAITING, .host = "h", .device_id = "gw"};
}
