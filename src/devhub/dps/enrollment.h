/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Enrollment - which devices may be provisioned, by which keys or certificates, and how
 *
 * An individual enrollment is for one registration id and holds the device's own keys, or its own certificates. A
 * group is for every device whose key was derived from the group's, or whose certificate was signed with the group's.
 * An individual one comes before any group. (The spelling is that of the API.)
 *
 * Time: wall clock, given with each call.
 *
 * Holds secrets: wiped when done.
 */

#include "base/clock.h"
#include "devhub/hub/store.h"

typedef enum EnrollmentKind {
        ENROLLMENT_INDIVIDUAL,
        ENROLLMENT_GROUP,
} EnrollmentKind;

typedef enum AttestationType {
        ATTESTATION_SYMMETRIC_KEY,
        ATTESTATION_X509,
        _ATTESTATION_TYPE_MAX,
        _ATTESTATION_TYPE_INVALID = -22,
} AttestationType;

const char *attestation_type_to_string(AttestationType type);
AttestationType attestation_type_from_string(const char *name);

typedef enum Allocation {
        ALLOCATION_HASHED,
        ALLOCATION_GEO_LATENCY,
        ALLOCATION_STATIC,
        _ALLOCATION_MAX,
        _ALLOCATION_INVALID = -22,
} Allocation;

const char *allocation_to_string(Allocation allocation);
Allocation allocation_from_string(const char *name);

typedef struct Enrollment {
        EnrollmentKind kind;
        char *id;                   /* the registration id in lower case, or the group's id */
        char *device_id;            /* or NULL: the registration id */
        AttestationType attestation;
        char *primary_key;          /* base64; "" in one of certificates */
        char *secondary_key;
        char *primary_certificate;  /* PEM: the device's, or of a group the authority; or NULL */
        char *secondary_certificate;
        bool disabled;
        bool keep_assignment;       /* a device that comes again is not assigned anew */
        bool reset_data;            /* one that moves to another hub begins with the initial twin */
        bool iot_edge;
        Allocation allocation;
        char *iot_hub;              /* or NULL */
        char *iot_hubs;             /* host names, a comma between; NULL: every hub that is linked */
        char *initial_twin;         /* JSON, or NULL */
        char *device_information;   /* JSON that goes back as it came; or NULL */
        char *etag;
        usec_t created_usec;
        usec_t updated_usec;
} Enrollment;

void enrollment_done(Enrollment *enrollment);

enum {
        _ENROLLMENT_E_SUCCESS,
        ENROLLMENT_E_UNKNOWN,
        ENROLLMENT_E_EXISTS,
        ENROLLMENT_E_CHANGED,        /* its etag is another one */
        ENROLLMENT_E_NO_CERTIFICATE, /* it is to go by certificates, and none is given or known */
};

int enrollment_prepare(Store *store);

/* if_match NULL: it must be new; "*": it must be there; else it must have that etag. Keys that are NULL or empty are
 * drawn for a new one, and stay as they are for one that is there; certificates too, when none is given. Fills in
 * keys, certificates, etag and times. */
int enrollment_put(Store *store, Enrollment *enrollment, const char *if_match, usec_t wall_now);
int enrollment_find(Store *store, EnrollmentKind kind, const char *id, Enrollment *ret);
/* if_match NULL: whatever it is. Its registrations go with it. */
int enrollment_delete(Store *store, EnrollmentKind kind, const char *id, const char *if_match);

/* At most limit of those behind after (NULL: from the first), by their ids. A negative answer ends the walk and is
 * returned; a positive one ends it, and 0 is. */
typedef int (*EnrollmentVisitor)(void *userdata, const Enrollment *enrollment);
int enrollment_each(Store *store, EnrollmentKind kind, const char *after, unsigned limit, EnrollmentVisitor visit,
                    void *userdata);

/* May devices be assigned to this hub? */
bool enrollment_allows_hub(const Enrollment *enrollment, const char *host);
