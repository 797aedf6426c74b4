/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Foreign - what stands in a lane's place, and is not the lane's
 *
 * A directory where a file should be, a pipe, a link, what another version wrote. It is not touched, nor followed, nor
 * does it hold anybody up: where it is in the way it goes aside under another name in the same directory, and the lane
 * begins anew. Each such thing is noted for the log, with what is to be done about it.
 *
 * Withheld is what may well be ours: a slot or a lane that another user owns. What it holds was accepted, and its
 * numbers are given out. To go on without it would give them a second time, and with its return one of the two would be
 * lost: so the opening fails, and is tried again until it is given back.
 */

#include "queue/lane-scan.h"

/* Does the error say that something else is there, or that it is somebody else's? Others may pass. */
bool foreign_is(int error);
const char *foreign_what(int error); /* in words, with the remedy */

bool foreign_is_withheld(int error);
/* directory: the queue's. */
void foreign_withheld_reason(char reason[static LANE_REASON_MAX], const char *path, const char *directory);

void foreign_note(LaneFound *found, const char *path, const char *what);
/* Out of the way, to PATH-KIND-NUMBER. */
int foreign_put_aside(Disk *disk, LaneFound *found, const char *path, const char *kind, unsigned number,
                      const char *what);
/* With a number of its own. */
int foreign_set_aside(Search *o, const char *path, const char *kind, const char *what);

/* A file of ours, or what keeps it from being one. */
int foreign_open(Disk *disk, const char *path, int flags);
