/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Meter - the messages that were billed today
 *
 * Counted by operation, for the whole hub, until midnight UTC by the hub's own clock. Kept in the store with what
 * was billed: whoever ends a transaction writes the meter first, and takes it back if the transaction is undone. So
 * neither a restart nor a kill moves it.
 *
 * Knows:  the store.
 * Time:   wall clock, given with each call.
 */

#include "devhub/hub/store.h"
#include "devhub/hub/tier.h"

typedef struct Meter {
        Store *store;
        int64_t day; /* since 1970-01-01 */
        uint64_t billed[_OPERATION_MAX];
        uint64_t total;
        bool changed; /* since it was written */
} Meter;

int meter_prepare(Store *store);
int meter_open(Meter *m, Store *store, usec_t wall_now);

/* verbs; negative errno: the store failed, and the transaction is to be undone */
int meter_turn_to(Meter *m, usec_t wall_now); /* another day may have begun */
int meter_add(Meter *m, Operation operation, uint64_t n, usec_t wall_now);
int meter_write(Meter *m); /* into the open transaction, or a new one */
int meter_take_back(Meter *m); /* the transaction was undone */
