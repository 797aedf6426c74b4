/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Toy edges - a queue and a hub of few lines, that do what the test says
 *
 * They stand in for queue/queue.h and hub/hub.h at link time: what a real queue or hub would do only once in a
 * year (a page that takes its time, a record that rots, a hub that refuses a property) is a member here.
 */

#include "fake-clock.h"
#include "hub/hub.h"
#include "model/reading.h"
#include "queue/queue.h"

#define TOY_RECORDS_MAX 4096

typedef struct ToyRecord {
        QueueRecord record;
        Buffer payload;
        QueueLane lane;
        bool taken, settled;
        bool is_gone; /* the disk cannot read it any more */
        Outcome outcome;
} ToyRecord;

struct Queue {
        const Clock *clock;
        ToyRecord records[TOY_RECORDS_MAX];
        size_t n_records, n_durable;
        Name streams[QUEUE_STREAMS_MAX];
        QueueLane lanes[QUEUE_STREAMS_MAX];
        uint64_t next_n[QUEUE_STREAMS_MAX];
        unsigned n_streams;
        uint64_t epoch;
        bool waits;            /* QUEUE_E_WAIT instead of a record */
        int refuses;           /* QUEUE_E_* for the next appends */
        const char *disk_error; /* NULL: well */
        DiskState disk_state;
        bool hold_receipts;
        struct {
                QueueReceipt receipt;
                unsigned stream;
                uint64_t n;
        } receipts[64];
        size_t n_receipts;
        size_t peeks;
};

void toy_queue_init(Queue *q, const Clock *clock);
void toy_queue_done(Queue *q);
/* One reading of one channel, durable at once. Returns its number. */
uint64_t toy_queue_put(Queue *q, const char *stream, const char *sensor, double value);
uint64_t toy_queue_put_raw(Queue *q, const char *stream, QueueKind kind, const void *payload, size_t size);
ToyRecord *toy_queue_record(Queue *q, const char *stream, uint64_t n);
size_t toy_queue_settled(const Queue *q, Outcome outcome);
void toy_queue_give_receipts(Queue *q, int error);

#define TOY_SENT_MAX 4096

typedef struct ToySent {
        uint64_t ticket, first, last;
        Name stream;
        char *id, *body, *identity;
        bool backfill;
        usec_t created_usec, at;
        size_t size;
} ToySent;

struct Hub {
        bool ready;
        int refuses; /* HUB_E_* for the next messages */
        ToySent sent[TOY_SENT_MAX];
        size_t n_sent;
        size_t window_now;
        const Clock *clock;
};

void toy_hub_init(Hub *hub, const Clock *clock);
void toy_hub_done(Hub *hub);
