/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * SASL - how a service says who it is before it speaks AMQP, if it says it there at all
 *
 * Offers MSSBCBS PLAIN ANONYMOUS EXTERNAL, as the hub does. PLAIN carries a policy and its token and is judged
 * at once, by the desk; the others are let in as nobody, to put their token by `$cbs`. So is a client that begins with
 * the bare AMQP header (trap 39): whoever may do nothing does no harm.
 */

#include <proton/transport.h>

#include "base/macro.h"

typedef struct SaslDesk {
        /* PLAIN: user and password as they came. False: not let in. */
        bool (*plain)(void *userdata, const char *user, const char *password);
        void *userdata;
} SaslDesk;

/* Before the first byte, on a transport that is a server's. The desk is borrowed. */
void sasl_serve(pn_transport_t *transport, const SaslDesk *desk);
