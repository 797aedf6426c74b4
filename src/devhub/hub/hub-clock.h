/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Hub clock - the hub's own opinion of the time
 *
 * The wall clock of the machine, moved: for good by an operator of a hub with a virtual clock, so that tokens, locks,
 * messages and quotas end within a test; for a while by a fault, so that the hub's clock is wrong. Waiting and
 * ordering (boot time) go on as they are.
 *
 * How far an operator moved it is a fact of the store, so that it does not fall back when the server starts again:
 * whether or not it may be moved then, until the hub is reset.
 */

#include "base/clock.h"
#include "devhub/hub/store.h"

#define HUB_CLOCK_FACT "clock_moved_usec"

typedef struct HubClock {
        Clock clock; /* first: what the hub's nouns are given */
        int64_t moved_usec, wrong_usec;
} HubClock;

void hub_clock_init(HubClock *clock);
/* As far as the store says it was moved. -EBADMSG: that is no number. */
int hub_clock_load(HubClock *clock, Store *store);
/* For good once the caller has committed; who cannot moves it back. */
int hub_clock_move(HubClock *clock, Store *store, int64_t by_usec);

/* For programs beside the server: what the hub takes for the time. The machine's where the store fails. */
usec_t hub_clock_wall(Store *store);
