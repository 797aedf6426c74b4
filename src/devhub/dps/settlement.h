/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Settlement - a device that is assigned becomes an identity of the hub
 *
 * It connects with what it was attested by: the keys, or, by a certificate, the thumbprint (selfSigned). A new identity
 * begins with the twin that it brings from another hub, or with the enrollment's initial one. One that is there stays
 * as it is but for its credentials, unless it is to begin anew.
 *
 * Time: wall clock, given with each call.
 */

#include "base/certificate.h"
#include "devhub/dps/enrollment.h"
#include "devhub/hub/twin.h"

typedef struct Settlement {
        const Enrollment *enrollment;
        const Certificate *certificate; /* in an enrollment of certificates */
        const char *registration_id;    /* in lower case */
        const char *device_id;
        bool begins_anew;
        const Twin *brought; /* or NULL */
        usec_t wall_now;
} Settlement;

/* Writes, and does not commit. */
int settlement_do(Store *store, const Settlement *settlement);
