/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Notify - what the service manager is told; nothing where there is none
 *
 * A manager that does not read holds nothing up: what its socket does not take is offered again each second, of the
 * lines of the status the last. There is one manager, so there is one of these.
 *
 * Owns:   its socket, and what was not taken yet.
 * Time:   boot clock. It wants to be ticked.
 */

#include "base/ticker.h"

/* To the one that the environment names (NOTIFY_SOCKET, WATCHDOG_USEC). */
void notify_open(void);
void notify_close(void);
bool notify_has_manager(void);
/* How often the watchdog is fed; 0: there is none. It is fed only while is_well() says so. */
usec_t notify_watchdog_usec(void);
void notify_watch(bool (*is_well)(void *userdata, usec_t now), void *userdata);
Ticker notify_ticker(void);

void notify_ready(void);
void notify_reloading(void); /* notify_ready() ends it */
void notify_stopping(void);
void notify_status(const char *line);
