/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Formula - what a data sheet computes in more steps than a description can say
 *
 * A row is a name and a function: bytes of a measurement and the chip's own calibration in, a value out. Both come in
 * the order in which the chip has them; how many of them are needed stands in the row, and whoever calls has them.
 *
 * Pure.
 */

#include "base/macro.h"

typedef struct Formula {
        const char *name;
        unsigned bytes;       /* of the measurement */
        unsigned calibration; /* bytes of it */
        double (*value)(const uint8_t *bytes, const uint8_t *calibration);
} Formula;

const Formula *formula_find(const char *name); /* NULL: there is none */
const Formula *formula_at(size_t i);           /* NULL: there are no more */

/* formula-bmp280.c: 0xF7 to 0xFE of the chip (the first six have no humidity), and as calibration 0x88 to 0xA1, then
 * 0xE1 to 0xE7 (the first 24 have no humidity). */
double formula_bmp280_temperature(const uint8_t *bytes, const uint8_t *calibration); /* Cel */
double formula_bmp280_pressure(const uint8_t *bytes, const uint8_t *calibration);    /* Pa */
double formula_bme280_humidity(const uint8_t *bytes, const uint8_t *calibration);    /* %RH */
