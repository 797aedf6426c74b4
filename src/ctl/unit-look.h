/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Unit look - what systemd says of hublinkd.service, to everybody who asks. */

#include <systemd/sd-bus.h>

#include "ctl/unit-fate.h"

/* address: of that bus. False: there is no systemd on it, or not that of the system. */
bool unit_look(sd_bus *bus, const char *address, UnitFate *ret);
/* Its file or a drop-in changed, came or went since systemd read them. False too where systemd does not tell. */
bool unit_look_is_stale(sd_bus *bus, const char *address);
