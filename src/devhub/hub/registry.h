/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Registry - the identities and policies of the hub, in the store
 *
 * Read at each CONNECT, so that what a command changes counts at once.
 */

#include "devhub/hub/identity.h"
#include "devhub/hub/store.h"

enum {
        _REGISTRY_E_SUCCESS,
        REGISTRY_E_UNKNOWN,   /* there is no such identity or policy; the judge's JUDGE_E_UNKNOWN */
        REGISTRY_E_EXISTS,
        REGISTRY_E_NO_DEVICE, /* a module needs its device first */
};

/* Makes the policies of a new hub: iothubowner, service, device, registryRead, registryReadWrite. */
int registry_prepare(Store *store);

/* With new keys. */
int registry_create(Store *store, const char *device_id, const char *module_id, Identity *ret);
int registry_set_keys(Store *store, const char *device_id, const char *module_id, const char *primary_key,
                      const char *secondary_key);
int registry_delete(Store *store, const char *device_id, const char *module_id); /* a device with its modules */
int registry_find(Store *store, const char *device_id, const char *module_id, Identity *ret);
int registry_find_policy(Store *store, const char *name, Policy *ret);

/* In order of their ids. A negative answer ends the walk and is returned. */
typedef int (*RegistryVisitor)(void *userdata, const Identity *identity);
int registry_each(Store *store, RegistryVisitor visit, void *userdata);
