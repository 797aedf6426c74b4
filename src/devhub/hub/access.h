/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Access - what a shared access signature lets its bearer do
 *
 * A token of a policy (skn) has the policy's rights; a token signed with an identity's own key may act as that
 * identity and nothing else (protocol reference 1.4, 8.1). For every edge that is handed a token in words: HTTPS for
 * one call, AMQP's put-token and PLAIN for a connection (amqp/grants). CONNECT of MQTT has a judge of its own, who asks
 * more than that.
 */

#include "base/certificate.h"
#include "base/clock.h"
#include "devhub/hub/policies.h"

#define ACCESS_SKEW_USEC  (5 * USEC_PER_MIN)  /* a token that is over by less is still taken */
#define ACCESS_GRACE_USEC (10 * USEC_PER_MIN) /* how long a link may outlive its token */

typedef struct AccessRequest {
        const char *host;      /* the hub's */
        const char *device_id; /* whom the call is about; NULL: no one, or all */
        const char *module_id; /* or NULL */
        const char *path;      /* without a device: what is asked for, as "/messages/devicebound"; NULL: the hub */
        const char *token;     /* "SharedAccessSignature sr=..."; "": none, and what counts is: */
        const Certificate *certificate; /* that was shown to TLS; or NULL */
        usec_t wall_now;
} AccessRequest;

typedef struct Access {
        unsigned rights;  /* Right bits */
        char *policy;     /* its name; NULL: the identity's own key */
        bool by_certificate;
        usec_t ends_usec; /* wall clock: the token's end, without any grace; USEC_INFINITY: it came without */
} Access;

enum {
        _ACCESS_E_SUCCESS,
        ACCESS_E_REFUSED,
};

/* A device whose proof is a certificate may act as itself by showing it, and nothing else.
 *
 * ACCESS_E_REFUSED: *ret_reason (static) is for the log; callers are told "unauthorized", as the real hub does.
 * Whether the rights suffice is the caller's question. */
int access_check(Store *store, const AccessRequest *request, Access *ret, const char **ret_reason);
void access_done(Access *access);

/* A token of a policy alone, already parsed. What it is for is the caller's question as well. */
int access_check_policy(Store *store, const Token *token, usec_t wall_now, Access *ret, const char **ret_reason);
