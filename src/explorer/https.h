/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * HTTPS - one question to the hub, asked until it is answered
 *
 * TLS is always verified, against the system's authorities and the login's own. Each try carries a new token and
 * is bounded in time and size. Who is told to wait (429, 503) waits as long as the hub says, else with growing
 * pauses; a question that only reads is repeated after any 5xx as well. All of it ends with the time-out.
 *
 * libcurl's only home.
 *
 * Https keeps the connection from one question to the next; Explorer has it.
 */

#include "explorer/explorer.h"
#include "explorer/https-reply.h"

typedef struct Https Https;

Https *https_new(void); /* NULL: no memory */
Https *https_free(Https *h);
DEFINE_CLEANUP(Https *, https_free);

typedef struct HttpsRequest {
        const char *method;
        const char *path;         /* percent-encoded, from the slash, with the query */
        const char *body;         /* JSON, or NULL */
        const char *etag;         /* without its quotes, or "*": sent as If-Match; or NULL */
        const char *continuation; /* of a query; or NULL */
        uint32_t page;            /* of a query: how many rows at most; 0: as the hub likes */
        bool reads;               /* it changes nothing, so that it may be asked again */
        usec_t patience_usec;     /* the hub may take so much longer to answer */
} HttpsRequest;

/* 0: there is an answer, of whatever status. Otherwise the exit code, and what happened in words (that may hold what
 * others sent). */
int https_ask(const Explorer *e, const HttpsRequest *request, HttpsReply *ret, Buffer *ret_words);
