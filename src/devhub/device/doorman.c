/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/device/doorman.h"

#include <errno.h>

#include "base/log.h"
#include "devhub/hub/admission.h"

bool doorman_connect(const Hub *hub, Link *link, SessionGrant *ret)
{
        LinkNotes *notes = link_notes(link);
        Admission a;
        int k;

        if (notes->admitted) /* it has waited */
                return true;
        k = hub_admit_by_limits(hub, OPERATION_CONNECT, 0, ADMISSION_CAN_WAIT, &a);
        if (k != 0) {
                ret->hang_up = true;
                ret->reason = "429002 ThrottleBacklogLimitExceeded: too many connect at a time";
                return false;
        }
        notes->admitted = true;
        ret->wait_usec = a.wait_usec;
        return a.wait_usec == 0;
}

/* At QoS 1 the sender will try again; at QoS 0 it never knows. */
static int refuse_for_rate(Link *link, const SessionEvent *event)
{
        if (event->qos == 0)
                return SESSION_E_LOST;
        link_close(link, "429002 ThrottleBacklogLimitExceeded: too many events");
        return -EBUSY;
}

int doorman_event(const Hub *hub, Link *link, const SessionEvent *event, usec_t *ret_delay_usec)
{
        Admission a;
        int k = hub_admit(hub, OPERATION_D2C_SEND, link_verdict(link)->device_id, event->size, ADMISSION_CAN_WAIT, &a);

        switch (k) {
        case 0:
                *ret_delay_usec = a.wait_usec;
                return 0;
        case ADMISSION_E_THROTTLED:
                return refuse_for_rate(link, event);
        case ADMISSION_E_QUOTA:
                link_close(link, "403002 IotHubQuotaExceeded");
                return -EDQUOT;
        default:
                return k;
        }
}
