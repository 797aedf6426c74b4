/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Quantity - times and sizes as people write them
 *
 * Times: a whole number and one of us ms s min h d; sizes: a whole number and one of B K M G, by 1024.
 * Without a unit it is seconds, or bytes. One blank may stand between number and unit. What is printed reads
 * back to the same value.
 */

#include "base/buffer.h"
#include "base/clock.h"

/* The whole of text. -EINVAL: not a quantity; -ERANGE: more than 64 bits hold. */
int quantity_parse_time(const char *text, usec_t *ret);
int quantity_parse_size(const char *text, uint64_t *ret);

/* In the largest unit that leaves a whole number: "90s", "4min", "256M". Infinity is "never". */
void quantity_print_time(Buffer *b, usec_t t);
void quantity_print_size(Buffer *b, uint64_t size);
