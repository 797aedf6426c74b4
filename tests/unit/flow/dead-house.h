/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Dead house - dead letters between two real queues on a fake disk
 *
 * Virtual time.
 */

#include "fake-clock.h"
#include "fake-disk.h"
#include "flow/dead-letters.h"

typedef struct House {
        FakeClock clock;
        FakeRandom random;
        FakeDisk *disk;
        Queue *queue;
        DeadLetters *dead;
        DeadLetterOffice office;
        unsigned stream;
        usec_t max_age_usec; /* of the queue */
        unsigned n_added, n_readable;
        size_t receipt_at; /* changes on the disk when the latest record was accepted */
} House;

/* What the answer of a get said, after it is gone. */
typedef struct Got {
        RequestError error;
        unsigned n_answers;
        DeadLetterKind kind;
        double value;
        usec_t wall_usec;
        bool wall_trusted;
        Quality quality;
        size_t body, bytes;
        char property[32], detail[256], stream[64];
        uint64_t n;
} Got;

/* life */
void house_begin(House *h);
void house_begin_with_clock(House *h, bool synchronised);
void house_end(House *h);
void house_open(House *h);
void house_close(House *h, usec_t timeout);
void house_run(House *h, usec_t usec);

/* in */
/* A reading that says its value; accepted when this returns. */
uint64_t house_put_reading(House *h, double value, bool trusted);
uint64_t house_put_message(House *h, size_t size);
void house_set_aside(House *h, uint64_t first, uint64_t last);

/* the office: asked, or asked and waited for */
void house_ask_get(House *h, uint64_t id, Got *ret);
void house_ask_requeue(House *h, uint64_t id, Got *ret);
void house_ask_delete(House *h, uint64_t id, Got *ret);
Got house_get(House *h, uint64_t id);
Got house_requeue(House *h, uint64_t id);
Got house_delete(House *h, uint64_t id);
size_t house_listed(const House *h, const DeadLetter **ret);

/* the queue */
Ledger house_ledger(const House *h);
/* Without notices. */
uint64_t house_waiting(House *h);
/* Notices stand between the records: they are told, and gone. */
void house_tell_notices(House *h);
