/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Judge - may this client connect, and as whom
 *
 * Reads a CONNECT as IoT Hub does (protocol reference 1.3 to 1.9): host, ids, api-version, and then the token's scope,
 * signature and expiry, or the certificate that was shown to TLS. Every failure of authentication is CONNACK 5,
 * whatever the cause; the cause goes into the log here, where the real hub keeps it to itself. Pure: identities come
 * through the desk, the time from the caller.
 */

#include "base/certificate.h"
#include "base/clock.h"
#include "devhub/hub/identity.h"
#include "devhub/hub/policies.h"
#include "devhub/mqtt/mqtt-packet.h"

enum {
        CONNACK_ACCEPTED = 0,
        CONNACK_VERSION = 1,
        CONNACK_UNAVAILABLE = 3,
        CONNACK_NOT_AUTHORIZED = 5,
};

/* Where identities and policies are looked up. */
typedef struct JudgeDesk {
        int (*find_identity)(void *userdata, const char *device_id, const char *module_id, Identity *ret);
        int (*find_policy)(void *userdata, const char *name, Policy *ret);
        /* 1: an authority that the hub knows is behind it; 0: none is. */
        int (*vouches)(void *userdata, const Certificate *certificate, usec_t wall_now);
        void *userdata;
} JudgeDesk;

enum {
        _JUDGE_E_SUCCESS,
        JUDGE_E_UNKNOWN, /* the desk does not know it */
};

typedef struct Verdict {
        uint8_t code;       /* of the CONNACK */
        const char *reason; /* for the log, static; "" when accepted */

        /* who it is; device_id may be set on a refusal as well, for the log */
        char *device_id;
        char *module_id; /* or NULL */
        char *generation_id;
        char *auth_method; /* the JSON text that every event of the link carries */
        char *model_id;    /* or NULL */
        char *product;     /* or NULL */
        usec_t ends_usec;  /* wall clock: when the link is cut at the latest, grace included */
} Verdict;

/* Always gives a verdict; trouble of our own is CONNACK 3. certificate: the client's; or NULL. */
void judge_connect(const MqttConnect *connect, const Certificate *certificate, const char *host, usec_t wall_now,
                   const JudgeDesk *desk, Verdict *ret);
void verdict_done(Verdict *verdict);
