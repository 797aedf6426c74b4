/* SPDX-License-Identifier: Apache-2.0 */
#include "bus/status-diff.h"

#include <string.h>

static const char *const manager_names[_MANAGER_PROPERTY_MAX] = {
        [MANAGER_LINK_STATE] = "LinkState",
        [MANAGER_LINK_REASON] = "LinkReason",
        [MANAGER_LINK_DETAIL] = "LinkDetail",
        [MANAGER_LINK_SINCE] = "LinkSince",
        [MANAGER_NEXT_ATTEMPT] = "NextAttempt",
        [MANAGER_HUB] = "Hub",
        [MANAGER_DEVICE_ID] = "DeviceId",
        [MANAGER_SEND_STATE] = "SendState",
        [MANAGER_QUEUE_RECORDS] = "QueueRecords",
        [MANAGER_QUEUE_BYTES] = "QueueBytes",
        [MANAGER_DISK_STATE] = "DiskState",
        [MANAGER_DISK_ERROR] = "DiskError",
        [MANAGER_IN_FLIGHT] = "InFlight",
        [MANAGER_LAST_ACKNOWLEDGED] = "LastAcknowledged",
        [MANAGER_LEDGER] = "Ledger",
        [MANAGER_DROPPED] = "Dropped",
        [MANAGER_REFUSED] = "Refused",
        [MANAGER_MALFORMED_ORDERS] = "MalformedOrders",
        [MANAGER_ORDERS] = "Orders",
        [MANAGER_METHOD_CHANGES] = "MethodChanges",
        [MANAGER_ALARMS] = "Alarms",
        [MANAGER_SETTINGS_PROBLEM] = "SettingsProblem",
        [MANAGER_STATE_PROBLEM] = "StateProblem",
        [MANAGER_QUEUE_PROBLEM] = "QueueProblem",
        [MANAGER_METRICS_PROBLEM] = "MetricsProblem",
        [MANAGER_TWIN_PROBLEM] = "TwinProblem",
};

static const char *const sensor_names[_SENSOR_PROPERTY_MAX] = {
        [SENSOR_PROPERTY_STATE] = "State",   [SENSOR_PROPERTY_VALUES] = "Values",
        [SENSOR_PROPERTY_UNITS] = "Units",   [SENSOR_PROPERTY_TIME] = "Time",
        [SENSOR_PROPERTY_ERRORS] = "Errors", [SENSOR_PROPERTY_ERROR_KINDS] = "ErrorKinds",
        [SENSOR_PROPERTY_LAST_ERROR] = "LastError", [SENSOR_PROPERTY_INTERVAL] = "Interval",
};

/* FNV-1a, 64 bits. */
#define HASH_BEGIN 14695981039346656037u

static uint64_t hash(uint64_t h, const void *data, size_t size)
{
        const uint8_t *p = data;

        for (size_t i = 0; i < size; i++)
                h = (h ^ p[i]) * 1099511628211u;
        return h;
}

static uint64_t hash_text(uint64_t h, const char *s)
{
        return s ? hash(h, s, strlen(s) + 1) : hash(h, "", 1);
}

static uint64_t hash_alarms(const Status *s)
{
        uint64_t h = HASH_BEGIN;

        for (size_t i = 0; i < s->n_alarms; i++) {
                const RaisedAlarm *a = &s->alarms[i];

                h = hash_text(hash_text(hash_text(h, a->sensor), a->channel), a->state);
                h = hash(hash(h, &a->limit, sizeof(a->limit)), &a->since_usec, sizeof(a->since_usec));
        }
        return h;
}

static uint64_t manager_print(const Status *s, ManagerProperty p)
{
        switch (p) {
        case MANAGER_LINK_STATE:
                return (uint64_t)s->link_state;
        case MANAGER_LINK_REASON:
                return (uint64_t)s->link_reason;
        case MANAGER_LINK_DETAIL:
                return hash_text(HASH_BEGIN, s->link_detail);
        case MANAGER_LINK_SINCE:
                return s->link_since_usec;
        case MANAGER_NEXT_ATTEMPT:
                return s->next_attempt_usec;
        case MANAGER_HUB:
                return hash_text(HASH_BEGIN, s->hub);
        case MANAGER_DEVICE_ID:
                return hash_text(HASH_BEGIN, s->device_id);
        case MANAGER_SEND_STATE:
                return s->busy;
        case MANAGER_QUEUE_RECORDS:
                return s->queue.records;
        case MANAGER_QUEUE_BYTES:
                return s->queue.bytes;
        case MANAGER_DISK_STATE:
                return (uint64_t)s->queue.disk_state;
        case MANAGER_DISK_ERROR:
                return hash_text(HASH_BEGIN, s->queue.disk_error);
        case MANAGER_IN_FLIGHT:
                return s->in_flight;
        case MANAGER_LAST_ACKNOWLEDGED:
                return s->last_acknowledged_usec;
        case MANAGER_LEDGER:
                return hash(hash(HASH_BEGIN ^ s->queue.unknown, &s->ledger.accepted, sizeof(s->ledger.accepted)),
                            s->ledger.settled, sizeof(s->ledger.settled));
        case MANAGER_DROPPED:
                return hash(HASH_BEGIN ^ s->queue.unknown, s->ledger.settled + OUTCOME_QUEUE_FULL,
                            (OUTCOME_DISK + 1 - OUTCOME_QUEUE_FULL) * sizeof(s->ledger.settled[0]));
        case MANAGER_REFUSED:
                return hash(HASH_BEGIN, s->refused, sizeof(s->refused));
        case MANAGER_MALFORMED_ORDERS:
                return s->malformed_orders;
        case MANAGER_ORDERS:
                return s->orders;
        case MANAGER_METHOD_CHANGES:
                return s->method_changes;
        case MANAGER_ALARMS:
                return hash_alarms(s);
        case MANAGER_SETTINGS_PROBLEM:
                return hash_text(HASH_BEGIN, s->settings_problem);
        case MANAGER_STATE_PROBLEM:
                return hash_text(HASH_BEGIN, s->state_problem);
        case MANAGER_QUEUE_PROBLEM:
                return hash_text(HASH_BEGIN, s->queue_problem);
        case MANAGER_METRICS_PROBLEM:
                return hash_text(HASH_BEGIN, s->metrics_problem);
        case MANAGER_TWIN_PROBLEM:
                return hash_text(HASH_BEGIN, s->twin.problem);
        case _MANAGER_PROPERTY_MAX:
                break;
        }
        return 0;
}

static uint64_t hash_value(uint64_t h, const Value *v)
{
        h = hash(h, &v->kind, sizeof(v->kind));
        switch (v->kind) {
        case VALUE_NUMBER:
                return hash(h, &v->number, sizeof(v->number));
        case VALUE_INTEGER:
                return hash(h, &v->integer, sizeof(v->integer));
        case VALUE_BOOLEAN:
                return hash(h, &v->boolean, sizeof(v->boolean));
        case VALUE_TEXT:
                return hash_text(h, v->text);
        case _VALUE_KIND_MAX:
                break;
        }
        return h;
}

static uint64_t hash_values(const SensorStatus *s)
{
        uint64_t h = HASH_BEGIN;

        for (size_t i = 0; i < s->n_values; i++)
                h = hash_value(hash_text(h, s->values[i].name), &s->values[i].value);
        return h;
}

static uint64_t hash_units(const SensorStatus *s)
{
        uint64_t h = HASH_BEGIN;

        for (size_t i = 0; s->units && i < s->n_values; i++)
                h = hash_text(hash_text(h, s->values[i].name), s->units[i]);
        return h;
}

static uint64_t sensor_print(const SensorStatus *s, SensorProperty p)
{
        switch (p) {
        case SENSOR_PROPERTY_STATE:
                return (uint64_t)s->state;
        case SENSOR_PROPERTY_VALUES:
                return hash_values(s);
        case SENSOR_PROPERTY_UNITS:
                return hash_units(s);
        case SENSOR_PROPERTY_TIME:
                return s->time_usec;
        case SENSOR_PROPERTY_ERRORS:
                return s->errors;
        case SENSOR_PROPERTY_ERROR_KINDS:
                return hash(HASH_BEGIN, s->faults, sizeof(s->faults));
        case SENSOR_PROPERTY_LAST_ERROR:
                return hash_text(HASH_BEGIN, s->last_error);
        case SENSOR_PROPERTY_INTERVAL:
                return s->interval_usec;
        case _SENSOR_PROPERTY_MAX:
                break;
        }
        return 0;
}

unsigned manager_diff(ManagerTold *told, const Status *status, unsigned among)
{
        unsigned changed = 0;

        for (unsigned p = 0; p < _MANAGER_PROPERTY_MAX; p++) {
                uint64_t print;

                if (!(among & 1u << p))
                        continue;
                print = manager_print(status, (ManagerProperty)p);
                if (print != told->of[p])
                        changed |= 1u << p;
                told->of[p] = print;
        }
        return changed;
}

unsigned sensor_diff(SensorTold *told, const SensorStatus *sensor)
{
        unsigned changed = 0;

        for (unsigned p = 0; p < _SENSOR_PROPERTY_MAX; p++) {
                uint64_t print = sensor_print(sensor, (SensorProperty)p);

                if (print != told->of[p])
                        changed |= 1u << p;
                told->of[p] = print;
        }
        return changed;
}

static void put_names(unsigned properties, const char *const *all, unsigned n_all, const char **names)
{
        for (unsigned p = 0; p < n_all; p++)
                if (properties & 1u << p)
                        *names++ = all[p];
        *names = NULL;
}

void manager_property_names(unsigned properties, const char *names[static _MANAGER_PROPERTY_MAX + 1])
{
        put_names(properties, manager_names, _MANAGER_PROPERTY_MAX, names);
}

void sensor_property_names(unsigned properties, const char *names[static _SENSOR_PROPERTY_MAX + 1])
{
        put_names(properties, sensor_names, _SENSOR_PROPERTY_MAX, names);
}
