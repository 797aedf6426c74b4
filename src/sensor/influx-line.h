/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Influx line - a line of InfluxDB's line protocol as a reading
 *
 *     weather,station=north,mast=2 wind=4.5,gusts=12i,calm=f,note="from west" 1763647200123000000
 *
 * The measurement is the sensor's name. Fields are channels: numbers, whole numbers (12i, 12u), truths and texts. Tags
 * are channels too, of text: nothing that a sender said gets lost, and no name has to be made up of several. Time is in
 * nanoseconds since 1970; what is below a microsecond is cut off.
 *
 * Names elsewhere are freer than ours: each character that is no letter, digit or _ becomes a _. A name that does not
 * begin with a letter, is longer than 32 characters or is one of t, s, q is refused; so are two that became the same.
 * Not taken: NaN and infinity, an unsigned number beyond 63 bits, and a text that goes on in the next line.
 *
 * Pure. Works in place (sensor/reading-line.h).
 */

#include "sensor/reading-line.h"

int influx_line_parse(char *text, size_t size, ReadingLine *ret);
