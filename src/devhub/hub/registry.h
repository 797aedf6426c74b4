/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Registry - the identities of the hub, in the store
 *
 * Read at each CONNECT, so that what a command changes counts at once. A change writes; it does not commit, save for
 * registry_prepare().
 */

#include "base/clock.h"
#include "devhub/hub/identity.h"
#include "devhub/hub/store.h"

#define REGISTRY_MODULES_MAX 50 /* of a device */

enum {
        _REGISTRY_E_SUCCESS,
        REGISTRY_E_UNKNOWN,   /* there is no such identity; the judge's JUDGE_E_UNKNOWN */
        REGISTRY_E_EXISTS,
        REGISTRY_E_NO_DEVICE, /* a module needs its device first */
        REGISTRY_E_TOO_MANY,  /* modules of one device */
        REGISTRY_E_CHANGED,   /* its etag is another one */
};

/* Makes the policies of a new hub. Brings the tables of an older one up to date. */
int registry_prepare(Store *store);

/* ---- changes ---- */

/* Keys that are "" are made, if it is authenticated by keys; generation and etag always are. */
int registry_add(Store *store, Identity *identity, usec_t wall_now);
/* As in registry_add(), but for the generation. if_match: what its etag must be, as an If-Match says it. */
int registry_update(Store *store, Identity *identity, const char *if_match, usec_t wall_now);
/* A device with its modules. if_match NULL: whatever its etag. */
int registry_remove(Store *store, const char *device_id, const char *module_id, const char *if_match);

/* The same for commands: committed at once, unless a transaction is open already. A new identity has new keys, and all
 * else as usual; a device is deleted with its modules. */
int registry_create(Store *store, const char *device_id, const char *module_id, Identity *ret);
int registry_delete(Store *store, const char *device_id, const char *module_id);

/* ---- questions ---- */

int registry_find(Store *store, const char *device_id, const char *module_id, Identity *ret);

/* In order of their ids. A negative answer ends the walk and is returned. */
typedef int (*RegistryVisitor)(void *userdata, const Identity *identity);
int registry_each(Store *store, RegistryVisitor visit, void *userdata); /* devices, each followed by its modules */
/* All devices, or all modules of all devices, behind the one that is named: "" for none. */
int registry_each_behind(Store *store, bool modules, const char *device_id, const char *module_id,
                         RegistryVisitor visit, void *userdata);
int registry_each_device(Store *store, unsigned max, RegistryVisitor visit, void *userdata);
int registry_each_module(Store *store, const char *device_id, RegistryVisitor visit, void *userdata);

typedef struct RegistryCount {
        unsigned n_devices, n_disabled; /* modules are not counted */
} RegistryCount;
int registry_count(Store *store, RegistryCount *ret);
int registry_count_all(Store *store, bool modules, uint64_t *ret); /* devices, or modules of all devices */
