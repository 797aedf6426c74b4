/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Record - one identity of the registry, and the questions about it
 *
 * Each question complains when the hub says no, and leaves the hub's record in answer.json when it says yes.
 */

#include "explorer/service.h"
#include "explorer/words.h"

typedef struct Record {
        const char *id;
        Buffer path, name;
        Answer answer;
} Record;

int record_begin(Record *record, const char *id); /* EXPLORER_OK, or having complained; record_done() in any case */
void record_done(Record *record);

int record_get(const Explorer *e, Record *record);
/* etag NULL: it must not exist yet. tolerated: see Question. */
int record_put(const Explorer *e, Record *record, json_object *identity, const char *etag, unsigned tolerated);
int record_delete(const Explorer *e, Record *record, const char *etag);

/* --etag, which goes into a header: EXPLORER_OK, or having complained. */
int etag_of_option(const Words *w, const char **ret);
