/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Service - a question of a command, asked and understood
 *
 * Above https.h: paths are made of ids, bodies are JSON both ways, and what goes wrong is told in words on standard
 * error, so that a command only passes the exit code on.
 */

#include "explorer/https.h"
#include "explorer/json-text.h"
#include "explorer/refusal.h"

#define SERVICE_VERSION "2021-04-12" /* of the hub's interface: what the official SDKs ask for */
#define DPS_VERSION     "2021-10-01"

typedef struct Question {
        HttpsRequest request;
        const char *id;       /* of the device that it is about; or NULL */
        Subject subject;      /* host and policy are filled in */
        unsigned tolerated;   /* a status that the caller wants to hear of himself, as EXPLORER_REFUSED; 0: none */
} Question;

typedef struct Answer {
        HttpsReply reply;
        json_object *json; /* NULL: the answer has no body, or is null */
} Answer;

/* EXPLORER_OK when the hub said yes. */
int service_ask(const Explorer *e, Question *q, Answer *ret);
void answer_done(Answer *a);

/* A place in the hub: the id's parts percent-encoded. "d" or "d/m" stand as devices/d or devices/d/modules/m below
 * root ("devices", "twins"); behind comes tail ("/methods") or "". */
void put_path(Buffer *b, const char *root, const char *id, const char *tail);
/* Pieces of a path that are ids, encoded. */
void put_encoded(Buffer *b, const char *id);

/* "device 'd'" or "module 'd/m'" */
void put_identity_name(Buffer *b, const char *id);
bool is_module(const char *id);

/* An id as the hub could know it: EXPLORER_OK, or having complained EXPLORER_USAGE. */
int check_id(const char *id);
