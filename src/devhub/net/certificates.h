/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Certificates - the one that the hub shows, and those that a fault makes it show
 *
 * The bad ones are made when they are first asked for, in folders of their own beneath the state directory: wrong-name,
 * expired, new-ca. A client that is to trust the new authority is given new-ca/ca.pem.
 *
 * Owns:   the TLS servers.
 */

#include "base/clock.h"
#include "base/tls-server.h"
#include "devhub/hub/fault.h"
#include "devhub/hub/state-dir.h"

typedef struct Certificates {
        StateDir *dir; /* borrowed */
        const char *host;
        TlsServer *good, *wrong_name, *expired, *new_ca;
} Certificates;

/* Makes the good one, or finds it. What failed is in the log. */
int certificates_open(Certificates *c, StateDir *dir, const char *host, usec_t wall_now);
void certificates_done(Certificates *c);

/* Sees to it that there is one for this fault; nothing for faults that need none. What failed is in the log. */
int certificates_prepare(Certificates *c, FaultKind fault, usec_t wall_now);
/* The one to show under this fault, prepared before; _FAULT_KIND_MAX: the good one. */
TlsServer *certificates_get(const Certificates *c, FaultKind fault);
