/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Heap - how much the allocator keeps for the next time
 *
 * A window of messages is allocated and freed as one, some hundred KiB dozens of times a second while a backlog
 * drains. Left to itself the allocator gives each back to the kernel and takes it anew, zeroed page by page: a
 * quarter of the drain's CPU time. Kept is at most HEAP_KEPT beyond what is in use.
 */

#include <malloc.h>

#define HEAP_KEPT (2 * 1024 * 1024)

/* Once, at the start. One limit alone would fix the other at its small default: both are set. */
static inline void heap_keep(void)
{
        (void)mallopt(M_TRIM_THRESHOLD, HEAP_KEPT);
        (void)mallopt(M_MMAP_THRESHOLD, HEAP_KEPT / 2);
}
