/* SPDX-License-Identifier: Apache-2.0 */
#include "model/status.h"

const char *disk_state_to_string(DiskState state)
{
        switch (state) {
        case DISK_WELL:
                return "well";
        case DISK_FULL:
                return "full";
        case DISK_STALLED:
                return "stalled";
        case DISK_READ_ONLY:
                return "read-only";
        case DISK_FAILED:
                return "failed";
        case DISK_IN_USE:
                return "in-use";
        case _DISK_STATE_MAX:
        case _DISK_STATE_INVALID:
                break;
        }
        return NULL;
}

const char *sensor_fault_to_string(SensorFault fault)
{
        switch (fault) {
        case SENSOR_FAULT_OTHER:
                return "other";
        case SENSOR_FAULT_TIMEOUT:
                return "timeout";
        case SENSOR_FAULT_NAK:
                return "nak";
        case SENSOR_FAULT_CRC:
                return "crc";
        case SENSOR_FAULT_UNPLUGGED:
                return "unplugged";
        case SENSOR_FAULT_DRIVER_HELD:
                return "driver-held";
        case _SENSOR_FAULT_MAX:
        case _SENSOR_FAULT_INVALID:
                break;
        }
        return NULL;
}

const char *sensor_state_to_string(SensorState state)
{
        switch (state) {
        case SENSOR_OK:
                return "ok";
        case SENSOR_FAILING:
                return "failing";
        case SENSOR_STALE:
                return "stale";
        case SENSOR_STOPPED:
                return "stopped";
        case _SENSOR_STATE_MAX:
        case _SENSOR_STATE_INVALID:
                break;
        }
        return NULL;
}
