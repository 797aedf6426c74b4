/* SPDX-License-Identifier: Apache-2.0 */
#include "fake-clock.h"

static usec_t fake_boot(const Clock *clock)
{
        FakeClock *fake = container_of((Clock *)(uintptr_t)clock, FakeClock, clock);

        fake_clock_advance(fake, fake->step_usec);
        return fake->boot_usec;
}

static usec_t fake_wall(const Clock *clock)
{
        return container_of(clock, FakeClock, clock)->wall_usec;
}

static bool fake_synchronised(const Clock *clock)
{
        return container_of(clock, FakeClock, clock)->is_synchronised;
}

void fake_clock_init(FakeClock *fake)
{
        *fake = (FakeClock){
                .clock = {fake_boot, fake_wall, fake_synchronised},
                .boot_usec = USEC_PER_HOUR,
                .wall_usec = 1767225600 * USEC_PER_SEC,
                .is_synchronised = true,
        };
}

void fake_clock_advance(FakeClock *fake, usec_t usec)
{
        fake->boot_usec += usec;
        fake->wall_usec += usec;
}

/* splitmix64 */
static uint64_t fake_draw(void *userdata)
{
        FakeRandom *fake = userdata;
        uint64_t z = fake->state += 0x9e3779b97f4a7c15u;

        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
        z = (z ^ z >> 27) * 0x94d049bb133111ebu;
        return z ^ z >> 31;
}

void fake_random_init(FakeRandom *fake, uint64_t seed)
{
        *fake = (FakeRandom){{fake_draw, fake}, seed};
}
