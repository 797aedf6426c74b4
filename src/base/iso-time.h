/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * ISO time - an instant as ISO 8601 text in UTC
 */

#include "base/clock.h"

#define ISO_TIME_MAX 32

/* "2026-01-01T00:00:00.123Z", always 24 characters up to the year 9999; later times are written as that year's
 * last millisecond. Returns the length, without the NUL. */
size_t iso_time_format(usec_t wall_usec, char text[static ISO_TIME_MAX]);

/* "2026-01-01T00:00:00.1234560Z", seven digits, always 28 characters: for readers that take no other form. */
size_t iso_time_format_7(usec_t wall_usec, char text[static ISO_TIME_MAX]);

/* "2026-01-31T12:00:00Z", with or without seconds and a fraction of them; instead of Z an offset "+01:00". -EINVAL:
 * it is none; -ERANGE: it is before 1970. */
int iso_time_parse(const char *text, usec_t *ret_wall_usec);
