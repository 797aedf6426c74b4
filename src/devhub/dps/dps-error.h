/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * DPS error - what goes wrong with provisioning, in the service's numbers
 *
 * The first three digits are the status that an answer goes out with. 401002, 404201 and 404202 have been seen of the
 * real service; what follows them is made after their pattern. Pure.
 */

#include "base/buffer.h"
#include "base/clock.h"

typedef enum DpsError {
        DPS_ERROR_BAD_REQUEST = 400004,
        DPS_ERROR_UNAUTHORIZED = 401002,
        DPS_ERROR_ENROLLMENT_NOT_FOUND = 404201,
        DPS_ERROR_GROUP_NOT_FOUND = 404202,
        DPS_ERROR_REGISTRATION_NOT_FOUND = 404203,
        DPS_ERROR_OPERATION_NOT_FOUND = 404204,
        DPS_ERROR_ENROLLMENT_EXISTS = 409201,
        DPS_ERROR_GROUP_EXISTS = 409202,
        DPS_ERROR_PRECONDITION_FAILED = 412201,
        DPS_ERROR_TOO_LARGE = 413001,
        DPS_ERROR_THROTTLED = 429001,
        DPS_ERROR_SERVER = 500001,
} DpsError;

int dps_error_status(DpsError error);
const char *dps_error_message(DpsError error);

/* Appends {"errorCode","trackingId","message","timestampUtc"}. message NULL: that of the error. */
void dps_error_write(Buffer *b, DpsError error, const char *message, usec_t wall_now);
