/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Service - a question of a command, asked and understood
 *
 * Above https.h: paths are made of ids (path.h), bodies are JSON both ways, and what goes wrong is told in words on
 * standard error, so that a command only passes the exit code on.
 */

#include "explorer/https.h"
#include "explorer/json-text.h"
#include "explorer/path.h"
#include "explorer/refusal.h"

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
