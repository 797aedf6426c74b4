/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Poison world - a world in which messages may break the link, and what is asked of it
 *
 * There is one at a time.
 */

#include "world.h"

extern World w;

void poison_world_begin(void);
void poison_world_end(void);

/* The sensors whose messages are innocent: telemetry each second, alarms each three. */
void add_others(void);
/* The same, and wind each five. */
void add_sensors(void);
/* So many of telemetry, as fast as the queue takes them; this one is the poison, 0: none is. */
void read_many(int n, int poison);

uint64_t dead_letters(void);
Ledger ledger_of(const char *stream);
uint64_t missing(const char *stream); /* of what was accepted: has not arrived yet */
void run_until_dead(uint64_t n, usec_t at_most); /* so many dead letters there are then */

/* The link is well from here on: whatever broke it for hours, nobody is to blame, and in the end all is there. */
void assert_nobody_is_condemned(void);
