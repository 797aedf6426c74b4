/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Unit - hublinkd.service in the hands of systemd, over D-Bus
 *
 * What goes wrong is told on standard error, with the remedy, and comes back as the exit code of the program.
 */

#include <signal.h>

#include "ctl/client.h"

#define UNIT "hublinkd.service"

int unit_reload_files(Client *c);            /* what lies in /etc/systemd is read anew */
int unit_enable(Client *c);                  /* it starts with the machine */
/* "RestartUnit", "TryRestartUnit" ...; returns when the job is over. It was not running: TryRestartUnit does
 * nothing. ends: signals, blocked by the caller, of which one that is pending ends the wait, without a word:
 * CTL_FAILED; NULL: none. */
int unit_do(Client *c, const char *method, const sigset_t *ends);
