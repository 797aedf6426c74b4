/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Set aside - the way to the dead letters
 *
 * What the uplink asks of whoever keeps the records that the hub can never take.
 */

#include "model/ledger.h"

typedef struct SetAside {
        /* Takes them over: each gets this outcome once its copy is safe. Not 0: no room now. */
        int (*move)(void *userdata, unsigned stream, uint64_t first, uint64_t last, Outcome outcome,
                    const char *detail);
        bool (*is_reading)(void *userdata); /* leave queue_browse() to it */
        uint64_t (*moving)(void *userdata); /* records taken over that have no outcome yet */
        void *userdata;
} SetAside;
