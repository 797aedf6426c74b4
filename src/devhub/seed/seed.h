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
 * All of it is written, or nothing. What the hub has already and is the same stays untouched, so that seeding twice
 * changes nothing; a member that a record does not say, and a key that is "", are as they are. What is different is
 * refused, unless it is to be replaced. dump.h writes the same document.
 */

#include "base/clock.h"
#include "devhub/hub/store.h"

typedef struct SeedFile {
        const char *name;      /* for words */
        const char *directory; /* where files that it names are looked for */
        const char *text;
        size_t size;
} SeedFile;

/* An identity of the hub that is another one now: its links are to be cut. module_id NULL: the device. */
typedef void (*SeedChanged)(void *userdata, const char *device_id, const char *module_id);

typedef struct SeedOrder {
        SeedFile file;
        bool replace;
        usec_t wall_now;
        SeedChanged changed; /* or NULL; told when all is written, before it is committed */
        void *userdata;
} SeedOrder;

typedef struct SeedTally {
        unsigned n_new, n_changed, n_same;
} SeedTally;

/* The tables that it writes to. */
int seed_prepare(Store *store);

/* Joins the open transaction; the caller commits. -EBADMSG: nothing may be committed, and the words appended to error
 * name file, line and member. */
int seed_plant(Store *store, const SeedOrder *order, SeedTally *ret, Buffer *error);
