/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Stuck - one thing that a part has asked and that does not answer, such as a disk or a device
 */

#include "base/clock.h"
#include "base/thread-ids.h"

typedef struct Stuck {
        const char *what;  /* in words, if there is more to say than the part's name; borrowed, the same as long as
                            * it is stuck, and of nothing else */
        usec_t since;      /* boot clock */
        ThreadIds threads; /* which do not come back */
} Stuck;
