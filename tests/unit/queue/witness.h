/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Witness - who remembers what was handed in, what was promised of it, and what became of it
 *
 * Every record that it hands to a queue carries its serial number and a pattern made of that, so that whatever is
 * read later can be told apart from anything else. It hears the receipts and the outcomes, and notes at which
 * change of the disk each came. Asked to examine a queue, however that came about, it reads all there is and says
 * what is wrong; NULL: every promise was kept.
 *
 * Owns:   its memory of records; not the bench.
 */

#include "bench.h"

#define WITNESS_STREAMS 4
#define WITNESS_NEVER   SIZE_MAX
#define WITNESS_TOGETHER_MAX 16

typedef struct Witness Witness;

/* One record, by serial number. */
typedef struct WitnessRow {
        Witness *witness;
        unsigned stream; /* the witness's own numbers */
        QueueKind kind;
        size_t size;
        uint64_t epoch, n;
        size_t promised; /* changes of the disk when its receipt came */
        size_t settled;  /* and when it had an outcome */
        Outcome outcome;
        bool answered;   /* its receipt came, whatever it said */
        size_t n_together; /* so many, it is the last of them, were handed in together: its receipt tells of all */
        size_t before;   /* serial + 1 of an earlier row with the same number, from an earlier opening; 0: none */
        unsigned found;  /* in the examination of that number */
        unsigned given_up; /* in the after-world of that number: the queue had no room for it any more */
} WitnessRow;

struct Witness {
        Bench *bench; /* that it hears now */
        const char *names[WITNESS_STREAMS];
        QueueLane lanes[WITNESS_STREAMS];
        unsigned handles[WITNESS_STREAMS]; /* since the last opening */
        WitnessRow *rows;
        size_t n_rows, allocated;
        struct WitnessNumbers {
                size_t *newest; /* by n: serial + 1; 0: none */
                size_t allocated;
        } numbers[WITNESS_STREAMS];
        unsigned examination;
        unsigned world, n_worlds; /* 0: the story; others: what may have come of it */
        char complaint[512];
};

typedef struct WitnessFinding {
        size_t n_read, n_again; /* of these, had an outcome before */
        size_t n_gone;          /* promised, without outcome, not there any more: damage */
        uint64_t n_damaged;     /* as the queue counts it */
        uint64_t n_torn;        /* numbers that it takes for never accepted */
} WitnessFinding;

typedef enum WitnessMercy {
        WITNESS_STRICT,  /* what was promised is there, nothing is damaged but what had to give way before */
        WITNESS_UNREAD,  /* what could not be read may be counted as damaged, but nothing that was promised */
        WITNESS_HARMED,  /* the medium was harmed beyond what a cut may do: what is gone is counted */
} WitnessMercy;

void witness_init(Witness *w, size_t room); /* records at most */
void witness_done(Witness *w);

/* Listens to that bench from its next bench_open() on. */
void witness_attend(Witness *w, Bench *b);
/* Asks the open queue for its streams. False: the queue would not. */
bool witness_streams(Witness *w);
/* Hands in a record; QUEUE_E_* as the queue said. */
int witness_append(Witness *w, unsigned stream, size_t size, bool receipt);
/* Several of that size, all of them or none. */
int witness_append_all(Witness *w, unsigned stream, size_t size, size_t n, bool receipt);
/* One way that the story may go on, with another bench. What comes of it is forgotten when that ends. */
void witness_branch(Witness *w, Bench *b);
void witness_return(Witness *w, Bench *story, size_t n_rows);

/* The row of a record that was read; NULL and a complaint if it is not what it should be. */
WitnessRow *witness_recognise(Witness *w, const QueueRecord *record);
/* Reads a queue that was just opened, on the disk as it was after so many changes (WITNESS_NEVER: all of them). */
const char *witness_examine(Witness *w, Bench *b, size_t entries, WitnessMercy mercy, WitnessFinding *ret);
/* Says what is wrong, as printf; returns it. */
const char *witness_complain(Witness *w, const char *fmt, ...) _printf_(2, 3);
