/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Bus - the chips that hang on the adapter's wire
 *
 * Where two answer at one address, which a multiplexer that was left open brings about, the wire has what neither of them
 * said: a line that one pulls low is low.
 */

#include "base/clock.h"
#include "chip.h"

#define BUS_CHIPS_MAX 40

typedef struct Bus {
        unsigned number; /* its chips say so too */
        Chip chips[BUS_CHIPS_MAX];
        size_t n;
} Bus;

Chip *bus_find(Bus *b, const char *name); /* NULL: there is none */

/* One message, and how late its end is. false: nobody acknowledged it; then ones were read. */
bool bus_write(Bus *b, unsigned address, const uint8_t *bytes, size_t n, usec_t now, usec_t *ret_late);
bool bus_read(Bus *b, unsigned address, uint8_t *bytes, size_t n, usec_t now, usec_t *ret_late);
