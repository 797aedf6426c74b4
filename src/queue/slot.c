/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/slot.h"

#include <string.h>

bool slot_is_settled(const Slot *slot, Stream *const streams[static RECORD_STREAMS])
{
        for (size_t id = 0; id < RECORD_STREAMS; id++)
                if (slot->first[id] != 0 && streams[id] &&
                    !stream_all_settled(streams[id], slot->first[id], slot->end[id]))
                        return false;
        return true;
}

bool slot_is_in_hand(const Slot *slot, Stream *const streams[static RECORD_STREAMS])
{
        for (size_t id = 0; id < RECORD_STREAMS; id++)
                if (slot->first[id] != 0 && streams[id] &&
                    stream_any_in_hand(streams[id], slot->first[id], slot->end[id]))
                        return true;
        return false;
}

void slot_begin(Slot *slot, uint64_t segno)
{
        slot->state = SLOT_USED;
        slot->segno = segno;
        memset(slot->first, 0, sizeof(slot->first));
        memset(slot->end, 0, sizeof(slot->end));
        slot->joined = false;
        slot->guessed = false;
        slot->n_used = 1;
        slot->n_walk = 1;
        slot->tail = 0;
        slot->tail_commit = 0;
        slot->releasing = false;
}
