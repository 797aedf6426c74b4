/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Linked hub - another hub that devices may be assigned to
 *
 * A devhub of its own on the same machine, known by its name and its state directory. Its store is opened for as long
 * as something is written there, and committed by itself: ours must not be locked meanwhile, since that hub may have
 * linked this one.
 *
 * Knows: what the settings point to.
 */

#include "devhub/hub/state-dir.h"
#include "devhub/hub/store.h"

#define LINKED_HUBS_MAX     50
#define LINKED_HUB_HOST_MAX 253

typedef struct LinkedHub {
        char host[LINKED_HUB_HOST_MAX + 1];
        const char *directory;
} LinkedHub;

typedef struct LinkedHubs {
        LinkedHub all[LINKED_HUBS_MAX];
        size_t n;
        /* A running server is to cut the links of a device that was taken from its hub. */
        void (*forget)(const StateDir *dir, const char *device_id);
} LinkedHubs;

/* hubs NULL: there are none. NULL: it is none of them. */
const LinkedHub *linked_hubs_find(const LinkedHubs *hubs, const char *host);

typedef struct LinkedStore {
        StateDir dir;
        Store store;
} LinkedStore;

/* Whatever fails with a linked hub is -EREMOTEIO, and in the log. */
int linked_hubs_check(const LinkedHubs *hubs); /* can each of them be reached? */
int linked_store_open(LinkedStore *ret, const LinkedHub *hub); /* with its transaction open */
int linked_store_commit(LinkedStore *store, const LinkedHub *hub, int error); /* unless error says that it failed */
void linked_store_done(LinkedStore *store); /* what is not committed is undone */

/* The device leaves it, and its links are cut; nothing if it is not there. */
int linked_hub_remove(const LinkedHubs *hubs, const LinkedHub *hub, const char *device_id);
