/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Unit look - what systemd says of hublinkd.service, to everybody who asks. */

#include <systemd/sd-bus.h>

#include "ctl/unit-fate.h"

/* address: of that bus. False: there is no systemd on it, or not that of the system. */
bool unit_look(sd_bus *bus, const char *address, UnitFate *ret);
