/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Devhub house - a hub's store in a folder of its own, and a clock that stands still
 */

#include "devhub/hub/store.h"
#include "fake-clock.h"

typedef struct DevhubHouse {
        char folder[32];
        int fd;
        Store store;
        FakeClock time;
} DevhubHouse;

/* With the devices d1, d2 and the module d1/m1. */
void devhub_house_open(DevhubHouse *house);
void devhub_house_reopen(DevhubHouse *house); /* what was not committed is gone */
void devhub_house_close(DevhubHouse *house);
