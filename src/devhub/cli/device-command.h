/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Device command - identities made, listed and deleted, whether a server runs or not
 *
 * Keys are printed here: giving them out is what these commands are for.
 */

#include "devhub/hub/state-dir.h"

/* All return the program's exit status. id: "DEVICE" or "DEVICE/MODULE". */
int device_create(StateDir *dir, const char *id, bool json);
int device_list(StateDir *dir, bool json);
int device_delete(StateDir *dir, const char *id);
