/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Admission - may this be done now, asked at every door
 *
 * Faults are asked first, then the limits of the hub's tier, if it has one. A caller cannot tell one from the other,
 * save by the words: both come through here.
 */

#include "devhub/hub/hub.h"
#include "devhub/hub/limits.h"
#include "devhub/hub/service-error.h"

enum {
        _ADMISSION_E_SUCCESS,
        ADMISSION_E_THROTTLED = LIMITS_E_THROTTLED,
        ADMISSION_E_QUOTA = LIMITS_E_QUOTA,
};

typedef struct Admission {
        ServiceError error; /* of the refusal */
        const char *reason; /* for the caller; static */
        usec_t wait_usec;   /* admitted: but not before that; refused: when it may be asked again */
} Admission;

typedef enum AdmissionManner {
        ADMISSION_AT_ONCE,
        ADMISSION_CAN_WAIT, /* the caller can be made to wait instead of being refused */
} AdmissionManner;

/* size: of what is to be done, as far as it is known. device_id NULL: of none. Negative: the store failed. */
int hub_admit(const Hub *hub, Operation operation, const char *device_id, size_t size, AdmissionManner manner,
              Admission *ret);
/* The same for what faults have nothing to say to. */
int hub_admit_by_limits(const Hub *hub, Operation operation, size_t size, AdmissionManner manner, Admission *ret);

/* It was done: its messages count for today. On failure nothing of this turn is committed. */
static inline void hub_bill(const Hub *hub, Operation operation, size_t size)
{
        if (hub->limits && limits_bill(hub->limits, operation, size) < 0)
                hub_spoil(hub);
}
