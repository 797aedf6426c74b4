/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Name - of a sensor, a channel, a stream
 *
 * [A-Za-z][A-Za-z0-9_]*, at most 32 characters. So it fits a configuration key, a D-Bus object path, a JSON
 * member and a message id without any escaping.
 */

#include <stdbool.h>

#define NAME_LENGTH_MAX 32
#define METHOD_NAME_MAX 128

typedef char Name[NAME_LENGTH_MAX + 1];

bool name_is_valid(const char *name);

/* Of a channel: as above, and none of `t`, `s`, `q`, which stand beside the channels in a message. */
bool channel_name_is_valid(const char *name);
#define CHANNEL_NAME_TAKEN \
        "t, s and q stand for time, sensor and quality in a message; a longer name is free, such as temperature"

/* Of a direct method, or of a command with its component before it: printable ASCII, at most METHOD_NAME_MAX bytes,
 * without blanks and $ ( ) < > @ , ; : \ " / [ ] ? = { }: the hub passes on no call of another. */
bool name_is_of_method(const char *name);
#define METHOD_NAME_FAULT                                                                                            \
        "This is no name of a method: printable ASCII, at most 128 characters, without blanks and "                  \
        "$ ( ) < > @ , ; : \\ \" / [ ] ? = { }."
