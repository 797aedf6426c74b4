/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Conversion - from a raw number to a value in its unit
 *
 * First the curve, if there is one: a polynomial, or a table between whose points a straight line is drawn. Then
 * scale, then offset, then what the value can be at most and at least. How many decimals of it mean anything is for the
 * one who tells it.
 *
 * Pure.
 */

#include "base/macro.h"
#include "base/number.h"

#define NUMBERS_MAX 8
#define POINTS_MAX  64

/* The coefficients of a polynomial: values[0] + values[1] x + values[2] x^2 ... */
typedef struct Numbers {
        unsigned n; /* 0: there is none */
        double values[NUMBERS_MAX];
} Numbers;

typedef struct Point {
        double raw, value;
} Point;

/* At least two points, whose raw numbers rise. Beyond both ends the last lines go on. */
typedef struct Curve {
        unsigned n; /* 0: there is none */
        Point points[POINTS_MAX];
} Curve;

typedef struct Conversion {
        Numbers polynomial;
        Curve table;
        double scale;
        double offset;
        NumberRange clamp;
        unsigned decimals; /* 0: not said */
} Conversion;

double numbers_polynomial(const Numbers *n, double x);
double curve_at(const Curve *c, double x);
/* How many mean anything once it is scaled: a hundredth of it has two more. 0, all that there are, stays 0. */
unsigned decimals_scaled(unsigned decimals, double scale);
double convert(const Conversion *c, double raw);
