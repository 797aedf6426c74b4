/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Fuzz - what every target has: one input in, nothing broken
 *
 * A target is built twice: with libFuzzer, which looks for inputs that reach new code, and with replay.c, which
 * plays those that it once found. A promise that does not hold ends the program.
 */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define promise(condition)                                                                                           \
        do {                                                                                                         \
                if (!(condition)) {                                                                                  \
                        (void)fprintf(stderr, "%s:%d: broken: %s\n", __FILE__, __LINE__, #condition);                \
                        abort();                                                                                     \
                }                                                                                                    \
        } while (0)
