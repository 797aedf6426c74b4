/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Attestation - by which enrollment a device may be provisioned
 *
 * A device proves itself by a token over {id scope}/registrations/{registration id}, signed with a key of its
 * individual enrollment, or with the one that is derived for it from a group's. One without a token does so by the
 * certificate that it showed to TLS: its subject's common name is the registration id, and it is one of those in the
 * individual enrollment, or a chain leads from it to an authority of a group's. Whether the enrollment is enabled is
 * not asked here: that is for the registration to tell. Protocol reference 7.1 and 7.3.
 *
 * Knows:  the enrollments in the store.
 * Time:   wall clock, given with each call.
 */

#include "base/certificate.h"
#include "devhub/dps/enrollment.h"

#define ATTESTATION_SKEW_USEC (5 * USEC_PER_MIN) /* a token that is over by less is still taken */

typedef struct AttestationRequest {
        const char *id_scope;        /* ours */
        const char *said_scope;      /* the client's */
        const char *registration_id; /* as the client spells it */
        const char *token;           /* "SharedAccessSignature sr=..."; "": none */
        usec_t wall_now;
        const Certificate *certificate; /* that it showed; or NULL */
} AttestationRequest;

enum {
        _ATTESTATION_E_SUCCESS,
        ATTESTATION_E_REFUSED,
        ATTESTATION_E_INVALID_CERTIFICATE, /* likewise, of one that came with a certificate alone */
};

/* Refused: *ret_reason (static) is for the log; the client is told nothing but which of the two it is. */
int attestation_check(Store *store, const AttestationRequest *request, Enrollment *ret, const char **ret_reason);

/* The keys of one device, by an enrollment of keys: those of its individual enrollment, or derived from the group's.
 * Secrets. registration_id: in lower case. */
int attestation_keys(const Enrollment *enrollment, const char *registration_id, char **ret_primary,
                     char **ret_secondary);
