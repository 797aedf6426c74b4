/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Guest - a client that has come to be provisioned, by whichever door, and what it asks
 *
 * Who may not be provisioned is let in all the same, and hears so when it asks: that is how the real service does it.
 * What it asks is answered with a status, perhaps a time to wait, and JSON.
 *
 * Owns:   its texts.
 * Knows:  the hub, of whose store the enrollments are; no sockets.
 */

#include "devhub/dps/enrollment.h"
#include "devhub/dps/registration.h"
#include "devhub/hub/hub.h"

#define GUEST_MESSAGE_MAX ((size_t)96 * 1024)

typedef struct Guest {
        char *registration_id; /* in lower case; NULL: refused */
        const char *refusal;   /* in words (static), when it is */
        usec_t ends_usec;      /* wall clock: when its token is not taken any more; USEC_INFINITY: it came without */
        Certificate *certificate; /* that it came with, and no token; or NULL */
        char *enrollment_id;   /* by which it was attested */
        EnrollmentKind enrollment_kind;
} Guest;

typedef struct GuestAnswer {
        int status;
        unsigned retry_after; /* seconds; 0: none */
        char *operation_id;   /* that is still under way; or NULL */
        Buffer body;
} GuestAnswer;

void guest_done(Guest *guest);
void guest_answer_done(GuestAnswer *answer);

/* From its user name, and its token or its certificate (NULL: none). *ret_reason (static): why it is refused, "" if it
 * is not. Negative: it cannot be told. */
int guest_attest(const Hub *hub, const char *said_scope, const char *registration_id, const char *token,
                 const Certificate *certificate, Guest *ret, const char **ret_reason);

/* All always answer, and have committed what they answer. operation_id: NULL when the client left it out. */
void guest_register(const Guest *guest, const Hub *hub, const char *body, size_t size, GuestAnswer *ret);
void guest_look(const Guest *guest, const Hub *hub, GuestAnswer *ret); /* the registration as it stands */
void guest_poll(const Guest *guest, const Hub *hub, const char *operation_id, size_t size, GuestAnswer *ret);
