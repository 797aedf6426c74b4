/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Deliveries - what was sent to a client with QoS 1 and has not been acknowledged
 *
 * Each holds a packet identifier and the sender's tag. What is sent once more under its tag keeps its identifier, and
 * is a duplicate. A client may acknowledge every copy; the first of these acknowledgements counts. Pure.
 *
 * Owns:   its memory.
 */

#include "base/macro.h"

#define DELIVERIES_MAX 1024 /* far more than a device's queue holds */

typedef struct Delivery {
        uint16_t id;       /* never 0 */
        uint16_t n_copies; /* whose acknowledgement may still come */
        bool acknowledged; /* one copy was */
        uint64_t tag;
} Delivery;

typedef struct Deliveries {
        Delivery *under_way;
        size_t n, n_allocated;
        uint16_t last_id;
} Deliveries;

/* Gives the identifier to send it under. -ENOBUFS: too many are under way. */
int deliveries_add(Deliveries *d, uint64_t tag, uint16_t *ret_id, bool *ret_is_duplicate);
/* Acknowledged. 1: for the first time; 0: a copy of what was; -ENOENT: no such identifier is under way. */
int deliveries_take(Deliveries *d, uint16_t id, uint64_t *ret_tag);
void deliveries_done(Deliveries *d);
