/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Certificate proof - does a certificate that was shown to TLS prove that its bearer is the identity?
 *
 * By its thumbprint, or by its common name with an authority of the hub's behind it (protocol reference 1.9). One judge
 * for every door of devices. Pure: authorities are asked through the caller.
 */

#include "base/certificate.h"
#include "devhub/hub/identity.h"

/* 1: an authority that the hub knows is behind it; 0: none is. */
typedef int (*CertificateVouches)(void *userdata, const Certificate *certificate, usec_t wall_now);

/* Of an identity that is authenticated by certificate. NULL: it does; or why not (static). certificate NULL: none. */
const char *certificate_proof_fault(const Certificate *certificate, const Identity *identity, usec_t wall_now,
                                    CertificateVouches vouches, void *userdata);

static inline bool identity_has_certificates(const Identity *identity)
{
        return identity->authentication == AUTHENTICATION_SELF_SIGNED ||
               identity->authentication == AUTHENTICATION_CERTIFICATE_AUTHORITY;
}
