/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Status diff - which properties changed since we last told
 *
 * What was told is remembered as one number per property: a number as itself, a text or a map by its hash.
 * So nothing is copied and nothing dangles. Pure.
 *
 * OldestAge is not among them: it grows by itself, and to tell so each second would wake every listener. Nor is
 * QueueFill: the signal Pressure tells of it when it matters.
 */

#include "model/status.h"

typedef enum ManagerProperty {
        MANAGER_LINK_STATE,
        MANAGER_LINK_REASON,
        MANAGER_LINK_DETAIL,
        MANAGER_LINK_SINCE,
        MANAGER_NEXT_ATTEMPT,
        MANAGER_HUB,
        MANAGER_DEVICE_ID,
        MANAGER_SEND_STATE,
        MANAGER_QUEUE_RECORDS,
        MANAGER_QUEUE_BYTES,
        MANAGER_DISK_STATE,
        MANAGER_DISK_ERROR,
        MANAGER_IN_FLIGHT,
        MANAGER_LAST_ACKNOWLEDGED,
        MANAGER_LEDGER,
        MANAGER_DROPPED,
        MANAGER_REFUSED,
        MANAGER_MALFORMED_ORDERS,
        MANAGER_ORDERS,
        MANAGER_METHOD_CHANGES,
        MANAGER_ALARMS,
        MANAGER_SETTINGS_PROBLEM,
        MANAGER_STATE_PROBLEM,
        MANAGER_QUEUE_PROBLEM,
        MANAGER_METRICS_PROBLEM,
        MANAGER_TWIN_PROBLEM,
        _MANAGER_PROPERTY_MAX,
} ManagerProperty;

/* Told at once; the others are counters. */
#define MANAGER_LINK_PROPERTIES ((1u << (MANAGER_DEVICE_ID + 1)) - 1)
#define MANAGER_COUNTERS        (((1u << _MANAGER_PROPERTY_MAX) - 1) & ~MANAGER_LINK_PROPERTIES)

typedef enum SensorProperty {
        SENSOR_PROPERTY_STATE,
        SENSOR_PROPERTY_VALUES,
        SENSOR_PROPERTY_UNITS,
        SENSOR_PROPERTY_TIME,
        SENSOR_PROPERTY_ERRORS,
        SENSOR_PROPERTY_ERROR_KINDS,
        SENSOR_PROPERTY_LAST_ERROR,
        SENSOR_PROPERTY_INTERVAL,
        _SENSOR_PROPERTY_MAX,
} SensorProperty;

typedef struct ManagerTold {
        uint64_t of[_MANAGER_PROPERTY_MAX];
} ManagerTold;

typedef struct SensorTold {
        uint64_t of[_SENSOR_PROPERTY_MAX];
} SensorTold;

/* The set of changed properties, as bits, which are taken as told from now on. Only those in `among` are
 * looked at. */
unsigned manager_diff(ManagerTold *told, const Status *status, unsigned among);
unsigned sensor_diff(SensorTold *told, const SensorStatus *sensor);

/* Their names, ended by NULL. */
void manager_property_names(unsigned properties, const char *names[static _MANAGER_PROPERTY_MAX + 1]);
void sensor_property_names(unsigned properties, const char *names[static _SENSOR_PROPERTY_MAX + 1]);
