/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Outcome - how a message to a device came to its end, and who wants to hear of it
 *
 * Pure.
 */

#include "base/macro.h"

/* What a sender wants to hear of: the words of iothub-ack. */
typedef enum AckMode {
        ACK_NONE,
        ACK_POSITIVE,
        ACK_NEGATIVE,
        ACK_FULL,
        _ACK_MODE_MAX,
        _ACK_MODE_INVALID = -1,
} AckMode;

const char *ack_mode_to_string(AckMode mode);
AckMode ack_mode_from_string(const char *text);

typedef enum Outcome {
        OUTCOME_SUCCESS,
        OUTCOME_EXPIRED,
        OUTCOME_DELIVERY_COUNT_EXCEEDED,
        OUTCOME_REJECTED,
        OUTCOME_PURGED,
        _OUTCOME_MAX,
} Outcome;

const char *outcome_to_string(Outcome outcome); /* the word on the wire */
bool outcome_is_wanted(Outcome outcome, AckMode mode);
