/* SPDX-License-Identifier: Apache-2.0 */

/* queue: what lies on disk, and what it costs. */

#include "ctl/offline.h"

static const Command rows[] = {
        {.name = "stats", .run = command_queue_stats},
        {.name = "inspect", .run = queue_inspect},
        {.name = "verify", .run = queue_verify},
        {.name = "export", .run = queue_export},
};

int command_queue(const Options *options, int argc, char **argv)
{
        return run_group(rows, ARRAY_SIZE(rows), options, argc, argv);
}
