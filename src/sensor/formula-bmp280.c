/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Bosch BMP280 and BME280: what the calibration of each single chip makes of its raw numbers.
 *
 * BST-BMP280-DS001, 3.11 and 3.12; BST-BME280-DS002, 4.2. Names of the calibration's words are theirs: T1 to T3, P1 to
 * P9, H1 to H6. All three values lean on the fine temperature, in steps of 1/5120 Cel.
 */

#include "sensor/formula.h"

#include "base/bytes.h"

#define FINE_PER_CEL 5120.0

/* Word i of a calibration that begins at 0x88. */
static double word(const uint8_t *calibration, unsigned i)
{
        return bytes_get16(calibration + 2 * i);
}

static double signed_word(const uint8_t *calibration, unsigned i)
{
        return (int16_t)bytes_get16(calibration + 2 * i);
}

/* 20 bits, the highest first, at the upper end of three bytes. */
static double raw20(const uint8_t *bytes)
{
        return (double)((unsigned)bytes[0] << 12 | (unsigned)bytes[1] << 4 | bytes[2] >> 4);
}

/* A parabola through T1, where the chip's zero lies. */
static double fine_temperature(const uint8_t *bytes, const uint8_t *calibration)
{
        double x = raw20(bytes + 3) / 16384 - word(calibration, 0) / 1024;

        return x * signed_word(calibration, 1) + x * x / 64 * signed_word(calibration, 2);
}

double formula_bmp280_temperature(const uint8_t *bytes, const uint8_t *calibration)
{
        return fine_temperature(bytes, calibration) / FINE_PER_CEL;
}

double formula_bmp280_pressure(const uint8_t *bytes, const uint8_t *calibration)
{
        const uint8_t *p = calibration + 6; /* P1 is its word 0 */
        double t = fine_temperature(bytes, calibration) / 2 - 64000, offset, span, pascal;

        /* both are parabolas over the temperature */
        offset = signed_word(p, 3) * 16 + (t * signed_word(p, 4) * 2 + t * t * signed_word(p, 5) / 32768) / 16384;
        span = word(p, 0) * (1 + (signed_word(p, 1) * t + signed_word(p, 2) * t * t / 524288) / 524288 / 32768);
        if (span == 0)
                return 0; /* a calibration of zeros: no chip has it */
        pascal = (1048576 - raw20(bytes) - offset) * 6250 / span;
        /* what is left is bent over the pressure itself */
        return pascal + (pascal * pascal * signed_word(p, 8) / 2147483648 + pascal * signed_word(p, 7) / 32768 +
                         signed_word(p, 6)) / 16;
}

/* H4 and H5 share a byte: twelve bits each, with a sign. */
static double signed12(unsigned high, unsigned low)
{
        return (int16_t)(high << 8 | low << 4) / 16;
}

double formula_bme280_humidity(const uint8_t *bytes, const uint8_t *calibration)
{
        const uint8_t *h = calibration + 26; /* from 0xE1 on */
        double h1 = calibration[25], h2 = signed_word(h, 0), h3 = h[2];
        double h4 = signed12(h[3], h[4] & 0x0f), h5 = signed12(h[5], h[4] >> 4), h6 = (int8_t)h[6];
        double raw = bytes[6] << 8 | bytes[7];
        double t = fine_temperature(bytes, calibration) - 76800;
        double x = raw - (h4 * 64 + h5 / 16384 * t);

        x *= h2 / 65536 * (1 + h6 / 67108864 * t * (1 + h3 / 67108864 * t));
        x *= 1 - h1 * x / 524288;
        return CLAMP(x, 0.0, 100.0);
}
