/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Trust - is the clock synchronised?
 *
 * That is a question to the kernel, too dear to ask for every reading: the answer is kept for a second.
 */

#include "base/clock.h"

typedef struct Trust {
        bool synchronised;
        usec_t until_usec; /* boot clock */
} Trust;

static inline bool trust_ask(Trust *t, const Clock *clock, usec_t now)
{
        if (now >= t->until_usec)
                *t = (Trust){clock_synchronised(clock), usec_add(now, USEC_PER_SEC)};
        return t->synchronised;
}
