/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Unsubscribe - the one packet that is not left to the library: mosquitto-client.c. Pure.
 */

#include "base/macro.h"

#define UNSUBSCRIBE_FILTER_MAX 512
#define UNSUBSCRIBE_MAX        (3 + 2 + 2 + UNSUBSCRIBE_FILTER_MAX)

/* Gives its size. filter: no longer than above. */
size_t unsubscribe_make(uint8_t packet[static UNSUBSCRIBE_MAX], const char *filter, int mid);
