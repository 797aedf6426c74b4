/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Attestation - by which enrollment a device may be provisioned
 *
 * A device proves itself by a token over {id scope}/registrations/{registration id}, signed with a key of its
 * individual enrollment, or with the one that is derived for it from a group's. Whether the enrollment is enabled is
 * not asked here: that is for the registration to tell. Protocol reference 7.1 and 7.3.
 *
 * Knows:  the enrollments in the store.
 * Time:   wall clock, given with each call.
 */

#include "devhub/dps/enrollment.h"

#define ATTESTATION_SKEW_USEC (5 * USEC_PER_MIN) /* a token that is over by less is still taken */

typedef struct AttestationRequest {
        const char *id_scope;        /* ours */
        const char *said_scope;      /* the client's */
        const char *registration_id; /* as the client spells it */
        const char *token;           /* "SharedAccessSignature sr=..." */
        usec_t wall_now;
} AttestationRequest;

enum {
        _ATTESTATION_E_SUCCESS,
        ATTESTATION_E_REFUSED,
};

/* ATTESTATION_E_REFUSED: *ret_reason (static) is for the log; the client is told "unauthorized" whatever it is. */
int attestation_check(Store *store, const AttestationRequest *request, Enrollment *ret, const char **ret_reason);

/* The keys of one device: those of its individual enrollment, or derived from the group's. Secrets.
 * registration_id: in lower case. */
int attestation_keys(const Enrollment *enrollment, const char *registration_id, char **ret_primary,
                     char **ret_secondary);
