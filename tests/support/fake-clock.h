/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Fake clock - time is a variable
 */

#include "base/backoff.h"
#include "base/clock.h"

typedef struct FakeClock {
        Clock clock; /* first: hand out &fake->clock */
        usec_t boot_usec;
        usec_t wall_usec;
        bool is_synchronised;
        usec_t step_usec; /* it goes on by so much whenever somebody looks */
} FakeClock;

void fake_clock_init(FakeClock *fake); /* an hour after boot, 2026-01-01 00:00:00 UTC, synchronised */
void fake_clock_advance(FakeClock *fake, usec_t usec); /* boot and wall together */

/* Dice that fall the same way at each run. */
typedef struct FakeRandom {
        Random random;
        uint64_t state;
} FakeRandom;

void fake_random_init(FakeRandom *fake, uint64_t seed);
