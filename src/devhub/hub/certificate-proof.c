/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/hub/certificate-proof.h"

static bool has_thumbprint(const Certificate *certificate, const char *thumbprint)
{
        return thumbprint && certificate_has_thumbprint(certificate, thumbprint);
}

const char *certificate_proof_fault(const Certificate *certificate, const Identity *identity, usec_t wall_now,
                                    CertificateVouches vouches, void *userdata)
{
        if (!certificate)
                return "it showed no certificate";
        if (!certificate_is_valid_at(certificate, wall_now))
                return "its certificate has ended, or has not begun";
        if (identity->authentication == AUTHENTICATION_SELF_SIGNED)
                return has_thumbprint(certificate, identity->primary_thumbprint) ||
                                       has_thumbprint(certificate, identity->secondary_thumbprint)
                               ? NULL
                               : "its certificate has neither of its thumbprints";
        if (!certificate_is_for(certificate, identity->device_id))
                return "the common name of its certificate is not its id";
        return vouches(userdata, certificate, wall_now) == 1 ? NULL
                                                             : "no authority that the hub knows is behind its "
                                                               "certificate";
}
