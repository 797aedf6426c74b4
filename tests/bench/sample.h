/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Sample - what every side of a comparison sends: one JSON reading of 200 bytes
 */

#include <stddef.h>
#include <stdint.h>

#define SAMPLE_SIZE 200
#define KEEP_QUEUED 20000 /* samples in the queue ahead of the hub */

/* Exactly SAMPLE_SIZE bytes, without a NUL. */
void sample_write(char text[static SAMPLE_SIZE], uint64_t number);
