/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A checkpoint of any bytes. What is believed of it, written again, reads the same.
 */

#include <string.h>

#include "fuzz.h"
#include "queue/checkpoint.h"

static Checkpoint first, second;

/* Without anything in them they are left out. */
static const unsigned written_when_full = CHECKPOINT_NOTICES | CHECKPOINT_BOOTS;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        uint8_t bytes[CHECKPOINT_BYTES_MAX];
        size_t n, n_ranges = 0;

        if (size > CHECKPOINT_BYTES_MAX || checkpoint_decode(&first, data, size) != 0)
                return 0;
        promise(first.n_ranges <= CHECKPOINT_RANGES);
        for (unsigned id = 0; id < RECORD_STREAMS; id++)
                promise(strlen(first.streams[id].name) <= NAME_LENGTH_MAX);
        for (size_t i = 0; i < first.n_ranges; i++)
                promise(first.ranges[i].first <= first.ranges[i].last && first.ranges[i].id < RECORD_STREAMS &&
                        first.ranges[i].tag < CHECKPOINT_TAGS);
        n = checkpoint_encode(&first, first.sections, bytes, sizeof(bytes), &n_ranges);
        if (n == 0 || n_ranges < first.n_ranges)
                return 0; /* the same section told twice may take less room than what came of it */
        promise(checkpoint_decode(&second, bytes, n) == 0);
        promise((second.sections | written_when_full) == (first.sections | written_when_full));
        promise(second.n_ranges == first.n_ranges);
        promise(second.n_notices == first.n_notices);
        promise(second.sequence == first.sequence && second.epoch == first.epoch);
        promise(memcmp(second.ranges, first.ranges, first.n_ranges * sizeof(first.ranges[0])) == 0);
        for (unsigned id = 0; id < RECORD_STREAMS; id++) {
                const CheckpointStream *a = &first.streams[id], *b = &second.streams[id];

                promise(memcmp(a->name, b->name, sizeof(a->name)) == 0);
                promise(a->low == b->low && a->first == b->first && (a->first == 0 || a->gap == b->gap));
                promise(a->low == 0 || memcmp(a->counts, b->counts, sizeof(a->counts)) == 0);
        }
        return 0;
}
