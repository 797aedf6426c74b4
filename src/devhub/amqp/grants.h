/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Grants - what the tokens that a connection has shown allow on it
 *
 * A token comes by SASL PLAIN or by put-token; any number, each for a resource and all below it, and access judges
 * it. A grant outlives its token by ACCESS_GRACE_USEC, as links do (protocol reference 1.5).
 *
 * Time: wall clock.
 */

#include "devhub/amqp/house.h"
#include "devhub/hub/access.h"

typedef struct Grant {
        char *path; /* of the resource, behind the host; "": the hub with everything */
        Access access;
} Grant;

typedef struct Grants {
        const char *peer; /* for the log, borrowed */
        Grant *items;
        size_t n_items;
} Grants;

void grants_done(Grants *grants);

enum {
        _GRANTS_E_SUCCESS,
        GRANTS_E_REFUSED,
};

/* GRANTS_E_REFUSED: *ret_reason (static) says why. A token for a resource replaces an earlier one of its policy. */
int grants_put(Grants *grants, const AmqpHouse *house, const char *token, const char **ret_reason);
/* user: {policy}@sas.root.{hub}. False: not let in, and the log knows why. */
bool grants_add_plain(Grants *grants, const AmqpHouse *house, const char *user, const char *password);

bool grants_any(const Grants *grants); /* false: it is a stranger */
/* path: behind the host; "": anything at all will do */
bool grants_allow(const Grants *grants, unsigned right, const char *path);
usec_t grants_next_end(const Grants *grants); /* USEC_INFINITY: none ends */
unsigned grants_expire(Grants *grants, usec_t wall_now); /* how many went */
