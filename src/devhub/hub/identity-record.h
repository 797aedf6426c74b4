/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Identity record - an identity as the service side says it in JSON
 *
 * The record of the registry (protocol reference 8.3), read into an identity and made from one. A member that is not
 * there leaves the identity as it is; a key that is "" asks for a new one.
 */

#include <json-c/json.h>

#include "devhub/hub/hub.h"
#include "devhub/hub/identity.h"
#include "devhub/hub/presence.h"

/* -EBADMSG: it says something that cannot be, *ret_error (static) tells what; the identity may be changed in part. */
int identity_record_read(json_object *record, Identity *identity, const char **ret_error);

/* What is known of an identity beside its record. */
typedef struct IdentityLife {
        bool is_connected;
        Presence presence;
        unsigned n_messages; /* on their way to it */
} IdentityLife;

int identity_life(const Hub *hub, const Identity *identity, IdentityLife *ret);

/* NULL: no memory. */
json_object *identity_record_make(const Identity *identity, const IdentityLife *life);

/* "2026-01-01T00:00:00.0000000Z", or the first moment of year 1 for never. */
json_object *identity_time(usec_t wall_usec);
/* {"primaryThumbprint":...,"secondaryThumbprint":...} */
json_object *identity_thumbprints(const Identity *identity);
