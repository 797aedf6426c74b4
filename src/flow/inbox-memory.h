/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Inbox memory - messages that are done, so that none of them comes a second time
 *
 * The oldest first. While the inbox is being read it grows as need be; then the last INBOX_DONE_MAX are kept. Pure.
 *
 * Owns:   its array.
 */

#include "flow/inbox-record.h"

typedef struct InboxMemory {
        InboxDone *done;
        size_t n, allocated;
} InboxMemory;

void inbox_memory_done(InboxMemory *m);
/* One that is there already stays where it is. -ENOMEM */
int inbox_memory_add(InboxMemory *m, const InboxDone *done);
void inbox_memory_trim(InboxMemory *m, size_t n_max); /* the oldest go */
bool inbox_memory_has_id(const InboxMemory *m, uint64_t id);
bool inbox_memory_has_key(const InboxMemory *m, const InboxKey *key);
/* One of that key which came after this id. */
bool inbox_memory_has_later(const InboxMemory *m, const InboxKey *key, uint64_t id);
