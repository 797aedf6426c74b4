/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Enrollment - who we are to the provisioning service
 *
 * Made of the settings and the device's key. The same key is good for the service and for the hub that it assigns; so
 * the enrollment is also the mould of the identities that assignments are turned into.
 *
 * Owns:   copies of what it is made of.
 * Holds a secret: never printed, wiped when freed.
 */

#include "hub/assignment.h"
#include "hub/identity.h"

#define ENROLLMENT_TOKEN_USEC     USEC_PER_HOUR
#define ENROLLMENT_KEEPALIVE_USEC (4 * USEC_PER_MIN)

typedef struct Enrollment {
        Identity *identity; /* to the service; its resource is the name of the registration */
        Buffer body;        /* of the request to register */

        /* for identities to the hub */
        char *ca_file, *address, *model_id, *product_info; /* each may be NULL */
        usec_t keepalive_usec;
        usec_t token_life_usec;
} Enrollment;

/* Of the credential only the key counts. -ENOMEM; -EINVAL with *ret_error in words (static). */
int enrollment_new(Enrollment **ret, const HubSettings *settings, const ConnectionString *credential,
                   const char **ret_error);
Enrollment *enrollment_free(Enrollment *e);
DEFINE_CLEANUP(Enrollment *, enrollment_free);
bool enrollment_equal(const Enrollment *a, const Enrollment *b); /* to the service; both may be NULL */

/* Ids have no case at the service; this is the form that keys are derived from. NULL: no memory. */
char *enrollment_fold_id(const char *registration_id);

/* "{id scope}/registrations/{id}" */
const char *enrollment_registration(const Enrollment *e);
/* To the hub that was assigned. As identity_new(). */
int enrollment_identity(const Enrollment *e, const Assignment *assignment, Identity **ret, const char **ret_error);
