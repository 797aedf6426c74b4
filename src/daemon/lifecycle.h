/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Lifecycle - from the first line of the log to the last
 *
 * Signals, the service manager, the watchdog, and an end within five seconds whatever hangs.
 */

#include "daemon/arguments.h"

/* Runs the daemon; gives the exit status of the process. */
int lifecycle_run(const Arguments *arguments);
