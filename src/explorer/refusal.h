/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Refusal - why the hub says no, and what to do about it, in words
 *
 * Reads all three shapes of the hub's error bodies: `Message` of "ErrorCode:Name;text", `Message` of JSON within a
 * string, and the plain object of the provisioning service. Pure. What the hub said is part of the words: they are
 * for output.h, which makes them fit for a terminal.
 */

#include "base/buffer.h"
#include "base/clock.h"

/* What the question was about. */
typedef struct Subject {
        const char *what;   /* "device 'd1'", "the query": NULL: nothing in particular */
        const char *right;  /* that the policy needs: "RegistryWrite" */
        const char *host;
        const char *policy;
        const char *nearest; /* a name that is there, and was probably meant; or NULL */
} Subject;

typedef struct Refusal {
        unsigned status;     /* HTTP's */
        unsigned number;     /* the hub's own, such as 404001; 0: it gave none */
        char *name;          /* such as DeviceNotFound; or NULL */
        char *message;       /* or NULL */
        char *tracking_id;   /* or NULL */
        usec_t retry_after_usec; /* 0: it does not say */
        int64_t skew_sec;    /* our clock is that much ahead of the hub's */
} Refusal;

/* header: of iothub-errorcode, or NULL. Takes what it understands; no body is too broken. */
void refusal_read(unsigned status, const char *header, const char *body, size_t size, Refusal *ret);
void refusal_done(Refusal *r);

bool refusal_is(const Refusal *r, const char *name); /* by name or by its number */
bool refusal_is_time_out(const Refusal *r);

void refusal_words(const Refusal *r, const Subject *s, Buffer *b);
