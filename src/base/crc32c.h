/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * CRC32C - the Castagnoli checksum of RFC 3720, as every page of the queue carries it
 *
 * Uses the processor's instruction where there is one. crc32c(0, ...) begins; the result may be handed back
 * in to go on.
 */

#include <stddef.h>
#include <stdint.h>

uint32_t crc32c(uint32_t crc, const void *data, size_t size);
uint32_t crc32c_portable(uint32_t crc, const void *data, size_t size); /* the same by table; for the tests */
