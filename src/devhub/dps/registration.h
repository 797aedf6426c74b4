/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Registration - a device on its way to a hub, and where it came to be
 *
 *   register ──► ASSIGNING ── half a second ──► ASSIGNED | FAILED | DISABLED        (again at each register)
 *
 * What becomes of it is decided at once, from the enrollment as it stands then; it is told half a second later, so
 * that a client that asks early hears "assigning" once more, as it would from the real service.
 *
 * One that is assigned is an identity of its hub's (settlement): of this one, or of one that is linked. A device stays
 * with its hub as long as the enrollment allows that (reprovisionedToInitialAssignment). One whose hub is another now
 * (the enrollment's hubs have changed, or this hub has another name, or a fault has sent it away) is moved there with
 * its twin, or begins anew, or stays where it was, as the enrollment wants it.
 *
 * Time:   wall clock, given with each call.
 */

#include "base/certificate.h"
#include "devhub/dps/enrollment.h"
#include "devhub/dps/linked-hub.h"

#define REGISTRATION_RETRY_AFTER_S 3

typedef enum RegistrationStatus {
        REGISTRATION_ASSIGNING,
        REGISTRATION_ASSIGNED,
        REGISTRATION_FAILED,
        REGISTRATION_DISABLED,
        _REGISTRATION_STATUS_MAX,
} RegistrationStatus;

const char *registration_status_to_string(RegistrationStatus status);

typedef enum Substatus {
        SUBSTATUS_INITIAL_ASSIGNMENT,
        SUBSTATUS_DEVICE_DATA_MIGRATED,
        SUBSTATUS_DEVICE_DATA_RESET,
        SUBSTATUS_REPROVISIONED,
        _SUBSTATUS_MAX,
} Substatus;

const char *substatus_to_string(Substatus substatus);

typedef struct Registration {
        char *id; /* lower case */
        EnrollmentKind enrollment_kind;
        char *enrollment_id;
        RegistrationStatus status;
        Substatus substatus;    /* of one that is assigned; as the three below */
        char *assigned_hub;     /* NULL: it has never been assigned */
        char *device_id;        /* likewise */
        unsigned error_code;    /* of one that has failed */
        char *left_hub;         /* where it has just been something else; or NULL: */
        char *left_device;
        char *certificate;      /* PEM: that it was attested by; NULL: by a key */
        char *operation_id;
        char *etag;
        usec_t created_usec;
        usec_t updated_usec;
} Registration;

void registration_done(Registration *registration);

/* In words; "" for 0. */
const char *registration_error_message(unsigned error_code);

enum {
        _REGISTRATION_E_SUCCESS,
        REGISTRATION_E_UNKNOWN,
        REGISTRATION_E_CHANGED, /* its etag is another one */
};

int registration_prepare(Store *store);

typedef struct RegistrationRequest {
        const Enrollment *enrollment; /* that the device has been attested for */
        const Certificate *certificate; /* by which, in an enrollment of certificates */
        const char *id;               /* in lower case */
        const char *host;             /* this hub's name */
        const char *elsewhere;        /* that of another one, to be assigned to instead (a fault); or NULL */
        usec_t wall_now;
        const LinkedHubs *linked_hubs; /* or NULL */
} RegistrationRequest;

/* Registers the device, or does so anew, and gives its state: assigning. No transaction is open when there are linked
 * hubs. Once it is committed, what it left is told of: ret->left_hub. */
int registration_begin(Store *store, const RegistrationRequest *request, Registration *ret);

int registration_find(Store *store, const char *id, usec_t wall_now, Registration *ret);
int registration_delete(Store *store, const char *id, const char *if_match); /* if_match NULL: whatever it is */

/* Those of one group, as enrollment_each(). */
typedef int (*RegistrationVisitor)(void *userdata, const Registration *registration);
int registration_each(Store *store, const char *group_id, const char *after, unsigned limit, usec_t wall_now,
                      RegistrationVisitor visit, void *userdata);
