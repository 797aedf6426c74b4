/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Sinks - what an edge is given at birth, so that it never calls up
 *
 * Each is a small row of functions and one userdata. Everything is called on the loop's thread.
 */

#include "model/ledger.h"
#include "model/message.h"
#include "model/reading.h"
#include "model/status.h"

/* ---- from sensors up ---- */

typedef struct ReadingSink {
        /* A reading was taken, for this stream (NULL: the usual one). 0: it will reach the disk within the
         * commit interval. Positive: refused, and counted, for want of room; the source may slow down. */
        int (*reading)(void *userdata, const char *stream, const Reading *reading);
        /* Something never became a reading. */
        void (*refused)(void *userdata, Refusal why);
        /* Is there room? While there is not, stream sockets are not read. */
        bool (*ready)(void *userdata);
        /* The state or values of a sensor changed. */
        void (*changed)(void *userdata, const SensorStatus *sensor);
        void *userdata;
} ReadingSink;

typedef enum PositionAnswer {
        POSITION_NONE, /* it was never read */
        POSITION_FOUND,
        POSITION_WAIT, /* not known yet: ask again a little later */
} PositionAnswer;

/* Where sources learn how far they came in an earlier life, and say how far they are. What another sensor has read of
 * the same place, which is there no more, is theirs. */
typedef struct PositionBook {
        PositionAnswer (*find)(void *userdata, const char *source, uint32_t place, SourcePosition *ret);
        /* What lies before was read: it was handed on, or gave no reading. */
        void (*passed)(void *userdata, const char *source, const SourcePosition *at);
        void *userdata;
} PositionBook;

/* ---- from local services up (the bus asks, flow answers) ---- */

/* The errors of org.hublink1, in the order of its documentation. */
typedef enum RequestError {
        REQUEST_OK,
        REQUEST_NOT_CONNECTED,
        REQUEST_QUEUE_FULL,
        REQUEST_TOO_LARGE,
        REQUEST_BAD_VALUE,
        REQUEST_NO_SUCH_SENSOR,
        REQUEST_NO_SUCH_STREAM,
        REQUEST_NO_SUCH_MESSAGE,
        REQUEST_NOT_OWNER,
        REQUEST_DISK_ERROR,
        REQUEST_BUSY,
        REQUEST_TIMEOUT,
        _REQUEST_ERROR_MAX,
} RequestError;

typedef struct SubmitAnswer {
        RequestError error;
        const char *detail; /* in words, when error is set */
        const char *stream;
        uint64_t epoch, first, last;
} SubmitAnswer;

typedef void (*SubmitAnswerFn)(void *userdata, const SubmitAnswer *answer);

/* Every call gives exactly one answer, within the call or later; at the latest when the queue is closed. What
 * is handed in is borrowed for the call. stream is NULL for the usual one. */
typedef struct Intake {
        void (*submit)(void *userdata, const Reading *readings, size_t n_readings, const char *stream,
                       SubmitAnswerFn answer, void *answer_userdata);
        void (*submit_message)(void *userdata, const Message *message, const char *stream, SubmitAnswerFn answer,
                               void *answer_userdata);
        void *userdata;
} Intake;

typedef void (*DoneFn)(void *userdata, RequestError error, const char *detail);

typedef struct Control {
        /* Answers once when all that waits now is settled; NOT_CONNECTED at once when there is no link, or when
         * the link is lost meanwhile; DISK_ERROR when some of it may be in memory only. */
        void (*flush)(void *userdata, DoneFn done, void *done_userdata);
        void (*reconnect)(void *userdata); /* a try now, whatever the backoff says */
        /* Reads the settings again. BAD_VALUE with the first error when they are bad: the old ones stay. */
        void (*reload)(void *userdata, DoneFn done, void *done_userdata);
        void *userdata;
} Control;

/* ---- dead letters ---- */

typedef enum DeadLetterKind {
        DEAD_LETTER_READING,
        DEAD_LETTER_MESSAGE,
        DEAD_LETTER_OTHER, /* a notice, or what cannot be decoded: bytes */
        _DEAD_LETTER_KIND_MAX,
} DeadLetterKind;

/* A record that can never be sent, without what it says. Texts are borrowed. */
typedef struct DeadLetter {
        uint64_t id;        /* never given twice */
        const char *stream; /* where it comes from, and the name it had there */
        uint64_t epoch, n;
        Outcome reason;
        const char *detail; /* in words, may be "" */
        DeadLetterKind kind;
        size_t size;      /* of its record */
        usec_t time_usec; /* wall clock, when it was set aside */
} DeadLetter;

typedef struct DeadLetterAnswer {
        RequestError error;
        const char *detail; /* in words, when error is set */
        const DeadLetter *letter;
        /* one of these, by its kind; borrowed for the call */
        const Reading *reading;
        const Message *message;
        const void *bytes;
        size_t n_bytes;
} DeadLetterAnswer;

typedef void (*DeadLetterAnswerFn)(void *userdata, const DeadLetterAnswer *answer);

/* Every call gives exactly one answer, within the call or later; NO_SUCH_MESSAGE for an id that is not there. */
typedef struct DeadLetterOffice {
        /* All that are there, the oldest first; borrowed until the loop goes on. BUSY while they are still being read,
         * DISK_ERROR when they cannot be: never an empty list that is none. */
        RequestError (*list)(void *userdata, const DeadLetter **ret, size_t *ret_n);
        void (*get)(void *userdata, uint64_t id, DeadLetterAnswerFn answer, void *answer_userdata);
        /* Appended anew to its stream, whose next number it gets. */
        void (*requeue)(void *userdata, uint64_t id, SubmitAnswerFn answer, void *answer_userdata);
        void (*remove)(void *userdata, uint64_t id, DoneFn done, void *done_userdata);
        void *userdata;
} DeadLetterOffice;

typedef struct StatusSource {
        const Status *(*status)(void *userdata); /* a fresh snapshot, valid until the next call */
        void *userdata;
} StatusSource;

/* ---- from the queue and the uplink to whoever watches ---- */

typedef struct Settled {
        const char *stream;
        uint64_t epoch; /* 0: the range spans more than one */
        uint64_t first, last;
        Outcome outcome;
} Settled;

typedef struct SettledSink {
        void (*settled)(void *userdata, const Settled *settled);
        void *userdata;
} SettledSink;
