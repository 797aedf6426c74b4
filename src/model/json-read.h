/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * JSON read - a text that is one JSON value and nothing else
 *
 * To the letter of the grammar (json-grammar.h), with numbers that are finite. What is not touched is written again
 * as it was read, 1.50 as 1.50. Pure.
 */

#include <json-c/json.h>

#include "base/buffer.h"

/* *ret is NULL for JSON's null. -EBADMSG: it is not JSON, and *ret_error (static) says why. */
int json_read(const char *text, size_t size, json_object **ret, const char **ret_error);
/* The same of a text from a stranger: -E2BIG when it has more values than that, those within others counted. An empty
 * object has two bytes, and some 800 here. */
int json_read_within(const char *text, size_t size, size_t values_max, json_object **ret, const char **ret_error);

/* Appends it without blanks. NULL: null. */
void json_write(Buffer *b, json_object *value);

/* A member; takes the value, also on failure. NULL value: no memory, or so the caller says. */
int json_put(json_object *object, const char *name, json_object *value);

static inline void json_done(json_object **object)
{
        json_object_put(*object);
}

#define _cleanup_json_ _cleanup_(json_done)
