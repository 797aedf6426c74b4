/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Twin - what the service wishes of a device and what the device says of itself, in the store
 *
 * One an identity, module or device; it comes into being with the first write, and goes with its identity, so that
 * one created again begins anew. Written in the transaction that is open; the caller commits.
 */

#include "base/clock.h"
#include "devhub/hub/store.h"
#include "devhub/hub/twin-patch.h"

#define TWIN_ETAG_MAX 16

typedef struct Twin {
        uint64_t version; /* grows by one with each change of any section */
        TwinSection tags, desired, reported;
        char *model_id; /* what the device named when it connected last, or NULL */
} Twin;

void twin_done(Twin *twin);
/* As JSON has it: without quotes. */
void twin_etag(const Twin *twin, char text[static TWIN_ETAG_MAX]);

enum {
        _TWIN_E_SUCCESS,
        TWIN_E_INVALID = TWIN_PATCH_E_INVALID, /* the words appended to error say why */
        TWIN_E_UNKNOWN,                        /* there is no such identity */
        TWIN_E_CHANGED,                        /* its etag is another one */
};

int twin_prepare(Store *store);

/* module_id NULL: the device's own. */
int twin_load(Store *store, const char *device_id, const char *module_id, Twin *ret);

/* From the device: given as it came. */
int twin_report(Store *store, const char *device_id, const char *module_id, json_object *given, usec_t wall_now,
                uint64_t *ret_version, Buffer *error);

/* From the service. A section that is not named stays as it is, or, where all is replaced, becomes empty; one that
 * is null becomes empty. */
typedef struct TwinChange {
        json_object *given; /* {"tags":{},"properties":{"desired":{}}}; what else it holds is passed over */
        bool replace;
        const char *if_match; /* the etag that it must have, in quotes or without; NULL or a star: any */
} TwinChange;

/* *ret_patch: what the device is to be told, with its $version; NULL: nothing. */
int twin_change(Store *store, const char *device_id, const char *module_id, const TwinChange *change, usec_t wall_now,
                Twin *ret, json_object **ret_patch, Buffer *error);

int twin_set_model(Store *store, const char *device_id, const char *module_id, const char *model_id);
