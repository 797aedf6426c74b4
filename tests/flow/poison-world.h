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

uint64_t dead_letters(void);
Ledger ledger_of(const char *stream);
uint64_t missing(const char *stream); /* of what was accepted: has not arrived yet */
void run_until_dead(uint64_t n, usec_t at_most); /* so many dead letters there are then */
