/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Stop - somebody wants us to end: a signal, or a reader that has gone
 *
 * SIGINT and SIGTERM end a watching command in order; a second one ends the program at once. A closed standard
 * output is noticed while nothing is written: who watches for rare events behind `| head` is not left behind.
 *
 * One for the process.
 */

#include <poll.h>

#include "base/clock.h"

void stop_begin(void); /* takes the signals; until then they end the program as usual */
bool stop_requested(void);

/* Waits for fd's events, at most until `until` on the boot clock, or until there is a reason to stop. fd -1: for the
 * time alone. Gives what came true; a negative errno. */
int stop_poll(int fd, short events, usec_t until, short *ret_events);
