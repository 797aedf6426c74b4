/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Output - what is said, and on which stream
 *
 * Answers go to standard output, complaints and remarks to standard error. Nothing that came over a network
 * reaches either raw: see base/visible.h.
 */

#include <json-c/json_object.h>

#include "base/buffer.h"
#include "explorer/explorer.h"

void complain(const char *fmt, ...) _printf_(1, 2); /* "hublink-explorer: ...", one line */
int bad_usage(const char *fmt, ...) _printf_(1, 2); /* the same, and where the help is; EXPLORER_USAGE */
int out_of_memory(void);                            /* complains; EXPLORER_FAILED */
void remark(const Explorer *e, const char *fmt, ...) _printf_(2, 3); /* "waiting 5 s", not with --quiet */

/* Each writes at once, and gives EXPLORER_OK, or EXPLORER_FAILED having said that nothing can be written. */
int output_text(const char *text, size_t size); /* of lines */
int output_buffer(Buffer *b);                   /* the same, and done with it: wiped */
int output_json(json_object *o);                /* on one line */
int output_document(const Explorer *e, json_object *o); /* laid out for people; with --json on one line */

/* For people: "never" for the first day of all, which is what the hub says when something has not been yet. */
const char *words_of_time(const char *text);

/* After a failure: was it that whoever read has gone, or a signal to stop? Forgets what was not written then. */
bool output_is_unwanted(void);
