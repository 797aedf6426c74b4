/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Registrar - carries out what the service side asks of the registry
 *
 * One identity at a time, for a single call and for a bulk of them alike: checks the ids, reads the record, holds the
 * etag against If-Match, and has the links of who is deleted or disabled cut. Writes, and does not commit.
 */

#include "devhub/hub/hub.h"
#include "devhub/hub/identity-record.h"
#include "devhub/hub/service-error.h"

typedef enum RegistrarVerb {
        REGISTRAR_CREATE,
        REGISTRAR_UPDATE,
        REGISTRAR_CREATE_OR_UPDATE,
        REGISTRAR_DELETE,
} RegistrarVerb;

typedef struct RegistrarRequest {
        RegistrarVerb verb;
        const char *device_id;
        const char *module_id; /* NULL: the device itself */
        json_object *record;   /* as identity_record_read() takes it; not to delete */
        const char *if_match;  /* NULL: whatever the etag; not to create */
} RegistrarRequest;

typedef struct RegistrarRefusal {
        ServiceError error;
        char text[320]; /* for the caller */
} RegistrarRefusal;

enum {
        _REGISTRAR_E_SUCCESS,
        REGISTRAR_E_REFUSED,
};

/* *ret: the identity as it is now; untouched by a deletion. */
int registrar_do(const Hub *hub, const RegistrarRequest *request, Identity *ret, RegistrarRefusal *ret_refusal);

/* Is it there, and how is it? */
int registrar_find(const Hub *hub, const char *device_id, const char *module_id, Identity *ret,
                   RegistrarRefusal *ret_refusal);
