/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Faults - how the hub has been told to misbehave
 *
 *   refuse-connect     CONNECT is answered with a code (3 unless told), or not at all (code 0); then the close
 *   cut                links are closed at once; while it lasts, so is each new one at its first packet. For all: also
 *                      the connections of services, new ones when TLS is up
 *   delay-puback       PUBACKs come late (1 s unless told), in order
 *   withhold-puback    events are stored and never acknowledged
 *   silent             links are heard and never answered, nor closed; what was struck stays so. For all: services too
 *   poison             the link closes at an event whose body holds a text, which is not stored
 *   reset              as cut, but with a TCP reset
 *   takeover           as cut, and told as if the identity had connected anew
 *   tls-stall          a connection is accepted and its TLS handshake never answered
 *   cert-wrong-name    the certificate shown is for another name
 *   cert-expired       ... ended days ago
 *   cert-new-ca        ... is of an authority that nobody knows yet
 *   clock-offset       the hub's clock is ahead or behind
 *   token-cut          links end when their token does, without the ten minutes of grace
 *   throttle           what can say so is answered with 429; PUBACKs come late
 *   quota              as if it were used up: CONNECT is accepted and the link cut at what it sends first; what is
 *                      billed and can say so is answered with 403
 *   duplicate          messages to devices are sent twice over MQTT
 *   method-no-answer   a device's answer to a direct method is lost
 *   twin-conflict      what the service changes in a twin is refused, as if another had been quicker
 *   dps-busy           who registers or asks for the outcome is answered with 429, and told to wait
 *   dps-reassign       who registers is assigned to another hub, and no longer a device of this one
 *
 * Each act on a link or a message is one strike. A rule ends with its strikes or its time, whichever is first;
 * one per fault and device. Pure.
 *
 * Time: boot clock.
 */

#include "base/buffer.h"
#include "base/clock.h"

typedef enum FaultKind {
        FAULT_REFUSE_CONNECT,
        FAULT_CUT,
        FAULT_DELAY_PUBACK,
        FAULT_WITHHOLD_PUBACK,
        FAULT_SILENT,
        FAULT_POISON,
        FAULT_RESET,
        FAULT_TAKEOVER,
        FAULT_TLS_STALL,
        FAULT_CERT_WRONG_NAME,
        FAULT_CERT_EXPIRED,
        FAULT_CERT_NEW_CA,
        FAULT_CLOCK_OFFSET,
        FAULT_TOKEN_CUT,
        FAULT_THROTTLE,
        FAULT_QUOTA,
        FAULT_DUPLICATE,
        FAULT_METHOD_NO_ANSWER,
        FAULT_TWIN_CONFLICT,
        FAULT_DPS_BUSY,
        FAULT_DPS_REASSIGN,
        _FAULT_KIND_MAX,
        _FAULT_KIND_INVALID = -22,
} FaultKind;

const char *fault_kind_to_string(FaultKind kind);
FaultKind fault_kind_from_string(const char *name);

/* What may be said of a fault beside its name. */
typedef enum FaultTrait {
        FAULT_FOR = 1 << 0,
        FAULT_COUNT = 1 << 1,
        FAULT_DEVICE = 1 << 2, /* it strikes one whose name is known; without: earlier, or the hub as a whole */
        FAULT_CODE = 1 << 3,
        FAULT_DELAY = 1 << 4,
        FAULT_MATCH = 1 << 5,
        FAULT_OFFSET = 1 << 6,
        FAULT_HUB = 1 << 7,
        FAULT_REGISTRATION = 1 << 8, /* the device is named by its registration id: it need not be there yet */
} FaultTrait;
unsigned fault_kind_traits(FaultKind kind);

typedef struct Fault {
        FaultKind kind;
        char *device_id;     /* NULL: every device */
        usec_t until_usec;   /* USEC_INFINITY: until cleared */
        uint64_t strikes_left; /* UINT64_MAX: without limit */
        uint64_t n_strikes;
        uint8_t code;        /* refuse-connect */
        usec_t delay_usec;   /* delay-puback, throttle, dps-busy */
        int64_t offset_usec; /* clock-offset; positive: ahead */
        char *match;         /* poison; NULL: every event */
        char *hub;           /* dps-reassign; NULL: one that is nowhere */
} Fault;

typedef struct Faults {
        Fault *rules;
        size_t n_rules;
} Faults;

/* Replaces the rule of the same fault and device. Copies the texts. */
int faults_set(Faults *faults, const Fault *fault);
void faults_clear(Faults *faults, FaultKind kind); /* _FAULT_KIND_MAX: all of them */
void faults_done(Faults *faults);
void faults_expire(Faults *faults, usec_t now); /* drops the rules that have ended */

/* Is the device to be struck now? Counts it. NULL: no. A rule for the device comes before one for all. */
const Fault *faults_strike(Faults *faults, FaultKind kind, const char *device_id, usec_t now);
/* Does such a rule stand for the device, or for every one? Counts nothing. NULL: no. */
const Fault *faults_look(Faults *faults, FaultKind kind, const char *device_id, usec_t now);
/* When the next rule ends by its time; USEC_INFINITY: none does. */
usec_t faults_deadline(const Faults *faults);
/* Is this event poison? Counts it. */
bool faults_poison(Faults *faults, const char *device_id, const void *body, size_t size, usec_t now);
