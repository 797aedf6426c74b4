/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Key - what identities and policies sign their tokens with, as base64
 */

#include "base/macro.h"

int key_make(char **ret); /* 32 bytes of chance */

/* Keys that callers bring may have 16 to 64 bytes. */
bool key_is_valid(const char *text);
