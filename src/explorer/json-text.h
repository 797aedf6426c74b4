/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * JSON text - json-c's objects, with what this program asks of them again and again
 *
 * One document, whole and nothing behind it; text that is not UTF-8 is not JSON. Members of another type than
 * wanted count as absent: what a hub says is not trusted.
 */

#include <json-c/json.h>

#include "base/buffer.h"

static inline void json_unrefp(json_object **o)
{
        (void)json_object_put(*o);
}

/* -EBADMSG: it is not JSON; *ret_at (may be NULL) says at which byte. */
int json_text_parse(const char *text, size_t size, json_object **ret, size_t *ret_at);

json_object *json_member(json_object *o, const char *name);      /* borrowed; NULL: absent, or o is no object */
json_object *json_object_member(json_object *o, const char *name); /* the same, if it is an object */
const char *json_text_of(json_object *o, const char *name);      /* of a string */

/* The same, made when it is not there. NULL only with *ok = false. */
json_object *json_object_made(json_object *o, const char *name, bool *ok);

/* Adds to an object, taking value; a NULL value or a failure is remembered by *ok = false. */
void json_put(json_object *o, const char *name, json_object *value, bool *ok);
void json_put_text(json_object *o, const char *name, const char *text, bool *ok);
