/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Number - doubles as text, and text as doubles
 *
 * The text is the shortest decimal that reads back to the same double, in JSON's grammar (21.5, 1e-7, -0).
 * Infinity and NaN have no text. Independent of the locale.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NUMBER_TEXT_MAX 32

/* Both ends are in. */
typedef struct NumberRange {
        bool is_set; /* else any will do */
        double low, high;
} NumberRange;

static inline bool number_range_has(const NumberRange *range, double x)
{
        return !range->is_set || (x >= range->low && x <= range->high);
}

/* Returns the length, without the NUL. x must be finite. */
size_t number_format(double x, char text[static NUMBER_TEXT_MAX]);

/* With that many decimals, at most NUMBER_DECIMALS_MAX, rounded: 12.345 with 2 is "12.35" or "12.34", as its
 * double lies. Returns the length. x must be finite. */
#define NUMBER_DECIMALS_MAX   15u
#define NUMBER_FIXED_TEXT_MAX 336
size_t number_format_fixed(double x, unsigned decimals, char text[static NUMBER_FIXED_TEXT_MAX]);

/* To so many decimals, however few of them it needs as text. What that many cannot tell stays as it is. */
double number_rounded(double x, unsigned decimals);
/* How many it has: the fewest that tell it but for the noise of a multiplication, which made 48.312 of 48312. Above
 * NUMBER_DECIMALS_MAX: nobody wrote it, it was computed. x must be finite. */
unsigned number_decimals(double x);

/* The mean of n numbers, of which one has so many decimals and none has more, as it is to be told: with as many more as
 * n has digits. More of them say nothing: n times it, rounded as they are, is their sum. If they have more than
 * NUMBER_DECIMALS_MAX, nobody knows how many mean anything, and it stays as it is. */
double number_mean(double mean, uint64_t n, unsigned decimals);

/* The whole of text must be a decimal number (blanks around it are allowed). -EINVAL if it is not, -ERANGE if
 * it is not finite as a double. */
int number_parse(const char *text, double *ret);
