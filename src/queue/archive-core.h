/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The inside of an archive, for the files that it is made of. */

#include "queue/archive.h"
#include "queue/opening.h"

struct Archive {
        Disk *disk; /* the rehearsal */
        Opening *opening;
        const char *notes[_QUEUE_LANE_MAX][LANE_NOTES];
        Stream *streams[RECORD_STREAMS]; /* by identity; NULL: none of it */
        Slot **slots;                    /* by lane and generation, the free ones last */
        size_t n_slots;
};
