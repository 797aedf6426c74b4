/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/hub/outcome.h"

#include <string.h>

static const char *const ack_modes[_ACK_MODE_MAX] = {
        [ACK_NONE] = "none",
        [ACK_POSITIVE] = "positive",
        [ACK_NEGATIVE] = "negative",
        [ACK_FULL] = "full",
};

static const char *const outcomes[_OUTCOME_MAX] = {
        [OUTCOME_SUCCESS] = "Success",
        [OUTCOME_EXPIRED] = "Expired",
        [OUTCOME_DELIVERY_COUNT_EXCEEDED] = "DeliveryCountExceeded",
        [OUTCOME_REJECTED] = "Rejected",
        [OUTCOME_PURGED] = "Purged",
};

const char *ack_mode_to_string(AckMode mode)
{
        return ack_modes[mode];
}

AckMode ack_mode_from_string(const char *text)
{
        for (int i = 0; i < _ACK_MODE_MAX; i++)
                if (strcmp(text, ack_modes[i]) == 0)
                        return (AckMode)i;
        return _ACK_MODE_INVALID;
}

const char *outcome_to_string(Outcome outcome)
{
        return outcomes[CLAMP((int)outcome, 0, _OUTCOME_MAX - 1)];
}

bool outcome_is_wanted(Outcome outcome, AckMode mode)
{
        switch (mode) {
        case ACK_POSITIVE:
                return outcome == OUTCOME_SUCCESS;
        case ACK_NEGATIVE:
                return outcome != OUTCOME_SUCCESS;
        case ACK_FULL:
                return true;
        case ACK_NONE:
        case _ACK_MODE_MAX:
        case _ACK_MODE_INVALID:
                break;
        }
        return false;
}
