/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Monitor - asks everyone, fills the Status
 */

#include "flow/audit.h"
#include "flow/collector.h"
#include "flow/dead-letters.h"
#include "flow/inbox.h"
#include "flow/methods.h"
#include "flow/rules.h"
#include "flow/twin.h"
#include "flow/uplink.h"
#include "hub/hub.h"
#include "model/sink.h"
#include "queue/queue.h"
#include "sensor/sensors.h"

typedef struct Monitor Monitor;

typedef struct MonitorPeers {
        const Queue *queue;
        const Hub *hub;
        const Collector *collector;
        const Uplink *uplink;
        const Sensors *sensors; /* may be NULL in tests */
        const DeadLetters *dead_letters; /* may be NULL in tests */
        const Inbox *inbox;              /* may be NULL in tests */
        const Twin *twin;                /* may be NULL in tests */
        const Audit *audit;              /* may be NULL in tests */
        const Methods *methods;          /* may be NULL in tests */
        const Rules *rules;              /* may be NULL in tests */
} MonitorPeers;

int monitor_new(Monitor **ret, const MonitorPeers *peers, const Clock *clock);
Monitor *monitor_free(Monitor *m);
DEFINE_CLEANUP(Monitor *, monitor_free);

/* Why the last reload was refused, copied; NULL: it was not. */
void monitor_tell_settings(Monitor *m, const char *problem);
/* What of the state folder cannot be read; NULL: nothing. Borrowed. */
void monitor_tell_state(Monitor *m, const char *problem);
/* Why metrics are not written or have no socket, copied; NULL: all is well. */
void monitor_tell_metrics(Monitor *m, const char *problem);

StatusSource monitor_status_source(Monitor *m);
