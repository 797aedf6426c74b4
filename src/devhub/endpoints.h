/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Endpoints - endpoints.json: where a running hub can be reached, and with which keys
 *
 * There only while it serves; written by rename when all ports listen.
 */

#include "devhub/doors.h"

int endpoints_write(StateDir *dir, Server *server, const Doors *doors, const char *listen);
void endpoints_remove(StateDir *dir);
