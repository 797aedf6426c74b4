/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Identity - a device or module as the hub's registry tells it, and as people want to read it
 *
 * The record is the hub's own JSON. What the tools before this one showed as well is worked out of it: the keys by
 * themselves, how it logs in, whether somebody else manages it, and the connection string. Pure.
 */

#include "explorer/json-text.h"

const char *identity_key(json_object *record, bool secondary); /* borrowed; NULL: it has none, or an empty one */

/* How it logs in: sas, selfSigned, certificateAuthority or none. */
const char *identity_method(json_object *record);

/* Appends what a device logs in with; false: there is nothing of the sort. A secret. */
bool identity_put_connection_string(json_object *record, const char *host, bool secondary, Buffer *b);

/* The record with primaryKey, secondaryKey, isManaged, authMethod and connectionString added to it. */
bool identity_complete(json_object *record, const char *host);

void identity_put_lines(json_object *completed, Buffer *b);
