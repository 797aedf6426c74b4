/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * JSON line - one flat JSON object as a reading
 *
 *     {"temperature":21.5,"door":"open","t":1763647200123,"s":"room"}
 *
 * Members are the channels: numbers, texts, true and false. Two are not: `t`, Unix time in milliseconds, and `s`, the
 * sensor's name. Objects, arrays and null within it are refused, a name twice too.
 *
 * A reader of its own and not json-c, which would clamp whole numbers beyond 64 bits, let the last of two equal
 * names win, and take five times as long; at thousands of lines a second that is felt. The tests hold it
 * against json-c: what json-c refuses is refused here.
 *
 * Pure. Works in place (sensor/reading-line.h).
 */

#include "sensor/reading-line.h"

int json_line_parse(char *text, size_t size, ReadingLine *ret);
