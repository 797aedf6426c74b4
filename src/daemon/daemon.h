/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Daemon - the composition root
 *
 * Builds the parts in the order in which they lean on one another, wires their sinks, hands out settings,
 * and ends them in reverse. It decides nothing.
 *
 * Owns:   every part, and the settings in effect.
 */

#include <systemd/sd-event.h>

#include "base/ticker.h"
#include "daemon/arguments.h"
#include "daemon/settings.h"
#include "model/status.h"

typedef struct Daemon Daemon;

enum {
        _DAEMON_E_SUCCESS,
        DAEMON_E_BAD, /* the settings are bad; those in effect stay */
};

/* Takes the settings. changed is told that daemon_status() would tell something new. */
int daemon_new(Daemon **ret, sd_event *event, const Arguments *arguments, Settings *settings,
               void (*changed)(void *userdata), void *userdata);
/* Commits what waits, within DAEMON_STOP_USEC of a disk that stalls. False: not all could be stored; the log tells. */
bool daemon_stop(Daemon *d);
Daemon *daemon_free(Daemon *d);
DEFINE_CLEANUP(Daemon *, daemon_free);

#define DAEMON_STOP_USEC (2 * USEC_PER_SEC)

/* To be ticked with the others, until daemon_stop(). */
int daemon_add_ticker(Daemon *d, Ticker ticker);

/* For the watchdog, which is fed each look_usec: false when a part is stuck for good. */
void daemon_build_vitals(Daemon *d, usec_t look_usec);
bool daemon_is_well(Daemon *d, usec_t now);

/* Reads the files and the credential again. DAEMON_E_BAD comes with the first problem in words. */
int daemon_reload(Daemon *d, char **ret_problem);

const Status *daemon_status(Daemon *d); /* valid until the next call */
