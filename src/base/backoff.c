/* SPDX-License-Identifier: Apache-2.0 */
#include "base/backoff.h"

#include <sys/random.h>

static uint64_t system_draw(void *userdata)
{
        uint64_t v;

        while (getrandom(&v, sizeof(v), 0) != (ssize_t)sizeof(v))
                ;
        return v;
}

const Random random_system = {system_draw, NULL};

usec_t backoff_next(Backoff *b, const Random *random)
{
        usec_t ceiling = b->first_usec;

        for (unsigned i = 0; i < b->tries && ceiling < b->max_usec; i++)
                ceiling = usec_add(ceiling, ceiling);
        ceiling = MIN(ceiling, MIN(b->max_usec, USEC_INFINITY - 1));
        if (b->tries < UINT32_MAX)
                b->tries++;
        return MAX(random->draw(random->userdata) % (ceiling + 1), MIN(b->floor_usec, ceiling));
}
