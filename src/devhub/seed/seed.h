/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Seed - a hub's devices, enrollments and authorities from one JSON document
 *
 *   {"devices": [{<registry record>, "twin": {"tags": {}, "properties": {"desired": {}}},
 *                 "modules": [{<registry record>, "twin": {}}]}],
 *    "enrollments": [{<REST JSON>}], "enrollmentGroups": [{<REST JSON>}],
 *    "certificateAuthorities": [{"name": "", "file": "ca.pem"} or {"name": "", "certificate": "PEM"}]}
 *
 * All of it is written, or nothing. Where a server runs, it is tried out before (rehearsal.h), and then written some at
 * a time, so that the server never waits long for the store: only what somebody else changes meanwhile, or a kill, can
 * leave a part of a long document, and seeding it again brings the rest. What the hub has already and is the same stays
 * untouched, so that seeding twice changes nothing; a member that a record does not say, and a key that is "", are as
 * they are. What is different is refused, unless it is to be replaced. dump.h writes the same document.
 */

#include <json-c/json.h>

#include "base/clock.h"
#include "devhub/hub/store.h"

typedef struct SeedFile {
        const char *name;      /* for words */
        const char *directory; /* where files that it names are looked for */
        const char *text;
        size_t size;
} SeedFile;

/* What became another in an identity of the hub, as far as one that is connected has to do with it. */
typedef struct SeedChange {
        const char *device_id, *module_id; /* module_id NULL: the device itself */
        bool disabled;                     /* the device with its modules */
        bool credentials;                  /* it is authenticated in another way, or by other keys or certificates */
        json_object *desired;              /* the patch with its $version, or NULL */
} SeedChange;

/* It is committed. */
typedef void (*SeedChanged)(void *userdata, const SeedChange *change);

typedef struct SeedOrder {
        SeedFile file;
        bool replace;
        bool served; /* a server has the store open and is not to wait long for it */
        usec_t wall_now;
        SeedChanged changed; /* or NULL */
        void *userdata;
} SeedOrder;

typedef struct SeedTally {
        unsigned n_new, n_changed, n_same;
} SeedTally;

/* The tables that it writes to. */
int seed_prepare(Store *store);

/* In transactions of its own. -EBADMSG: it was not written, and the words appended to error name file, line and
 * member. */
int seed_plant(Store *store, const SeedOrder *order, SeedTally *ret, Buffer *error);
