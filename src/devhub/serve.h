/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Serve - builds the running hub, lets it run, ends it
 */

#include "devhub/hub/state-dir.h"
#include "devhub/server.h"

/* The program's exit status; SIGTERM and SIGINT end it. */
int serve_run(StateDir *dir, const ServerSettings *settings);
