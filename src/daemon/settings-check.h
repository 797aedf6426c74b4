/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Check - what no row can see alone: settings that must fit one another
 */

#include "daemon/settings.h"

/* Only where the parts themselves are right: one slip is told once. -ENOMEM. */
int settings_check(const Settings *s, const char *state_dir, Problems *problems);
