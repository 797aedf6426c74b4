/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/dps/dps-error.h"

#include "base/iso-time.h"
#include "base/json.h"
#include "devhub/hub/draw.h"

int dps_error_status(DpsError error)
{
        return (int)error / 1000;
}

const char *dps_error_message(DpsError error)
{
        switch (error) {
        case DPS_ERROR_BAD_REQUEST:
                return "Bad request.";
        case DPS_ERROR_UNAUTHORIZED:
                return "Unauthorized";
        case DPS_ERROR_ENROLLMENT_NOT_FOUND:
                return "Enrollment not found.";
        case DPS_ERROR_GROUP_NOT_FOUND:
                return "Enrollment group not found.";
        case DPS_ERROR_REGISTRATION_NOT_FOUND:
                return "Registration not found.";
        case DPS_ERROR_OPERATION_NOT_FOUND:
                return "Operation not found.";
        case DPS_ERROR_ENROLLMENT_EXISTS:
                return "Enrollment already exists.";
        case DPS_ERROR_GROUP_EXISTS:
                return "Enrollment group already exists.";
        case DPS_ERROR_PRECONDITION_FAILED:
                return "Precondition failed.";
        case DPS_ERROR_TOO_LARGE:
                return "The message is larger than 96 KB.";
        case DPS_ERROR_THROTTLED:
                return "Operations are being throttled by the service.";
        case DPS_ERROR_SERVER:
                return "Internal server error.";
        }
        return "";
}

void dps_error_write(Buffer *b, DpsError error, const char *message, usec_t wall_now)
{
        _cleanup_free_ char *tracking_id = NULL;
        char now[ISO_TIME_MAX];

        (void)iso_time_format_7(wall_now, now);
        (void)draw_guid(&tracking_id);
        buffer_printf(b, "{\"errorCode\":%d,\"trackingId\":\"%s\",\"message\":", (int)error,
                      tracking_id ? tracking_id : "");
        json_string(b, message ? message : dps_error_message(error));
        buffer_printf(b, ",\"timestampUtc\":\"%s\"}", now);
}
