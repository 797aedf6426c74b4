/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Method desk - direct methods as local services see them
 *
 * A service registers names and answers calls of them; anybody who may can call a method from here, as the hub
 * does, with the link down too. Two rows of functions: what the bus may ask of the methods, and what the methods
 * ask of the bus.
 */

#include "base/buffer.h"
#include "model/order.h"
#include "model/sink.h"

#define METHOD_TIMEOUT_MAX (5 * USEC_PER_MIN) /* as the hub's own */

#define METHOD_STATUS_MIN 100 /* of a responder */
#define METHOD_STATUS_MAX 999

/* Statuses that the daemon itself gives. A responder's own go through as they are, within these bounds. */
typedef enum MethodStatus {
        METHOD_OK = 200,
        METHOD_BAD_REQUEST = 400, /* the payload is no JSON, or not what the built-in method takes */
        METHOD_FORBIDDEN = 403,   /* methods.allow does not name it */
        METHOD_NOT_FOUND = 404,   /* nobody answers to this name */
        METHOD_BUSY = 429,        /* too many calls are waiting */
        METHOD_FAILED = 500,      /* the responder answered an error, no JSON, too much of it, or no status */
        METHOD_UNAVAILABLE = 503, /* the responder left before it answered, or cannot be started */
        METHOD_TIMEOUT = 504,     /* no answer in time */
} MethodStatus;

/* The body that goes with a status above 299: {"error":"..."}. */
void method_error_write(Buffer *b, const char *text);
#define METHOD_ERROR_NO_MEMORY "{\"error\":\"out of memory\"}" /* where none is left to write one */

typedef struct MethodAnswer {
        int status;
        const char *json; /* never NULL, may be ""; NUL-terminated, borrowed */
        size_t json_size;
} MethodAnswer;

typedef void (*MethodAnswerFn)(void *userdata, const MethodAnswer *answer);

typedef enum ResponderKind {
        RESPONDER_BUILTIN,
        RESPONDER_REGISTERED, /* by a client on the bus, while it is there */
        RESPONDER_ACTIVATED,  /* a drop-in file names a service that the bus starts on demand */
        RESPONDER_UNIT,       /* a drop-in file names a unit that systemd starts */
        RESPONDER_COMMAND,    /* the settings name a command, which we answer */
        _RESPONDER_KIND_MAX,
} ResponderKind;

typedef struct MethodInfo {
        const char *name;
        ResponderKind kind;
        const char *responder; /* unique or well-known bus name; of a unit its name; "" where we answer */
        uint64_t calls, failures; /* failures: answers that the daemon gave in the responder's place */
        uint64_t late;            /* answers that came after that, or after the hub's connection had gone; dropped */
} MethodInfo;

/* What the bus asks. */
typedef struct MethodDesk {
        /* user: of the client, by its name in the password database, NULL: it has none. BAD_VALUE: no name of a method,
         * NOT_OWNER: another has it, or methods.registrants gives it to another user; BUSY: too many. */
        void (*register_name)(void *userdata, const char *name, const char *client, const char *user, DoneFn done,
                              void *done_userdata);
        void (*unregister_name)(void *userdata, const char *name, const char *client, DoneFn done,
                                void *done_userdata);
        /* Sorted by name; borrowed until the loop goes on. */
        void (*list)(void *userdata, const MethodInfo **ret, size_t *ret_n);
        /* caller: in words for the audit. timeout: 0 is the usual one. Exactly one answer. */
        void (*call)(void *userdata, const char *name, const char *json, usec_t timeout_usec, const char *caller,
                     MethodAnswerFn answer, void *answer_userdata);
        /* Has it any name, or owes it an answer? */
        bool (*has)(void *userdata, const char *client);
        /* A client has left the bus: its names are free, its calls are answered with METHOD_UNAVAILABLE. */
        void (*left)(void *userdata, const char *client);
        /* The answer to ResponderPort.invoke(). error 0: status and json; -ESRCH: the responder is not there, or went
         * away; -ETIMEDOUT; -EIO: it answered an error, whose words are in json. An answer that nobody waits for any
         * more is counted and dropped. */
        void (*answered)(void *userdata, uint64_t call, int error, int status, const char *json);
        void *userdata;
} MethodDesk;

/* What the methods ask: that a responder on the bus be called. */
typedef struct ResponderPort {
        /* deadline: boot clock; call: named by MethodDesk.answered(), which comes within this or later, at most once.
         * Below 0: it could not be asked, and no answer comes. */
        int (*invoke)(void *userdata, const char *destination, const char *name, const char *json, usec_t deadline_usec,
                      uint64_t call);
        void *userdata;
} ResponderPort;
