/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Foreign - what stands in a lane's place, and is not the lane's
 *
 * A directory where a file should be, a pipe, a link, what another user owns or another version wrote. It is not
 * touched, nor followed, nor does it hold anybody up: where it is in the way it goes aside under another name in the
 * same directory, and the lane begins anew. Each such thing is noted for the log, with what is to be done about it.
 */

#include "queue/lane-scan.h"

/* Does the error say that something else is there, or that it is somebody else's? Others may pass. */
bool foreign_is(int error);
const char *foreign_what(int error); /* in words, with the remedy */

void foreign_note(LaneFound *found, const char *path, const char *what);
/* Out of the way, to PATH-KIND-NUMBER. */
int foreign_set_aside(Search *o, const char *path, const char *kind, const char *what);

/* A file of ours, or what keeps it from being one. */
int foreign_open(Disk *disk, const char *path, int flags);
