/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Batch - records on their way to the disk, already in the form of pages
 *
 * Two of them take turns in a lane: one fills while the other flies. A record is encoded once, where it will be
 * written from; nothing is allocated per record. While the disk has failed the batch is the ring in memory,
 * whose oldest page goes when it runs over.
 *
 * Owns:   its pages, and the receipts that its records wait for.
 * Pure:   no disk, no clock.
 */

#include "queue/queue.h"
#include "queue/record.h"

typedef struct BatchReceipt {
        QueueReceipt receipt;
        uint8_t id;
        uint64_t n;
} BatchReceipt;

typedef struct Batch {
        uint8_t *pages;
        size_t n_pages, allocated;
        size_t n_asked; /* of the pages, those that records with a receipt brought, or filled up before their time */
        bool is_shared; /* one of those is in the last page */
        RecordContext context; /* of the last page */
        bool open;             /* the last page takes more records */

        size_t n_records;
        usec_t since_usec;              /* when the first one came */
        uint64_t first[RECORD_STREAMS]; /* by identity; 0: none of that stream */
        uint64_t end[RECORD_STREAMS];

        BatchReceipt *receipts;
        size_t n_receipts, receipts_allocated;
} Batch;

typedef void (*BatchRecordFn)(void *userdata, const Record *record);

void batch_done(Batch *b);
void batch_clear(Batch *b); /* empty; keeps a little memory */

/* -ENOMEM: nothing is changed. A receipt may be NULL. */
int batch_put(Batch *b, const Record *record, const QueueReceipt *receipt);
/* Several that follow upon the first one, whose number and time it is; the receipt is for the last. */
int batch_put_all(Batch *b, const Record *first, const struct iovec *payloads, size_t n, const QueueReceipt *receipt);
/* A page with nothing in it yet. */
int batch_put_page(Batch *b);

/* What is in more comes behind what is in b; more is empty then. -ENOMEM: both are as they were. */
int batch_join(Batch *b, Batch *more);
/* The oldest page goes, with the body of a big record; each of its records is told. */
void batch_drop_page(Batch *b, BatchRecordFn fn, void *userdata);
/* Identities and numbers that were only provisional. */
void batch_renumber(Batch *b, const uint8_t id[static RECORD_STREAMS], const uint64_t offset[static RECORD_STREAMS]);

/* When its first record came; now, if there is none. */
static inline usec_t batch_since(const Batch *b, usec_t now)
{
        return b->n_records > 0 ? MIN(b->since_usec, now) : now;
}

static inline uint8_t *batch_page(const Batch *b, size_t i)
{
        return b->pages + i * PAGE_BYTES;
}

/* The last page if it is one of records, else NULL. */
static inline uint8_t *batch_last(const Batch *b)
{
        uint8_t *page = b->n_pages > 0 ? batch_page(b, b->n_pages - 1) : NULL;

        return page && page_kind(page) == PAGE_DATA ? page : NULL;
}
