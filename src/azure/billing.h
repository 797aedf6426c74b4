/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Billing - how many messages the hub counts for one
 *
 * It counts started chunks (protocol reference 2.5): 5 KiB are two messages, nothing at all is one. What belongs to
 * the size is known to whoever has the message. Said here once, for those who fill chunks and for those who bill them.
 */

#include <stddef.h>
#include <stdint.h>

#define BILLING_CHUNK      ((size_t)4096)
#define BILLING_CHUNK_FREE ((size_t)512) /* of the free tier */

static inline uint64_t billed_messages(size_t size, size_t chunk)
{
        return size <= chunk ? 1 : (size - 1) / chunk + 1;
}
