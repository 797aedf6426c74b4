/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Hub - what every door of the hub finds inside
 *
 * The store with its nouns, the clock, and the devices that are connected. HTTP, AMQP and the devices' desks are
 * given one; the server puts it together.
 *
 * Nouns write without committing: they join the transaction that telemetry of the same turn may have opened. Who
 * answers a caller calls hub_commit() first, and tells the caller of nothing that was not committed.
 */

#include <json-c/json.h>

#include "base/clock.h"
#include "devhub/hub/fault.h"
#include "devhub/hub/mailbox.h"
#include "devhub/hub/methods.h"
#include "devhub/hub/store.h"

/* The devices that are connected, as far as the inside needs to know. module_id: NULL for the device itself. */
typedef struct HubDevices {
        bool (*are_connected)(void *userdata, const char *device_id, const char *module_id);
        /* Deleted or disabled: what was kept of it is dropped, and its links are cut once this turn is committed; if it
         * is not, it stays. module_id NULL: with all modules. */
        void (*forget)(void *userdata, const char *device_id, const char *module_id);
        /* Wall clock: when it last sent something over its link; 0 if it has none. */
        usec_t (*last_activity)(void *userdata, const char *device_id, const char *module_id);
        unsigned (*n_connected)(void *userdata); /* devices, without modules */
        void *userdata;
} HubDevices;

/* Where devices hear of their twins. */
typedef struct HubTwins {
        /* The patch, with its $version, is committed. */
        void (*desired_changed)(void *userdata, const char *device_id, const char *module_id, uint64_t version,
                                json_object *patch);
        void *userdata;
} HubTwins;

typedef struct Hub {
        Store *store;
        const Clock *clock;
        const char *host; /* the name in certificates, user names and tokens */
        Mailbox *mailbox;
        Feedback *feedback;
        Faults *faults;
        Methods *methods;
        HubDevices devices;
        HubTwins twins;
        struct Limits *limits; /* of its tier; NULL: it has none. Asked by admission.h. */
        struct PollMeter *polls; /* of who is provisioned */
        struct Errands *errands; /* what is too long for one turn of the loop */
        const struct LinkedHubs *linked_hubs; /* that devices may be assigned to as well; NULL: none */
        int (*commit)(void *userdata); /* hub_commit() */
        void (*spoil)(void *userdata); /* hub_spoil() */
        void *userdata;
} Hub;

/* Negative: nothing of this turn was written, and store_error() says why. */
static inline int hub_commit(const Hub *hub)
{
        return hub->commit(hub->userdata);
}

/* A change of several steps failed in its middle: nothing of this turn may be committed. Who brought something in it is
 * not told that it is stored. */
static inline void hub_spoil(const Hub *hub)
{
        if (hub->spoil) /* a bench may have no turns */
                hub->spoil(hub->userdata);
}

/* Is this to go wrong now? Counts a strike. device_id NULL: no device is meant. NULL: no. */
static inline const Fault *hub_strike(const Hub *hub, FaultKind kind, const char *device_id)
{
        /* asked for every message: not even the clock is read where there are none */
        return hub->faults->n_rules > 0 ? faults_strike(hub->faults, kind, device_id, clock_boot(hub->clock)) : NULL;
}

static inline bool hub_is_connected(const Hub *hub, const char *device_id, const char *module_id)
{
        return hub->devices.are_connected(hub->devices.userdata, device_id, module_id);
}

static inline void hub_forget(const Hub *hub, const char *device_id, const char *module_id)
{
        hub->devices.forget(hub->devices.userdata, device_id, module_id);
}

static inline usec_t hub_last_activity(const Hub *hub, const char *device_id, const char *module_id)
{
        return hub->devices.last_activity(hub->devices.userdata, device_id, module_id);
}

static inline unsigned hub_n_connected(const Hub *hub)
{
        return hub->devices.n_connected(hub->devices.userdata);
}
