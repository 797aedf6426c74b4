/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * DPS username - what stands in the MQTT CONNECT of a device that comes to be provisioned
 *
 * {id scope}/registrations/{registration id}/api-version=2019-03-31[&ClientVersion={product}]
 *
 * Beside a hub's it has no `?` before the query, and by its second level the two are told apart: one listener can
 * serve both. The ids are literal; the values of the query are percent-encoded. Pure.
 */

#include "base/buffer.h"

#define DPS_API_VERSION "2019-03-31"

/* product may be NULL: then it is left out. */
void dps_username_make(Buffer *b, const char *id_scope, const char *registration_id, const char *product);

typedef struct DpsUsername {
        char *id_scope;
        char *registration_id; /* as it was sent: it may hold upper case */
        char *api_version;     /* or NULL */
        char *client_version;  /* decoded; or NULL */
} DpsUsername;

/* Does it come to be provisioned? A hub's device may be called "registrations": then a `?` or nothing follows. */
bool dps_username_is(const char *text);

/* As DPS reads it: any order, unknown keys ignored, the first of duplicates. -EBADMSG: not such a username. */
int dps_username_parse(const char *text, DpsUsername *ret);
void dps_username_done(DpsUsername *u);
