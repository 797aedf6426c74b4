/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/hub/admission.h"

static int throttle(Admission *ret, usec_t wait_usec, const char *reason)
{
        *ret = (Admission){SERVICE_ERROR_THROTTLING, reason, wait_usec};
        return ADMISSION_E_THROTTLED;
}

static int refuse_for_quota(Admission *ret, const char *reason)
{
        *ret = (Admission){SERVICE_ERROR_QUOTA_EXCEEDED, reason, 0};
        return ADMISSION_E_QUOTA;
}

int hub_admit_by_limits(const Hub *hub, Operation operation, size_t size, AdmissionManner manner, Admission *ret)
{
        usec_t wait_usec;
        int k;

        *ret = (Admission){};
        if (!hub->limits || operation == OPERATION_NONE)
                return 0;
        k = limits_admit(hub->limits, operation, size, manner == ADMISSION_CAN_WAIT, &wait_usec);
        if (k == LIMITS_E_THROTTLED)
                return throttle(ret, wait_usec, "Too many requests for the hub's tier");
        if (k == LIMITS_E_QUOTA)
                return refuse_for_quota(ret, "The daily quota is used up, until 00:00 UTC");
        ret->wait_usec = wait_usec;
        return k;
}

int hub_admit(const Hub *hub, Operation operation, const char *device_id, size_t size, AdmissionManner manner,
              Admission *ret)
{
        const Fault *fault = hub_strike(hub, FAULT_THROTTLE, device_id);

        *ret = (Admission){};
        if (fault && manner == ADMISSION_AT_ONCE)
                return throttle(ret, fault->delay_usec, "Throttled, by a fault");
        if (fault)
                ret->wait_usec = fault->delay_usec;
        else if (operation_is_billed(operation) && hub_strike(hub, FAULT_QUOTA, device_id))
                return refuse_for_quota(ret, "The daily quota is used up, by a fault");
        return fault ? 0 : hub_admit_by_limits(hub, operation, size, manner, ret);
}
